"""Statements on the driver belong to the session all the same: its transaction, its pool, its errors."""

import uuid

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from server.config import sqlalchemy_url
from sync.sql.statements import Statement

ADD = Statement("INSERT INTO kept (id, word) VALUES (:id, CAST(:word AS text)) RETURNING id, word")


@pytest.fixture(scope="module")
def engine(database_url):
    made = create_engine(sqlalchemy_url(database_url), pool_pre_ping=True)
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE kept (id uuid PRIMARY KEY, word text)"))
    yield made
    with made.begin() as connection:
        connection.execute(text("DROP TABLE kept"))
    made.dispose()


@pytest.fixture
def session(engine):
    with Session(engine) as opened:
        yield opened


def count(session):
    return session.scalar(text("SELECT count(*) FROM kept"))


def test_what_it_writes_is_part_of_the_transaction(session):
    record = uuid.uuid4()
    before = count(session)
    assert ADD.run(session, id=record, word="一") == [(record, "一")]
    assert count(session) == before + 1
    session.rollback()
    assert count(session) == before


def test_a_statement_without_rows_returns_none(session):
    assert Statement("DELETE FROM kept WHERE word = :word").run(session, word="nothing") == []


def test_casts_and_percent_signs_are_left_alone(session):
    assert Statement("SELECT '5 %' || :word::text, '{1}'::int[]").run(session, word="x") == [("5 %x", [1])]


def test_an_error_is_the_sessions_own(session):
    record = uuid.uuid4()
    ADD.run(session, id=record, word="一")
    with pytest.raises(IntegrityError) as broken:
        ADD.run(session, id=record, word="二")
    assert broken.value.orig.sqlstate == "23505"


def test_a_connection_that_was_killed_goes_out_of_the_pool(session):
    (pid,) = Statement("SELECT pg_backend_pid()").run(session)[0]
    with Session(session.get_bind()) as other:
        other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    with pytest.raises(OperationalError) as broken:
        Statement("SELECT 1").run(session)
    assert broken.value.connection_invalidated
    session.rollback()
    assert Statement("SELECT 1").run(session) == [(1,)]
