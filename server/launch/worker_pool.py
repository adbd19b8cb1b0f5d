"""The RQ worker pool: `python -m server.launch.worker_pool`, over the queues that server.jobs.queues names.

Workers that do not fork, because forking for each job costs more than our jobs; JSON, because job arguments are ids.
Jobs of different kinds cannot starve one another: each lane of queues has a worker of its own. Reads REDIS_URL and
PATROL_JOB_WORKERS, of which there is at least one a lane. The modules of the jobs are imported before the workers are
forked: they share them, and one that takes the place of a dead one works at once.
"""

import contextlib
import math
import os
import sys
import time
from collections import Counter
from importlib import import_module
from types import FrameType
from typing import Any

import psutil
from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from rq.worker.base import DequeueStrategy
from rq.worker_pool import WorkerPool

from server.jobs.queues import JOBS, LANES
from server.launch.garbage import collect_seldom
from server.monitoring import logs

_NICENESS = 10
# Below the patience of who asks the pool to stop (server.launch.respawn).
_STOP_WITHIN_S = 8.0


class TurnTaker(SimpleWorker):
    """Takes from the queues in turn, so that one which always has work keeps none of the others waiting."""

    def reorder_queues(self, reference_queue: Queue) -> None:
        """Put the queue that a job was just taken from last."""
        self._dequeue_strategy = DequeueStrategy.ROUND_ROBIN
        super().reorder_queues(reference_queue)


def queues_of(lane: int) -> list[str]:
    """Return what a worker of a lane takes from: its own queues, and those of every quicker lane."""
    return [name for queues in reversed(LANES[: lane + 1]) for name in queues]


class LanePool(WorkerPool):
    """Gives each worker a lane; the place of one that died goes to the lane that has the fewest."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(queues_of(len(LANES) - 1), *args, **kwargs)
        self._lane_of: dict[str, int] = {}
        self._stops_at = math.inf

    def request_stop(self, signum: int | None = None, frame: FrameType | None = None) -> None:
        """Ask every worker to end after its job."""
        self._stops_at = min(self._stops_at, time.monotonic() + _STOP_WITHIN_S)
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def all_workers_have_stopped(self) -> bool:
        """Return whether all have; kill those that had their time, since a killed job is done again.

        Besides long jobs it ends workers that did not hear: RQ's handler raises, and where it happens to run inside
        a finalizer, Python swallows what it raises.
        """
        if time.monotonic() > self._stops_at:
            for worker in list(self.worker_dict.values()):
                _kill(worker.pid)
        return super().all_workers_have_stopped()

    def get_worker_process(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Return a worker that is not started, for the queues of its lane."""
        manned = Counter(self._lane_of[each] for each in self.worker_dict if each in self._lane_of)
        self._lane_of[name] = min(range(len(LANES)), key=lambda lane: manned[lane])
        self._queue_names = queues_of(self._lane_of[name])
        return super().get_worker_process(name, *args, **kwargs)


def _kill(pid: int) -> None:
    """Kill a worker with the scheduler that it started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        worker = psutil.Process(pid)
        for each in [worker, *worker.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()


def main() -> int:
    """Work until asked to stop."""
    logs.configure()
    pool = LanePool(
        connection=Redis.from_url(os.environ["REDIS_URL"]),
        num_workers=max(len(LANES), int(os.environ.get("PATROL_JOB_WORKERS", "0"))),
        worker_class=TurnTaker,
        serializer=JSONSerializer,
    )
    for job in JOBS.values():
        import_module(job.rpartition(".")[0])
    # The workers are forked from here, and inherit all this. Phones wait for their answers, nobody for a job: where
    # processors are short, jobs come second.
    collect_seldom()
    os.nice(_NICENESS)
    pool.start(logging_level="WARNING")
    return 0


if __name__ == "__main__":
    sys.exit(main())
