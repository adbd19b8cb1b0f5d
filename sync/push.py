"""The walk of one batch: from decoded operations to durable rows, receipts and touches of the feed.

    1. lock the device, so that its batches follow one another, and read what they are judged by
    2. answer what was seen before from its receipt
    3. judge fields, times and category
    4. locate all points at once
    5. judge rights, lock the records, and place each operation on its record
    6. write records, then the log with the receipts
    7. append to the feed, last

It opens no transaction and wakes nobody: the edge commits, then wakes the jobs named in ``Pushed.wake``.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from geo.editions import Ground
from sync import arrays, feed, log, records, verdicts
from sync.collections import COLLECTIONS, Doc
from sync.devices import CallingDevice
from sync.errors import NoEdition
from sync.located import GridTold, Located, in_household, locate, normalise
from sync.placing import Bench
from sync.scope import Assigned
from sync.statements import Statement
from sync.verdicts import Rights
from sync.wire import Batch, Op, Unreadable
from sync.wording import Lang, Reason

GroundAt = Callable[[dt.datetime], Ground | None]


@dataclass(slots=True)
class Entry:
    """One operation on its way. ``receipt`` is the answer's JSON; ``twin`` the entry it repeats.

    ``ground``: the one of its time, where it was needed.
    """

    op: Op | Unreadable
    status: str = ""
    reason: Reason | None = None
    corrected_at: dt.datetime | None = None
    data: Doc = field(default_factory=dict)
    changes: Doc | None = None
    located: Located | None = None
    ground: Ground | None = None
    rev: int | None = None
    receipt: bytes | None = None
    replayed: bool = False
    twin: "Entry | None" = None

    @property
    def open(self) -> Op | None:
        """The operation, while nothing has been decided about it yet."""
        return self.op if isinstance(self.op, Op) and not self.status else None

    def settle(self, status: str, reason: Reason | None = None) -> None:
        """Decide the status, with the reason where there is one."""
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Pushed:
    """The answer: one JSON result for each operation, in order; the feed's position; the queues to wake."""

    results: tuple[bytes, ...]
    position: int
    wake: frozenset[str]


@dataclass(frozen=True, slots=True)
class Exchange:
    """What holds for the whole batch."""

    session: Session
    device: CallingDevice
    batch: Batch
    now: dt.datetime
    ground_at: GroundAt
    near_m: float
    lang: Lang

    @property
    def ground(self) -> Ground:
        """The ground in force now. Raises ``NoEdition`` where none was ever published."""
        ground = self.ground_at(self.now)
        if ground is None:
            raise NoEdition
        return ground


def push(exchange: Exchange) -> Pushed:
    """Apply one batch. Locks the device row, then records in ascending id, then the feed's counter."""
    session, now = exchange.session, exchange.now
    ground = exchange.ground
    entries = [Entry(op) for op in exchange.batch.ops]
    opened = _open(exchange, entries)
    known = _seen_before(exchange, entries)
    fresh = [entry for entry in entries if not entry.replayed]
    _judge(exchange, fresh, opened.categories)
    _locate(exchange, fresh, ground)
    bench = Bench(exchange.device.id, known)
    rights = Rights(exchange.device.person_id, opened.assigned, now)
    _lock_records(session, bench, fresh)
    for entry in fresh:
        if (op := entry.open) is not None:
            _place(exchange, ground, bench, rights, entry, op)
    touches = _write(exchange, bench, fresh, ground)
    position = feed.append(session, touches)
    wake = _wake(fresh) | ({"merge"} if opened.holds and fresh else set())
    return Pushed(tuple(_answer(entry) for entry in entries), position, wake)


@dataclass(frozen=True, slots=True)
class _Opened:
    """What the first statement tells: the worker's assignments, which categories named there are, what is held."""

    assigned: tuple[Assigned, ...]
    categories: frozenset[str]
    holds: bool


