"""Waking: one job a queue is enough, and Redis is never needed for an answer."""

import os
import subprocess
import sys

import pytest
import redis
from rq import Queue
from rq.serializers import JSONSerializer

from server.jobs import queues
from server.jobs.queues import JOBS, wake_at
from server.launch.worker_pool import TurnTaker
from tests.cases.city import ROOT
from tests.conftest import own_redis_url


@pytest.fixture(scope="module")
def redis_url():
    """A Redis number that no worker of another test, still on its way out, takes jobs from."""
    return own_redis_url()


@pytest.fixture
def empty_redis(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture(autouse=True)
def _redis_is_back():
    queues._away_until = 0.0
    yield
    queues._away_until = 0.0


def jobs_in(client, name):
    return Queue(name, connection=client, serializer=JSONSerializer).jobs


@pytest.mark.parametrize("name", sorted(JOBS))
def test_waking_a_queue_twice_leaves_one_job_in_it_that_can_be_imported(empty_redis, redis_url, name):
    assert wake_at(name, redis_url)
    assert wake_at(name, redis_url)
    [job] = jobs_in(empty_redis, name)
    assert callable(job.func)
    assert job.args == []


def test_a_queue_whose_job_is_under_way_can_be_woken_again(empty_redis, redis_url):
    wake_at("routing", redis_url)
    queue = Queue("routing", connection=empty_redis, serializer=JSONSerializer)
    started, _ = Queue.dequeue_any([queue], timeout=None, connection=empty_redis, serializer=JSONSerializer)
    wake_at("routing", redis_url)
    [waiting] = jobs_in(empty_redis, "routing")
    assert waiting.id != started.id


def test_a_failed_job_does_not_keep_its_queue_from_being_woken(empty_redis, redis_url):
    wake_at("routing", redis_url)
    queue = Queue("routing", connection=empty_redis, serializer=JSONSerializer)
    failed, _ = Queue.dequeue_any([queue], timeout=None, connection=empty_redis, serializer=JSONSerializer)
    failed.set_status("failed")
    assert wake_at("routing", redis_url)
    assert len(jobs_in(empty_redis, "routing")) == 1


def test_without_redis_waking_gives_up_and_then_does_not_even_try_for_a_while(redis_url):
    assert not wake_at("routing", "redis://127.0.0.1:9/0")
    # Redis is there, but this process has stopped asking until its rest is over.
    assert not wake_at("routing", redis_url)
    queues._away_until = 0.0
    assert wake_at("routing", redis_url)


def test_a_queue_that_always_has_work_keeps_no_other_waiting(empty_redis):
    queues_ = [Queue(name, connection=empty_redis, serializer=JSONSerializer) for name in ("routing", "editions")]
    for queue in (queues_[0], *queues_):
        queue.enqueue("time.sleep", 0)
    TurnTaker(queues_, connection=empty_redis, serializer=JSONSerializer).work(burst=True, max_jobs=2)
    assert [queue.count for queue in queues_] == [1, 0]


def test_a_connection_made_before_a_job_is_imported_takes_what_that_job_sends(city_url, redis_url):
    """RQ imports a job when its turn comes; by then another may have made the connection of the process."""
    program = """
from sqlalchemy import text
from server.jobs.process import transaction
with transaction() as session:
    session.execute(text("SELECT 1"))
from sync.sql import arrays
with transaction() as session:
    assert session.scalar(text("SELECT CAST(:given AS text[])"), {"given": arrays.texts(["a", None])}) == ["a", None]
"""
    environment = os.environ | {"DATABASE_URL": city_url, "REDIS_URL": redis_url, "PATROL_SECRET_KEY": "x"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
