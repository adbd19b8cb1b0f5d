"""What support asks: how each device fares, who has not synced today, and the life of one record.

Reads only. Whose charge a thing is in comes as areas and grids from above.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from sync.collections import COLLECTIONS
from sync.errors import NotFoundInCharge
from sync.review import InCharge

_DEVICES = text("""
    SELECT device.uid AS device_id, person.login, person.name AS worker, device.name, device.platform,
           device.app_version, device.enrolled_at, device.last_exchange_at, device.pulled_at, device.skew_ms,
           device.revoked_at, device.wipe_ordered_at, device.wiped_at, upper(device.seqs) - 1 AS highest_seq,
           CASE WHEN isempty(device.seqs) THEN '{}'
                ELSE int8multirange(int8range(1, upper(device.seqs))) - device.seqs END AS gaps,
           coalesce(doubt.pending, 0) AS pending, coalesce(doubt.held, 0) AS held,
           coalesce(doubt.quarantined, 0) AS quarantined, coalesce(doubt.review, 0) AS review,
           CASE WHEN coalesce(device.pulled_to, 0) = 0 THEN NULL
                ELSE (SELECT position FROM feed_counter) - device.pulled_to END AS behind
    FROM device JOIN person ON person.id = device.person_id
    LEFT JOIN LATERAL (
        SELECT count(*) FILTER (WHERE status = 'pending') AS pending, count(*) FILTER (WHERE status = 'held') AS held,
               count(*) FILTER (WHERE status = 'quarantined') AS quarantined,
               count(*) FILTER (WHERE status = 'review') AS review
        FROM operation
        WHERE operation.device_id = device.id AND status IN ('pending', 'held', 'quarantined', 'review')
    ) AS doubt ON true
    WHERE CAST(:everywhere AS boolean) OR EXISTS (
        SELECT FROM assignment WHERE assignment.person_id = device.person_id
        AND area_id = ANY (CAST(:areas AS int[]))
    )
    ORDER BY device.last_exchange_at NULLS FIRST, device.id LIMIT :limit OFFSET :offset
""")
_SILENT = text("""
    SELECT person.login, person.name, max(device.last_exchange_at) AS last_exchange_at, count(device.id) AS devices
    FROM person LEFT JOIN device ON device.person_id = person.id AND device.revoked_at IS NULL
    WHERE person.is_active AND EXISTS (
        SELECT FROM assignment WHERE assignment.person_id = person.id AND role = 'grid_worker' AND during @> :now
        AND (CAST(:everywhere AS boolean) OR area_id = ANY (CAST(:areas AS int[])))
    )
    GROUP BY person.id
    HAVING coalesce(max(device.last_exchange_at), '-infinity') < :since
    ORDER BY max(device.last_exchange_at) NULLS FIRST, person.login
""")
_HISTORY = text("""
    SELECT operation.op_id, operation.seq, operation.action, operation.base_rev, operation.base_op, operation.rev,
           operation.status, operation.receipt ->> 'status' AS first_status, operation.captured_at,
           operation.corrected_at, operation.received_at, operation.settled_at, operation.data, operation.changes,
           operation.provenance, operation.problem, operation.ruling, operation.ruling_note,
           device.uid AS device_id, person.login AS author
    FROM operation
    LEFT JOIN device ON device.id = operation.device_id
    LEFT JOIN person ON person.id = operation.author_id
    WHERE operation.record_id = :record ORDER BY operation.id
""")


def devices(session: Session, charge: InCharge, *, limit: int, offset: int) -> list[dict[str, Any]]:
    """Return devices of people in somebody's charge, those not heard of for longest first."""
    wanted = {"everywhere": charge.everywhere, "areas": list(charge.area_ids), "limit": limit, "offset": offset}
    rows = session.execute(_DEVICES, wanted).mappings()
    return [dict(row) | {"gaps": [[gap.lower, gap.upper - 1] for gap in row["gaps"]]} for row in rows]


def silent_workers(session: Session, charge: InCharge, *, since: dt.datetime, now: dt.datetime) -> list[dict[str, Any]]:
    """Return the grid workers in somebody's charge none of whose devices was heard of since a moment."""
    wanted = {"everywhere": charge.everywhere, "areas": list(charge.area_ids), "since": since, "now": now}
    return [dict(row) for row in session.execute(_SILENT, wanted).mappings()]


def history(session: Session, charge: InCharge, collection: str, record_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return the life of one record, operation by operation. Raises ``NotFoundInCharge``."""
    table = COLLECTIONS[collection].table if collection in COLLECTIONS else None
    if table is None or not _lies_in_charge(session, table.name, record_id, charge):
        raise NotFoundInCharge
    return [dict(row) for row in session.execute(_HISTORY, {"record": record_id}).mappings()]


def _lies_in_charge(session: Session, table: str, record_id: uuid.UUID, charge: InCharge) -> bool:
    row = session.execute(
        text(f"SELECT grid_now FROM {table} WHERE id = :id"),  # noqa: S608  # the collection's own table
        {"id": record_id},
    ).one_or_none()
    grids: Sequence[int] = charge.grid_ids
    return row is not None and (charge.everywhere or row.grid_now in grids)
