"""Settles what waits: pending operations are merged, held ones go on when their base has come or time is up.

Owns the step between the log and ``sync.merge.merge``: hundreds of records in one transaction, locked in
ascending id, skipping those that a push holds (the next run finds them). Idempotent: what is settled no
longer waits.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geo.editions.ground import NEWEST
from sync.access.rights import LATE_FOR
from sync.collections import COLLECTIONS, Collection
from sync.merge.lineage import LoggedOp, ready, writes_of
from sync.merge.merge import Dispute, Merged, merge
from sync.protocol.decoders import normal_form
from sync.resolution.effect import Court, GroundAt, Lies, Settling, court_of, seen_by
from sync.sql import arrays
from sync.sql.statements import Statement
from sync.store import dead_letters, feed, records
from sync.store.located import locate
from sync.store.records import Record, encode
from sync.wording.reasons import Reason


@dataclass(frozen=True, slots=True)
class Settled:
    """What one run did. ``more``: whether something that could be settled is still waiting."""

    operations: int
    records: int
    more: bool
    wake: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Work:
    """One record with its operations, and what the run decides about them."""

    record: Record | None
    ops: list[LoggedOp]
    settled: list[LoggedOp] = field(default_factory=list)
    refused: list[tuple[LoggedOp, Reason]] = field(default_factory=list)
    lies: Lies = field(default_factory=Lies)
    merged: Merged | None = None


QUEUE = "merge"
MOST_OPS = 1000
"""So many operations of one record are merged with one another; more of them go to a person. What one record can weigh,
and cost, is bounded by it."""
# What was set aside waits for its time, or for somebody to release something of the record since.
_NOT_ASIDE = f"""
    NOT EXISTS (
        SELECT FROM dead_letter WHERE dead_letter.queue = '{QUEUE}' AND dead_letter.next_attempt_at > :now
        AND dead_letter.item = operation.collection || '/' || operation.record_id
        AND dead_letter.last_at >= coalesce(operation.ruled_at, '-infinity')
    )
"""
# The pending, the oldest first; then the held whose time is up or on whose record something happened since. The
# latter in no order: one that cannot go on yet must not stand in the way of one that can.
_WAITING = text(f"""
    (SELECT collection, record_id FROM operation WHERE status = 'pending' AND record_id IS NOT NULL AND {_NOT_ASIDE}
     GROUP BY collection, record_id ORDER BY min(id) LIMIT :limit)
    UNION ALL
    (SELECT collection, record_id FROM operation
     WHERE status = 'held' AND record_id IS NOT NULL AND {_NOT_ASIDE} AND (received_at <= :force_before OR EXISTS (
         SELECT FROM operation AS since WHERE since.record_id = operation.record_id
         AND since.settled_at >= operation.received_at AND since.status NOT IN ('held', 'quarantined')))
     GROUP BY collection, record_id ORDER BY random() LIMIT :limit)
""")  # noqa: S608  # as above
_REVISIONS_FROM = text("SELECT revisions_from FROM city_state")
# In the order of LoggedOp's fields.
_OPS = Statement("""
    SELECT operation.id, record_id, op_id, device_id, coalesce(person.name, '') AS author, author_id, action,
           base_rev, base_op,
           coalesce(corrected_at, received_at) AS captured_at, received_at, coalesce(changes, data) AS changes,
           rev, status, coalesce(ruling = 'released', false) AS released, ruled_by,
           public_agreed
    FROM operation LEFT JOIN person ON person.id = operation.author_id
    WHERE collection = :collection AND record_id = ANY (CAST(:ids AS uuid[]))
      AND status NOT IN ('quarantined', 'dismissed')
    ORDER BY operation.id
""")
_SETTLE = Statement("""
    UPDATE operation SET status = new.status, rev = coalesce(new.rev, operation.rev),
        provenance = coalesce(new.provenance::jsonb, operation.provenance),
        problem = new.problem::jsonb, settled_at = :now
    FROM unnest(CAST(:ids AS bigint[]), CAST(:statuses AS text[]), CAST(:revs AS int[]),
                CAST(:provenances AS text[]), CAST(:problems AS text[]))
        AS new (id, status, rev, provenance, problem)
    WHERE operation.id = new.id
