"""The sample city on a database of its own."""

import pytest
from sqlalchemy.orm import Session

from server.demo.loading import load
from server.launch.scratch import scratch_database
from tests.cases import city


@pytest.fixture(scope="session")
def surroundings(redis_url):
    """The environment that the programs of a patrol are given, but for the database."""
    return {"REDIS_URL": redis_url, "PATROL_SECRET_KEY": "a key of these tests alone, 32 bytes long or more"}


@pytest.fixture(scope="session")
def sample_city(cluster_url, surroundings, tmp_path_factory):
    """(address, folder of the sign-ins) of a database with the sample city, as `./patrol up` founds it."""
    folder = tmp_path_factory.mktemp("patrol")
    with scratch_database(cluster_url) as url, pytest.MonkeyPatch.context() as patch:
        city.migrate(url).dispose()
        for name, value in {**surroundings, "DATABASE_URL": url}.items():
            patch.setenv(name, value)
        assert load(profile="chongyi", folder=folder) == 0
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
