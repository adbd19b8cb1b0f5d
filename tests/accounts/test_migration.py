"""The migration to normal logins keeps everybody apart, and says who is called what now."""

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from server.config import sqlalchemy_url
from server.launch.scratch import scratch_database
from tests.cases.city import ROOT

BEFORE, AFTER = "0017", "0018"
LOGINS = ("Anna", "anna ", "anna", "ANNA", "bo li", "jose\u0301", "jos\u00e9", "  ", "-x", "张伟", "b" * 80, "B" * 80)


@pytest.fixture
def migrated(cluster_url):
    with scratch_database(cluster_url) as url:
        engine = create_engine(sqlalchemy_url(url))
        configuration = Config(ROOT / "migrations" / "alembic.ini")
        with engine.connect() as connection:
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, BEFORE)
            for login in LOGINS:
                connection.execute(text("INSERT INTO person (login, name) VALUES (:login, :login)"), {"login": login})
            connection.commit()
            command.upgrade(configuration, AFTER)
            connection.commit()
            yield connection
        engine.dispose()


def test_who_had_a_normal_login_keeps_it_and_the_others_get_one_of_their_own(migrated):
    named = dict(migrated.execute(text("SELECT name, login FROM person")).all())
    assert len(set(named.values())) == len(LOGINS)
    assert (named["anna"], named["Anna"], named["anna "], named["ANNA"]) == ("anna", "anna-2", "anna-3", "anna-4")
    assert (named["jos\u00e9"], named["jose\u0301"]) == ("jos\u00e9", "jos\u00e9-2")
    assert (named["bo li"], named["张伟"]) == ("bo-li", "张伟")
    assert named["  "].startswith("person-")
    assert (named["b" * 80], named["B" * 80]) == ("b" * 60, "b" * 58 + "-2")


def test_the_book_tells_each_new_name(migrated):
    told = migrated.execute(
        text("SELECT detail->>'was', detail->>'login' = login FROM account_event JOIN person ON person.id = person_id")
    ).all()
    assert {was for was, _ in told} == set(LOGINS) - {"anna", "jos\u00e9", "张伟"}
    assert all(is_right for _, is_right in told)


@pytest.mark.long
@pytest.mark.parametrize("login", ["Anna", "eve ", "jose\u0301", ""])
def test_the_database_takes_no_other_form_from_then_on(migrated, login):
    with pytest.raises(IntegrityError):
        migrated.execute(text("INSERT INTO person (login, name) VALUES (:login, 'x')"), {"login": login})


def test_the_book_is_never_written_over(migrated):
    for change in ("DELETE FROM account_event", "UPDATE account_event SET source = 'x'"):
        with pytest.raises(IntegrityError), migrated.begin_nested():
            migrated.execute(text(change))
