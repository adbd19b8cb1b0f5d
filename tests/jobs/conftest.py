"""The small city, and real job processes over it: a worker pool and a sweeper, killed and started as the tests like."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest
import redis

from tests.cases.city import ROOT
from tests.cases.conftest import city_engine, city_url, ground, session, sessions

__all__ = ["city_engine", "city_url", "ground", "session", "sessions"]

PATIENCE_S = 30.0


def eventually(condition, what):
    """Wait until a condition holds; fail with what it was if it never does."""
    ends = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < ends, f"never: {what}"
        time.sleep(0.02)
    return found


@dataclass
class Program:
    """A program of ours with all its children, in a process group of its own."""

    process: subprocess.Popen

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
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT, env=self.environment, stdout=self.log, stderr=self.log, start_new_session=True,
        )  # fmt: skip
        program = Program(process)
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


@pytest.fixture
def processes(city_url, redis_url, tmp_path):
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
