"""A server that foreign tus clients talk to, through a wire that breaks."""

import contextlib

import pytest

from tests.files.conftest import app, configured, files_url, phone_of, session, store, sync_url, tender
from tests.files.serving import Server, Wire

__all__ = ["app", "configured", "files_url", "phone_of", "session", "store", "sync_url", "tender"]


@pytest.fixture(scope="session")
def server(sync_url, redis_url, files_url):
    running = Server(sync_url, redis_url, files_url).start()
    yield running
    running.stop()


@pytest.fixture
def wire(server):
    """Lays a wire to the server that breaks at the cuts given."""
    with contextlib.ExitStack() as laid:

        def lay(cuts=()):
            return laid.enter_context(contextlib.closing(Wire(server.port, cuts)))

        yield lay
