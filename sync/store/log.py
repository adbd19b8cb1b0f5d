"""The operation log: what is known of an operation, and the durable row that carries its receipt.

Owns reading and writing of ``operation``; knows nothing of how an operation was judged.
"""

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from sync.collections import Doc
from sync.sql import arrays
from sync.sql.statements import Statement
from sync.store.records import encode

Body = tuple[int, uuid.UUID, bytes]
"""What one operation is known by: its device, its op_id, the hash of its bytes."""


@dataclass(frozen=True, slots=True)
class Known:
    """An operation received before: its bytes' hash, its receipt as given, and what has become of it."""

    op_id: uuid.UUID
    body_hash: bytes
    receipt: str
    status: str
    rev: int | None
    record_id: uuid.UUID | None


class Logged(msgspec.Struct, frozen=True, gc=False):
    """One row to write. ``raw`` is kept where the operation could not be read, ``data`` where it could."""

    op_id: uuid.UUID
    body_hash: bytes
    seq: int | None
    collection: str
    record_id: uuid.UUID | None
    action: str
    base_rev: int | None
    base_op: uuid.UUID | None
    captured_at: dt.datetime | None
    corrected_at: dt.datetime | None
    data: Doc | None
    raw: bytes | None
    changes: Doc | None
    rev: int | None
    status: str
    problem: dict[str, Any] | None
    receipt: str | None


def made_here(  # noqa: PLR0913  # what tells such lines apart
    op_id: uuid.UUID,
    collection: str,
    record_id: uuid.UUID,
    action: str,
    *,
    data: Doc,
    rev: int,
    base_rev: int | None = None,
    captured_at: dt.datetime | None = None,
    corrected_at: dt.datetime | None = None,
) -> Logged:
    """Return an operation that no device sent, in effect already: it has no bytes, so its hash is that of its id."""
    return Logged(
        op_id=op_id,
        body_hash=hashlib.sha256(op_id.bytes).digest(),
        seq=None,
        collection=collection,
        record_id=record_id,
        action=action,
        base_rev=base_rev,
        base_op=None,
        captured_at=captured_at,
        corrected_at=corrected_at,
        data=data,
        raw=None,
        changes=None,
        rev=rev,
        status="applied",
        problem=None,
        receipt=None,
    )


@dataclass(frozen=True, slots=True)
class Lines:
    """The rows of one sender, in their order. All None: the server itself, or staff."""

    device_id: int | None
    author_id: int | None
    batch_id: uuid.UUID | None
    rows: Sequence[Logged]


# One row at least: the state of the city, in the same snapshot. Only the first of what came under an id: there may be
# thousands.
_FIRST = Statement("""
    SELECT city_state.ground_serial, city_state.revisions_from, found.device_id, found.op_id, found.body_hash,
           found.receipt::text, found.status, found.rev, found.record_id
    FROM city_state LEFT JOIN LATERAL (
        SELECT DISTINCT ON (operation.device_id, operation.op_id) operation.*
        FROM unnest(CAST(:devices AS int[]), CAST(:ids AS uuid[])) AS sent (device_id, op_id)
        JOIN operation ON operation.device_id = sent.device_id AND operation.op_id = sent.op_id
        ORDER BY operation.device_id, operation.op_id, operation.id
    ) AS found ON true
""")
_SAME = Statement("""
    SELECT operation.device_id, operation.op_id, operation.body_hash, operation.receipt::text, operation.status,
           operation.rev, operation.record_id
    FROM unnest(CAST(:devices AS int[]), CAST(:ids AS uuid[]), CAST(:hashes AS bytea[]))
         AS sent (device_id, op_id, body_hash)
    JOIN operation ON operation.device_id = sent.device_id AND operation.op_id = sent.op_id
                  AND operation.body_hash = sent.body_hash
""")