""")
_DISPUTE = Statement("""
    INSERT INTO conflict (collection, record_id, operation_id, kind, field, standing, offered, base, created_at)
    SELECT CAST(:collection AS text), new.record_id, new.operation_id, new.kind, new.field, new.standing::jsonb,
           new.offered::jsonb, new.base::jsonb, CAST(:now AS timestamptz)
    FROM unnest(CAST(:records AS uuid[]), CAST(:operations AS bigint[]), CAST(:kinds AS text[]),
                CAST(:fields AS text[]), CAST(:standing AS text[]), CAST(:offered AS text[]), CAST(:bases AS text[]))
        AS new (record_id, operation_id, kind, field, standing, offered, base)
    ON CONFLICT (operation_id, field) DO NOTHING
""")


Key = tuple[str, uuid.UUID]
"""A record: its collection and its id."""


def item_of(key: Key) -> str:
    """Return what the queue of merges calls a record among its dead letters."""
    return f"{key[0]}/{key[1]}"


def waiting(session: Session, now: dt.datetime, hold_for: dt.timedelta, *, limit: int) -> list[Key]:
    """Return up to ``limit`` records on which operations wait that can be settled, and are not set aside."""
    rows = session.execute(_WAITING, {"limit": limit, "force_before": now - hold_for, "now": now})
    return list(dict.fromkeys((row.collection, row.record_id) for row in rows if row.collection in COLLECTIONS))


def settle_waiting(
    session: Session,
    now: dt.datetime,
    ground_at: GroundAt,
    *,
    limit: int,
    hold_for: dt.timedelta,
    near_m: float,
    late_for: dt.timedelta = LATE_FOR,
) -> Settled:
    """Settle the operations that wait on up to ``limit`` records, as ``settle`` does."""
    keys = waiting(session, now, hold_for, limit=limit)
    done = settle(session, keys, Settling(now, ground_at, near_m, late_for), hold_for=hold_for)
    return replace(done, more=done.operations > 0 and len(keys) >= limit)


def settle(session: Session, keys: Sequence[Key], how: Settling, *, hold_for: dt.timedelta) -> Settled:
    """Settle the operations that wait on these records. The feed is appended last; the caller commits.

    Each is judged by the rights of this moment: what may not be is quarantined with the reason, its neighbours go on.
    """
    by_collection: dict[str, list[uuid.UUID]] = {}
    for name, record_id in keys:
        by_collection.setdefault(name, []).append(record_id)
    touches: list[feed.Touch] = []
    operations = settled_records = 0
    revisions_from = int(session.scalar(_REVISIONS_FROM) or 0) if keys else 0
    for name in sorted(by_collection):
        works = _load(session, COLLECTIONS[name], by_collection[name])
        court = court_of(session, how, [op for work in works for op in work.ops if op.waits])
        if court is None:
            continue  # Without an edition nothing was ever pushed.
        for work in works:
            _decide(work, COLLECTIONS[name], court, hold_for, revisions_from)
        touches += _write(session, COLLECTIONS[name], works, how.now, how.ground_at, how.near_m)
        operations += sum(len(work.settled) + len(work.refused) for work in works)
        settled_records += sum(bool(work.settled) for work in works)
    dead_letters.take_back(session, QUEUE, [item_of(key) for key in keys])
    feed.append(session, touches)
    wake = frozenset({"routing"}) if "issues" in by_collection and settled_records else frozenset()
    return Settled(operations, settled_records, more=False, wake=wake)


def _load(session: Session, collection: Collection, ids: Sequence[uuid.UUID]) -> list[_Work]:
    """Lock the records, or the ids of those that do not exist yet, and read their operations."""
    locked = records.lock(session, collection, ids, skip_locked=True)
    missing = _lock_missing(session, collection, [each for each in ids if each not in locked])
    works = {each: _Work(locked.get(each), []) for each in [*locked, *missing]}
    for row in _OPS.run(session, collection=collection.name, ids=arrays.uuids(list(works))):
        op = LoggedOp(*row)
        # Rows from before there were normal forms are read as what is sent today.
        if op.changes:
            op = msgspec.structs.replace(op, changes=normal_form(collection.name, dict(op.changes))[0])
        works[op.record_id].ops.append(op)
    return list(works.values())


def _lock_missing(session: Session, collection: Collection, ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Return those of ``ids`` that no record has and no other run works on; the lock ends with the transaction."""
    if not ids:
        return []
    there = set(session.scalars(select(collection.table.c.id).where(collection.table.c.id.in_(ids))))
    free = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:id, 0))")
    return [each for each in sorted(ids) if each not in there and session.scalar(free, {"id": str(each)})]


