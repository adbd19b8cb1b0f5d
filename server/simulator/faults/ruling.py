"""A member of the staff at the review desk, over HTTP: decides disputes, mends, releases and dismisses.

Owns signing in, again after a restore has forgotten the session. What is decided is by chance; whether the devices
hear of it is asked elsewhere.
"""

import json
from pathlib import Path
from random import Random
from typing import Any, Final

import requests

from server.simulator.faults.world import World

_PATIENCE_S: Final = 30.0
_MOST: Final = 5
_SIGNED_OUT: Final = (401, 403)
_GOOD_CATEGORY: Final = "0301"
# What a person finds when two of the staff, or a restore, were quicker; a value that is none is refused too.
_OVERTAKEN: Final = (404, 409, 422)


class Desk:
    """The review desk. ``ROLE`` is in charge of the whole city."""

    ROLE: Final = "admin"

    def __init__(self, world: World, chance: Random) -> None:
        self._world = world
        self._chance = chance
        self._session = requests.Session()
        self._session.trust_env = False

    def rule(self) -> None:
        """Decide some of the open disputes, and mend, release or dismiss some of what is in quarantine."""
        for dispute in self._list("conflicts", "conflicts"):
            self._decide(dispute)
        for operation in self._list("quarantine", "operations"):
            self._judge(operation)

    def _decide(self, dispute: dict[str, Any]) -> None:
        side = dispute[self._chance.choice(("standing", "offered"))]
        sent = {"delete": bool(side["deletes"])} if dispute["kind"] == "delete" else {"value": side["value"]}
        self._post(f"conflicts/{dispute['id']}/decision", sent, "disputes_decided")

    def _judge(self, operation: dict[str, Any]) -> None:
        path = f"quarantine/{operation['id']}"
        mended = self._mended(operation)
        if mended is None or self._chance.random() < 0.3:  # noqa: PLR2004  # some are left as they are
            self._post(f"{path}/dismiss", {"reason": "重复，已另行登记"}, "quarantines_dismissed")
        else:
            self._post(f"{path}/release", {"data": mended, "note": "已更正"}, "quarantines_released")

    def _mended(self, operation: dict[str, Any]) -> dict[str, Any] | None:
        """Return what an operation may have meant, None where nobody can tell."""
        data = operation["data"]
        if not data or operation["collection"] not in ("issues", "visits"):
            return None
        mended = {name: value for name, value in data.items() if name != "severety"}
        if "category" in mended and mended["category"] == "9999":
            mended["category"] = _GOOD_CATEGORY
        if abs((mended.get("location") or {}).get("lon", 0)) > 180:  # noqa: PLR2004  # degrees
            return None
        return mended

    def _list(self, path: str, name: str) -> list[dict[str, Any]]:
        answer = self._ask("GET", f"{path}?limit=100")
        found: list[dict[str, Any]] = answer.json()[name] if answer.ok else []
        return self._chance.sample(found, min(_MOST, len(found)))

    def _post(self, path: str, sent: dict[str, Any], name: str) -> None:
        answer = self._ask("POST", path, json=sent)
        if answer.ok:
            self._world.count(name)
        elif answer.status_code in _OVERTAKEN:
            self._world.count("rulings_refused")
        else:
            self._world.count(f"rulings_failed_{answer.status_code}")

    def _ask(self, method: str, path: str, **request: Any) -> requests.Response:
        url = f"{self._world.plan.url}/v1/review/{path}"
        answer = self._session.request(method, url, timeout=_PATIENCE_S, **request)
        if answer.status_code in _SIGNED_OUT:
            self._sign_in()
            answer = self._session.request(method, url, timeout=_PATIENCE_S, **request)
        return answer

    def _sign_in(self) -> None:
        users = json.loads(Path(self._world.plan.sign_ins).read_text(encoding="utf-8"))
        user = next(user for user in users if user["role"] == self.ROLE)
        sent = {"login": user["login"], "password": user["password"]}
        answer = self._session.post(f"{self._world.plan.url}/v1/session", json=sent, timeout=_PATIENCE_S)
        answer.raise_for_status()
        self._session.headers["X-CSRF-Token"] = answer.json()["csrf"]
        self._world.count("staff_sign_ins")
