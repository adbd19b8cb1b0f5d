"""The queues: their names, the coarse job of each, and waking it. The one thing that edges share.

A queue holds at most a job or two: a job works until nothing waits, so a wake-up finds it queued already and
adds nothing. Redis is never needed for an answer: where it is away, waking is given up quickly, and the
sweeper queues the work when it is back.
"""

import threading
import time
from collections.abc import Mapping
from functools import cache

import redis
import structlog
from flask import current_app
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from server.database.extensions import settings

JOBS: Mapping[str, str] = {
    "merge": "server.jobs.merging.settle",
    "routing": "server.jobs.routing.route",
    "delivery": "server.jobs.delivery.deliver",
    "files": "server.jobs.files.tend",
    "editions": "server.jobs.editions.follow",
    "imports": "server.jobs.importing.import_all",
    "tiles": "server.jobs.tiles.sketch",
    "calendar": "server.jobs.calendar.recount",
    "clocks": "server.jobs.clocks.watch",
    "steps": "server.jobs.steps.step",
}
LANES: tuple[tuple[str, ...], ...] = (
    ("merge", "steps", "routing"),
    ("delivery", "editions", "calendar", "clocks"),
    ("files", "imports", "tiles"),
)
"""The queues by how long their jobs may take. Each lane has a worker that takes nothing slower, so that no long job
keeps a quicker kind waiting; a worker of a slower lane takes from the quicker ones too."""
# How long a job may take before it is ended: a file of the largest size is read in one piece.
_JOB_S: Mapping[str, int] = {"imports": 3600}
_USUAL_JOB_S = 600
_PATIENCE_S = 0.5
_REST_S = 5.0
_COALESCE_S = 0.05
_away_until = 0.0

log = structlog.get_logger()


@cache
def connection(url: str) -> redis.Redis:
    """Return this process's pool of connections to Redis, of short patience."""
    return redis.Redis.from_url(
        url, socket_connect_timeout=_PATIENCE_S, socket_timeout=_PATIENCE_S, retry=Retry(NoBackoff(), 0)
    )


@cache
def _queue(name: str, redis_url: str) -> Queue:
    # One for each name: to make one costs as much as to ask it.
    return Queue(name, connection=connection(redis_url), serializer=JSONSerializer)


def wake(name: str) -> bool:
    """Queue the coarse job of a queue from inside an app; see ``wake_at``."""
    return wake_at(name, settings().redis_url)


class Bell:
    """Wakes queues from a thread of its own, so that whoever answers a phone does not wait for Redis.

    What rings while it is waking is woken once, after that: no ring is lost but with the process, and then the
    sweeper finds the work.
    """

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self._rung: set[str] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def ring(self, name: str) -> None:
        """Have a queue woken soon."""
        with self._changed:
            self._rung.add(name)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._wake_for_ever, name="bell", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _wake_for_ever(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._rung)
                names, self._rung = self._rung, set()
            for name in sorted(names):
                wake_at(name, self._redis_url)
            time.sleep(_COALESCE_S)


def ring(name: str) -> None:
    """Have a queue woken soon, from inside an app; see ``Bell``."""
    bell: Bell = current_app.extensions.setdefault("bell", Bell(settings().redis_url))
    bell.ring(name)


def wake_at(name: str, redis_url: str) -> bool:
    """Queue the coarse job of a queue, unless one is queued; return whether Redis took it or had it."""
    global _away_until  # noqa: PLW0603  # one circuit for the process
    if time.monotonic() < _away_until:
        return False
    queue = _queue(name, redis_url)
    try:
        if queue.count == 0:
            queue.enqueue(JOBS[name], result_ttl=0, failure_ttl=3600, job_timeout=_JOB_S.get(name, _USUAL_JOB_S))
    except redis.RedisError as error:
        _away_until = time.monotonic() + _REST_S
        log.warning("redis is away; the sweeper will queue this later", queue=name, error=str(error))
        return False
    return True
