"""What a person decides: disputes between two authors, and operations in quarantine.

Owns listing, deciding, releasing and dismissing, and telling the devices. Who looks after what is
``sync.access.charge``'s; this module knows no roles. A decision is an operation of its own in the log, by somebody who
has seen everything, so merging never undoes it.
"""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from sync.access.charge import OPERATION_IN_CHARGE, OPERATION_LIES, InCharge
from sync.access.privacy import is_private_doc
from sync.access.rights import Asked, Ruler, becomes_public, refusal
from sync.collections import COLLECTIONS, Doc
from sync.errors import AlreadyDecided, BecomesPublic, MendedInvalid, NoEdition, NotFoundInCharge
from sync.merge.lineage import LoggedOp
from sync.protocol.decoders import judge, normal_form
from sync.protocol.splitting import lenient
from sync.protocol.wire import SEARCHED_BYTES
from sync.push.judging import categories_known, of_category
from sync.resolution.effect import Court, Settling, court_of, read_private
from sync.store import feed, log, records
from sync.store.located import normalise
from sync.store.records import Record, encode
from sync.wording.reasons import UNREADABLE, Reason


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of a list is asked for; what is empty asks for everything.

    ``kind``: of disputes field or delete, of quarantine the code of the reason. ``words``: of an author's name or
    login. ``since_before``: what has waited since before that moment.
    """

    collection: str = ""
    kind: str = ""
    words: str = ""
    since_before: dt.datetime | None = None

    def asked_by(self, charge: InCharge) -> dict[str, Any]:
        """Return the parameters of the statements."""
        return charge.asked() | {
            "collection": self.collection, "kind": self.kind, "words": self.words.strip().lower(),
            "before": self.since_before,
        }  # fmt: skip


def _ruler(charge: InCharge) -> Ruler:
    """Return the caller as ``sync.access.rights`` takes one."""
    return Ruler(charge.person_id, frozenset(charge.grid_ids), charge.everywhere)


_OPEN_DISPUTES = """
    FROM conflict AS dispute JOIN operation ON operation.id = dispute.operation_id
    LEFT JOIN LATERAL (
        SELECT grid_now, doc FROM issue WHERE dispute.collection = 'issues' AND id = dispute.record_id
        UNION ALL SELECT grid_now, doc FROM household WHERE dispute.collection = 'households' AND id = dispute.record_id
        UNION ALL SELECT grid_now, doc FROM visit WHERE dispute.collection = 'visits' AND id = dispute.record_id
        UNION ALL SELECT grid_now, doc FROM task WHERE dispute.collection = 'tasks' AND id = dispute.record_id
    ) AS record ON true
    WHERE decided_at IS NULL
      AND (CAST(:everywhere AS boolean) OR record.grid_now = ANY (CAST(:grids AS int[])))
      AND (:collection = '' OR dispute.collection = :collection) AND (:kind = '' OR dispute.kind = :kind)
      AND (CAST(:before AS timestamptz) IS NULL OR dispute.created_at < :before)
      AND (:words = '' OR strpos(lower(concat_ws(' ', standing ->> 'author', offered ->> 'author')), :words) > 0)
"""
_DISPUTES = text(f"""
    SELECT dispute.id, dispute.collection, dispute.record_id, dispute.kind, dispute.field, dispute.standing,
           dispute.offered, dispute.base, dispute.created_at, record.grid_now, record.doc,
           operation.received_at AS offered_at, operation.base_rev,
           (SELECT name FROM person WHERE login = standing ->> 'author') AS standing_name,
           (SELECT name FROM person WHERE login = offered ->> 'author') AS offered_name
    {_OPEN_DISPUTES} AND dispute.id > :after ORDER BY dispute.id LIMIT :limit
""")  # noqa: S608  # constants of this module
_DISPUTES_COUNTED = text(f"SELECT dispute.collection, count(*) AS number {_OPEN_DISPUTES} GROUP BY 1")
# Bytes of one operation in a list: a page of what strangers sent stays small, whatever they sent.
_DATA_SHOWN = 65_536
_RAW_SHOWN = 8_192
_REASON = f"coalesce(problem ->> 'type', '/problems/{UNREADABLE}')"
_IN_QUARANTINE = f"""
    FROM operation LEFT JOIN person ON person.id = operation.author_id {OPERATION_LIES}
    WHERE status = 'quarantined' AND {OPERATION_IN_CHARGE}
      AND (:collection = '' OR collection = :collection)
      AND (:kind = '' OR {_REASON} = '/problems/' || :kind)
      AND (CAST(:before AS timestamptz) IS NULL OR received_at < :before)
      AND (:words = '' OR strpos(lower(concat_ws(' ', person.login, person.name)), :words) > 0)
