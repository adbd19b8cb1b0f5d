"""The routing job: routes what awaits it, hundreds of issues a transaction, until nothing does or others have a turn.

An issue that cannot be routed holds up none of the others: it is looked for and set aside
(``sync.store.dead_letters``).
"""

import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from server.cases.case import Policy
from server.cases.catalogues import editions
from server.cases.errors import NoDefaultDesk
from server.cases.routing import retries
from server.cases.routing.service import Routed, read_book, route_awaiting
from server.cases.routing.trial import mark_changed
from server.database.ground_cache import ground_at
from server.jobs.process import WORK_FOR, config, now, transaction, wake
from sync.store.dead_letters import NOT_OF_AN_ITEM, one_by_one, reason_of

BATCH = 500
# These say nothing of an issue: the job ends, and the sweeper asks again.
_NOT_OF_AN_ISSUE = (NoDefaultDesk, *NOT_OF_AN_ITEM)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Routing:
    """How this city routes. ``begin`` opens a transaction that commits on leaving; ``clock`` tells aware UTC."""

    begin: Callable[[], AbstractContextManager[Session]]
    clock: Callable[[], datetime]
    policy: Policy

    def run_for(self, work_for: timedelta) -> Routed:
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
            log.warning("a batch of issues could not be routed; looking for the one", error=type(error).__name__)
        moment = self.clock()
        with self.begin() as session:
            # What is wrong with ground or rules is no issue's fault: it is raised here, and nothing is set aside.
            ground_at(session)(moment)
            read_book(session)
            ids = retries.awaiting(session, BATCH, moment)
        routed = Routed()
        for part in one_by_one(ids, lambda some: self._try(len(some), some), self._set_aside):
            routed = _both(routed, part)
        return replace(routed, more=len(ids) == BATCH)

    def _set_aside(self, issue_id: uuid.UUID, error: Exception) -> None:
        if isinstance(error, NoDefaultDesk):
            raise error
        log.error("an issue could not be routed; it is set aside", issue=str(issue_id), why=reason_of(error))
        with self.begin() as session:
            retries.set_aside(session, issue_id, error, self.clock())

    def _try(self, limit: int, only: Sequence[uuid.UUID] | None) -> Routed:
        with self.begin() as session:
            moment = self.clock()
            ground = ground_at(session)(moment)
            return route_awaiting(session, moment, ground, limit, policy=self.policy, only=only)


def _both(one: Routed, other: Routed) -> Routed:
    return Routed(one.issues + other.issues, one.deliveries + other.deliveries, other.more)


def _settle_catalogue() -> None:
    """Bring in what was planned of the catalogue for now, and have the cases decided anew that it sends elsewhere."""
    moment = now()
    with transaction() as session:
        codes = editions.settle_due(session, moment)
        marked = mark_changed(session, ground_at(session)(moment), moment, categories=codes) if codes else 0
    if codes:
        log.info("a planned change of the catalogue took effect", categories=codes, decided_anew=marked)


def route() -> int:
    """Route what waits; return how many issues were. Safe to run twice at once, and to kill at any moment."""
    settings = config()
    policy = Policy(count_from="capture" if settings.deadlines_from == "capture" else "decision")
    _settle_catalogue()
    routing = Routing(transaction, now, policy)
    try:
        routed = routing.run_for(WORK_FOR)
    except NoDefaultDesk as error:
        # Nothing can be routed until somebody loads the catalogue; the issues wait, and the sweeper asks again.
        log.error("issues cannot be routed: load the catalogue", desk=error.desk)  # noqa: TRY400  # no trace needed
        return 0
    if routed.deliveries:
        wake("delivery")
    if routed.more:
        wake("routing")
    if routed.issues:
        wake("clocks")
    return len(routed.issues)
