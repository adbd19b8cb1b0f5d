"""The routing job: routes what awaits it, hundreds of issues a transaction, until nothing does or others have a turn.

An issue that cannot be routed holds up none of the others: its batch is halved until it stands alone, and it is set
aside with the reason (``server.cases.aside``).
"""

import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError  # noqa: A004  # the pool's own
from sqlalchemy.orm import Session

from server.cases import aside
from server.cases.calendar import WorkCalendar, parse_hours
from server.cases.case import Policy
from server.cases.errors import NoDefaultDesk
from server.cases.service import Routed, read_book, route_awaiting
from server.grounds import ground_at
from server.jobs.process import WORK_FOR, config, now, transaction, wake

BATCH = 500
# These say nothing of an issue: the job ends, and the sweeper asks again.
_NOT_OF_AN_ISSUE = (NoDefaultDesk, OperationalError, InterfaceError, TimeoutError)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Routing:
    """How this city routes. ``begin`` opens a transaction that commits on leaving; ``clock`` tells aware UTC."""

    begin: Callable[[], AbstractContextManager[Session]]
    clock: Callable[[], datetime]
    calendar: WorkCalendar
    policy: Policy

    def spell(self, work_for: timedelta) -> Routed:
        """Route batch after batch until nothing waits or the time is up (``more``)."""
        ends = self.clock() + work_for
        routed = self.batch()
        while routed.more and self.clock() < ends:
            routed = _both(routed, self.batch())
        return routed

    def batch(self) -> Routed:
        """Route up to ``BATCH`` issues; where that fails, all of them that can be, and set the others aside."""
        try:
            return self._try(BATCH, None)
        except _NOT_OF_AN_ISSUE:
            raise
        except Exception as error:  # noqa: BLE001  # the edge of the job: one issue must not stop the others
            log.warning("a batch of issues could not be routed; looking for the one", error=repr(error))
        moment = self.clock()
        with self.begin() as session:
            # What is wrong with ground or rules is no issue's fault: it is raised here, and nothing is set aside.
            ground_at(session)(moment)
            read_book(session)
            ids = aside.awaiting(session, BATCH, moment)
        return self._each(ids)

    def _each(self, ids: Sequence[uuid.UUID]) -> Routed:
        """Route each half by itself, until what cannot be routed stands alone."""
        if not ids:
            return Routed()
        middle = (len(ids) + 1) // 2
        routed = Routed()
        for half in filter(None, (ids[:middle], ids[middle:])):
            routed = _both(routed, self._part(half))
        return replace(routed, more=len(ids) == BATCH)

    def _part(self, ids: Sequence[uuid.UUID]) -> Routed:
        try:
            return self._try(len(ids), ids)
        except _NOT_OF_AN_ISSUE:
            raise
        except Exception as error:
            if len(ids) > 1:
                return self._each(ids)
            log.exception("an issue could not be routed; it is set aside", issue=str(ids[0]))
            with self.begin() as session:
                aside.set_aside(session, ids[0], f"{type(error).__name__}: {error}", self.clock())
            return Routed()

    def _try(self, limit: int, only: Sequence[uuid.UUID] | None) -> Routed:
        with self.begin() as session:
            moment = self.clock()
            ground = ground_at(session)(moment)
            return route_awaiting(session, moment, ground, limit, calendar=self.calendar, policy=self.policy, only=only)


def _both(one: Routed, other: Routed) -> Routed:
    return Routed(one.issues + other.issues, one.deliveries + other.deliveries, other.more)


def route() -> int:
    """Route what waits; return how many issues were. Safe to run twice at once, and to kill at any moment."""
    settings = config()
    calendar = WorkCalendar(hours=parse_hours(settings.working_hours))
    policy = Policy(count_from="capture" if settings.deadlines_from == "capture" else "decision")
    routing = Routing(transaction, now, calendar, policy)
    try:
        routed = routing.spell(WORK_FOR)
    except NoDefaultDesk as error:
        # Nothing can be routed until somebody loads the catalogue; the issues wait, and the sweeper asks again.
        log.error("issues cannot be routed: load the catalogue", desk=error.desk)  # noqa: TRY400  # no trace needed
        return 0
    if routed.deliveries:
        wake("delivery")
    if routed.more:
        wake("routing")
    return len(routed.issues)
