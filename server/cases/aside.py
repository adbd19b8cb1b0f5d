"""Issues set aside: those that routing failed on, kept with the reason, so that they hold up none of the others.

Owns ``routing_failure`` and when an issue is tried again: after a delay that doubles, and at once when the issue or
the rules change. Must not know why routing fails, nor how one issue is told from its neighbours.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from server.cases.tables import RoutingFailure

FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=6)
_LONGEST_REASON = 500
_MOST_DOUBLINGS = 16

# What awaits routing, but for what was set aside until later. For statements that join ``aside`` to ``issue``.
JOIN = "LEFT JOIN routing_failure AS aside ON aside.issue_id = issue.id"
AWAITS = """
    issue.awaiting_routing AND issue.deleted_at IS NULL
    AND (aside.issue_id IS NULL OR aside.next_attempt_at <= :now OR aside.rev <> issue.rev)
"""

_ANY = text(f"SELECT EXISTS (SELECT FROM issue {JOIN} WHERE {AWAITS})")  # noqa: S608  # constants of this module
_IDS = text(f"SELECT issue.id FROM issue {JOIN} WHERE {AWAITS} ORDER BY issue.id LIMIT :limit")  # noqa: S608  # as above
_SET = text("""
    INSERT INTO routing_failure AS before (issue_id, rev, since, attempts, next_attempt_at, reason)
    SELECT id, rev, :now, 1, CAST(:now AS timestamptz) + :first, :reason
    FROM issue WHERE id = :id AND awaiting_routing AND deleted_at IS NULL
    ON CONFLICT (issue_id) DO UPDATE SET
        rev = excluded.rev, reason = excluded.reason, attempts = before.attempts + 1,
        next_attempt_at = CAST(:now AS timestamptz)
            + least(CAST(:longest AS interval), :first * power(2, least(before.attempts, :doublings)))
""")


def awaits(session: Session, now: datetime) -> bool:
    """Return whether a run at ``now`` would find an issue to route."""
    return bool(session.scalar(_ANY, {"now": now}))


def awaiting(session: Session, limit: int, now: datetime) -> list[uuid.UUID]:
    """Return up to ``limit`` issues that a run at ``now`` would take, in its order; locks nothing."""
    return list(session.scalars(_IDS, {"now": now, "limit": limit}))


def set_aside(session: Session, issue_id: uuid.UUID, reason: str, now: datetime) -> None:
    """Keep an issue that could not be routed, with the reason, from being tried again too soon."""
    session.execute(
        _SET,
        {
            "id": issue_id,
            "reason": reason[:_LONGEST_REASON],
            "now": now,
            "first": FIRST_DELAY,
            "longest": LONGEST_DELAY,
            "doublings": _MOST_DOUBLINGS,
        },
    )


def try_again(session: Session, now: datetime) -> None:
    """Have everything tried again now, since what it is decided by has changed."""
    session.execute(update(RoutingFailure).where(RoutingFailure.next_attempt_at > now).values(next_attempt_at=now))


def take_back(session: Session, ids: Sequence[uuid.UUID]) -> None:
    """Forget what went wrong with issues that are settled now."""
    if ids:
        session.execute(delete(RoutingFailure).where(RoutingFailure.issue_id.in_(ids)))
