"""The same app and city as ``tests.sync``, somebody of the staff who asks it for features, and a server over HTTP."""

from dataclasses import dataclass

import pytest

from tests.api.serving import served
from tests.api.staff import Desk
from tests.sync.conftest import app, phone_of, session, sync_url

__all__ = ["app", "phone_of", "session", "sync_url"]


@pytest.fixture
def gis(app, session):
    return Desk.of(app, session, "gis", "360725")


@dataclass(frozen=True)
class Program:
    """The address of /ogc on a real server, and what a program signs in with."""

    url: str
    login: str
    secret: str


@pytest.fixture(scope="session")
def address(app, sync_url, redis_url):
    with served(sync_url, redis_url) as url:
        yield url


@pytest.fixture
def program(address, gis):
    secret = gis.post("/v1/session/passwords", {"name": "GDAL"}).json["secret"]
    return Program(f"{address}/ogc", gis.login, secret)
