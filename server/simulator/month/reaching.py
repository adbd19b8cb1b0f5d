"""How the people of the month reach the server: requests to the app of this process, which goes by the moved clock.

Owns sessions of staff and the lines of phones. Each request runs the whole app, from the door to JSON; there is no
network between.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any, Final

from flask import Flask

from server.simulator.line import Line, Refused
from server.simulator.month import photos
from server.simulator.phone import Phone

_SIGN_IN: Final = 401
_WRONG: Final = 400
_MOST_STEPS: Final = 200


@dataclass(slots=True)
class MonthClock:
    """The time of the month: whole minutes (aware UTC), moved on by whoever lives it."""

    at: datetime

    def __call__(self) -> datetime:
        """Return the time."""
        return self.at


class Staff:
    """Somebody at a page. Signs in anew where the session has ended."""

    def __init__(self, app: Flask, login: str, password: str) -> None:
        self.login = login
        self._password = password
        self._app, self._client = app, app.test_client()
        self._csrf = ""

    def ask(self, path: str, **query: str | int) -> Any:
        """Return what a route answers. Raises ``Refused``."""
        return self._call("GET", path, query_string=query)

    def take(self, wanted: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Take steps of cases, their photos sent before; return what became of each."""
        photos.come(self._app, wanted)
        results: list[dict[str, Any]] = []
        for first in range(0, len(wanted), _MOST_STEPS):
            sent = {"steps": list(wanted[first : first + _MOST_STEPS])}
            results += self._call("POST", "/v1/cases/steps", json=sent)["results"]
        return results

    def _call(self, method: str, path: str, **sent: Any) -> Any:
        for last in (False, True):
            answer = self._client.open(path, method=method, headers={"X-CSRF-Token": self._csrf}, **sent)
            if answer.status_code != _SIGN_IN or last:
                break
            self._sign_in()
        if answer.status_code >= _WRONG:
            raise Refused(answer.status_code, answer.data)
        return answer.json

    def _sign_in(self) -> None:
        answer = self._client.post("/v1/session", json={"login": self.login, "password": self._password})
        if answer.status_code >= _WRONG:
            raise Refused(answer.status_code, answer.data)
        self._csrf = str((answer.json or {})["csrf"])


class LocalLine(Line):
    """The line of a phone to the app of this process."""

    def __init__(self, app: Flask, chance: Random) -> None:
        super().__init__("http://localhost", chance, patience_s=0.0)
        self._client = app.test_client(use_cookies=False)
        self._headers: dict[str, str] = {}

    def authorise(self, token: str) -> None:
        """Send this token from now on."""
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """Return the body of an answer. Raises ``Refused``."""
        return self._told(self._client.get(path, query_string=query, headers=self._headers))

    def post(self, path: str, body: bytes, *, packed: bool = False) -> bytes:  # noqa: ARG002  # the line is short
        """Send JSON; return the body of the answer. Raises ``Refused``."""
        headers = {**self._headers, "Content-Type": "application/json"}
        return self._told(self._client.post(path, data=body, headers=headers))

    @staticmethod
    def _told(answer: Any) -> bytes:
        if answer.status_code >= _WRONG:
            raise Refused(answer.status_code, answer.data)
        return bytes(answer.data)


class MonthPhone(Phone):
    """A phone that is only about cases."""

    collections = ("issues", "tasks", "steps")


@dataclass(slots=True)
class Talk:
    """What people tell each other beside the server, by telephone: what they ask for, and what is still to be done.

    ``asked``: an extension was asked for; ``stuck``: a suspension is wished for; ``unfixed``, ``unscored``: a closing
    was refused, for what the check found or a whistle that nobody has scored; ``merged``, ``closed``: lately.
    """

    asked: set[str] = field(default_factory=set)
    stuck: set[str] = field(default_factory=set)
    unfixed: set[str] = field(default_factory=set)
    unscored: dict[str, set[str]] = field(default_factory=dict)
    merged: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)

    def note(self, results: Sequence[Mapping[str, Any]]) -> None:
        """Count what was not taken, by why."""
        for each in results:
            if each["status"] != "taken":
                error = each["error"]
                why = " ".join(str(error.get(name) or "") for name in ("step", "why", "guard")) + error["type"]
                self.refused[why] = self.refused.get(why, 0) + 1
