"""What must hold of the log, the records and the feed, asked of the database with everything at rest.

Owns the invariants that no phone can see: each operation in the log once with the receipt that was given, each record
the sum of its operations, no revision mistaken for one of another time, the feed without gaps, every place in the
grid that it was given. Each raises ``Broken`` at the first that does not hold. Changes nothing.
"""

import datetime as dt
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.simulator.agreement import OVERTAKEN
from server.simulator.faults.survivor import Survivor
from server.simulator.faults.world import Broken, Restore, blind_from
from server.simulator.phone import Made
from sync.collections import COLLECTIONS, Collection
from sync.merge.lineage import LoggedOp, writes_of
from sync.merge.merge import Policy, merge

# What a worker may meet who did nothing wrong: grids were given to another, or a border was moved, before it came in;
# or the clock was set between collecting and handing in, so that nobody can tell when it was.
BLAMELESS: Final = OVERTAKEN | {
    "outside-your-areas", "record-outside-your-areas", "captured-in-future", "captured-too-old", "not-assigned-now",
    "step-sent",
}  # fmt: skip
_IN_EFFECT: Final = frozenset({"applied", "merged", "review", "released"})
_CHUNK: Final = 1000

_LOG = text("""
    SELECT op_id::text, status, collection, record_id::text, receipt::text, problem, ruling
    FROM operation JOIN device ON device.id = device_id WHERE device.uid = :device
""")


def check_log(session: Session, phone: Survivor) -> Counter[str]:
    """Every operation of a phone is in the log once, as it was answered, in the state that the phone knows.

    Returns how many are in each state.
    """
    rows = session.execute(_LOG, {"device": phone.device_id}).all()
    times = Counter(row.op_id for row in rows)
    for op_id in sorted(times.keys() | phone.made.keys()):
        made = phone.made.get(op_id)
        if times[op_id] != 1 or made is None:
            record = None if made is None else (made.collection, made.record_id)
            raise Broken("once in the log", f"{phone.name}: {op_id} is in the log {times[op_id]} times", record)
    for row in rows:
        _check_row(phone, phone.made[row.op_id], row)
    return Counter(row.status for row in rows)


def _check_row(phone: Survivor, made: Made, row: Any) -> None:
    record = (made.collection, made.record_id)
    where = f"{phone.name}: {made.op_id} ({made.collection} {made.action})"
    if made.receipt is None or row.receipt.encode() != made.receipt:
        raise Broken("receipt", f"{where} was answered {made.receipt!r} and the log has {row.receipt!r}", record)
    if row.status != made.status:
        raise Broken("outcome", f"{where} is {made.status} for the phone and {row.status} in the log", record)
    if row.status in ("quarantined", "held") and not row.problem:
        raise Broken("reason", f"{where} is {row.status} without a reason", record)
    if made.refusable and row.status in _IN_EFFECT and row.ruling != "released":
        raise Broken("reason", f"{where} was made to be refused and is {row.status}", record)
    kind = str((row.problem or {}).get("type", "")).rpartition("/")[2]
    if row.status == "quarantined" and not made.refusable and kind not in BLAMELESS and row.ruling is None:
        raise Broken("reason", f"{where} is quarantined for {row.problem}", record)


_OPERATIONS = text("""
    SELECT operation.id, record_id, op_id, device_id, coalesce(person.name, '') AS author, author_id, action,
           base_rev, base_op, coalesce(corrected_at, received_at) AS captured_at, received_at,
           coalesce(changes, data) AS changes, rev, status
    FROM operation LEFT JOIN person ON person.id = operation.author_id
    WHERE collection = :collection AND record_id = ANY (CAST(:ids AS uuid[]))
      AND status NOT IN ('quarantined', 'dismissed', 'held')
    ORDER BY operation.id
""")


