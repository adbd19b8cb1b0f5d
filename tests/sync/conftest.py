"""The app on a database of its own with the small city of ``tests.cases.city``, and phones that speak the protocol."""

import datetime as dt
import itertools
import secrets

import pytest
from psycopg.errors import DeadlockDetected
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from geo.editions.ground import Grounds
from server.app import create_app
from server.config import Config, sqlalchemy_url
from server.database.extensions import db
from server.launch.scratch import scratch_database
from sync.resolution.conflicts import settle_waiting
from tests.cases import city
from tests.emptying import empty
from tests.sync.phone import Phone

HAPPENED = (
    "case_step, step, feed, conflict, operation, scope_snapshot, visit, issue, household, task, assignment, enrolment, "
    "attachment, photo_hash, duplicate_suggestion, upload_part, upload, leftover_folder, dead_letter"
)
ATTEMPTS = 5
LATER = dt.timedelta(hours=24)


@pytest.fixture(scope="session")
def sync_url(cluster_url):
    with scratch_database(cluster_url) as url:
        engine = city.migrate(url)
        with Session(engine) as session:
            city.found(session)
            session.commit()
        engine.dispose()
        yield url


@pytest.fixture(scope="session")
def app(sync_url, redis_url, tmp_path_factory):
    config = Config(
        database_url=sqlalchemy_url(sync_url), redis_url=redis_url, secret_key=secrets.token_hex(), testing=True,
        push_rate="100000 per minute", sign_in_rate="100000 per minute",
        files_url=tmp_path_factory.mktemp("files").as_uri(),
    )  # fmt: skip
    app = create_app(config)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def session(app):
    """A session beside the app's; what happened is taken away after the test."""
    with app.app_context():
        engine = db.engine
    with Session(engine, expire_on_commit=False) as opened:
        yield opened
        for attempt in range(1, ATTEMPTS + 1):
            opened.rollback()
            try:
                empty(opened, HAPPENED)
                break
            except OperationalError as error:
                # A request that was broken off may still be at its end in the server.
                if not isinstance(error.orig, DeadlockDetected) or attempt == ATTEMPTS:
                    raise
        opened.execute(text("UPDATE feed_counter SET position = 0"))
        opened.execute(text("UPDATE city_state SET revisions_from = 0"))
        opened.commit()


@pytest.fixture
def phone_of(app, session):
    """Makes a phone of a new worker: ``phone_of("west")`` is assigned to the west grid, without an area to nothing."""
    counter = itertools.count()

    def make(*areas, login=None, since="2026-01-01", until=None):
        codes = {"west": city.WEST, "east": city.EAST, "community": "360725100001", "county": "360725"}
        login = login or f"w{next(counter)}-{city.uuid.uuid4().hex[:6]}"
        session.execute(
            text("INSERT INTO person (login, name) VALUES (:login, :login) ON CONFLICT DO NOTHING"), {"login": login}
        )
        for area in areas:
            session.execute(
                text("""
                    INSERT INTO assignment (person_id, role, area_id, during)
                    SELECT person.id, 'grid_worker', area.id, tstzrange(:since, :until)
                    FROM person, area WHERE login = :login AND area.code = :code
                """),
                {"login": login, "code": codes[area], "since": since, "until": until},
            )
        session.commit()
        return Phone.enrolled(app.test_client(), session, login)

    return make


@pytest.fixture
def settle(session):
    """Settles what waits, as the merge job does."""
    grounds = Grounds()

    def run(*, after=dt.timedelta(0), limit=500):
        now = dt.datetime.now(dt.UTC) + after
        done = settle_waiting(
            session, now, lambda moment: grounds.at(session, 1, moment), limit=limit, hold_for=LATER, near_m=50.0
        )
        session.commit()
        return done

    return run
