"""Do server and phones agree? Asked of the phones over the protocol, and of the database where it is at hand.

Owns the questions. Each yields sentences about what disagrees, with the phone and the operation or record; none is
the answer that is hoped for. Must not change anything but by repeating what was sent before, which changes nothing.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.cases.deadlines import escalating
from server.cases.life import phones as phones_steps
from server.cases.timing import alarms
from server.simulator.phone import Disagrees, Key, Made, Phone
from sync.collections import COLLECTIONS, Collection
from sync.merge.lineage import LoggedOp, writes_of
from sync.merge.merge import Policy, merge

SETTLED: Final = frozenset({"applied", "merged", "review", "released", "quarantined", "dismissed"})
# What a worker may meet who did nothing wrong: meanwhile a body was given the case, or it was made private or closed.
OVERTAKEN: Final = frozenset({"case-dispatched", "case-received", "case-closed", "record-private", "stays-private"})
_BATCH: Final = 200


def of_phone(phone: Phone) -> Iterator[str]:
    """Ask what one phone can know: its operations, what it holds, and what a phone that begins anew would hold."""
    told = phone.ask("/v1/sync/status")
    yield from (f"{phone.name}: {op['op_id']} is still {name}" for name in ("pending", "held") for op in told[name])
    if told["gaps"] or told["highest_seq"] != len(phone.made):
        yield f"{phone.name}: sent {len(phone.made)}, the server saw up to {told['highest_seq']} without {told['gaps']}"
    yield from (f"{phone.name}: {made.op_id} was never answered" for made in phone.outbox)
    for made in phone.made.values():
        if made.status not in SETTLED:
            yield f"{phone.name}: {made.op_id} is {made.status or 'unanswered'} and no outcome came by pull"
        elif (made.status == "quarantined") != made.refusable and made.reason not in OVERTAKEN:
            yield f"{phone.name}: {made.op_id} is {made.status}: {(made.receipt or b'').decode()}"
    yield from _of_repetition(phone)
    if list(_of_what_is_held(phone, phone.pulled_anew())):
        # A clock may have warned between the two: then the phone hears of it now.
        phone.pull()
        yield from _of_what_is_held(phone, phone.pulled_anew())
    yield from _of_scope(phone)


def _of_repetition(phone: Phone) -> Iterator[str]:
    """Send everything once more: each result must be the first one, marked as replayed."""
    ops = list(phone.made.values())
    before = phone.happened["replayed"]
    try:
        for start in range(0, len(ops), _BATCH):
            phone.push(ops[start : start + _BATCH])
    except Disagrees as error:
        yield str(error)
        return
    again = phone.happened["replayed"] - before
    if again != len(ops):
        yield f"{phone.name}: of {len(ops)} operations sent again {again} were known"


def _of_what_is_held(phone: Phone, anew: Mapping[Key, Mapping[str, Any]]) -> Iterator[str]:
    for key in sorted(phone.held.keys() | anew.keys()):
        mine, theirs = phone.held.get(key), anew.get(key)
        if mine != theirs:
            yield f"{phone.name}: {key[0]} {key[1]} is {mine} on the phone and {theirs} for one that begins anew"


def _of_scope(phone: Phone) -> Iterator[str]:
    """What is held lies in the phone's grids, but for what is its worker's own."""
    for (collection, record_id), change in phone.held.items():
        code = (change["grid"] or {}).get("code") if collection != "grids" else change["data"]["code"]
        known = COLLECTIONS.get(collection)
        if code not in phone.scope and (known is None or known.personal is None):
            yield f"{phone.name}: holds {collection} {record_id} of {code}, which is not in its scope"


def matches_digest(phone: Phone) -> bool:
    """Whether the phone holds what the server's digest says: ids and revisions of each grid and collection."""
    told = phone.ask("/v1/sync/digest")["digests"]
    lines: dict[tuple[str | None, str], list[str]] = {}
    for (collection, record_id), change in sorted(phone.held.items()):
        code = (change["grid"] or {}).get("code")
        by_grid = collection in COLLECTIONS and COLLECTIONS[collection].by_grid and code in phone.scope
        lines.setdefault((code if by_grid else None, collection), []).append(f"{record_id}:{change['rev']}")
    return all(each["checksum"] == _checksum(lines.get((each["grid"], each["collection"]), ())) for each in told)


def _checksum(lines: Iterable[str]) -> str:
    return hashlib.md5("\n".join(lines).encode(), usedforsecurity=False).hexdigest()


def of_database(session: Session, phones: Sequence[Phone]) -> Iterator[str]:
    """Ask the database: every operation once in the log and in effect, every record the sum of its operations."""
    for phone in phones:
        yield from _of_log(session, phone)
    mine = {(made.collection, made.record_id) for phone in phones for made in phone.made.values() if not made.refusable}
    for name in sorted(COLLECTIONS):
        yield from _of_records(
            session, name, [record_id for collection, record_id in sorted(mine) if collection == name]
        )
    for phone in phones:
        yield from _of_rights(session, phone)


_LOG = text("""
    SELECT op_id, status, collection, record_id, rev FROM operation JOIN device ON device.id = device_id
    WHERE device.uid = :device
""")


