"""One simulated phone: it numbers its operations, keeps what is not answered, pushes, pulls, and holds what it pulled.

Speaks the device protocol and nothing else; what a worker enters is the business of others. A phone belongs to one
thread at a time.
"""

import datetime as dt
import threading
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import msgspec

from server import clock
from server.simulator.line import AnswerLost, Line, Refused

Key = tuple[str, str]
_RESYNC: Final = 410
_REPLAYED: Final = b',"replayed":true}'


class _Pushed(msgspec.Struct):
    results: list[msgspec.Raw]


@dataclass(slots=True)
class Made:
    """One operation as the phone made it, and what it knows of it.

    ``body`` is sent the same each time. ``refusable``: it was made to be quarantined. ``receipt``: the first answer;
    ``status``: by receipt and outcomes; ``reason``: the code of why it is in quarantine.
    """

    op_id: str
    seq: int
    collection: str
    record_id: str
    action: str
    body: bytes
    refusable: bool = False
    place: str | None = None
    receipt: bytes | None = None
    status: str = ""
    rev: int | None = None
    reason: str = ""
    outcomes: list[str] = field(default_factory=list)


class Disagrees(Exception):
    """What the server told a phone contradicts what it told or was told before."""


class Phone:
    """An installation of the app. ``skew``: how far its clock is ahead. ``made``: every operation, by op_id."""

    collections: Sequence[str] = ()
    """What it pulls; all, where none is named."""

    def __init__(self, name: str, line: Line, chance: Random, *, skew: dt.timedelta = dt.timedelta(0)) -> None:
        self.name = name
        self.line = line
        self.chance = chance
        self.skew = skew
        self.device_id = ""
        self.token = ""
        self.login = ""
        self.made: dict[str, Made] = {}
        self.outbox: list[Made] = []
        self._ids = Random(name)
        self.held: dict[Key, dict[str, Any]] = {}
        self.scope: frozenset[str] = frozenset()
        self.cursor = ""
        self.happened: Counter[str] = Counter()

    def enrol(self, code: str) -> None:
        """Turn a code into a token. Raises ``Refused`` for a code that is used: the answer before may be lost."""
        described = {"name": self.name, "platform": "simulation", "app_version": "1.0.0"}
        body = msgspec.json.encode({"code": code, "device": described})
        told = msgspec.json.decode(self.line.post("/v1/devices", body))
        self.device_id, self.login = told["device_id"], told["worker"]["login"]
        self.token = told["token"]
        # The same seed enters the same things, but never under the ids of an earlier run.
        self._ids = Random(self.device_id)
        self.line.authorise(self.token)

    def now(self) -> dt.datetime:
        """Return what its clock shows."""
        return clock.now() + self.skew

    def enter(
        self,
        collection: str,
        data: Mapping[str, Any],
        *,
        action: str = "put",
        record_id: str | None = None,
        base: Mapping[str, Any] | None = None,
        captured_at: dt.datetime | None = None,
    ) -> Made:
        """Make an operation and keep it in the outbox."""
        seq, op_id = len(self.made) + 1, self._new_id()
        target = record_id or self._new_id()
        op = {
            "op_id": op_id,
            "seq": seq,
            "collection": collection,
            "id": target,
            "action": action,
            "base": base,
            "captured_at": (captured_at or self.now()).isoformat(),
            "data": data,
        }
        made = Made(op_id, seq, collection, target, action, msgspec.json.encode(op))
        self.made[op_id] = made
        self.outbox.append(made)
        return made

    def push(self, ops: Sequence[Made], *, packed: bool = False) -> None:
        """Send a batch until it is answered, and take the receipts. Raises ``Disagrees`` or ``OutOfPatience``."""
        self._take(ops, self.line.post("/v1/sync/push", self._envelope(ops), packed=packed))

    def push_into_silence(self, ops: Sequence[Made]) -> None:
        """Send a batch and never learn what became of it; the operations stay in the outbox."""
        self.happened["lost_answers"] += 1
        try:
            self.line.post_and_hang_up("/v1/sync/push", self._envelope(ops))
        except AnswerLost:
            return

    def push_twice_at_once(self, ops: Sequence[Made], other: Line) -> None:
        """Send the same batch on two lines at the same moment, as an impatient app does; take both answers."""
        self.happened["sent_twice_at_once"] += 1
        body = self._envelope(ops)
        answers: list[bytes] = []
        second = threading.Thread(target=lambda: answers.append(other.post("/v1/sync/push", body)))
        second.start()
        answers.append(self.line.post("/v1/sync/push", body))
        second.join()
        for answer in answers:
            self._take(ops, answer, either=True)

    def pull(self, *, limit: int = 500) -> int:
        """Pull to the end; return how many changes there were. Raises ``Disagrees``."""
        count, more = 0, True
        while more:
            page = self._page(self.cursor, limit)
            if page is None:
                self.happened["resyncs"] += 1
                self.cursor, self.held = "", {}
                continue
            self._learn(page)
            count += apply(page, self.held)
            self.cursor, more = page["cursor"], page["has_more"]
        return count

    def pulled_anew(self) -> dict[Key, dict[str, Any]]:
        """Return what a pull from no cursor brings; the phone's own state is left as it is."""
        held: dict[Key, dict[str, Any]] = {}
        cursor, more = "", True
        while more:
            page = self._page(cursor, 1000)
            if page is None:
                raise Disagrees(f"{self.name}: a pull from no cursor asks for a resync")
            apply(page, held)
            cursor, more = page["cursor"], page["has_more"]
        return held

    def ask(self, path: str) -> dict[str, Any]:
        """Return a document of the server's, as ``/v1/sync/status``."""
        told: dict[str, Any] = msgspec.json.decode(self.line.get(path))
        return told

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._ids.getrandbits(128), version=4))

    def _page(self, cursor: str, limit: int) -> dict[str, Any] | None:
        query = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        query |= {"collections": ",".join(self.collections)} if self.collections else {}
        try:
            page: dict[str, Any] = msgspec.json.decode(self.line.get("/v1/sync/pull", query))
        except Refused as refused:
            if refused.status == _RESYNC:
                return None
            raise
        return page

    def _envelope(self, ops: Sequence[Made]) -> bytes:
        head = f'{{"batch_id":"{self._new_id()}"'
        return (
            f'{head},"sent_at":"{self.now().isoformat()}","ops":['.encode() + b",".join(op.body for op in ops) + b"]}"
        )

    def _take(self, ops: Sequence[Made], answer: bytes, *, either: bool = False) -> None:
        """Take the receipts of a batch; an operation answered before must be answered the same, and say so.

        ``either``: of two answers to one batch, one is the first; nobody knows which.
        """
        results = [bytes(raw) for raw in msgspec.json.decode(answer, type=_Pushed).results]
        if len(results) != len(ops):
            raise Disagrees(f"{self.name}: {len(ops)} operations got {len(results)} results")
        for made, result in zip(ops, results, strict=True):
            again = result.endswith(_REPLAYED)
            receipt = result.removesuffix(_REPLAYED) + b"}" if again else result
            if made.receipt is None:
                self._note(made, receipt)
            elif made.receipt != receipt or not (again or either):
                raise Disagrees(f"{self.name}: {made.op_id} was answered {made.receipt!r}, then {result!r}")
            self.happened["replayed"] += again
        answered = {made.op_id for made in ops}
        self.outbox = [made for made in self.outbox if made.op_id not in answered]

    def _note(self, made: Made, receipt: bytes) -> None:
        told = msgspec.json.decode(receipt)
        if told["op_id"] != made.op_id:
            raise Disagrees(f"{self.name}: the result of {made.op_id} stands at the place of {told['op_id']}")
        made.receipt, made.status, made.rev = receipt, told["status"], told.get("rev")
        made.reason = _reason_of(told)
        self.happened[f"first_{made.status}"] += 1
        grid = told.get("grid") or {}
        if made.place is not None and grid.get("how") == "inside" and grid["code"] != made.place:
            raise Disagrees(
                f"{self.name}: {made.op_id} lies in {made.place} by the phone, in {grid['code']} by the server"
            )

    def _learn(self, page: Mapping[str, Any]) -> None:
        self.scope = frozenset(page["scope"]["grids"])
        for outcome in page["outcomes"]:
            made = self.made.get(outcome["op_id"])
            if made is None:
                raise Disagrees(f"{self.name}: an outcome of {outcome['op_id']}, which is not its own")
            made.outcomes.append(outcome["status"])
            made.status = outcome["status"]
            made.rev = outcome["rev"] or made.rev
            made.reason = _reason_of(outcome)


def _reason_of(told: Mapping[str, Any]) -> str:
    problem = told.get("error") or {}
    return str(problem.get("type", "")).rpartition("/")[2] if told["status"] == "quarantined" else ""


def apply(page: Mapping[str, Any], held: dict[Key, dict[str, Any]]) -> int:
    """Apply the changes of a page to what is held; return how many there were. Raises ``Disagrees``."""
    keys = [(change["collection"], change["id"]) for change in page["changes"]]
    if len(set(keys)) != len(keys):
        raise Disagrees("a record appears twice in one page")
    for key, change in zip(keys, page["changes"], strict=True):
        if change["action"] == "put":
            held[key] = {name: change.get(name) for name in ("rev", "data", "grid")}
        else:
            held.pop(key, None)
    return len(keys)
