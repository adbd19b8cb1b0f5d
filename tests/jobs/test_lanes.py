"""No number of long jobs keeps what a phone waits for waiting: each lane of queues has a worker of its own."""

import time

import psutil
import redis
from rq import Queue
from rq.serializers import JSONSerializer

from server.jobs.queues import JOBS, LANES
from server.launch.worker_pool import queues_of
from tests.jobs.conftest import eventually
from tests.jobs.test_processes import put, routed

LONG_S = 300


def test_every_queue_is_in_one_lane_and_the_last_lane_takes_from_all():
    assert sorted(name for lane in LANES for name in lane) == sorted(JOBS)
    assert sorted(queues_of(len(LANES) - 1)) == sorted(JOBS)


def test_a_worker_takes_from_no_slower_lane():
    for lane in range(len(LANES)):
        slower = {name for queues in LANES[lane + 1 :] for name in queues}
        assert not slower & set(queues_of(lane))
        assert set(LANES[lane]) <= set(queues_of(lane))


def test_issues_are_routed_while_every_slow_queue_is_full_of_long_jobs(processes, sessions):
    with redis.Redis.from_url(processes.environment["REDIS_URL"]) as connection:
        for name in [*LANES[1], *LANES[2]] * 2:
            Queue(name, connection=connection, serializer=JSONSerializer).enqueue(time.sleep, LONG_S)
        put(sessions, 3)
        processes.worker()
        processes.sweeper()
        eventually(lambda: routed(sessions) == 3, "routed")


def test_a_pool_that_is_asked_to_stop_ends_also_beside_jobs_that_do_not(processes):
    with redis.Redis.from_url(processes.environment["REDIS_URL"]) as connection:
        queue = Queue(LANES[0][0], connection=connection, serializer=JSONSerializer)
        queue.enqueue(time.sleep, LONG_S)
        pool = processes.worker()
        eventually(lambda: queue.started_job_registry.get_job_count(cleanup=False) == 1, "a worker took it")
        below = psutil.Process(pool.process.pid).children(recursive=True)
        pool.process.terminate()
        assert pool.process.wait(40) == 0
        psutil.wait_procs(below, timeout=20)
        assert [each for each in below if each.is_running() and each.status() != "zombie"] == []