"""
_QUARANTINED = text(f"""
    SELECT operation.id, op_id, seq, collection, record_id, action,
           CASE WHEN octet_length(data::text) <= {_DATA_SHOWN} THEN data END AS data,
           substring(raw FOR {_RAW_SHOWN}) AS raw, octet_length(raw) AS raw_bytes,
           captured_at, corrected_at, received_at, problem, person.login, person.name,
           (SELECT uid FROM device WHERE device.id = operation.device_id) AS device_id,
           (SELECT array_agg(DISTINCT area_id) FROM assignment
            WHERE assignment.person_id = operation.author_id AND area_id IS NOT NULL
            AND during @> coalesce(corrected_at, received_at)) AS area_ids
    {_IN_QUARANTINE} AND operation.id > :after ORDER BY operation.id LIMIT :limit
""")  # noqa: S608  # constants of this module
_QUARANTINE_COUNTED = text(f"SELECT {_REASON} AS reason, count(*) AS number {_IN_QUARANTINE} GROUP BY 1")
_ONE_DISPUTE = text("SELECT * FROM conflict WHERE id = :id FOR UPDATE")
_DECIDED = text("""
    UPDATE conflict SET decided_at = :now, decided_by = :by, decision = CAST(:decision AS jsonb)
    WHERE collection = :collection AND record_id = :record AND field = :field AND decided_at IS NULL
""")
_RELIEVED = text("""
    UPDATE operation SET status = 'merged', settled_at = :now
    WHERE record_id = :record AND collection = :collection AND status = 'review'
      AND NOT EXISTS (SELECT FROM conflict WHERE operation_id = operation.id AND decided_at IS NULL)
    RETURNING device_id, op_id
""")
_ONE_QUARANTINED = text(f"""
    SELECT operation.* FROM operation {OPERATION_LIES}
    WHERE operation.id = :id AND status = 'quarantined' AND {OPERATION_IN_CHARGE} FOR UPDATE OF operation
""")  # noqa: S608  # constants of ours
_RELEASE = text("""
    UPDATE operation SET status = 'pending', collection = :collection, record_id = :record, action = :action,
        changes = CAST(:changes AS jsonb), corrected_at = :captured, problem = NULL,
        ruling = 'released', ruled_by = :by, ruled_at = :now, ruling_note = :note, public_agreed = :public
    WHERE id = :id
""")
_DISMISS = text("""
    UPDATE operation SET status = 'dismissed', ruling = 'dismissed', ruled_by = :by, ruled_at = :now,
        ruling_note = :note, settled_at = :now
    WHERE id = :id
""")


def disputes(session: Session, charge: InCharge, wanted: Wanted, *, after: int, limit: int) -> list[dict[str, Any]]:
    """Return open disputes in somebody's charge, the oldest first: both values, authors, times, base and the record."""
    parameters = wanted.asked_by(charge) | {"after": after, "limit": limit}
    return [dict(row) for row in session.execute(_DISPUTES, parameters).mappings()]


def disputes_counted(session: Session, charge: InCharge, wanted: Wanted) -> dict[str, int]:
    """Return how many open disputes there are of each collection."""
    rows = session.execute(_DISPUTES_COUNTED, wanted.asked_by(charge))
    return {row.collection: row.number for row in rows}


def quarantined(session: Session, charge: InCharge, wanted: Wanted, *, after: int, limit: int) -> list[dict[str, Any]]:
    """Return the quarantined operations that somebody looks after, the oldest first, with reasons."""
    parameters = wanted.asked_by(charge) | {"after": after, "limit": limit}
    return [dict(row) for row in session.execute(_QUARANTINED, parameters).mappings()]