def check_records(
    session: Session, name: str, ids: Sequence[str], phones: Iterable[Survivor], restores: Sequence[Restore]
) -> None:
    """Each record is there once, and is what merging all its operations anew makes of it."""
    # Who is hostile names revisions that others told of. Where somebody released such a change, it was theirs to judge.
    seen_from = {
        op_id: moment
        for phone in phones
        for op_id, moment in phone.seen_from.items()
        if not phone.made[op_id].refusable
    }
    for start in range(0, len(ids), _CHUNK):
        wanted = {"collection": name, "ids": list(ids[start : start + _CHUNK])}
        history: dict[str, list[LoggedOp]] = {}
        for row in session.execute(_OPERATIONS, wanted).mappings():
            history.setdefault(str(row["record_id"]), []).append(LoggedOp(**row))
        found = _records(session, COLLECTIONS[name], wanted["ids"])
        withdrawn = set(session.scalars(_WITHDRAWN, wanted)) if name == "tasks" else set()
        for record_id, ops in history.items():
            _check_record(COLLECTIONS[name], record_id, found.get(record_id), ops, withdrawn)
            _check_bases(name, record_id, ops, seen_from, restores)


# What a case asked of somebody, and asks no more: the server takes it back, whatever the phone did with it.
_WITHDRAWN = text("""
    SELECT task.id::text FROM task WHERE task.id = ANY (CAST(:ids AS uuid[])) AND task.deleted_at IS NOT NULL
    AND task.kind IN ('verify', 'check') AND EXISTS (
        SELECT FROM case_step WHERE case_step.issue_id = task.issue_id AND taken_at > task.received_at)
""")


def _records(session: Session, collection: Collection, ids: object) -> dict[str, Any]:
    columns = f"SELECT id::text, rev, doc, deleted_at FROM {collection.table.name}"  # noqa: S608  # our own table
    rows = session.execute(text(f"{columns} WHERE id = ANY (CAST(:ids AS uuid[]))"), {"ids": ids})
    return {row.id: row for row in rows}


def _check_record(
    collection: Collection, record_id: str, row: Any, ops: Sequence[LoggedOp], withdrawn: Container[str] = ()
) -> None:
    key = (collection.name, record_id)
    if row is None:
        raise Broken("record", f"{key[0]} {record_id} has {len(ops)} operations and no record", key)
    merged = merge(writes_of(ops), collection.rules)
    if _unordered(merged.doc, collection) != _unordered(row.doc, collection):
        raise Broken(
            "record", f"{key[0]} {record_id} is {_plain(row.doc)}; its operations make {_plain(merged.doc)}", key
        )
    if merged.deleted != (row.deleted_at is not None) and record_id not in withdrawn:
        raise Broken(
            "record", f"{key[0]} {record_id}: deleted is {row.deleted_at}, {merged.deleted} by operations", key
        )
    if max((op.rev for op in ops if op.rev is not None), default=0) > row.rev:
        raise Broken("record", f"{key[0]} {record_id} stands at {row.rev}, below its operations", key)
    applied = Counter(op.rev for op in ops if op.status == "applied" and op.rev is not None)
    twice = [rev for rev, count in applied.items() if count > 1]
    if twice:
        raise Broken("record", f"{key[0]} {record_id}: several operations made revision {twice}", key)


def _unordered(doc: Mapping[str, Any], collection: Collection) -> dict[str, Any]:
    """The fields, with sets as sets: what was written by one hand keeps its order, what was merged has none."""
    sets = {name for name, rule in collection.rules.items() if rule.policy is Policy.UNION}
    return {name: frozenset(value) if name in sets and value else value for name, value in doc.items()}


def _plain(doc: object) -> str:
    return msgspec.json.encode(doc).decode()


def _check_bases(
    name: str,
    record_id: str,
    ops: Sequence[LoggedOp],
    seen_from: Mapping[str, dt.datetime],
    restores: Sequence[Restore],
) -> None:
    """No operation counts as having seen what came after a restore that its author had not heard of."""
    if not restores:
        return
    for op in ops:
        moment = seen_from.get(str(op.op_id))
        blind = None if moment is None or op.base_rev is None else blind_from(moment, restores)
        if blind is None or op.base_rev is None:
            continue
        for other in ops:
            if other.rev is not None and other.rev <= op.base_rev and other.received_at > blind:
                told = f"{op.op_id} names revision {op.base_rev} of before a restore and so overrides {other.op_id}"
                raise Broken("base", f"{name} {record_id}: {told}, which its author never saw", (name, record_id))