def _decide(work: _Work, collection: Collection, court: Court, hold_for: dt.timedelta, revisions_from: int) -> None:
    """Merge what is ready on one record and may take effect; force what was held too long."""
    now = court.today.now
    ripe, forced = _due(work, now, hold_for)
    if work.record is None and not any(op.action == "put" for op in ripe + forced):
        # A person released a change of a record that is not there: its first operation is in quarantine still.
        work.refused = [(op, _BASELESS) for op in forced + [op for op in ripe if op.released]]
        return
    room = max(MOST_OPS - sum(not op.waits for op in work.ops), 0)
    due = sorted(ripe + forced, key=lambda op: op.id)
    work.refused = [(op, _CROWDED) for op in due[room:]]
    _judge(work, collection, court, due[:room], revisions_from)
    if not work.settled:
        return
    taking_part = [op for op in work.ops if not op.waits] + work.settled
    work.merged = merge(writes_of(taking_part), collection.rules, collection.one_of)
    record = work.record
    if record is None:
        record = work.record = _begun(work.settled[0], revisions_from)
    record.doc = work.merged.doc
    record.deleted_at = (record.deleted_at or now) if work.merged.deleted else None
    record.rev += 1
    record.doc_rev = record.rev


_BASELESS = Reason("base-unknown", (("base", "base-unknown"),))
_CROWDED = Reason("record-crowded", (("id", "record-crowded"),))


def _due(work: _Work, now: dt.datetime, hold_for: dt.timedelta) -> tuple[list[LoggedOp], list[LoggedOp]]:
    """Return the operations that can go on, and those held so long that they must."""
    rev = None if work.record is None else work.record.rev
    waiting = [op for op in work.ops if op.waits]
    ripe = [op for op in waiting if op.status == "pending" or ready(op, work.ops, rev)]
    # What is settled now may be the base of what is still held.
    while more := [op for op in waiting if op not in ripe and _based_on(op, ripe)]:
        ripe += more
    return ripe, [op for op in waiting if op not in ripe and op.received_at <= now - hold_for]


def _judge(work: _Work, collection: Collection, court: Court, due: Sequence[LoggedOp], revisions_from: int) -> None:
    """Part what may take effect from what may not, one after the other: the first may make what the next changes."""
    found = work.record
    for op in sorted(due, key=lambda op: (op.action != "put", op.id)) if found is None else due:
        lies = court.lies(op)
        reason = court.refusal(op, lies, found, partial(seen_by, op, work.ops, collection.rules), collection.name)
        if reason is None and found is None and op.action != "put":
            reason = _BASELESS
        if reason is not None:
            work.refused.append((op, reason))
            continue
        work.settled.append(op)
        if found is None:
            found = court.begun(op, lies, _begun(op, revisions_from))
            work.lies = replace(lies, grid_now=found.grid_now)
    work.settled.sort(key=lambda op: op.id)


def _begun(first: LoggedOp, revisions_from: int) -> Record:
    rev = revisions_from
    return Record(first.record_id, rev, rev, {}, first.author_id, first.captured_at, first_rev=rev + 1)


def _based_on(op: LoggedOp, others: Sequence[LoggedOp]) -> bool:
    return any(op.base_op == each.op_id and op.device_id == each.device_id for each in others)


def _write(
    session: Session,
    collection: Collection,
    works: Sequence[_Work],
    now: dt.datetime,
    ground_at: GroundAt,
    near_m: float,
) -> list[feed.Touch]:
    """Write records, operations and disputes of one collection; return the touches."""
    merged = [work.record for work in works if work.settled and work.record is not None]
    _settle_down(works)
    _relocate(merged, ground_at, near_m)
    made = records.insert(session, collection, [record for record in merged if record.is_first], now)
    records.update(session, collection, [record for record in merged if not record.is_first], now)
    # Where a push made the record first, its operations go on waiting: the next run merges them with it.
    works = [work for work in works if work.record is None or not work.record.is_first or work.record.id in made]
    done = [work for work in works if work.settled]
    merged = [record for record in merged if not record.is_first or record.id in made]
    rows = [row for work in works for row in _settlements(work)]
    _settle(session, rows, now)
    _dispute(session, collection, done, now)
    touches = feed.record_touches(
        collection.topic,
        [(each.id, (each.grid_before, each.grid_now), _personal(collection, each)) for each in merged],
    )
    # The record too: one that its author may not see any more is followed by its leave.
    return touches + [
        feed.Touch(feed.device_channel(op.device_id), topic, ref)
        for op, *_ in rows
        if op.device_id is not None
        for topic, ref in ((feed.OUTCOME_TOPIC, op.op_id), (collection.topic, op.record_id))
    ]


def _personal(collection: Collection, record: Record) -> int | None:
    is_adrift = collection.adrift == "author_id" and record.grid_now is None
    return record.author_id if is_adrift or collection.personal == "author_id" else record.personal_id