_WRITE = Statement("""
    INSERT INTO operation (
        received_at, device_id, author_id, batch_id, op_id, body_hash, seq, collection, record_id, action,
        base_rev, base_op, captured_at, corrected_at, data, raw, changes, rev, status, problem, receipt, settled_at
    )
    SELECT CAST(:now AS timestamptz), new.device_id, new.author_id, new.batch_id, new.op_id, new.body_hash, new.seq,
           new.collection, new.record_id, new.action, new.base_rev, new.base_op, new.captured_at, new.corrected_at,
           new.data::jsonb, new.raw, new.changes::jsonb, new.rev, new.status, new.problem::jsonb, new.receipt::json,
           CASE WHEN new.status = 'applied' THEN CAST(:now AS timestamptz) END
    FROM unnest(
        CAST(:devices AS int[]), CAST(:authors AS int[]), CAST(:batches AS uuid[]), CAST(:op_ids AS uuid[]),
        CAST(:hashes AS bytea[]), CAST(:seqs AS bigint[]), CAST(:collections AS text[]),
        CAST(:records AS uuid[]), CAST(:actions AS text[]), CAST(:base_revs AS int[]), CAST(:base_ops AS uuid[]),
        CAST(:captured AS timestamptz[]), CAST(:corrected AS timestamptz[]), CAST(:data AS text[]),
        CAST(:raws AS bytea[]), CAST(:changes AS text[]), CAST(:revs AS int[]), CAST(:statuses AS text[]),
        CAST(:problems AS text[]), CAST(:receipts AS text[])
    ) WITH ORDINALITY AS new (
        device_id, author_id, batch_id, op_id, body_hash, seq, collection, record_id, action, base_rev, base_op,
        captured_at, corrected_at, data, raw, changes, rev, status, problem, receipt, place
    )
    ORDER BY new.place
""")


def first_known(
    session: Session, named: Iterable[tuple[int, uuid.UUID]]
) -> tuple[tuple[int, int], dict[tuple[int, uuid.UUID], Known]]:
    """Return what devices first sent under these (device, op_id), and before it the city's state.

    Of that: the ground's serial, and the revision above which new records begin.
    """
    pairs = list(named)
    rows = _FIRST.run(
        session,
        devices=arrays.numbers([device for device, _ in pairs]),
        ids=arrays.uuids([op_id for _, op_id in pairs]),
    )
    found = {(device, told[0]): Known(*told) for _, _, device, *told in rows if device is not None}
    return (int(rows[0][0]), int(rows[0][1])), found


def same_known(session: Session, sent: Iterable[Body]) -> dict[Body, Known]:
    """Return what devices sent before with exactly these bytes, of whatever else came under its op_id."""
    bodies = list(sent)
    if not bodies:
        return {}
    rows = _SAME.run(
        session,
        devices=arrays.numbers([device for device, _, _ in bodies]),
        ids=arrays.uuids([op_id for _, op_id, _ in bodies]),
        hashes=arrays.blobs([body_hash for _, _, body_hash in bodies]),
    )
    return {(device, told[0], told[1]): Known(*told) for device, *told in rows}


def write(session: Session, rows: Sequence[Logged], *, author_id: int | None = None, now: dt.datetime) -> None:
    """Insert rows that no device sent: the server's own, or those of staff."""
    write_all(session, [Lines(None, author_id, None, rows)], now)


def write_all(session: Session, lines: Sequence[Lines], now: dt.datetime) -> None:
    """Insert the rows of all senders, each sender's in their order, in one statement."""
    rows = [row for each in lines for row in each.rows]
    if not rows:
        return
    _WRITE.send(
        session,
        now=now,
        devices=arrays.numbers([each.device_id for each in lines for _ in each.rows]),
        authors=arrays.numbers([each.author_id for each in lines for _ in each.rows]),
        batches=arrays.uuids([each.batch_id for each in lines for _ in each.rows]),
        op_ids=arrays.uuids([row.op_id for row in rows]),
        hashes=arrays.blobs([row.body_hash for row in rows]),
        seqs=arrays.numbers([row.seq for row in rows]),
        collections=arrays.texts([row.collection for row in rows]),
        records=arrays.uuids([row.record_id for row in rows]),
        actions=arrays.texts([row.action for row in rows]),
        base_revs=arrays.numbers([row.base_rev for row in rows]),
        base_ops=arrays.uuids([row.base_op for row in rows]),
        captured=arrays.times([row.captured_at for row in rows]),
        corrected=arrays.times([row.corrected_at for row in rows]),
        data=arrays.texts([None if row.data is None else encode(row.data) for row in rows]),
        raws=arrays.blobs([row.raw for row in rows]),
        changes=arrays.texts([None if row.changes is None else encode(row.changes) for row in rows]),
        revs=arrays.numbers([row.rev for row in rows]),
        statuses=arrays.texts([row.status for row in rows]),
        problems=arrays.texts([None if row.problem is None else encode(row.problem) for row in rows]),
        receipts=arrays.texts([row.receipt for row in rows]),
    )