_FEED = text("""
    SELECT count(*) AS rows, count(DISTINCT feed.position) AS positions, coalesce(max(feed.position), 0) AS top,
           (SELECT position FROM feed_counter) AS head, (SELECT floor FROM feed_counter) AS floor
    FROM feed WHERE feed.position > (SELECT floor FROM feed_counter)
""")


def check_feed(session: Session) -> int:
    """The positions of the feed above its floor are a row without gaps, each once; return the last."""
    row = session.execute(_FEED).one()
    if not row.rows == row.positions == row.head - row.floor or row.top not in (row.head, 0):
        raise Broken("feed", f"{row.rows} touches at {row.positions} positions from {row.floor} to {row.head}")
    return int(row.head)


# The grid of a capture is that of the place that was captured: whoever moves a record later leaves it as it was. So
# does whoever gives a place to one that was captured without: at a door, say.
_NOT_MOVED = """
    NOT EXISTS (
        SELECT FROM operation WHERE operation.collection = '{name}' AND record_id = {table}.id
        AND operation.status IN ('applied', 'merged', 'released', 'review')
        AND (coalesce(operation.changes, operation.data) ? 'location' OR (action = 'put' AND operation.changes IS NULL))
        AND coalesce(operation.changes, operation.data) -> 'location' IS DISTINCT FROM {table}.doc -> 'location'
    )
"""
_MISPLACED = text(f"""
    SELECT 'issues' AS collection, issue.id::text, area.code, edition_at_capture
    FROM issue JOIN area ON area.id = grid_at_capture
    JOIN area_version ON area_version.area_id = grid_at_capture AND editions @> edition_at_capture
    WHERE located = 'inside' AND deleted_at IS NULL AND NOT ST_Intersects(polygon, issue.position)
    AND {_NOT_MOVED.format(name="issues", table="issue")}
    UNION ALL
    SELECT 'visits', visit.id::text, area.code, edition_at_capture
    FROM visit JOIN area ON area.id = grid_at_capture
    JOIN area_version ON area_version.area_id = grid_at_capture AND editions @> edition_at_capture
    WHERE located = 'inside' AND visit.position IS NOT NULL AND NOT ST_Intersects(polygon, visit.position)
    AND {_NOT_MOVED.format(name="visits", table="visit")}
    LIMIT 1
""")  # noqa: S608  # names are this module's own


_ASTRAY = text("""
    SELECT collection, record.id::text, area.code FROM (
        SELECT 'issues' AS collection, id, grid_now, position FROM issue WHERE located = 'inside'
        UNION ALL SELECT 'visits', id, grid_now, position FROM visit WHERE located = 'inside'
        UNION ALL SELECT 'households', id, grid_now, position FROM household WHERE located = 'inside'
    ) AS record
    LEFT JOIN area ON area.id = grid_now
    LEFT JOIN area_version ON area_version.area_id = grid_now AND upper_inf(editions)
    WHERE record.position IS NOT NULL AND NOT coalesce(ST_Intersects(polygon, record.position), false)
    LIMIT 1
""")


def check_places(session: Session) -> None:
    """Every record that was located inside a grid lies in it, as the edition that it names draws it, and as today's."""
    row = session.execute(_MISPLACED).first()
    if row is not None:
        told = f"{row.collection} {row.id} does not lie in {row.code} of edition {row.edition_at_capture}"
        raise Broken("place", told, (row.collection, row.id))
    row = session.execute(_ASTRAY).first()
    if row is not None:
        told = f"{row.collection} {row.id} does not lie in {row.code} as it is today: it has not followed a redraw"
        raise Broken("place", told, (row.collection, row.id))


_HISTORY = text("""
    SELECT operation.id, op_id::text, device.name AS device, seq, action, base_rev, base_op::text, captured_at::text,
           corrected_at::text, received_at::text, data, changes, rev, status, problem, settled_at::text, ruling
    FROM operation LEFT JOIN device ON device.id = device_id
    WHERE collection = :collection AND record_id = CAST(:id AS uuid) ORDER BY operation.id
""")


def history(session: Session, record: tuple[str, str]) -> list[dict[str, Any]]:
    """Return the operations of a record, for a person to read."""
    rows = session.execute(_HISTORY, {"collection": record[0], "id": record[1]}).mappings()
    return [{name: value for name, value in row.items() if value is not None} for row in rows]
