"""What a push works on: the batches that devices sent, one by one and as a group, and what is decided on the way.

Owns the types that the steps of ``sync.push.push`` hand to one another. Knows no SQL.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from psycopg.types.range import Range
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from sync.access.devices import CallingDevice
from sync.access.rights import LATE_FOR, Home, Worker
from sync.access.scope import Assigned
from sync.collections import Doc
from sync.protocol.wire import Batch, Op, Unreadable
from sync.store.located import Located
from sync.wording.reasons import Lang, Reason

GroundAt = Callable[[dt.datetime], Ground | None]


@dataclass(frozen=True, slots=True)
class DeviceBatch:
    """One batch of one device, as it came in at ``received_at`` (by our clock)."""

    device: CallingDevice
    batch: Batch
    received_at: dt.datetime
    lang: Lang


@dataclass(frozen=True, slots=True)
class BatchContext:
    """What holds for all batches of a group. ``grounds``: from the city's ground serial to the ground of a moment."""

    session: Session
    now: dt.datetime
    grounds: Callable[[int], GroundAt]
    near_m: float
    late_for: dt.timedelta = LATE_FOR


@dataclass(slots=True)
class BatchEntry:
    """One operation on its way. ``receipt`` is the answer's JSON; ``twin`` the entry it repeats.

    ``ground``: the one of its time, where it was needed. ``home``: the household that it names, where we know it.
    """

    op: Op | Unreadable
    sender: "DeviceSession"
    status: str = ""
    reason: Reason | None = None
    corrected_at: dt.datetime | None = None
    data: Doc = field(default_factory=dict)
    changes: Doc | None = None
    located: Located | None = None
    ground: Ground | None = None
    home: Home | None = None
    rev: int | None = None
    receipt: bytes | None = None
    replayed: bool = False
    twin: "BatchEntry | None" = None

    @property
    def open(self) -> Op | None:
        """The operation, while nothing has been decided about it yet."""
        return self.op if isinstance(self.op, Op) and not self.status else None

    def settle(self, status: str, reason: Reason | None = None) -> None:
        """Decide the status, with the reason where there is one."""
        self.status = status
        self.reason = reason


@dataclass(slots=True)
class DeviceSession:
    """One device of a group with its batch: what it may write, and the entries of its operations in order.

    ``revoked``: as the database has it under the lock, not as it was when the request came in. ``repeats``: the spans
    of seqs in it that had come before.
    """

    exchange: DeviceBatch
    entries: list[BatchEntry] = field(default_factory=list)
    assigned: tuple[Assigned, ...] = ()
    revoked: bool = False
    holds: bool = False
    repeats: Sequence[Range[int]] = ()

    @property
    def device_id(self) -> int:
        """The device's number."""
        return self.exchange.device.id

    @property
    def worker(self) -> Worker:
        """Who carries it."""
        return Worker(self.exchange.device.person_id, self.assigned)


@dataclass(frozen=True, slots=True)
class Pushed:
    """The answer to one batch: one JSON result for each operation, in order; the feed's position; queues to wake.

    ``revoked``: whether its device turned out to be.
    """

    results: tuple[bytes, ...]
    position: int
    wake: frozenset[str]
    revoked: bool = False


def fresh(senders: Sequence[DeviceSession]) -> list[BatchEntry]:
    """Return the entries that were never seen before, sender by sender, in order."""
    return [entry for sender in senders for entry in sender.entries if not entry.replayed]
