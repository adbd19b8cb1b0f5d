"""The editions job: lets the records follow what was published, until none is behind."""

import structlog

from server.grounds import ground_at
from server.jobs.process import config, now, transaction, wake
from sync import moving

log = structlog.get_logger()


def follow() -> int:
    """Move all records that must follow an edition; return how many did. Safe to run twice at once, and to kill."""
    done = moving.follow(moving.City(transaction, now, ground_at, config().near_m))
    if done.moved:
        log.info("records followed an edition", moved=done.moved, reassigned=done.reassigned)
        # Issues in another grid may have another body.
        wake("routing")
    return done.moved
