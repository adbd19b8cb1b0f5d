"""The walk of a group of batches: from decoded operations to durable rows, receipts and touches of the feed.

    1. lock the devices, so that the batches of each follow one another; read what they are judged by, and answer
       what was seen before from its receipt (``sync.push.replay``)
    2. judge fields, times and category
    3. locate all points at once
    4. judge rights, lock the records, and place each operation on its record
    5. write records, then the log with the receipts
    6. append to the feed, last

A group is the batches of several devices, one of each, in one transaction: what each statement and the commit cost
is shared by all. They are worked in order, as if they had come one after the other. It opens no transaction and
wakes nobody: the edge commits, then wakes the jobs named in ``Pushed.wake``.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from geo.editions.ground import NEWEST, Ground
from sync.access.doors import household_of, read_doors
from sync.access.rights import Asked, Home, Today, refusal
from sync.access.scope import worked_areas
from sync.access.zones import read_zones
from sync.collections import COLLECTIONS, Collection
from sync.errors import NoEdition
from sync.protocol.wire import Op, Unreadable
from sync.push import judging, receipts
from sync.push.batch import BatchContext, BatchEntry, DeviceBatch, DeviceSession, GroundAt, Pushed, fresh
from sync.push.placing import WorkingSet
from sync.push.replay import open_group
from sync.store import feed, log, records
from sync.store.located import GridTold, locate, normalise
from sync.wording.reasons import Reason


def push(city: BatchContext, exchanges: Sequence[DeviceBatch]) -> list[Pushed]:
    """Apply a group of batches, each of another device; return their answers in the same order.

    Locks the device rows, then records in ascending id, then the feed's counter. Raises ``NoEdition``.
    """
    senders = [DeviceSession(exchange) for exchange in exchanges]
    for sender in senders:
        sender.entries = [BatchEntry(op, sender) for op in sender.exchange.batch.ops]
    opened = open_group(city, senders)
    ground_at = city.grounds(opened.ground_serial)
    # Not by the clock: an edition may have come into force since it was read, and this group waited for the fence.
    ground = ground_at(NEWEST)
    if ground is None:
        raise NoEdition
    entries = fresh(senders)
    for sender in senders:
        _judge(sender)
    _locate(city, entries, ground, ground_at)
    bench = WorkingSet(opened.known, opened.revisions_from)
    _lock_records(city.session, bench, entries)
    held = {each.area_id for sender in senders for each in sender.assigned}
    today = Today(ground, city.now, opened.private, read_zones(city.session, ground, held), city.late_for)
    here = _Ground(city, today, ground_at, opened.categories)
    for sender in senders:
        _place(here, bench, sender)
    touches = _write(here, bench, senders)
    position = feed.append(city.session, touches)
    return [_pushed(sender, position) for sender in senders]


def _pushed(sender: DeviceSession, position: int) -> Pushed:
    wake = receipts.wakes(sender.entries)
    if sender.holds and any(not entry.replayed for entry in sender.entries):
        wake.add("merge")
    results = tuple(receipts.answer(entry) for entry in sender.entries)
    return Pushed(results, position, frozenset(wake), sender.revoked)


class _Ground:
    """What holds today, and the ground of other moments, for what is placed."""

    __slots__ = ("at", "categories", "city", "law", "today")

    def __init__(self, city: BatchContext, law: Today, at: GroundAt, categories: judging.Catalogue) -> None:
        self.city, self.law, self.today, self.at = city, law, law.ground, at
        self.categories = categories


def _judge(sender: DeviceSession) -> None:
    """Judge what needs no record: whether it can be read, fields, times."""
    exchange = sender.exchange
    skew = judging.skew_of(exchange.batch.sent_at, exchange.received_at)
    for entry in sender.entries:
        if entry.replayed:
            continue
        op = entry.op
        if isinstance(op, Unreadable):
            entry.settle("quarantined", entry.reason or op.reason)
            continue
        entry.corrected_at, wrong = judging.corrected(op.captured_at, skew, exchange.received_at)
        if entry.status:
            continue
        if sender.revoked:
            wrong = Reason("device-revoked")
        wrong = wrong or op.fault or judging.of_fields(op)
        if wrong is not None:
            entry.settle("quarantined", wrong)


def _locate(city: BatchContext, entries: Sequence[BatchEntry], ground: Ground, ground_at: GroundAt) -> None:
    """Convert and locate every position of the group: each in the edition in force when it was captured."""
    readable = [(entry, op) for entry in entries if (op := entry.open) is not None]
    for (entry, op), data in zip(readable, normalise([op.data for _, op in readable]), strict=True):
        entry.data = data
        entry.changes = None if data is op.data else data
    placed = [(entry, entry.data["location"]) for entry, _ in readable if entry.data.get("location")]
    _locate_in_their_time(city, placed, ground, ground_at)
    _locate_by_household(city, [entry for entry, _ in readable], ground, ground_at)


def _locate_in_their_time(
    city: BatchContext, placed: Sequence[tuple[BatchEntry, Mapping[str, Any]]], ground: Ground, ground_at: GroundAt
) -> None:
    by_ground: dict[int, tuple[Ground, list[tuple[BatchEntry, Mapping[str, Any]]]]] = {}
    for entry, point in placed:
        then = entry.ground = ground_at(entry.corrected_at or city.now) or ground
        by_ground.setdefault(then.number, (then, []))[1].append((entry, point))
    for then, group in by_ground.values():
        places = locate(then, [point for _, point in group], near_m=city.near_m)
        for (entry, _), place in zip(group, places, strict=True):
            entry.located = place


def _locate_by_household(
    city: BatchContext, entries: Sequence[BatchEntry], ground: Ground, ground_at: GroundAt
) -> None:
    """Find the households that visits name, and locate by them those that say no position of their own."""
    visits = [e for e in entries if isinstance(e.op, Op) and e.op.collection == "visits" and e.op.action == "put"]
    doors = read_doors(city.session, [entry.data for entry in visits])
    for entry in visits:
        named = household_of(entry.data)
        if named is None or (door := doors.get(named)) is None:
            continue
        then = ground_at(entry.corrected_at or city.now) or ground
        entry.home = Home(door, partial(door.at, then, ground, city.near_m))
        if entry.located is None:
            entry.located, entry.ground = entry.home.then()


def _lock_records(session: Session, bench: WorkingSet, entries: Iterable[BatchEntry]) -> None:
    """Lock what the group builds on. New records are not looked for: their insertion finds out."""
    wanted: dict[str, set[uuid.UUID]] = {}
    for entry in entries:
        op = entry.open
        if op is not None and not (op.action == "put" and op.base is None):
            wanted.setdefault(op.collection, set()).add(op.record_id)
    for name in sorted(wanted):
        bench.hold(name, records.lock(session, COLLECTIONS[name], list(wanted[name])))


def _place(ground: _Ground, bench: WorkingSet, sender: DeviceSession) -> None:
    """Judge the rights over each operation of a batch and put it on its record, or aside."""
    for entry in sender.entries:
        if not entry.replayed and (op := entry.open) is not None:
            _place_one(ground, bench, entry, op)


def _place_one(ground: _Ground, bench: WorkingSet, entry: BatchEntry, op: Op) -> None:
    captured_at = entry.corrected_at or ground.city.now
    device_id = entry.sender.device_id
    record = bench.record(op)
    waits = bench.waits(device_id, op)
    wrong = _of_category(ground, op, record, captured_at, waits=waits)
    wrong = wrong or _refusal(ground, entry, op, record, waits=waits)
    if wrong is not None:
        entry.settle("quarantined", wrong)
        bench.note(device_id, op, "quarantined", None)
        return
    placed = bench.place(device_id, op, entry.data, captured_at, entry.sender.worker.person_id)
    entry.settle(placed.status, placed.reason)
    entry.rev = placed.rev
    entry.changes = placed.changes if placed.changes is not None else entry.changes
    if placed.record is not None and op.action != "delete":
        _settle_down(ground, placed.record, entry)


def _of_category(
    ground: _Ground, op: Op, record: records.Record | None, captured_at: dt.datetime, *, waits: bool
) -> Reason | None:
    """Judge the category by the catalogue of the capture; what an old issue has, an edit of it may say again.

    Where an edit waits, what its author had seen is known only when it takes effect: it is judged then.
    """
    if op.collection != "issues" or (waits and op.base is not None and op.data.get("category") in ground.categories):
        return None
    standing = None if record is None or op.base is None else record.doc.get("category")
    return judging.of_category(op.data, ground.categories, captured_at, standing=standing)


def _refusal(
    ground: _Ground, entry: BatchEntry, op: Op, record: records.Record | None, *, waits: bool
) -> Reason | None:
    """Return why the worker may not do this now; what turns out to wait is asked again when it takes effect."""
    captured_at = entry.corrected_at or ground.city.now
    then = entry.ground or (ground.today if entry.located is None else ground.at(captured_at))
    asked = Asked(op.collection, op.action, entry.data, captured_at, entry.located, then, waits=waits, home=entry.home)
    return refusal(entry.sender.worker, asked, record, ground.law)


def _settle_down(ground: _Ground, record: records.Record, entry: BatchEntry) -> None:
    """Give a record the grid of its new position: that of its time, once, and that of today."""
    located = entry.located
    if not COLLECTIONS[entry.op.collection].by_grid:  # type: ignore[union-attr]  # it was placed, so it was read
        record.located = located
        return
    if located is None:
        if record.is_first:
            record.grid_now = entry.sender.worker.only_grid(record.captured_at, ground.law)
        return
    if record.is_first:
        record.grid_at_capture = located.grid
    record.located = located
    record.grid_now = located.grid
    point = located.point
    if located.edition != ground.today.number and point is not None:
        again = locate(ground.today, [{"lon": point[0], "lat": point[1]}], near_m=ground.city.near_m)
        record.grid_now = again[0].grid


def _write(ground: _Ground, bench: WorkingSet, senders: Sequence[DeviceSession]) -> list[feed.Touch]:
    """Write records and log; return the touches. What another writer inserted first is refused, or becomes pending."""
    city = ground.city
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
            [(each.id, (each.grid_before, each.grid_now), _personal(collection, each)) for each in changed],
        )
    if lost:
        _give_way(ground, fresh(senders), lost)
    touches += _out_of_sight(ground, bench, senders)
    grids = GridTold(ground.today)
    lines = [
        log.Lines(
            sender.device_id, sender.exchange.device.person_id, sender.exchange.batch.batch_id,
            [receipts.row_of(entry, grids, sender.exchange.lang) for entry in sender.entries if not entry.replayed],
        )
        for sender in senders
    ]  # fmt: skip
    log.write_all(city.session, lines, city.now)
    return touches


def _give_way(ground: _Ground, entries: Iterable[BatchEntry], lost: set[tuple[str, uuid.UUID]]) -> None:
    """Leave what was applied to records that another writer made first to the merge job, as far as it is allowed."""
    there: dict[tuple[str, uuid.UUID], records.Record] = {}
    for name in sorted({name for name, _ in lost}):
        ids = [record_id for each, record_id in lost if each == name]
        locked = records.lock(ground.city.session, COLLECTIONS[name], ids)
        there |= {(name, record_id): record for record_id, record in locked.items()}
    refused: set[tuple[int, uuid.UUID]] = set()
    for entry in entries:
        op = entry.op
        if not isinstance(op, Op) or entry.status != "applied" or (op.collection, op.record_id) not in lost:
            continue
        entry.rev = None
        device_id = entry.sender.device_id
        if op.base is not None and op.base.op_id is not None and (device_id, op.base.op_id) in refused:
            entry.settle("held", Reason("base-quarantined", (("base", "base-quarantined"),)))
        elif (wrong := _refusal(ground, entry, op, there.get((op.collection, op.record_id)), waits=True)) is not None:
            entry.settle("quarantined", wrong)
            refused.add((device_id, op.op_id))
        else:
            entry.settle("pending")


def _personal(collection: Collection, record: records.Record) -> int | None:
    is_adrift = collection.adrift == "author_id" and record.grid_now is None
    return record.author_id if is_adrift or collection.personal == "author_id" else record.personal_id


def _out_of_sight(ground: _Ground, bench: WorkingSet, senders: Iterable[DeviceSession]) -> list[feed.Touch]:
    """Return touches that tell phones of what they wrote and may not see: it is followed by its ``leave``.

    A phone whose scope has just moved on would keep it otherwise, and hear of it never again.
    """
    touches: list[feed.Touch] = []
    for sender in senders:
        areas = worked_areas(sender.assigned, ground.city.now)
        for entry in sender.entries:
            op = entry.op
            if entry.replayed or not isinstance(op, Op) or entry.status != "applied":
                continue
            record = bench.record(op)
            grid = None if record is None else record.grid_now
            if grid is None or not ground.today.lies_in(grid, areas):
                topic = COLLECTIONS[op.collection].topic
                touches.append(feed.Touch(feed.device_channel(sender.device_id), topic, op.record_id))
    return list(dict.fromkeys(touches))
