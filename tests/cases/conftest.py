"""The small city of ``tests.cases.city`` on a database of its own, emptied of happenings after each test."""

from contextlib import contextmanager

import pytest
from sqlalchemy.orm import Session, sessionmaker

from geo.serving.simplifying import sketch_next
from server.launch.scratch import scratch_database
from tests.cases import city


@pytest.fixture(scope="session")
def city_url(cluster_url):
    with scratch_database(cluster_url) as url:
        engine = city.migrate(url)
        with Session(engine) as session:
            city.found(session)
            while sketch_next(session):
                session.commit()
            session.commit()
        engine.dispose()
        yield url


@pytest.fixture(scope="session")
def city_engine(city_url):
    engine = city.migrate(city_url)
    yield engine
    engine.dispose()


@pytest.fixture
def sessions(city_engine):
    """Makes sessions of their own connections; what they commit is taken away after the test."""
    yield sessionmaker(city_engine, expire_on_commit=False)
    with Session(city_engine) as session:
        city.clear(session)
        session.commit()


@pytest.fixture
def begin(sessions):
    """Begins transactions, as jobs do."""

    @contextmanager
    def opened():
        with sessions.begin() as session:
            yield session

    return opened


@pytest.fixture
def session(sessions):
    with sessions() as opened:
        yield opened


@pytest.fixture(scope="session")
def ground(city_engine):
    with Session(city_engine) as session:
        return city.ground(session)
