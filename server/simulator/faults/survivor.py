"""A simulated phone that outlives a restore of the server, and connections that break in the middle of a body.

After a restore the server has forgotten what came since the backup, also what it had acknowledged. What a phone does
about it is in the protocol: it is told to begin anew (410), pulls from no cursor, *then* asks `/v1/sync/status`, and
sends again, with the same bytes, every operation whose `seq` the server does not name as received. In this order: a
second restore between the two is then met by the next pull. So a phone keeps what it sent.
"""

import datetime as dt
import socket
from collections.abc import Sequence
from random import Random
from typing import Any
from urllib.parse import urlsplit

import msgspec

from server.simulator.faults.world import Broken, World
from server.simulator.line import Line
from server.simulator.phone import Made, Phone, apply

_REPLAYED = b',"replayed":true}'
_CONNECT_S = 5.0


class Survivor(Phone):
    """A phone in a world where databases are restored.

    ``restores_known``: how many restores it has begun anew after. ``filled_at``: when the first page of its last
    filling had come. ``seen_from``: op_id -> ``filled_at`` when the operation was made. ``barred``: ids of the
    steps that nobody may take who has this phone.
    """

    def __init__(self, world: World, name: str, line: Line, chance: Random, *, skew: dt.timedelta) -> None:
        super().__init__(name, line, chance, skew=skew)
        self.world = world
        self.restores_known = world.restores_begun
        self.filled_at = dt.datetime.now(dt.UTC)
        self.seen_from: dict[str, dt.datetime] = {}
        self.barred: set[str] = set()
        self._must_ask = False

    @property
    def forgiving(self) -> bool:
        """Whether a restore that the phone has not heard of may have taken acknowledged operations back."""
        return self.restores_known < self.world.restores_begun

    def enter(self, *given: Any, **named: Any) -> Made:
        """Make an operation, noting since when the phone has been watching."""
        made = super().enter(*given, **named)
        self.seen_from[made.op_id] = self.filled_at
        return made

    def pull(self, *, limit: int = 500) -> int:
        """Pull to the end, beginning anew where the server says so; return how many changes there were."""
        count, more = 0, True
        while more:
            changes, more = self.pull_a_page(limit)
            count += changes
        return count

    def pull_a_page(self, limit: int) -> tuple[int, bool]:
        """Pull one page; return how many changes it had, and whether there is more. Raises ``Disagrees``."""
        # Those that are done: of one under way nobody knows yet on which side of it an answer is.
        known = len(self.world.restores)
        begins = not self.cursor
        page = self._page(self.cursor, limit)
        if page is None:
            self.happened["resyncs"] += 1
            self.cursor, self.held, self._must_ask = "", {}, True
            self._believe_receipts_alone()
            return 0, True
        if begins:
            self.filled_at = dt.datetime.now(dt.UTC)
        self._learn(page)
        count = apply(page, self.held)
        self.cursor = page["cursor"]
        if self._must_ask:
            self._send_again_what_was_forgotten(known)
        return count, bool(page["has_more"])

    def _send_again_what_was_forgotten(self, known: int) -> None:
        told = self.ask("/v1/sync/status")
        gaps, highest = told["gaps"], told["highest_seq"]
        waiting = {made.op_id for made in self.outbox}
        forgotten = [
            made
            for made in self.made.values()
            if made.op_id not in waiting
            and (made.seq > highest or any(first <= made.seq <= last for first, last in gaps))
        ]
        if forgotten and not self.forgiving:
            raise Broken("acknowledged", f"{self.name}: the server forgot {[made.seq for made in forgotten][:10]}")
        for made in forgotten:
            self._forget(made)
        self.outbox = sorted([*self.outbox, *forgotten], key=lambda made: made.seq)
        self.happened["sent_again_after_a_restore"] += len(forgotten)
        self.restores_known, self._must_ask = known, False

    def _forget(self, made: Made) -> None:
        made.receipt, made.status, made.rev = None, "", None
        made.outcomes.clear()

    def _note(self, made: Made, receipt: bytes) -> None:
        """Take a first answer; where it was lost on its way, a pull may have told what became of the operation."""
        told = (made.status, made.rev) if made.outcomes else None
        super()._note(made, receipt)
        if told is not None:
            made.status, made.rev = told

    def _take(self, ops: Sequence[Made], answer: bytes, *, either: bool = False) -> None:
        if self.forgiving:
            self._let_go_of_receipts(ops, answer)
        super()._take(ops, answer, either=either)

    def _let_go_of_receipts(self, ops: Sequence[Made], answer: bytes) -> None:
        """Believe the newest answer: the one before may be of a database that is gone."""
        results = msgspec.json.decode(answer)["results"]
        for made, result in zip(ops, results, strict=False):
            if made.receipt is not None and not result.get("replayed"):
                self.happened["answered_anew_after_a_restore"] += 1
                self._forget(made)

    def _believe_receipts_alone(self) -> None:
        """Take back what pulls have told of operations: the filling that begins tells it anew."""
        for made in self.made.values():
            made.outcomes.clear()
            if made.receipt is not None:
                told = msgspec.json.decode(made.receipt)
                made.status, made.rev = told["status"], told.get("rev")

    def push_and_break(self, ops: Sequence[Made], url: str) -> None:
        """Send the head of a batch and a part of its body, then cut the connection."""
        self.happened["cut_connections"] += 1
        body = self._envelope(ops)
        parts = urlsplit(url)
        head = (
            f"POST /v1/sync/push HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {self.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            with socket.create_connection((parts.hostname or "", parts.port or 80), _CONNECT_S) as wire:
                wire.sendall(head.encode() + body[: self.chance.randrange(len(body))])
        except OSError:
            self.line.troubles["cut_connection_refused"] += 1
