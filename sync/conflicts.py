"""Settles what waits: pending operations are merged, held ones go on when their base has come or time is up.

Owns the step between the log and ``sync.merge``: hundreds of records in one transaction, locked in
ascending id, skipping those that a push holds (the next run finds them). Idempotent: what is settled no
longer waits.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geo.editions import NEWEST, Ground
from sync import arrays, feed, records
from sync.collections import COLLECTIONS, Collection
from sync.lineage import LoggedOp, ready, writes_of
from sync.located import locate
from sync.merge import Dispute, Merged, merge
from sync.records import Record, encode
from sync.statements import Statement
from sync.wording import Reason

GroundAt = Callable[[dt.datetime], Ground | None]


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
    refused: list[LoggedOp] = field(default_factory=list)
    merged: Merged | None = None


# The pending, the oldest first; then the held whose time is up or on whose record something happened since. The
# latter in no order: one that cannot go on yet must not stand in the way of one that can.
_WAITING = text("""
    (SELECT collection, record_id FROM operation WHERE status = 'pending' AND record_id IS NOT NULL
     GROUP BY collection, record_id ORDER BY min(id) LIMIT :limit)
    UNION ALL
    (SELECT collection, record_id FROM operation AS held
     WHERE status = 'held' AND record_id IS NOT NULL AND (received_at <= :force_before OR EXISTS (
         SELECT FROM operation AS since WHERE since.record_id = held.record_id
         AND since.settled_at >= held.received_at AND since.status NOT IN ('held', 'quarantined')))
     GROUP BY collection, record_id ORDER BY random() LIMIT :limit)
""")
_REVISIONS_FROM = text("SELECT revisions_from FROM city_state")
# In the order of LoggedOp's fields.
_OPS = Statement("""
    SELECT operation.id, record_id, op_id, device_id, coalesce(person.name, '') AS author, author_id, action,
           base_rev, base_op,
           coalesce(corrected_at, received_at) AS captured_at, received_at, coalesce(changes, data) AS changes,
           rev, status, coalesce(ruling = 'released', false) AS released
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


def settle_waiting(
    session: Session, now: dt.datetime, ground_at: GroundAt, *, limit: int, hold_for: dt.timedelta, near_m: float
) -> Settled:
    """Settle the operations that wait on up to ``limit`` records. The feed is appended last; the caller commits."""
    waiting = session.execute(_WAITING, {"limit": limit, "force_before": now - hold_for}).all()
    by_collection: dict[str, list[uuid.UUID]] = {}
    for row in dict.fromkeys(waiting):
        if row.collection in COLLECTIONS:
            by_collection.setdefault(row.collection, []).append(row.record_id)
    touches: list[feed.Touch] = []
    operations = settled_records = 0
    revisions_from = int(session.scalar(_REVISIONS_FROM) or 0) if waiting else 0
    for name in sorted(by_collection):
        works = _load(session, COLLECTIONS[name], by_collection[name])
        for work in works:
            _decide(work, COLLECTIONS[name], now, hold_for, revisions_from)
        touches += _write(session, COLLECTIONS[name], works, now, ground_at, near_m)
        operations += sum(len(work.settled) + len(work.refused) for work in works)
        settled_records += sum(bool(work.settled) for work in works)
    feed.append(session, touches)
    wake = frozenset({"routing"}) if "issues" in by_collection and settled_records else frozenset()
    return Settled(operations, settled_records, more=operations > 0 and len(waiting) >= limit, wake=wake)


def _load(session: Session, collection: Collection, ids: Sequence[uuid.UUID]) -> list[_Work]:
    """Lock the records, or the ids of those that do not exist yet, and read their operations."""
    locked = records.lock(session, collection, ids, skip_locked=True)
    missing = _lock_missing(session, collection, [each for each in ids if each not in locked])
    works = {each: _Work(locked.get(each), []) for each in [*locked, *missing]}
    for row in _OPS.run(session, collection=collection.name, ids=arrays.uuids(list(works))):
        op = LoggedOp(*row)
        works[op.record_id].ops.append(op)
    return list(works.values())


def _lock_missing(session: Session, collection: Collection, ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Return those of ``ids`` that no record has and no other run works on; the lock ends with the transaction."""
    if not ids:
        return []
    there = set(session.scalars(select(collection.table.c.id).where(collection.table.c.id.in_(ids))))
    free = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:id, 0))")
    return [each for each in sorted(ids) if each not in there and session.scalar(free, {"id": str(each)})]


def _decide(work: _Work, collection: Collection, now: dt.datetime, hold_for: dt.timedelta, revisions_from: int) -> None:
    """Merge what is ready on one record; force what was held too long."""
    rev = None if work.record is None else work.record.rev
    waiting = [op for op in work.ops if op.waits]
    ripe = [op for op in waiting if op.status == "pending" or ready(op, work.ops, rev)]
    # What is settled now may be the base of what is still held.
    while more := [op for op in waiting if op not in ripe and _based_on(op, ripe)]:
        ripe += more
    forced = [op for op in waiting if op not in ripe and op.received_at <= now - hold_for]
    if work.record is None and not any(op.action == "put" for op in ripe + forced):
        # A person released a change of a record that is not there: its first operation is in quarantine still.
        work.refused = forced + [op for op in ripe if op.released]
        return
    work.settled = sorted(ripe + forced, key=lambda op: op.id)
    if not work.settled:
        return
    taking_part = [op for op in work.ops if not op.waits] + work.settled
    rules = collection.rules
    work.merged = merge(writes_of(taking_part), rules)
    first = work.settled[0]
    record = work.record
    if record is None:
        record = work.record = _begun(first, revisions_from)
    record.doc = work.merged.doc
    record.deleted_at = (record.deleted_at or now) if work.merged.deleted else None
    record.rev += 1
    record.doc_rev = record.rev


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
    return touches + [
        feed.Touch(feed.device_channel(op.device_id), feed.OUTCOME_TOPIC, op.op_id)
        for op, *_ in rows
        if op.device_id is not None
    ]


def _personal(collection: Collection, record: Record) -> int | None:
    return record.author_id if collection.personal == "author_id" else record.personal_id


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
    if work.refused:
        kept = Reason("base-unknown", (("base", "base-unknown"),)).as_json("zh")
        rows = [(op, "quarantined", None, None, kept) for op in work.refused]
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
    return encode(
        {
            "value": value,
            "deletes": op.action == "delete",
            "author_id": op.author_id,
            "author": op.author,
            "captured_at": op.captured_at,
            "op_id": op.op_id,
        }
    )
