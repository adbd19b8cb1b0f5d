"""Answers the pull of a phone for which nothing is new before Flask is asked: most pulls, and routing cost as much.

The phone is looked up as its route looks it up, anew each time, so a revocation ends it at once. Whatever is not the
plain request of an app, is wrong, or may have something to tell goes on to the route, with the phone that was found.
What the answer says is the route's own; a test compares both ways byte for byte.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import parse_qsl

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from server import clock
from server.api.sync import LONGEST_TEXT, MOST_CHANGES, quiet_pull
from server.database.transaction import reading
from server.http.auth import FOUND_DEVICE, bearer_of
from server.http.caching import NO_STORE
from server.http.fresh import COMPRESS_FROM, JSON
from sync.access.devices import authenticate
from sync.errors import SyncError

Count = Callable[[str, int, float], object]
"""Takes the endpoint, the status and the seconds of an answer."""
PATH: Final = "/v1/sync/pull"
_ENDPOINT: Final = "sync.pull_page"
_HEADERS: Final = (("Content-Type", JSON), ("Vary", "Accept-Encoding, Origin"), ("Cache-Control", NO_STORE))
_ACCEPTED: Final = (None, "*/*", JSON)
_NUMBERS: Final = frozenset(map(str, range(1, MOST_CHANGES + 1)))


class PullDoor:
    """WSGI. ``count`` is told of each answer, as the application counts its own."""

    def __init__(self, app: Flask, count: Count) -> None:
        self._app = app
        self._within = app.wsgi_app
        self._count = count

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer that nothing is new, or let the application answer."""
        if environ["PATH_INFO"] != PATH or (asked := _plainly(environ)) is None:
            return self._within(environ, start_response)
        began = time.perf_counter()
        with self._app.app_context():
            body = _quiet(environ, *asked)
        if body is None or len(body) >= COMPRESS_FROM:
            return self._within(environ, start_response)
        start_response("200 OK", [*_HEADERS, ("Content-Length", str(len(body)))])
        self._count(_ENDPOINT, 200, time.perf_counter() - began)
        return [body]


def _plainly(environ: dict[str, Any]) -> tuple[str, str] | None:
    """Return the cursor and the collections that are asked for; None where the request is none of a plain app's."""
    if (
        environ["REQUEST_METHOD"] != "GET"
        or "HTTP_ORIGIN" in environ
        or environ.get("HTTP_ACCEPT") not in _ACCEPTED
        or environ.get("CONTENT_LENGTH", "") not in ("", "0")
    ):
        return None
    pairs = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    asked = dict(pairs)
    named, limit = len(asked), asked.pop("limit", "1")
    cursor, collections = asked.pop("cursor", ""), asked.pop("collections", "")
    plain = limit in _NUMBERS and 0 < len(cursor) <= LONGEST_TEXT and len(collections) <= LONGEST_TEXT
    return (cursor, collections) if plain and not asked and named == len(pairs) else None


def _quiet(environ: dict[str, Any], cursor: str, collections: str) -> bytes | None:
    token = bearer_of(environ.get("HTTP_AUTHORIZATION", ""))
    if not token:
        return None
    try:
        with reading() as reader:
            device = authenticate(reader, token)
        environ[FOUND_DEVICE] = device
        return quiet_pull(device, cursor, collections, clock.now())
    except (SyncError, SQLAlchemyError):
        # The route meets the same, counts it, and says it in the caller's language.
        return None
