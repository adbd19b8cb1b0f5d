"""The delivery job: sends what is due, side by side for all bodies, and wakes itself where its time was not enough."""

from datetime import timedelta

import structlog

from server.cases.delivery.deliveries import deliver_due
from server.cases.delivery.endpoints import seal
from server.jobs.process import config, now, transaction, wake

# Well below the time at which a job is taken for dead, so that no letter is cut off on its way.
WORK_FOR = timedelta(seconds=60)

log = structlog.get_logger()


def deliver() -> int:
    """Send all that is due; return how many arrived. Safe to run twice at once, and to kill at any moment."""
    settings = config()
    sent = deliver_due(
        transaction, now, seal=seal(settings.secret_key), guard=settings.webhook_guard, work_for=WORK_FOR
    )
    if sent.given_up:
        log.warning("deliveries were given up: a dispatcher must look at /v1/deliveries", count=sent.given_up)
    if sent.more:
        wake("delivery")
    return sent.delivered
