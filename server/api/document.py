"""What the OpenAPI document says of every operation alike: who may call it, its id, the CSRF header, its answers.

Completes each operation when its route is described, from what the route itself states (``server.http.auth``), so that
none can be left out. Owns no behaviour; the protocol's bodies are described in ``server.api.described``.
"""

from collections.abc import Mapping
from typing import Any

from apispec import BasePlugin
from flask import Flask
from werkzeug.routing import Rule

from server.api.answers import ANSWERS
from server.http.auth import CSRF_HEADER

INFO = {
    "description": (
        "离线优先的网格走访同步服务 · Offline-first sync for grid patrol. Phones send the token of their enrolment as"
        " a bearer; the staff's pages send the cookie of their session, and with what changes something the session's"
        " `csrf` as X-CSRF-Token."
    ),
    "contact": {"name": "GridPatrol 巡格"},
}
SERVERS = [{"url": "/", "description": "本服务器 · this server"}]
SCHEMES: Mapping[str, Mapping[str, str]] = {
    "device": {"type": "http", "scheme": "bearer", "description": "The token that enrolment gave"},
    "staff": {"type": "apiKey", "in": "cookie", "name": "patrol_session", "description": "The cookie of a session"},
    "figures": {"type": "http", "scheme": "bearer", "description": "The PATROL_METRICS_TOKEN of the server"},
    "program": {"type": "http", "scheme": "basic", "description": "Login and an application password"},
    "body": {
        "type": "apiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": (
            "Of a body's system, with webhook-id and webhook-timestamp as Standard Webhooks has them, "
            "by the secret of the body's endpoint"
        ),
    },
}
_SAFE = frozenset({"get", "head", "options"})
_CSRF = {
    "in": "header",
    "name": CSRF_HEADER,
    "schema": {"type": "string"},
    "description": "The session's `csrf`: other sites cannot know it",
}


class EveryOperation(BasePlugin):
    """Completes the operations of an app's routes as they are described."""

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self._app = app

    def path_helper(
        self,
        path: str | None = None,  # noqa: ARG002  # apispec's signature
        operations: dict[str, Any] | None = None,
        parameters: list[dict[str, Any]] | None = None,  # noqa: ARG002  # apispec's signature
        *,
        rule: Rule | None = None,
        **_more: Any,
    ) -> None:
        """Complete all operations of one route."""
        if rule is None:
            return
        view = self._app.view_functions[rule.endpoint]
        for method, operation in (operations or {}).items():
            _complete(operation, method, rule.rule, view)


def operation_id(method: str, rule: str) -> str:
    """Return the id of an operation: made of method and path alone, so that it stays while they do."""
    parts = [part for part in rule.removeprefix("/v1").replace(".", "/").split("/") if part]
    words = ["by_" + part.strip("<>").rpartition(":")[2] if part.startswith("<") else part for part in parts]
    return "_".join((method, *words)).replace("-", "_")


def _complete(operation: dict[str, Any], method: str, rule: str, view: Any) -> None:
    said: str = getattr(view, "access", "")
    named = operation_id(method, rule)
    operation["operationId"] = named
    callers: list[dict[str, list[str]]] = operation.setdefault("security", getattr(view, "security", []))
    who = f"谁可调用 · Who may call: {said}."
    operation["description"] = f"{operation['description']}\n\n{who}" if operation.get("description") else who
    if method not in _SAFE and any("staff" in each for each in callers):
        required = all("staff" in each for each in callers)
        operation.setdefault("parameters", []).append({**_CSRF, "required": required})
    for status, content in ANSWERS.get(named, {}).items():
        # flask-smorest names statuses by number or by text, as they came.
        answer = next(each for known, each in operation["responses"].items() if str(known) == str(status))
        answer.setdefault("content", content)
