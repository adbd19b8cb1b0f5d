"""Homes for private servers in folders of their own."""

import shutil
import socket
from pathlib import Path

import pytest

from server.launch import cluster, redis_server, services
from server.launch.state import Home
from tests.launch.homes import open_home


@pytest.fixture
def make_home():
    """Makes homes at given paths, and stops and removes what ran in them."""
    homes = []

    def make(path):
        home = Home(Path(path))
        home.make()
        homes.append(home)
        return home

    yield make
    for home in homes:
        services.stop(home)
        instance = home.read().get("instance", "none")
        shutil.rmtree(f"/var/lib/gridpatrol-{instance}", ignore_errors=True)
        shutil.rmtree(f"/run/gridpatrol-{instance}", ignore_errors=True)


@pytest.fixture
def home():
    """A home that every account may pass to, unlike pytest's own folders."""
    with open_home() as made:
        yield made


@pytest.fixture(scope="module")
def running_home():
    """A home whose servers run; for tests that only look."""
    with open_home() as made:
        cluster.start(made)
        redis_server.start(made)
        yield made


@pytest.fixture
def listen_on():
    """Listens on a port until the test is over."""
    sockets = []

    def listen(port):
        taken = socket.socket()
        sockets.append(taken)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()

    yield listen
    for taken in sockets:
        taken.close()
