"""The editions job: publishes what was planned for now, and lets the records follow, until none is behind."""

from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from geo.editions.plans import Order
from server.database.ground_cache import ground_at
from server.grids import publishing
from server.grids.rights import require_planner
from server.jobs.process import config, now, transaction, wake
from sync.redraw import moving
from sync.redraw.cutover import publish_due
from sync.store.dead_letters import NOT_OF_AN_ITEM

log = structlog.get_logger()


def follow() -> int:
    """Publish what is due and move what must follow; return how many records did. Safe to run twice, and to kill."""
    try:
        while _publish_one():
            pass
    except NOT_OF_AN_ITEM:
        raise
    except Exception:
        # A plan that breaks the publishing must not keep the records of other editions where they are.
        log.exception("a planned edition could not be published")
    # Open maps ask for the new edition at once; records may follow for longer.
    wake("tiles")
    city = moving.JobContext(transaction, now, ground_at, config().near_m)
    moved = 0
    for done in (moving.follow(city), moving.follow_late(city)):
        moved += done.moved
        if done.moved:
            log.info("records followed an edition", moved=done.moved, reassigned=done.reassigned)
    if moved:
        # Issues in another grid may have another body.
        wake("routing")
    return moved


def permit(session: Session, plan_id: int, order: Order, at: datetime) -> None:
    """Raise ``PlannerNotInCharge`` unless whoever planned an edition may publish it at a time (aware UTC)."""
    require_planner(session, plan_id, order, ground_at(session)(at), now=at)


def _publish_one() -> bool:
    with transaction() as session:
        found = publish_due(session, now, permit)
        publishing.note_published(session)
        return found