def _of_log(session: Session, phone: Phone) -> Iterator[str]:
    rows = session.execute(_LOG, {"device": phone.device_id}).all()
    times = Counter(str(row.op_id) for row in rows)
    for op_id in times.keys() | phone.made.keys():
        if times[op_id] != 1 or op_id not in phone.made:
            yield f"{phone.name}: {op_id} is in the log {times[op_id]} times"
    for row in rows:
        made = phone.made.get(str(row.op_id))
        if made is not None and row.status != made.status and row.status not in ("released", "dismissed"):
            yield f"{phone.name}: {made.op_id} is {made.status} for the phone and {row.status} in the log"


_OPERATIONS = text("""
    SELECT operation.id, record_id, op_id, device_id, coalesce(person.name, '') AS author, author_id, action,
           base_rev, base_op, coalesce(corrected_at, received_at) AS captured_at, received_at,
           coalesce(changes, data) AS changes, rev, status
    FROM operation LEFT JOIN person ON person.id = operation.author_id
    WHERE collection = :collection AND record_id = ANY (CAST(:ids AS uuid[]))
      AND status NOT IN ('quarantined', 'dismissed')
    ORDER BY operation.id
""")


def _of_records(session: Session, name: str, ids: Sequence[str]) -> Iterator[str]:
    """Every record is there once, and is what merging all its operations anew makes of them."""
    if not ids:
        return
    collection = COLLECTIONS[name]
    columns = f"SELECT id, rev, doc, deleted_at FROM {collection.table.name}"  # noqa: S608  # our own table
    found = {
        row.id: row for row in session.execute(text(f"{columns} WHERE id = ANY (CAST(:ids AS uuid[]))"), {"ids": ids})
    }
    ops: dict[Any, list[LoggedOp]] = {}
    for logged in session.execute(_OPERATIONS, {"collection": name, "ids": ids}):
        ops.setdefault(logged.record_id, []).append(LoggedOp(**logged._mapping))  # noqa: SLF001  # public, in spite of its name
    for record_id, history in ops.items():
        row = found.get(record_id)
        if row is None:
            yield f"{name} {record_id} has {len(history)} operations and no record"
            continue
        merged = merge(writes_of(history), collection.rules)
        if _unordered(merged.doc, collection) != _unordered(row.doc, collection) or merged.deleted != (
            row.deleted_at is not None
        ):
            yield f"{name} {record_id} is {_plain(row.doc)}, and its operations make {_plain(merged.doc)}"
        revs = [op.rev for op in history if op.rev is not None]
        if max(revs, default=0) > row.rev:
            yield f"{name} {record_id} stands at {row.rev}, below its operations"


def _unordered(doc: Mapping[str, Any], collection: Collection) -> dict[str, Any]:
    """The fields, with sets as sets: what was written by one hand keeps its order, what was merged has none."""
    sets = {name for name, rule in collection.rules.items() if rule.policy is Policy.UNION}
    return {name: frozenset(value) if name in sets and value else value for name, value in doc.items()}


def _plain(doc: object) -> str:
    return msgspec.json.encode(doc).decode()


def _of_rights(session: Session, phone: Phone) -> Iterator[str]:
    """What a phone holds from outside its grids is its worker's own."""
    for collection in COLLECTIONS.values():
        held = {key[1]: change for key, change in phone.held.items() if key[0] == collection.name}
        apart = [
            record_id
            for record_id, change in held.items()
            if not collection.by_grid or (change["grid"] or {}).get("code") not in phone.scope
        ]
        if not apart:
            continue
        own = text(f"""
            SELECT id FROM {collection.table.name}
            WHERE id = ANY (CAST(:ids AS uuid[]))
              AND {collection.personal or "author_id"} = (SELECT person_id FROM device WHERE uid = :device)
        """)  # noqa: S608  # our own table and column
        allowed = {str(each) for each in session.scalars(own, {"ids": apart, "device": phone.device_id})}
        for record_id in sorted(set(apart) - allowed):
            yield f"{phone.name}: holds {collection.name} {record_id}, which is neither in its grids nor its worker's"


def waits(session: Session) -> bool:
    """Whether the jobs have work that they can do."""
    now = datetime.now(UTC)
    return (
        phones_steps.waits(session, now)
        or alarms.waits(session, now)
        or escalating.waits(session, now)
        or _has_records_to_settle(session)
    )


def _has_records_to_settle(session: Session) -> bool:
    # A preview that a killed job had begun is taken up again by and by: nobody waits for it.
    return bool(
        session.scalar(
            text("""
                SELECT EXISTS (SELECT FROM operation WHERE status = 'pending')
                    OR EXISTS (SELECT FROM issue WHERE awaiting_routing AND deleted_at IS NULL)
                    OR EXISTS (SELECT FROM edition_move WHERE finished_at IS NULL)
                    OR EXISTS (SELECT FROM attachment WHERE preview = 'awaited' AND bond = 'bound'
                               AND coalesce(preview_claimed_at, now()) > now() - interval '20 seconds')
            """)
        )
    )


def counts(made: Iterable[Made]) -> dict[str, int]:
    """Return how many operations ended in each status."""
    return dict(Counter(each.status for each in made))


def is_quiet(phones: Sequence[Phone]) -> bool:
    """Whether nothing of these phones is pending or held."""
    told = (phone.ask("/v1/sync/status") for phone in phones)
    return not any(each["pending"] or each["held"] for each in told)
