"""The merge job: settles the operations that wait, until none can be settled or it is the turn of other jobs.

A record that cannot be merged holds up none of the others: it is looked for and set aside
(``sync.store.dead_letters``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from geo.editions.ground import NEWEST
from server.database.ground_cache import ground_at
from server.jobs.process import WORK_FOR, config, now, transaction, wake
from sync.access.rights import LATE_FOR
from sync.resolution import conflicts
from sync.resolution.conflicts import Key, Settled
from sync.resolution.effect import Settling
from sync.store import fence
from sync.store.dead_letters import NOT_OF_AN_ITEM, Aside, Begin, one_by_one, reason_of

BATCH = 500

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Merging:
    """How this city merges. ``begin`` opens a transaction that commits on leaving; ``clock`` tells aware UTC."""

    begin: Begin
    clock: Callable[[], datetime]
    hold_for: timedelta
    near_m: float
    late_for: timedelta = LATE_FOR

    def batch(self, limit: int = BATCH) -> Settled:
        """Settle what waits on up to ``limit`` records; where that fails, on all that can be, the others set aside."""
        try:
            with self.begin() as session:
                fence.hold(session)
                return conflicts.settle_waiting(
                    session, self.clock(), ground_at(session), limit=limit, hold_for=self.hold_for,
                    near_m=self.near_m, late_for=self.late_for,
                )  # fmt: skip
        except NOT_OF_AN_ITEM:
            raise
        except Exception as error:  # noqa: BLE001  # the edge of the job: one record must not stop the others
            log.warning("a batch of records could not be merged; looking for the one", error=type(error).__name__)
        with self.begin() as session:
            ground_at(session)(NEWEST)  # what is wrong with the ground is no record's fault, and is raised here
            keys = conflicts.waiting(session, self.clock(), self.hold_for, limit=limit)
        done = one_by_one(keys, self._settle, self._set_aside)
        operations = sum(each.operations for each in done)
        records = sum(each.records for each in done)
        return Settled(operations, records, more=len(keys) >= limit, wake=frozenset().union(*(e.wake for e in done)))

    def _settle(self, keys: Sequence[Key]) -> Settled:
        with self.begin() as session:
            fence.hold(session)
            how = Settling(self.clock(), ground_at(session), self.near_m, self.late_for)
            return conflicts.settle(session, keys, how, hold_for=self.hold_for)

    def _set_aside(self, key: Key, error: Exception) -> None:
        log.error("a record could not be merged; it is set aside", record=conflicts.item_of(key), why=reason_of(error))
        Aside(conflicts.QUEUE, self.begin, self.clock).put(conflicts.item_of(key), error)


def settle() -> int:
    """Settle what can be; return how many operations were. Safe to run twice at once, and to kill at any moment."""
    merging = Merging(transaction, now, config().hold_for, config().near_m, config().late_for)
    done, ends = 0, now() + WORK_FOR
    while True:
        settled = merging.batch()
        for queue in sorted(settled.wake):
            wake(queue)
        done += settled.operations
        if not settled.more:
            return done
        if now() >= ends:
            wake("merge")
            return done
