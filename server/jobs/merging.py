"""The merge job: settles the operations that wait, until none can be settled or it is the turn of other jobs."""

from server.grounds import ground_at
from server.jobs.process import WORK_FOR, config, now, transaction, wake
from sync import fence
from sync.conflicts import settle_waiting

BATCH = 500


def settle() -> int:
    """Settle what can be; return how many operations were. Safe to run twice at once, and to kill at any moment."""
    done, ends = 0, now() + WORK_FOR
    while True:
        with transaction() as session:
            fence.hold(session)
            settled = settle_waiting(
                session, now(), ground_at(session), limit=BATCH, hold_for=config().hold_for, near_m=config().near_m
            )
        for queue in sorted(settled.wake):
            wake(queue)
        done += settled.operations
        if not settled.more:
            return done
        if now() >= ends:
            wake("merge")
            return done
