"""The walk of a group of batches: from decoded operations to durable rows, receipts and touches of the feed.

    1. lock the devices, so that the batches of each follow one another; read what they are judged by, and answer
       what was seen before from its receipt (``sync.opening``)
    2. judge fields, times and category
    3. locate all points at once
    4. judge rights, lock the records, and place each operation on its record
    5. write records, then the log with the receipts
    6. append to the feed, last

A group is the batches of several devices, one of each, in one transaction: what each statement and the commit cost
is shared by all. They are worked in order, as if they had come one after the other. It opens no transaction and
wakes nobody: the edge commits, then wakes the jobs named in ``Pushed.wake``.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from geo.editions import NEWEST, Ground
from sync import arrays, feed, log, receipts, records, verdicts
from sync.collections import COLLECTIONS
from sync.errors import NoEdition
from sync.exchange import City, Entry, Exchange, GroundAt, Pushed, Sender, fresh
from sync.located import GridTold, at_door, in_household, locate, normalise
from sync.opening import open_group
from sync.placing import Bench
from sync.statements import Statement
from sync.verdicts import Rights
from sync.wire import Op, Unreadable
from sync.wording import Reason


def push(city: City, exchanges: Sequence[Exchange]) -> list[Pushed]:
    """Apply a group of batches, each of another device; return their answers in the same order.

    Locks the device rows, then records in ascending id, then the feed's counter. Raises ``NoEdition``.
    """
    senders = [Sender(exchange) for exchange in exchanges]
    for sender in senders:
        sender.entries = [Entry(op, sender) for op in sender.exchange.batch.ops]
    opened = open_group(city, senders)
    ground_at = city.grounds(opened.ground_serial)
    # Not by the clock: an edition may have come into force since it was read, and this group waited for the fence.
    ground = ground_at(NEWEST)
    if ground is None:
        raise NoEdition
    entries = fresh(senders)
    for sender in senders:
        _judge(sender, opened.categories)
    _locate(city, entries, ground, ground_at)
    bench = Bench(opened.known, opened.revisions_from)
    _lock_records(city.session, bench, entries)
    for sender in senders:
        _place(_Ground(city, ground, ground_at), bench, sender)
    touches = _write(city, bench, senders, ground)
    position = feed.append(city.session, touches)
    return [_pushed(sender, position) for sender in senders]


def _pushed(sender: Sender, position: int) -> Pushed:
    wake = receipts.wakes(sender.entries)
    if sender.holds and any(not entry.replayed for entry in sender.entries):
        wake.add("merge")
    results = tuple(receipts.answer(entry) for entry in sender.entries)
    return Pushed(results, position, frozenset(wake), sender.revoked)


class _Ground:
    """The ground of today and of other moments, for what is placed."""

    __slots__ = ("at", "city", "today")

    def __init__(self, city: City, today: Ground, at: GroundAt) -> None:
        self.city, self.today, self.at = city, today, at


def _judge(sender: Sender, categories: frozenset[str]) -> None:
    """Judge what needs no record: whether it can be read, fields, times, category."""
    exchange = sender.exchange
    skew = verdicts.skew_of(exchange.batch.sent_at, exchange.received_at)
    for entry in sender.entries:
        if entry.replayed:
            continue
        op = entry.op
        if isinstance(op, Unreadable):
            entry.settle("quarantined", entry.reason or op.reason)
            continue
        entry.corrected_at, wrong = verdicts.corrected(op.captured_at, skew, exchange.received_at)
        if entry.status:
            continue
        if sender.revoked:
            wrong = Reason("device-revoked")
        wrong = wrong or verdicts.of_fields(op)
        if wrong is None and op.collection == "issues":
            wrong = verdicts.of_category(op.data, categories)
        if wrong is not None:
            entry.settle("quarantined", wrong)


def _locate(city: City, entries: Sequence[Entry], ground: Ground, ground_at: GroundAt) -> None:
    """Convert and locate every position of the group: each in the edition in force when it was captured."""
    readable = [(entry, op) for entry in entries if (op := entry.open) is not None]
    for (entry, op), data in zip(readable, normalise([op.data for _, op in readable]), strict=True):
        entry.data = data
        entry.changes = None if data is op.data else data
    placed = [(entry, entry.data["location"]) for entry, _ in readable if entry.data.get("location")]
    _locate_in_their_time(city, placed, ground, ground_at)
    _locate_by_household(city, [entry for entry, _ in readable if entry.located is None], ground, ground_at)


def _locate_in_their_time(
    city: City, placed: Sequence[tuple[Entry, Mapping[str, Any]]], ground: Ground, ground_at: GroundAt
) -> None:
    by_ground: dict[int, tuple[Ground, list[tuple[Entry, Mapping[str, Any]]]]] = {}
    for entry, point in placed:
        then = entry.ground = ground_at(entry.corrected_at or city.now) or ground
        by_ground.setdefault(then.number, (then, []))[1].append((entry, point))
    for then, group in by_ground.values():
        places = locate(then, [point for _, point in group], near_m=city.near_m)
        for (entry, _), place in zip(group, places, strict=True):
            entry.located = place


_HOMES = Statement("""
    SELECT id, grid_now, ST_X(position), ST_Y(position) FROM household
    WHERE id = ANY (CAST(:ids AS uuid[])) AND grid_now IS NOT NULL
