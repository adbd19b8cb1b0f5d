"""The sample city on a database of its own."""

import os
import socket
import time
from contextlib import contextmanager

import pytest
import requests
from sqlalchemy.orm import Session

from server.demo.loading import load
from server.launch.scratch import scratch_database
from tests.cases import city
from tests.programs import GUNICORN, Program


@pytest.fixture(scope="session")
def surroundings(redis_url):
    """The environment that the programs of a patrol are given, but for the database."""
    return {"REDIS_URL": redis_url, "PATROL_SECRET_KEY": "a key of these tests alone, 32 bytes long or more"}


@contextmanager
def founded(cluster_url, surroundings, folder):
    """A database with the sample city, as `./patrol up` founds it; yields its address."""
    with scratch_database(cluster_url) as url, pytest.MonkeyPatch.context() as patch:
        city.migrate(url).dispose()
        for name, value in {**surroundings, "DATABASE_URL": url}.items():
            patch.setenv(name, value)
        assert load(profile="chongyi", folder=folder) == 0
        yield url


@pytest.fixture(scope="session")
def sample_city(cluster_url, surroundings, tmp_path_factory):
    """(address, folder of the sign-ins) of the sample city."""
    folder = tmp_path_factory.mktemp("patrol")
    with founded(cluster_url, surroundings, folder) as url:
        yield url, folder


@pytest.fixture
def in_city(sample_city, surroundings, monkeypatch):
    """The same, with the environment of its programs in place."""
    for name, value in {**surroundings, "DATABASE_URL": sample_city[0]}.items():
        monkeypatch.setenv(name, value)
    return sample_city


@pytest.fixture
def engine(in_city):
    made = city.migrate(in_city[0])
    yield made
    made.dispose()


@pytest.fixture
def session(engine):
    with Session(engine) as opened:
        yield opened


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def answers(url):
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


@contextmanager
def running(url, surroundings, folder):
    """The web, a worker pool and the sweeper over a database; yields the web's address."""
    port = free_port()
    env = os.environ | surroundings | {"DATABASE_URL": url, "PATROL_BIND": f"127.0.0.1:{port}"}
    log = folder / "log"
    log.touch()
    started = [
        Program(each, env, log=log) for each in (GUNICORN, ("server.launch.worker_pool",), ("server.jobs.sweeper",))
    ]
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), log.read_text)
        yield f"http://127.0.0.1:{port}"
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)


@pytest.fixture(scope="session")
def running_city(sample_city, surroundings, tmp_path_factory):
    """The sample city with its programs running; yields its address."""
    with running(sample_city[0], surroundings, tmp_path_factory.mktemp("programs")) as address:
        yield address


def until(condition, told, patience_s=60.0):
    ends = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < ends, told()
        time.sleep(0.1)