def _settle_down(works: Sequence[_Work]) -> None:
    """Give new records that name no position the grid of their household, or the only one of their author."""
    for work in works:
        record, lies = work.record, work.lies
        if not work.settled or record is None or not record.is_first:
            continue
        record.located = lies.place
        record.grid_now = lies.grid_now
        record.grid_at_capture = None if lies.place is None else lies.place.grid


def _relocate(merged: Sequence[Record], ground_at: GroundAt, near_m: float) -> None:
    """Give merged records the grid of their position: today's, and for new ones that of their time."""
    today = ground_at(NEWEST)
    placed = [record for record in merged if record.doc.get("location")]
    if today is None or not placed:
        return
    places = locate(today, [record.doc["location"] for record in placed], near_m=near_m)
    for record, place in zip(placed, places, strict=True):
        record.located = place
        record.grid_now = place.grid
        if record.is_first:
            then = ground_at(record.captured_at) or today
            record.located = locate(then, [record.doc["location"]], near_m=near_m)[0]
            record.grid_at_capture = record.located.grid


_Row = tuple[LoggedOp, str, int | None, dict[str, Any] | None, dict[str, Any] | None]


def _settlements(work: _Work) -> list[_Row]:
    """Return (operation, status, rev, provenance, problem) of what this run decided about one record."""
    rows: list[_Row] = []
    rows += [(op, "quarantined", None, None, reason.as_json("zh")) for op, reason in work.refused]
    if work.merged is None or work.record is None:
        return rows
    disputed = {dispute.offered: dispute for dispute in work.merged.disputes}
    for op in work.settled:
        status = "review" if op.op_id in disputed else "released" if op.released else "merged"
        rows.append((op, status, work.record.rev, _provenance(op, work.merged), None))
    # An operation applied earlier may stand back behind one captured before it that arrives only now.
    behind = [op for op in work.ops if op.op_id in disputed and op.status in ("applied", "merged", "released")]
    return rows + [(op, "review", None, _provenance(op, work.merged), None) for op in behind]


def _provenance(op: LoggedOp, merged: Merged) -> dict[str, str]:
    """Return, for each field that an operation wrote, whose value the record now has."""
    disputed = {dispute.field for dispute in merged.disputes if dispute.offered == op.op_id}
    found = {}
    for name in op.changes or {}:
        winners = merged.winners.get(name, ())
        mine = op.op_id in winners
        found[name] = "review" if name in disputed else ("both" if len(winners) > 1 else "mine") if mine else "theirs"
    return found


def _settle(session: Session, rows: Sequence[_Row], now: dt.datetime) -> None:
    if rows:
        _SETTLE.send(
            session,
            now=now,
            ids=arrays.numbers([op.id for op, *_ in rows]),
            statuses=arrays.texts([status for _, status, *_ in rows]),
            revs=arrays.numbers([rev for _, _, rev, *_ in rows]),
            provenances=arrays.texts([None if each is None else encode(each) for *_, each, _ in rows]),
            problems=arrays.texts([None if each is None else encode(each) for *_, each in rows]),
        )


def _dispute(session: Session, collection: Collection, works: Sequence[_Work], now: dt.datetime) -> None:
    found = [
        (work, dispute, {op.op_id: op for op in work.ops})
        for work in works
        if work.merged is not None
        for dispute in work.merged.disputes
    ]
    if found:
        _DISPUTE.send(
            session,
            collection=collection.name,
            now=now,
            records=arrays.uuids([work.ops[0].record_id for work, *_ in found]),
            operations=arrays.numbers([ops[dispute.offered].id for _, dispute, ops in found]),
            kinds=arrays.texts(["delete" if dispute.field is None else "field" for _, dispute, _ in found]),
            fields=arrays.texts([dispute.field or "" for _, dispute, _ in found]),
            standing=arrays.texts([_side(dispute, ops[dispute.standing]) for _, dispute, ops in found]),
            offered=arrays.texts([_side(dispute, ops[dispute.offered]) for _, dispute, ops in found]),
            bases=arrays.texts([encode({"value": dispute.base}) for _, dispute, _ in found]),
        )


def _side(dispute: Dispute, op: LoggedOp) -> str:
    value = dict(op.changes or {}) if dispute.field is None else (op.changes or {}).get(dispute.field)
    by = {"author_id": op.author_id, "author": op.author, "captured_at": op.captured_at, "op_id": op.op_id}
    return encode({"value": value, "deletes": op.action == "delete", **by})
