"""The merge job: settles the operations that wait, until none is left that can be settled."""

from server.grounds import ground_at
from server.jobs.process import config, now, transaction, wake
from sync import fence
from sync.conflicts import settle_waiting

BATCH = 500


def settle() -> int:
    """Settle all that can be; return how many operations were. Safe to run twice at once, and to kill at any moment."""
    done = 0
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
