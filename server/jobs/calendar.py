"""The calendar job: counts deadlines again by the newest edition of the calendar, hundreds a transaction.

A case that cannot be counted holds up none of the others: it is looked for and set aside (``sync.store.dead_letters``).
"""

import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from server.cases.calendars import store
from server.cases.deadlines import recounting
from server.cases.deadlines.recounting import Recounted
from server.database.ground_cache import ground_at
from server.jobs.process import WORK_FOR, now, transaction, wake
from sync.store.dead_letters import NOT_OF_AN_ITEM, one_by_one, reason_of

BATCH = 500

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Recounting:
    """How this city counts again. ``begin`` opens a transaction that commits on leaving; ``clock`` tells aware UTC."""

    begin: Callable[[], AbstractContextManager[Session]]
    clock: Callable[[], datetime]

    def run_for(self, work_for: timedelta) -> Recounted:
        """Count batch after batch until nothing is behind or the time is up (``more``)."""
        ends = self.clock() + work_for
        done = self.batch()
        while done.more and self.clock() < ends:
            done = _both(done, self.batch())
        return done

    def batch(self) -> Recounted:
        """Count up to ``BATCH`` cases; where that fails, all of them that can be, and set the others aside."""
        try:
            return self._try(BATCH, None)
        except NOT_OF_AN_ITEM:
            raise
        except Exception as error:  # noqa: BLE001  # the edge of the job: one case must not stop the others
            log.warning("deadlines of a batch could not be counted; looking for the one", error=type(error).__name__)
        moment = self.clock()
        with self.begin() as session:
            # What is wrong with ground or calendar is no case's fault: it is raised here, and nothing is set aside.
            ground_at(session)(moment)
            store.read(session)
            ids = recounting.behind(session, BATCH, moment)
        done = Recounted()
        for part in one_by_one(ids, lambda some: self._try(len(some), some), self._set_aside):
            done = _both(done, part)
        return replace(done, more=len(ids) == BATCH)

    def _set_aside(self, issue_id: uuid.UUID, error: Exception) -> None:
        log.error("a deadline could not be counted; it is set aside", issue=str(issue_id), why=reason_of(error))
        with self.begin() as session:
            recounting.set_aside(session, issue_id, error, self.clock())

    def _try(self, limit: int, only: Sequence[uuid.UUID] | None) -> Recounted:
        with self.begin() as session:
            moment = self.clock()
            return recounting.recount(session, moment, ground_at(session)(moment), limit, only=only)


def _both(one: Recounted, other: Recounted) -> Recounted:
    return Recounted(one.looked + other.looked, one.moved + other.moved, one.deliveries + other.deliveries, other.more)


def recount() -> int:
    """Count again what is behind; return how many cases were. Safe to run twice at once, and to kill at any moment."""
    done = Recounting(transaction, now).run_for(WORK_FOR)
    if done.moved:
        log.info("another edition of the calendar moved deadlines", moved=len(done.moved), looked=done.looked)
    if done.deliveries:
        wake("delivery")
    if done.more:
        wake("calendar")
    return done.looked
