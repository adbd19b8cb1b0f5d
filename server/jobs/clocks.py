"""The clocks job: keeps when cases speak up, and raises what is nearly due or over. Safe to run twice, and to kill.

A case that cannot be counted or raised holds up none of the others: it is looked for and set aside
(``sync.store.dead_letters``).
"""

import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.cases.calendars import store
from server.cases.deadlines import escalating
from server.cases.deadlines.escalating import Raised
from server.cases.timing import alarms
from server.database.ground_cache import ground_at
from server.jobs.process import WORK_FOR, now, transaction, wake
from sync.store import dead_letters
from sync.store.dead_letters import NOT_OF_AN_ITEM, one_by_one, reason_of

BATCH = 500
Done = TypeVar("Done")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Watching:
    """How this city watches its clocks. ``begin`` opens a transaction that commits on leaving; ``clock``: aware UTC."""

    begin: Callable[[], AbstractContextManager[Session]]
    clock: Callable[[], datetime]

    def run_for(self, work_for: timedelta) -> tuple[int, bool]:
        """Count again what is stale and raise what is due, until nothing is or the time is up.

        Returns how many alarms were raised, and whether more may wait.
        """
        ends = self.clock() + work_for
        raised, more = 0, True
        while more and self.clock() < ends:
            counted = sum(self._batch(alarms.behind, self._refresh))
            done = self._batch(escalating.due, self._escalate)
            told = sum(each.warned + each.escalated for each in done)
            raised += told
            # Going up is a step of the case, after which its clocks are counted again.
            more = bool(counted or told)
        return raised, more

    def _batch(
        self,
        waiting: Callable[[Session, int, datetime], Sequence[uuid.UUID]],
        work: Callable[[Sequence[uuid.UUID] | None], Done],
    ) -> list[Done]:
        """Do a batch; where that fails, all cases of it that can be, and set the others aside."""
        try:
            return [work(None)]
        except NOT_OF_AN_ITEM:
            raise
        except Exception as error:  # noqa: BLE001  # the edge of the job: one case must not stop the others
            log.warning("clocks of a batch could not be watched; looking for the one", error=type(error).__name__)
        moment = self.clock()
        with self.begin() as session:
            # What is wrong with ground or calendar is no case's fault: it is raised here, and nothing is set aside.
            ground_at(session)(moment)
            store.read(session)
            ids = waiting(session, BATCH, moment)
        return list(one_by_one(ids, work, self._set_aside))

    def _set_aside(self, issue_id: uuid.UUID, error: Exception) -> None:
        log.error("a clock could not be watched; it is set aside", issue=str(issue_id), why=reason_of(error))
        with self.begin() as session:
            dead_letters.put(session, alarms.QUEUE, str(issue_id), reason_of(error), self.clock())

    def _refresh(self, only: Sequence[uuid.UUID] | None) -> int:
        with self.begin() as session:
            moment, ground = self._now(session)
            return alarms.refresh(session, ground, moment, BATCH, only=only)

    def _escalate(self, only: Sequence[uuid.UUID] | None) -> Raised:
        with self.begin() as session:
            moment, ground = self._now(session)
            return escalating.escalate(session, ground, moment, BATCH, only=only)

    def _now(self, session: Session) -> tuple[datetime, Ground | None]:
        moment = self.clock()
        return moment, ground_at(session)(moment)


def watch() -> int:
    """Watch the clocks of all cases for as long as a job may; return how many alarms were raised."""
    raised, more = Watching(transaction, now).run_for(WORK_FOR)
    if raised:
        log.info("told of what is due", raised=raised)
    if more:
        wake("clocks")
    return raised