# One statement for all that does not depend on what earlier exchanges of the device have committed.
_OPEN = Statement("""
    UPDATE device SET last_exchange_at = :now, skew_ms = :skew, seqs = seqs + CAST(:seqs AS int8multirange)
    WHERE id = :id
    RETURNING EXISTS (SELECT FROM operation WHERE device_id = :id AND status = 'held'),
        ARRAY(SELECT code FROM category WHERE code = ANY (CAST(:codes AS text[])) AND is_active),
        ARRAY(SELECT area_id FROM assignment WHERE person_id = :person AND area_id IS NOT NULL ORDER BY id),
        ARRAY(SELECT lower(during) FROM assignment WHERE person_id = :person AND area_id IS NOT NULL ORDER BY id),
        ARRAY(SELECT upper(during) FROM assignment WHERE person_id = :person AND area_id IS NOT NULL ORDER BY id)
""")


def _open(exchange: Exchange, entries: Sequence[Entry]) -> _Opened:
    """Note the exchange, which locks the device, and read what the batch is judged by."""
    device = exchange.device
    ops = [entry.op for entry in entries if isinstance(entry.op, Op)]
    named = {op.data["category"] for op in ops if op.collection == "issues" and _is_code(op.data.get("category"))}
    seqs = sorted({entry.op.seq for entry in entries if entry.op.seq is not None})
    ((holds, categories, *assigned),) = _OPEN.run(
        exchange.session,
        now=exchange.now,
        skew=round((exchange.batch.sent_at - exchange.now).total_seconds() * 1000),
        seqs=_multirange(seqs),
        id=device.id,
        person=device.person_id,
        codes=arrays.texts(list(named)),
    )
    return _Opened(tuple(Assigned(*each) for each in zip(*assigned, strict=True)), frozenset(categories), holds)


def _is_code(value: object) -> bool:
    """Whether something that a phone sent may be a category at all; fields are judged later."""
    return isinstance(value, str) and value.isascii() and value.isdigit()


def _seen_before(exchange: Exchange, entries: Sequence[Entry]) -> dict[uuid.UUID, log.Known]:
    """Mark replays and reused ids; return what is known of the device's earlier operations, by op_id."""
    named = {entry.op.op_id for entry in entries}
    bases = {
        entry.op.base.op_id
        for entry in entries
        if isinstance(entry.op, Op) and entry.op.base is not None and entry.op.base.op_id is not None
    }
    known = log.known(exchange.session, exchange.device.id, named | bases)
    here: dict[uuid.UUID, list[Entry]] = {}
    for entry in entries:
        earlier = known.get(entry.op.op_id, [])
        same = next((each for each in earlier if each.body_hash == entry.op.body_hash), None)
        twins = here.setdefault(entry.op.op_id, [])
        twin = next((each for each in twins if each.op.body_hash == entry.op.body_hash), None)
        if same is not None or twin is not None:
            entry.replayed, entry.twin = True, twin
            entry.receipt = None if same is None else same.receipt.encode()
        elif earlier or twins:
            entry.settle("quarantined", Reason("op-id-reused", (("op_id", "op-id-reused"),)))
        twins.append(entry)
    return {op_id: found[0] for op_id, found in known.items()}


def _judge(exchange: Exchange, entries: Iterable[Entry], categories: frozenset[str]) -> None:
    """Judge what needs no record: whether it can be read, fields, times, category."""
    skew = verdicts.skew_of(exchange.batch.sent_at, exchange.now)
    for entry in entries:
        if isinstance(entry.op, Unreadable):
            entry.settle("quarantined", entry.reason or entry.op.reason)
            continue
        entry.corrected_at, wrong = verdicts.corrected(entry.op.captured_at, skew, exchange.now)
        if entry.status:
            continue
        if exchange.device.revoked_at is not None:
            wrong = Reason("device-revoked")
        wrong = wrong or verdicts.of_fields(entry.op)
        if wrong is None and entry.op.collection == "issues":
            wrong = verdicts.of_category(entry.op.data, categories)
        if wrong is not None:
            entry.settle("quarantined", wrong)


