"""The RQ worker pool: `python -m server.launch.worker_pool`, over the queues that server.jobs.queues names.

Workers that do not fork, because forking for each job costs more than our jobs; JSON, because job arguments are ids.
Reads REDIS_URL and PATROL_JOB_WORKERS. Knows no job.
"""

import os
import sys

from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from rq.worker.base import DequeueStrategy
from rq.worker_pool import WorkerPool

from server.jobs.queues import QUEUES
from server.launch.garbage import collect_seldom

_NICENESS = 10


class TurnTaker(SimpleWorker):
    """Takes from the queues in turn, so that one which always has work keeps none of the others waiting."""

    def reorder_queues(self, reference_queue: Queue) -> None:
        """Put the queue that a job was just taken from last."""
        self._dequeue_strategy = DequeueStrategy.ROUND_ROBIN
        super().reorder_queues(reference_queue)


def main() -> int:
    """Work until asked to stop."""
    pool = WorkerPool(
        list(QUEUES),
        connection=Redis.from_url(os.environ["REDIS_URL"]),
        num_workers=int(os.environ.get("PATROL_JOB_WORKERS", "2")),
        worker_class=TurnTaker,
        serializer=JSONSerializer,
    )
    # The workers are forked from here, and inherit both. Phones wait for their answers, nobody for a job: where
    # processors are short, jobs come second.
    collect_seldom()
    os.nice(_NICENESS)
    pool.start(logging_level="WARNING")
    return 0


if __name__ == "__main__":
    sys.exit(main())