def quarantine_counted(session: Session, charge: InCharge, wanted: Wanted) -> dict[str, int]:
    """Return how many operations are quarantined for each reason, by its code."""
    rows = session.execute(_QUARANTINE_COUNTED, wanted.asked_by(charge))
    return {row.reason.rpartition("/")[2]: row.number for row in rows}


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decides. Of a field: ``value`` is what it shall be. Of a deletion: whether to ``delete``.

    ``make_public``: a private issue shall become public by it, where it does.
    """

    value: Any = None
    delete: bool = False
    make_public: bool = False


def decide(session: Session, charge: InCharge, conflict_id: int, decision: Decision, *, now: dt.datetime) -> None:
    """Settle one dispute.

    Appends to the feed last; the caller commits. Raises ``NotFoundInCharge``, ``AlreadyDecided``, ``MendedInvalid``
    or ``BecomesPublic``.
    """
    value, delete = decision.value, decision.delete
    dispute = session.execute(_ONE_DISPUTE, {"id": conflict_id}).one_or_none()
    if dispute is None:
        raise NotFoundInCharge
    collection = COLLECTIONS[dispute.collection]
    record = records.lock(session, collection, [dispute.record_id]).get(dispute.record_id)
    if record is None or not _ruler(charge).reaches(record.grid_now):
        raise NotFoundInCharge
    if dispute.decided_at is not None:
        raise AlreadyDecided
    changes, wrong = normal_form(collection.name, {} if dispute.kind == "delete" else {dispute.field: value})
    if faults := wrong or judge(collection.name, "patch", changes):
        raise MendedInvalid(Reason("fields-invalid", faults))
    # What either side said may be decided for, though the catalogue has changed since.
    said = {str(side.get("value")) for side in (dispute.standing, dispute.offered)}
    if str(value) not in said and (unknown := _of_catalogue(session, collection.name, changes, now)) is not None:
        raise MendedInvalid(unknown)
    if collection.name == "issues" and not (delete or decision.make_public):
        _require_private_still(session, record.doc, record.doc | changes, dispute.field)
    _write_decision(session, record, collection.name, changes, delete=delete, by=charge.person_id, now=now)
    named = {"collection": collection.name, "record": record.id, "now": now}
    kept = encode({"value": value, "delete": delete})
    session.execute(_DECIDED, named | {"field": dispute.field, "by": charge.person_id, "decision": kept})
    relieved = session.execute(_RELIEVED, named).all()
    personal = record.author_id if collection.personal == "author_id" else record.personal_id
    touches = feed.record_touches(collection.topic, [(record.id, (record.grid_now,), personal)])
    feed.append(session, touches + [_outcome(row.device_id, row.op_id) for row in relieved if row.device_id])


def _require_private_still(session: Session, before: Doc, after: Doc, name: str) -> None:
    """Raise ``BecomesPublic`` where an issue that was private is not any more. ``name``: the field that does it."""
    private = read_private(session)
    if is_private_doc(before, private) and not is_private_doc(after, private):
        raise BecomesPublic(becomes_public(name), before)


def _outcome(device_id: int, op_id: uuid.UUID) -> feed.Touch:
    return feed.Touch(feed.device_channel(device_id), feed.OUTCOME_TOPIC, op_id)


def _write_decision(
    session: Session, record: Record, collection: str, changes: Doc, *, delete: bool, by: int, now: dt.datetime
) -> None:
    seen = record.rev
    record.rev = record.doc_rev = seen + 1
    record.doc = {name: kept for name, kept in (record.doc | changes).items() if kept is not None}
    record.deleted_at = now if delete else None
    records.update(session, COLLECTIONS[collection], [record], now)
    line = log.made_here(
        uuid7(), collection, record.id, "delete" if delete else "patch",
        data=changes, rev=record.rev, base_rev=seen, captured_at=now, corrected_at=now,
    )  # fmt: skip
    log.write(session, [line], author_id=by, now=now)


@dataclass(frozen=True, slots=True)
class Mended:
    """What a person changed of a quarantined operation; None keeps what was sent.

    ``make_public``: a private issue shall become public by it, where it does.
    """

    collection: str | None = None
    record_id: uuid.UUID | None = None
    action: str | None = None
    data: Doc | None = None
    captured_at: dt.datetime | None = None
    make_public: bool = False


def release(
    session: Session, charge: InCharge, operation_id: int, mended: Mended, settling: Settling, *, note: str
) -> None:
    """Let a quarantined operation go on as pending, mended where it was wrong; the merge job settles it.

    Whoever releases it answers for it: the right over the record as it stands, and over where it would lie, is asked
    now and again when it takes effect. Only what was at fault is mended: an operation does not become one on another
    record or collection. Raises ``NotFoundInCharge``, ``MendedInvalid``, ``BecomesPublic`` or ``NoEdition``.
    """
    row = _quarantined_in_charge(session, charge, operation_id)
    released = _mended(row, mended, settling.now)
    wrong = _of_catalogue(session, released.collection, released.data, released.captured_at)
    if wrong is not None:
        raise MendedInvalid(wrong)
    changes = released.changes
    wrong, standing = _of_right(session, charge, row, released, settling)
    if wrong is not None:
        raise BecomesPublic(wrong, standing) if wrong.code == "becomes-public" else MendedInvalid(wrong)
    if released.collection == "issues" and released.action == "put" and not released.make_public:
        said = _said_of_privacy(row)
        name = "private" if said.get("private") else "category"
        _require_private_still(session, changes | said, changes, name)
    session.execute(
        _RELEASE,
        {
            "id": operation_id, "collection": released.collection, "record": released.record_id,
            "action": released.action, "changes": encode(changes), "captured": released.captured_at,
            "by": charge.person_id, "now": settling.now, "note": note, "public": released.make_public,
        },
    )  # fmt: skip


def _said_of_privacy(row: Any) -> Doc:
    """Return what a phone said of an issue's privacy, also where all that it sent could not be read."""
    data = row.data
    if data is None and row.raw is not None and len(row.raw) <= SEARCHED_BYTES:
        try:
            sent = lenient(bytes(row.raw))
        except (ValueError, RecursionError):
            sent = None
        data = sent.get("data") if isinstance(sent, dict) else None
    if not isinstance(data, dict):
        return {}
    category = data.get("category")
    return {"private": data.get("private") is True, "category": category if isinstance(category, str) else None}


