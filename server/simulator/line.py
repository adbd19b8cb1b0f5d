"""The line between a simulated phone and its server: HTTP that is patient with a server in trouble.

Owns retries, and the ways in which a line fails: an answer that never arrives. Knows nothing of what is sent.
"""

import gzip
import os
import time
from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any, Final

import requests

_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 3.0
_LONGEST_ASKED_S: Final = 60.0
_CONNECT_S: Final = 5.0
_READ_S: Final = 60.0
# So little that the server has the request and the phone never sees what became of it.
_HANG_UP_S: Final = 0.005
_IN_TROUBLE: Final = frozenset({429, 500, 502, 503, 504})


class AnswerLost(Exception):
    """The request may have arrived; the answer has not."""


class OutOfPatience(Exception):
    """The server has been in trouble for longer than a phone waits."""


class Refused(Exception):
    """An answer that no repetition will better: status and body."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status}: {body[:300].decode('utf-8', 'replace')}")
        self.status = status
        self.body = body


class Line:
    """One phone's connection. ``troubles`` counts what went wrong and was gone over, by name."""

    def __init__(self, url: str, chance: Random, *, patience_s: float) -> None:
        self._url = url.rstrip("/")
        self._chance = chance
        self._patience_s = patience_s
        self._session = requests.Session()
        # A proxy of the machine has no place between a phone and its own machine.
        self._session.trust_env = False
        # The authority of a patrol with HTTPS of its own, as whoever starts this names it.
        self._session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        self.troubles: Counter[str] = Counter()

    def authorise(self, token: str) -> None:
        """Send this token from now on."""
        self._session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """Return the body of an answer. Raises ``Refused`` or ``OutOfPatience``."""
        return self._patiently("GET", path, params=query)

    def post(self, path: str, body: bytes, *, packed: bool = False) -> bytes:
        """Send JSON, packed by gzip where asked, until it is answered. Raises ``Refused`` or ``OutOfPatience``."""
        headers = {"Content-Type": "application/json"} | ({"Content-Encoding": "gzip"} if packed else {})
        return self._patiently("POST", path, data=gzip.compress(body) if packed else body, headers=headers)

    def post_and_hang_up(self, path: str, body: bytes) -> None:
        """Send JSON and never look at the answer. Always raises ``AnswerLost``."""
        try:
            self._session.post(
                f"{self._url}{path}",
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=(_CONNECT_S, _HANG_UP_S),
            )
        except requests.RequestException:
            raise AnswerLost from None
        raise AnswerLost

    def _patiently(self, method: str, path: str, **request: Any) -> bytes:
        ends = time.monotonic() + self._patience_s
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                answer = self._session.request(method, f"{self._url}{path}", timeout=(_CONNECT_S, _READ_S), **request)
            except requests.RequestException as error:
                trouble, asked_s = type(error).__name__, 0.0
            else:
                if answer.status_code not in _IN_TROUBLE:
                    return _content(answer)
                trouble, asked_s = str(answer.status_code), _asked_pause_s(answer)
            self.troubles[trouble] += 1
            if time.monotonic() > ends:
                raise OutOfPatience(f"{method} {path}: {trouble}")
            time.sleep(max(asked_s, self._chance.uniform(0, pause_s)))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _content(answer: requests.Response) -> bytes:
    if answer.ok:
        return answer.content
    raise Refused(answer.status_code, answer.content)


def _asked_pause_s(answer: requests.Response) -> float:
    asked = answer.headers.get("Retry-After", "")
    return min(float(asked), _LONGEST_ASKED_S) if asked.isdigit() else 0.0
