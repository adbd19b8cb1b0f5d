"""Issues set aside: those that routing failed on, as dead letters of their queue, so that they hold up no others.

Owns what the queue calls an issue, and that another revision of it, or another rulebook, is tried at once. Must not
know why routing fails, nor how one issue is told from its neighbours.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from sync.store import dead_letters
from sync.tables import DeadLetter

QUEUE = "routing"

# What awaits routing, but for what was set aside until later, and what somebody settled on the spot: their steps go
# first. For statements that join ``aside`` to ``issue``.
JOIN = f"LEFT JOIN dead_letter AS aside ON aside.queue = '{QUEUE}' AND aside.item = issue.id::text"
AWAITS = """
    issue.awaiting_routing AND (issue.deleted_at IS NULL OR issue.must_tell)
    AND (aside.item IS NULL OR aside.next_attempt_at <= :now OR aside.mark <> issue.rev::text)
    AND NOT EXISTS (
        SELECT FROM step WHERE step.issue_id = issue.id AND step.outcome IS NULL AND step.deleted_at IS NULL
        AND step.received_at > CAST(:now AS timestamptz) - interval '10 minutes'
    )
"""

_ANY = text(f"SELECT EXISTS (SELECT FROM issue {JOIN} WHERE {AWAITS})")  # noqa: S608  # constants of this module
_IDS = text(f"SELECT issue.id FROM issue {JOIN} WHERE {AWAITS} ORDER BY issue.id LIMIT :limit")  # noqa: S608  # as above
_REV = text("SELECT rev FROM issue WHERE id = :id AND awaiting_routing AND (deleted_at IS NULL OR must_tell)")


def awaits(session: Session, now: datetime) -> bool:
    """Return whether a run at ``now`` would find an issue to route."""
    return bool(session.scalar(_ANY, {"now": now}))


def awaiting(session: Session, limit: int, now: datetime) -> list[uuid.UUID]:
    """Return up to ``limit`` issues that a run at ``now`` would take, in its order; locks nothing."""
    return list(session.scalars(_IDS, {"now": now, "limit": limit}))


def set_aside(session: Session, issue_id: uuid.UUID, error: BaseException, now: datetime) -> None:
    """Keep an issue that could not be routed, with the reason, from being tried again too soon."""
    rev = session.scalar(_REV, {"id": issue_id})
    if rev is not None:
        dead_letters.put(session, QUEUE, str(issue_id), dead_letters.reason_of(error), now, mark=str(rev))


def failure(session: Session, issue_id: uuid.UUID) -> DeadLetter | None:
    """Return why an issue could not be routed; None where it never failed."""
    return session.get(DeadLetter, (QUEUE, str(issue_id)))


def try_again(session: Session, now: datetime) -> None:
    """Have everything tried again now, since what it is decided by has changed."""
    dead_letters.try_again(session, now, queue=QUEUE)


def take_back(session: Session, ids: Sequence[uuid.UUID]) -> None:
    """Forget what went wrong with issues that are settled now."""
    dead_letters.take_back(session, QUEUE, [str(each) for each in ids])
