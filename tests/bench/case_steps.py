"""Steps of cases over HTTP as a handler's page sends them: requests encoded beforehand, one in flight a connection."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from tests.bench import load_http


def steps_of(case: UUID) -> Sequence[dict[str, Any]]:
    """Return the steps of a case, the last with the photo that was sent of it."""
    done = {"step": "done", "answer": "已更换井盖", "photos": [str(case)]}
    return ({"step": "receive"}, {"step": "start"}, done)


@dataclass(frozen=True)
class Taker:
    """Somebody who is signed in: the cookie of the session, and the token that goes with what changes things."""

    cookie: str
    csrf: str

    def get(self, path: str) -> bytes:
        """Return a whole request as it goes over the wire."""
        return f"GET {path} HTTP/1.1\r\nHost: bench\r\nCookie: {self.cookie}\r\n\r\n".encode()

    def post(self, path: str, body: bytes) -> bytes:
        """Return a whole request as it goes over the wire."""
        return (
            f"POST {path} HTTP/1.1\r\nHost: bench\r\nCookie: {self.cookie}\r\nX-CSRF-Token: {self.csrf}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body


def lanes_of(
    address: load_http.Address,
    taker: Taker,
    cases: Sequence[UUID],
    each: int,
    connections: int,
    begin: Callable[[], object],
) -> float:
    """Take all steps of these cases, ``each`` a request, over so many connections; returns the seconds it took.

    Raises RuntimeError for a step that was not taken.
    """
    shares = [cases[n::connections] for n in range(connections)]
    good = _is_file if each == 1 else _all_taken
    lanes = [load_http.Lane(address, iter(list(_requests(taker, share, each))), good) for share in shares if share]
    begin()
    return load_http.run(lanes, 3600.0)


def _requests(taker: Taker, cases: Sequence[UUID], each: int) -> Iterator[bytes]:
    if each == 1:
        for case in cases:
            for step in steps_of(case):
                yield taker.post(f"/v1/cases/{case}/steps", json.dumps({"id": str(uuid7()), **step}).encode())
        return
    for first in range(0, len(cases), each):
        for steps in zip(*map(steps_of, cases[first : first + each]), strict=True):
            named = zip(cases[first : first + each], steps, strict=True)
            sent = [{"id": str(uuid7()), "issue_id": str(case), **step} for case, step in named]
            yield taker.post("/v1/cases/steps", json.dumps({"steps": sent}).encode())


def _is_file(answer: bytes) -> bool:
    return b'"timeline"' in answer


def _all_taken(answer: bytes) -> bool:
    return b'"status":"taken"' in answer and b'"error"' not in answer
