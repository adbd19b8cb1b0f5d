"""The routing job: routes what awaits it, hundreds of issues a transaction, until nothing does."""

import structlog

from server.cases.calendar import WorkCalendar, parse_hours
from server.cases.case import Policy
from server.cases.errors import NoDefaultDesk
from server.cases.service import Routed, route_awaiting
from server.grounds import ground_at
from server.jobs.process import config, now, transaction, wake

BATCH = 200

log = structlog.get_logger()


def route() -> int:
    """Route all that waits; return how many issues were. Safe to run twice at once, and to kill at any moment."""
    done = 0
    while True:
        try:
            routed = _route_some()
        except NoDefaultDesk as error:
            # Nothing can be routed until somebody loads the catalogue; the issues wait, and the sweeper asks again.
            log.error("issues cannot be routed: load the catalogue", desk=error.desk)  # noqa: TRY400  # no trace needed
            return done
        done += len(routed.issues)
        if routed.deliveries:
            wake("delivery")
        if not routed.more:
            return done


def _route_some() -> Routed:
    settings = config()
    calendar = WorkCalendar(hours=parse_hours(settings.working_hours))
    policy = Policy(count_from="capture" if settings.deadlines_from == "capture" else "decision")
    with transaction() as session:
        moment = now()
        ground = ground_at(session)(moment)
        return route_awaiting(session, moment, ground, BATCH, calendar=calendar, policy=policy)
