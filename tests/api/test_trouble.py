"""What callers are told while the database is away: to come again, and nothing of why."""

import pytest
from sqlalchemy import text

from server.app import create_app
from server.config import Config, sqlalchemy_url
from server.database.extensions import db


@pytest.fixture(scope="module")
def stranded(redis_url):
    """The app with a database that does not answer."""
    away = sqlalchemy_url("postgresql://patrol@127.0.0.1:1/away")
    made = create_app(Config(database_url=away, redis_url=redis_url, secret_key="of these tests alone", testing=True))
    yield made.test_client()
    with made.app_context():
        db.engine.dispose()


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/sync/pull"), ("GET", "/v1/sync/status"), ("POST", "/v1/sync/push")]
)
def test_a_phone_is_told_to_come_again_while_the_database_is_away(stranded, method, path):
    answer = stranded.open(path, method=method, json={}, headers={"Authorization": "Bearer of-nobody"})
    assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "5")
    assert answer.json["type"].endswith("/unavailable")
    assert "psycopg" not in answer.text


def test_an_answer_that_is_there_is_given_when_the_database_goes_while_its_session_ends(app, session):
    """Found by the fault run: PostgreSQL was killed between the answer of /readyz and the end of its session."""
    with app.app_context():
        mine = db.session.scalar(text("SELECT pg_backend_pid()"))
        assert session.scalar(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": mine})
    answer = app.test_client().get("/readyz")
    assert answer.json["parts"]["postgresql"] == "ok"