def _locate(exchange: Exchange, entries: Sequence[Entry], ground: Ground) -> None:
    """Convert and locate every position of the batch: each in the edition in force when it was captured."""
    readable = [(entry, op) for entry in entries if (op := entry.open) is not None]
    for (entry, op), data in zip(readable, normalise([op.data for _, op in readable]), strict=True):
        entry.data = data
        entry.changes = None if data is op.data else data
    placed = [entry for entry, _ in readable if entry.data.get("location")]
    by_ground: dict[int, tuple[Ground, list[Entry]]] = {}
    for entry in placed:
        then = entry.ground = exchange.ground_at(entry.corrected_at or exchange.now) or ground
        by_ground.setdefault(then.number, (then, []))[1].append(entry)
    for then, group in by_ground.values():
        places = locate(then, [entry.data["location"] for entry in group], near_m=exchange.near_m)
        for entry, place in zip(group, places, strict=True):
            entry.located = place
    _locate_by_household(exchange.session, [entry for entry, _ in readable if entry.located is None], ground)


_HOUSEHOLD_GRIDS = Statement("""
    SELECT id, grid_now FROM household WHERE id = ANY (CAST(:ids AS uuid[])) AND grid_now IS NOT NULL
""")


def _locate_by_household(session: Session, entries: Sequence[Entry], ground: Ground) -> None:
    visits = [e for e in entries if isinstance(e.op, Op) and e.op.collection == "visits" and e.op.action == "put"]
    named = verdicts.households_named([entry.data for entry in visits])
    if not named:
        return
    grids: dict[uuid.UUID, int] = dict(_HOUSEHOLD_GRIDS.run(session, ids=arrays.uuids(named)))
    for entry in visits:
        household = entry.data.get("household_id")
        grid = grids.get(uuid.UUID(household)) if household else None
        if grid is not None:
            entry.located = in_household(grid, ground.number)


def _lock_records(session: Session, bench: Bench, entries: Sequence[Entry]) -> None:
    """Lock what the batch builds on. New records are not looked for: their insertion finds out."""
    wanted: dict[str, set[uuid.UUID]] = {}
    for entry in entries:
        op = entry.open
        if op is not None and not (op.action == "put" and op.base is None):
            wanted.setdefault(op.collection, set()).add(op.record_id)
    for name in sorted(wanted):
        bench.hold(name, records.lock(session, COLLECTIONS[name], list(wanted[name])))


def _place(exchange: Exchange, ground: Ground, bench: Bench, rights: Rights, entry: Entry, op: Op) -> None:
    """Judge the rights over one operation and put it on its record, or aside."""
    captured_at = entry.corrected_at or exchange.now
    record = bench.record(op)
    if record is not None and not bench.is_new(op):
        wrong = rights.of_existing(op.collection, record, captured_at, ground)
    elif op.action == "put":
        then = entry.ground or exchange.ground_at(captured_at) or ground
        wrong = rights.of_new(op.collection, entry.located, captured_at, then)
    else:
        wrong = None
    if wrong is not None:
        entry.settle("quarantined", wrong)
        bench.note(op, "quarantined", None)
        return
    placed = bench.place(op, entry.data, captured_at, exchange.device.person_id)
    entry.settle(placed.status, placed.reason)
    entry.rev = placed.rev
    entry.changes = placed.changes if placed.changes is not None else entry.changes
    if placed.record is not None and op.action != "delete":
        _settle_down(exchange, ground, rights, placed.record, entry)


def _settle_down(exchange: Exchange, ground: Ground, rights: Rights, record: records.Record, entry: Entry) -> None:
    """Give a record the grid of its new position: that of its time, once, and that of today."""
    located = entry.located
    if located is None:
        if record.rev == 1:
            record.grid_now = rights.only_grid(record.captured_at, ground)
        return
    if record.rev == 1:
        record.grid_at_capture = located.grid
    record.located = located
    record.grid_now = located.grid
    if located.edition != ground.number and located.lon is not None:
        again = locate(ground, [{"lon": located.lon, "lat": located.lat}], near_m=exchange.near_m)
        record.grid_now = again[0].grid


