"""The same app and phones as ``tests.sync``; and a real server over their city, for what listens to it."""

import pytest

from tests.api.serving import served
from tests.sync.conftest import app, phone_of, session, sync_url

__all__ = ["app", "phone_of", "session", "sync_url"]


@pytest.fixture(scope="package")
def server(sync_url, redis_url):
    with served(sync_url, redis_url, threads=2) as url:
        yield url
