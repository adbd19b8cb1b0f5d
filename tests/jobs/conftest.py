"""The small city, and real job processes over it: a worker pool and a sweeper, killed and started as the tests like."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
from dataclasses import dataclass

import psycopg
import pytest
import redis

from tests.cases.conftest import city_engine, city_url, ground, session, sessions
from tests.conftest import own_redis_url
from tests.programs import Program

__all__ = ["city_engine", "city_url", "ground", "session", "sessions"]

PATIENCE_S = 60.0


_AT_WORK = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active'
"""


def eventually(condition, what):
    """Wait until a condition holds; fail with what it was if it never does."""
    ends = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < ends, f"never: {what}"
        time.sleep(0.02)
    return found


@pytest.fixture(scope="session")
def redis_url():
    """One that no worker of other tests takes jobs from, as those of a sample city that runs to the end."""
    return own_redis_url()


@dataclass
class Started:
    """A program of ours with all its children, in a process group of its own."""

    process: Program

    @property
    def is_running(self):
        return self.process.poll() is None

    def kill(self):
        """kill -9, children and all."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Processes:
    """Starts programs over one city; all are gone at the end."""

    def __init__(self, database_url, redis_url, log):
        self.environment = os.environ | {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "PATROL_SECRET_KEY": secrets.token_hex(),
            "PATROL_WEBHOOK_ALLOW_LOOPBACK": "1",
            "PATROL_JOB_WORKERS": "1",
        }
        self.started = []
        self.log = log

    def start(self, module):
        program = Started(Program((module,), self.environment, log=self.log.name, own_session=True))
        self.started.append(program)
        return program

    def worker(self):
        return self.start("server.launch.worker_pool")

    def sweeper(self):
        return self.start("server.jobs.sweeper")


@contextlib.contextmanager
def programs_over(database_url, redis_url, folder):
    """Programs over a city, their output in the folder's log; what still runs is killed at the end."""
    with (folder / "log").open("w+") as log:
        running = Processes(database_url, redis_url, log)
        yield running
        for program in running.started:
            program.kill()
    # PostgreSQL goes on with the statement of a client that is gone, and holds its locks so long.
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as connection:
        eventually(lambda: connection.execute(_AT_WORK).fetchone() == (0,), "no statement of theirs runs")


@pytest.fixture
def processes(city_url, redis_url, sessions, tmp_path):
    """Programs over the city; they are gone before ``sessions`` takes away what they did."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    with programs_over(city_url, redis_url, tmp_path) as running:
        yield running


class OwnRedis:
    """A Redis of the test's own, on a port that stays the same through death and rebirth. It keeps nothing on disk."""

    def __init__(self, folder):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.folder = folder
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)],
            stdout=subprocess.DEVNULL,
        )
        with redis.Redis.from_url(self.url) as client:
            eventually(lambda: self._answers(client), "redis answers")

    @staticmethod
    def _answers(client):
        with contextlib.suppress(redis.RedisError):
            return client.ping()

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def own_redis(tmp_path):
    server = OwnRedis(tmp_path)
    server.start()
    yield server
    server.kill()
