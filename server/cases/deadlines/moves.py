"""Which deadlines an edition of the calendar has moved: reads what the job wrote, of cases in somebody's reach."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.accounts.charge import Reach
from server.accounts.issue_sight import in_reach
from server.cases.calendars.tables import DeadlineMove
from server.cases.deadlines.recounting import Move
from sync.collections.issues import Issue

LISTED_AT_MOST = 200


def moved_by(session: Session, edition: int, reach: Reach) -> list[Move]:
    """Return the deadlines that an edition moved, those due first first."""
    found = session.execute(
        select(DeadlineMove, Issue.grid_now)
        .join(Issue, Issue.id == DeadlineMove.issue_id)
        .where(DeadlineMove.edition == edition, in_reach(reach))
        .order_by(DeadlineMove.due_at, DeadlineMove.issue_id)
    )
    return [Move(each.issue_id, grid_id, each.was_due_at, each.due_at) for each, grid_id in found]
