"""The job of steps that phones sent: takes what waits, until nothing does or others have a turn.

A step that the job breaks on holds up none of the others: it is looked for and set aside (``sync.store.dead_letters``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import structlog

from server.cases.life import phones
from server.cases.life.phones import Settled
from server.database.ground_cache import ground_at
from server.jobs.process import WORK_FOR, now, transaction, wake
from sync.store.dead_letters import NOT_OF_AN_ITEM, Aside, Begin, one_by_one, reason_of

BATCH = 200

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Stepping:
    """How steps are taken here. ``begin`` opens a transaction that commits on leaving; ``clock`` tells aware UTC."""

    begin: Begin
    clock: Callable[[], datetime]

    def batch(self) -> Settled:
        """Settle up to ``BATCH`` steps; where that fails, all of them that can be, and set the others aside."""
        try:
            return self._settle(BATCH, None)
        except NOT_OF_AN_ITEM:
            raise
        except Exception as error:  # noqa: BLE001  # the edge of the job: one step must not stop the others
            log.warning("a batch of steps could not be taken; looking for the one", error=type(error).__name__)
        with self.begin() as session:
            ids = phones.waiting(session, BATCH, self.clock())
        done = Settled()
        for part in one_by_one(ids, lambda some: self._settle(len(some), some), self._set_aside):
            done = Settled(done.steps + part.steps, done.deliveries + part.deliveries)
        return replace(done, more=len(ids) == BATCH)

    def _settle(self, limit: int, only: Sequence[UUID] | None) -> Settled:
        with self.begin() as session:
            moment = self.clock()
            return phones.settle(session, ground_at(session)(moment), moment, limit, only=only)

    def _set_aside(self, step_id: UUID, error: Exception) -> None:
        log.error("a step could not be taken; it is set aside", step=str(step_id), why=reason_of(error))
        Aside(phones.QUEUE, self.begin, self.clock).put(str(step_id), error)


def step() -> int:
    """Take the steps that wait; return how many were settled. Safe to run twice at once, and to kill at any moment."""
    stepping = Stepping(transaction, now)
    done, ends = 0, now() + WORK_FOR
    while True:
        settled = stepping.batch()
        done += len(settled.steps)
        if settled.deliveries:
            wake("delivery")
        if not settled.more or now() >= ends:
            break
    if settled.more:
        wake("steps")
    if done:
        wake("routing")
        wake("clocks")
    return done
