"""What of one device is not settled: what waits or was refused, steps not taken, gaps of its seq, its clock's skew."""

import datetime as dt
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from sync.access.devices import CallingDevice

MAX_LISTED = 1000
_DOUBT = text("""
    SELECT op_id, seq, collection, record_id, status, problem, captured_at, received_at FROM operation
    WHERE device_id = :device AND status IN ('pending', 'held', 'quarantined', 'review')
    ORDER BY id DESC LIMIT :limit
""")
# Steps of the last month that were not taken, and those that wait.
_STEPS = text("""
    SELECT id, issue_id, doc ->> 'step' AS step, outcome, instead, case_state, received_at FROM step
    WHERE author_id = :person AND deleted_at IS NULL AND (outcome IS NULL OR (
        outcome <> 'taken' AND settled_at > now() - interval '30 days'
    ))
    ORDER BY id DESC LIMIT :limit
""")
_DEVICE = text("""
    SELECT skew_ms, last_exchange_at, upper(seqs) - 1 AS highest, reused_seqs,
           CASE WHEN isempty(seqs) THEN '{}' ELSE int8multirange(int8range(1, upper(seqs))) - seqs END AS gaps
    FROM device WHERE id = :device
""")


def status(session: Session, device: CallingDevice) -> dict[str, Any]:
    """Return the status document of a device; lists are the newest first, at most 1,000 in all."""
    told: dict[str, Any] = {name: [] for name in ("pending", "held", "quarantined", "review")}
    for row in session.execute(_DOUBT, {"device": device.id, "limit": MAX_LISTED}):
        told[row.status].append(
            {
                "op_id": str(row.op_id),
                "seq": row.seq,
                "collection": row.collection,
                "id": None if row.record_id is None else str(row.record_id),
                "reason": row.problem,
                "received_at": _iso(row.received_at),
            }
        )
    row = session.execute(_DEVICE, {"device": device.id}).one()
    steps = session.execute(_STEPS, {"person": device.person_id, "limit": MAX_LISTED})
    return told | {
        "steps": [_step(each) for each in steps],
        "gaps": [[gap.lower, gap.upper - 1] for gap in row.gaps],
        "highest_seq": row.highest or 0,
        "reused_seqs": row.reused_seqs,
        "skew_ms": row.skew_ms,
        "last_exchange_at": _iso(row.last_exchange_at),
    }


def _step(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "issue_id": str(row.issue_id),
        "step": row.step,
        "outcome": row.outcome,
        "case_state": row.case_state,
        "instead": row.instead,
        "received_at": _iso(row.received_at),
    }


def _iso(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
