"""The editions job: publishes what was planned for now, and lets the records follow, until none is behind."""

import structlog

from server.grids import publishing
from server.grounds import ground_at
from server.jobs.process import config, now, transaction, wake
from sync import moving
from sync.flip import publish_due

log = structlog.get_logger()


def follow() -> int:
    """Publish what is due and move what must follow; return how many records did. Safe to run twice, and to kill."""
    while _publish_one():
        pass
    # Open maps ask for the new edition at once; records may follow for longer.
    wake("tiles")
    done = moving.follow(moving.City(transaction, now, ground_at, config().near_m))
    if done.moved:
        log.info("records followed an edition", moved=done.moved, reassigned=done.reassigned)
        # Issues in another grid may have another body.
        wake("routing")
    return done.moved


def _publish_one() -> bool:
    with transaction() as session:
        found = publish_due(session, now)
        publishing.note_published(session)
        return found