@dataclass(frozen=True, slots=True)
class _Released:
    """An operation as it goes on. ``changes``: its data in WGS-84."""

    collection: str
    record_id: uuid.UUID
    action: str
    data: Doc
    changes: Doc
    captured_at: dt.datetime
    make_public: bool


def _mended(row: Any, mended: Mended, now: dt.datetime) -> _Released:
    """Return the operation with what was mended.

    Raises ``MendedInvalid`` where it is still not right, or was made another one.
    """
    collection = mended.collection or row.collection
    action = mended.action or row.action
    record_id = mended.record_id or row.record_id
    if collection not in COLLECTIONS:
        raise MendedInvalid(Reason("collection-unknown", (("collection", "collection-unknown"),)))
    if record_id is None or action not in ("put", "patch", "delete"):
        raise MendedInvalid(Reason("operation-invalid", (("id" if record_id is None else "action", "required"),)))
    # What could not be read, or names no collection that there is, may be told what it is; nothing else.
    known = COLLECTIONS.get(row.collection)
    if known is not None:
        fixed = {"id": record_id != row.record_id, "collection": collection != row.collection}
        fixed["action"] = action != row.action and row.action in known.actions
        if elsewhere := sorted(name for name, differs in fixed.items() if differs):
            raise MendedInvalid(Reason("mended-elsewhere", tuple((name, "mended-elsewhere") for name in elsewhere)))
    data = mended.data if mended.data is not None else row.data
    captured_at = min(mended.captured_at or row.corrected_at or row.received_at, now)
    normal, wrong = normal_form(collection, data or {})
    if action != "delete" and (faults := wrong or judge(collection, action, normal)):
        raise MendedInvalid(Reason("fields-invalid", tuple((f"data.{field}", rule) for field, rule in faults)))
    (changes,) = normalise([normal])
    return _Released(collection, record_id, action, normal, changes, captured_at, mended.make_public)


def _of_catalogue(session: Session, collection: str, data: Doc, moment: dt.datetime) -> Reason | None:
    return of_category(data, categories_known(session, [data]), moment) if collection == "issues" else None


def _of_right(
    session: Session, charge: InCharge, row: Any, released: _Released, settling: Settling
) -> tuple[Reason | None, Doc]:
    """Return why whoever releases it may not do this to the record as it stands, and the fields of that."""
    op = LoggedOp(
        id=row.id, record_id=released.record_id, op_id=row.op_id, device_id=row.device_id, author="",
        author_id=row.author_id, action=released.action, base_rev=row.base_rev, base_op=row.base_op,
        captured_at=released.captured_at, received_at=row.received_at, changes=released.changes, rev=None,
        status="pending",
    )  # fmt: skip
    court: Court | None = court_of(session, settling, [op])
    if court is None:
        raise NoEdition
    lies = court.lies(op)
    record = records.lock(session, COLLECTIONS[released.collection], [released.record_id]).get(released.record_id)
    asked = Asked(
        released.collection, released.action, released.changes, released.captured_at, lies.place, lies.then,
        lies.grid_now, home=court.home(op), public_agreed=released.make_public,
    )  # fmt: skip
    return refusal(_ruler(charge), asked, record, court.today), {} if record is None else record.doc


def dismiss(session: Session, charge: InCharge, operation_id: int, *, reason: str, now: dt.datetime) -> None:
    """Close a quarantined operation without applying it; the worker is told why. It stays in the log.

    Appends to the feed last. Raises ``NotFoundInCharge``.
    """
    row = _quarantined_in_charge(session, charge, operation_id)
    session.execute(_DISMISS, {"id": operation_id, "by": charge.person_id, "now": now, "note": reason})
    if row.device_id is not None:
        feed.append(session, [_outcome(row.device_id, row.op_id)])


def _quarantined_in_charge(session: Session, charge: InCharge, operation_id: int) -> Any:
    row = session.execute(_ONE_QUARANTINED, charge.asked() | {"id": operation_id}).one_or_none()
    if row is None:
        raise NotFoundInCharge
    return row