""")


def _locate_by_household(city: City, entries: Sequence[Entry], ground: Ground, ground_at: GroundAt) -> None:
    """Locate visits that name their household and no position: where its door is, in the edition of their time.

    Not simply in the household's grid: a redraw may have moved it since the capture, or not have moved it yet.
    """
    visits = [e for e in entries if isinstance(e.op, Op) and e.op.collection == "visits" and e.op.action == "put"]
    named = verdicts.households_named([entry.data for entry in visits])
    if not named:
        return
    homes = {row[0]: row[1:] for row in _HOMES.run(city.session, ids=arrays.uuids(named))}
    known = [
        (entry, homes[uuid.UUID(household)])
        for entry in visits
        if (household := entry.data.get("household_id")) and uuid.UUID(household) in homes
    ]
    doors = [(entry, {"lon": lon, "lat": lat}) for entry, (_, lon, lat) in known if lon is not None]
    _locate_in_their_time(city, doors, ground, ground_at)
    for entry, (grid, _, _) in known:
        door = entry.located
        lies = door is not None and door.grid is not None
        entry.located = at_door(door) if door is not None and lies else in_household(grid, ground.number)


def _lock_records(session: Session, bench: Bench, entries: Iterable[Entry]) -> None:
    """Lock what the group builds on. New records are not looked for: their insertion finds out."""
    wanted: dict[str, set[uuid.UUID]] = {}
    for entry in entries:
        op = entry.open
        if op is not None and not (op.action == "put" and op.base is None):
            wanted.setdefault(op.collection, set()).add(op.record_id)
    for name in sorted(wanted):
        bench.hold(name, records.lock(session, COLLECTIONS[name], list(wanted[name])))


def _place(ground: _Ground, bench: Bench, sender: Sender) -> None:
    """Judge the rights over each operation of a batch and put it on its record, or aside."""
    rights = sender.rights(ground.city.now)
    for entry in sender.entries:
        if not entry.replayed and (op := entry.open) is not None:
            _place_one(ground, bench, rights, entry, op)


def _place_one(ground: _Ground, bench: Bench, rights: Rights, entry: Entry, op: Op) -> None:
    captured_at = entry.corrected_at or ground.city.now
    device_id = entry.sender.device_id
    record = bench.record(op)
    if record is not None and not bench.is_new(op):
        wrong = rights.of_existing(op.collection, record, captured_at, ground.today)
    elif op.action == "put":
        then = entry.ground or ground.at(captured_at) or ground.today
        wrong = rights.of_new(op.collection, entry.located, captured_at, then)
    else:
        wrong = None
    if wrong is not None:
        entry.settle("quarantined", wrong)
        bench.note(device_id, op, "quarantined", None)
        return
    placed = bench.place(device_id, op, entry.data, captured_at, rights.person_id)
    entry.settle(placed.status, placed.reason)
    entry.rev = placed.rev
    entry.changes = placed.changes if placed.changes is not None else entry.changes
    if placed.record is not None and op.action != "delete":
        _settle_down(ground, rights, placed.record, entry)


def _settle_down(ground: _Ground, rights: Rights, record: records.Record, entry: Entry) -> None:
    """Give a record the grid of its new position: that of its time, once, and that of today."""
    located = entry.located
    if located is None:
        if record.is_first:
            record.grid_now = rights.only_grid(record.captured_at, ground.today)
        return
    if record.is_first:
        record.grid_at_capture = located.grid
    record.located = located
    record.grid_now = located.grid
    point = located.point
    if located.edition != ground.today.number and point is not None:
        again = locate(ground.today, [{"lon": point[0], "lat": point[1]}], near_m=ground.city.near_m)
        record.grid_now = again[0].grid


def _write(city: City, bench: Bench, senders: Sequence[Sender], ground: Ground) -> list[feed.Touch]:
    """Write records and log; return the touches. What another writer inserted first becomes pending."""
    touches: list[feed.Touch] = []
    lost: set[tuple[str, uuid.UUID]] = set()
    for name in sorted(bench.touched):
        collection, new, old = COLLECTIONS[name], bench.new_of(name), bench.old_of(name)
        inserted = records.insert(city.session, collection, new, city.now)
        lost |= {(name, record.id) for record in new if record.id not in inserted}
        records.update(city.session, collection, old, city.now)
        changed = [record for record in new if record.id in inserted] + old
        touches += feed.record_touches(
            collection.topic,
            [(each.id, (each.grid_before, each.grid_now), _personal(collection.personal, each)) for each in changed],
        )
    if lost:
        _give_way(fresh(senders), lost)
    grids = GridTold(ground)
    lines = [
        log.Lines(
            sender.device_id, sender.exchange.device.person_id, sender.exchange.batch.batch_id,
            [receipts.row_of(entry, grids, sender.exchange.lang) for entry in sender.entries if not entry.replayed],
        )
        for sender in senders
    ]  # fmt: skip
    log.write_all(city.session, lines, city.now)
    return touches


def _give_way(entries: Iterable[Entry], lost: set[tuple[str, uuid.UUID]]) -> None:
    """Leave what was applied to records that another writer made first to the merge job."""
    for entry in entries:
        op = entry.op
        if isinstance(op, Op) and entry.status == "applied" and (op.collection, op.record_id) in lost:
            entry.settle("pending")
            entry.rev = None


def _personal(column: str | None, record: records.Record) -> int | None:
    return record.author_id if column == "author_id" else record.personal_id
