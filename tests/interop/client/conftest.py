"""The server under a real gunicorn, and a control through which tests in another language change the city."""

from contextlib import contextmanager

import pytest
from sqlalchemy.orm import Session

from tests.files.conftest import app, files_url, session, sync_url
from tests.files.serving import Server
from tests.interop.client.control import Control, ControlServer

__all__ = ["app", "files_url", "session", "sync_url"]


@pytest.fixture(scope="session")
def server(sync_url, redis_url, files_url):
    running = Server(sync_url, redis_url, files_url, PATROL_SIGN_IN_RATE="100000 per minute").start()
    yield running
    running.stop()


@pytest.fixture
def control(session, sync_url, tmp_path, server):
    engine = session.get_bind()

    @contextmanager
    def opened():
        with Session(engine, expire_on_commit=False) as fresh, fresh.begin():
            yield fresh

    serving = ControlServer(Control(opened, sync_url, tmp_path, server.environment))
    yield serving
    serving.shutdown()
    serving.server_close()
