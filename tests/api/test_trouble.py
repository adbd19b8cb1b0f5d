"""What callers are told while the database is away: to come again, and nothing of why."""

import pytest

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