def _write(exchange: Exchange, bench: Bench, entries: Sequence[Entry], ground: Ground) -> list[feed.Touch]:
    """Write records and log; return the touches. What another writer inserted first becomes pending."""
    session, now = exchange.session, exchange.now
    touches: list[feed.Touch] = []
    lost: set[tuple[str, uuid.UUID]] = set()
    for name in sorted(bench.touched):
        collection, new, old = COLLECTIONS[name], bench.new_of(name), bench.old_of(name)
        inserted = records.insert(session, collection, new, now)
        lost |= {(name, record.id) for record in new if record.id not in inserted}
        records.update(session, collection, old, now)
        changed = [record for record in new if record.id in inserted] + old
        touches += feed.record_touches(
            collection.topic,
            [(each.id, (each.grid_before, each.grid_now), _personal(collection.personal, each)) for each in changed],
        )
    for entry in entries:
        op = entry.op
        if isinstance(op, Op) and entry.status == "applied" and (op.collection, op.record_id) in lost:
            entry.settle("pending")
            entry.rev = None
    device = exchange.device
    grids = GridTold(ground)
    rows = [_row(entry, grids, exchange.lang) for entry in entries]
    log.write(session, rows, device_id=device.id, author_id=device.person_id, batch_id=exchange.batch.batch_id, now=now)
    return touches


def _personal(column: str | None, record: records.Record) -> int | None:
    return record.author_id if column == "author_id" else record.personal_id


def _row(entry: Entry, grids: GridTold, lang: Lang) -> log.Logged:
    op = entry.op
    problem = None if entry.reason is None else entry.reason.as_json(lang)
    entry.receipt = _receipt(entry, problem, grids)
    receipt = entry.receipt.decode()
    if isinstance(op, Unreadable):
        return log.Logged(
            op.op_id, op.body_hash, op.seq, "", None, "", None, None, None, None,
            None, op.raw, None, None, entry.status, problem, receipt,
        )  # fmt: skip
    base = op.base
    return log.Logged(
        op.op_id, op.body_hash, op.seq, op.collection, op.record_id, op.action,
        None if base is None else base.rev, None if base is None else base.op_id, _storable(op.captured_at),
        entry.corrected_at,
        op.data, None, entry.changes, entry.rev, entry.status, problem, receipt,
    )  # fmt: skip


def _storable(moment: dt.datetime) -> dt.datetime | None:
    """Return a time that both PostgreSQL and Python can hold in UTC."""
    try:
        return moment.astimezone(dt.UTC)
    except OverflowError:
        return None


def _receipt(entry: Entry, problem: dict[str, Any] | None, grids: GridTold) -> bytes:
    op = entry.op
    result: dict[str, Any] = {"op_id": op.echo if isinstance(op, Unreadable) else str(op.op_id), "status": entry.status}
    if entry.rev is not None:
        result["rev"] = entry.rev
    if entry.located is not None:
        result["grid"] = grids.of(entry.located)
    if problem is not None:
        result["error"] = problem
    return msgspec.json.encode(result)


def _answer(entry: Entry) -> bytes:
    receipt = entry.receipt or (entry.twin and entry.twin.receipt) or b"{}"
    return receipt[:-1] + b',"replayed":true}' if entry.replayed else receipt


def _multirange(seqs: Sequence[int]) -> str:
    """Return ascending whole numbers as an int8multirange literal."""
    runs: list[list[int]] = []
    for seq in seqs:
        if runs and runs[-1][1] == seq:
            runs[-1][1] = seq + 1
        else:
            runs.append([seq, seq + 1])
    return "{" + ",".join(f"[{begin},{end})" for begin, end in runs) + "}"


def _wake(entries: Sequence[Entry]) -> frozenset[str]:
    wake = set()
    for entry in entries:
        if isinstance(entry.op, Op):
            if entry.status in ("pending", "held"):
                wake.add("merge")
            elif entry.status == "applied" and entry.op.collection == "issues":
                wake.add("routing")
    return frozenset(wake)
