"""What a record of a phone may name: a household in the right of its worker, wherever the record itself lies."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import text

from sync.errors import MendedInvalid
from sync.resolution import review
from sync.resolution.review import InCharge, Mended
from tests.cases import city
from tests.cases.city import IN_EAST, IN_WEST
from tests.sync.access.ruling import (
    NOW,
    assign,
    put_household,
    put_task,
    reason,
    rows,
    settle,
    settling,
    status_of,
)
from tests.sync.redrawing import redrawn

__all__ = ["assign", "redrawn", "settle", "settling"]
FOREIGN = ("quarantined", "household-outside-your-areas")


@pytest.fixture
def secret(session):
    """A household of the east with words that no phone of the west may hear."""
    household = put_household(session)
    session.execute(
        text("""
            UPDATE household SET doc = doc || '{"head_name": "\u67f3\u6811\u751f", "building": "\u79d8\u5bc6\u697c",
            "tier": "red"}' WHERE id = :id
        """),
        {"id": household},
    )
    session.commit()
    return household


def visit_of(phone, household, **more):
    at = more.pop("at", IN_WEST)
    return phone.visit(at, household_id=str(household), **more)


@pytest.mark.long
def test_a_visit_in_ones_own_grid_at_a_household_of_another_grid_is_refused_and_settles_nothing(
    phone_of, secret, session
):
    owner, thief = phone_of("east"), phone_of("west")
    task, before = put_task(session, owner.login), rows(session, "household")
    session.execute(text("UPDATE task SET household_id = :home WHERE id = :id"), {"home": secret, "id": task})
    session.commit()
    (result,) = thief.push(visit_of(thief, secret))
    assert reason(result) == FOREIGN
    assert [each["field"] for each in result["error"]["errors"]] == ["data.household_id"]
    assert rows(session, "visit") == {}
    assert rows(session, "household") == before
    assert session.scalar(text("SELECT state FROM task WHERE id = :id"), {"id": task}) == "open"


@pytest.mark.long
@pytest.mark.parametrize("placed", [True, False])
def test_nothing_of_a_foreign_household_comes_back(phone_of, secret, placed):
    thief = phone_of("west")
    sent = visit_of(thief, secret)
    if not placed:
        del sent["data"]["location"]
    answers = [thief.send(sent).text, thief.send(sent).text, str(thief.pull())]
    for told in ("秘密楼", "柳树生", city.EAST):
        assert not any(told in answer for answer in answers), (told, answers)


@pytest.mark.long
def test_a_visit_of_ones_own_cannot_be_made_one_at_a_foreign_household(phone_of, secret, session):
    thief = phone_of("west")
    put = thief.visit()
    thief.push(put)
    for base in ({"rev": 1}, {"op_id": put["op_id"]}, None):
        (result,) = thief.push(visit_of(thief, secret, id=put["id"], base=base))
        assert reason(result) == FOREIGN, base
    assert "household_id" not in rows(session, "visit")[uuid.UUID(put["id"])].doc


@pytest.mark.long
def test_what_waited_is_judged_by_the_household_when_it_takes_effect(phone_of, settle, session):
    thief, home = phone_of("west"), uuid.uuid4()
    put = thief.visit()
    thief.push(put)
    late = visit_of(thief, home, id=put["id"])
    assert thief.push(late)[0]["status"] == "pending"
    session.execute(
        text("UPDATE household SET id = :home WHERE id = :id"), {"home": home, "id": put_household(session)}
    )
    session.commit()
    settle()
    assert status_of(session, late) == FOREIGN


@pytest.mark.long
def test_ones_own_household_one_given_as_a_task_and_one_that_has_not_come_may_be_named(phone_of, secret, session):
    phone = phone_of("west")
    mine, given = put_household(session, IN_WEST, city.WEST), put_household(session)
    task = put_task(session, phone.login)
    session.execute(text("UPDATE task SET household_id = :home WHERE id = :id"), {"home": given, "id": task})
    written = put_household(session)
    session.execute(
        text("UPDATE household SET author_id = (SELECT id FROM person WHERE login = :login) WHERE id = :id"),
        {"login": phone.login, "id": written},
    )
    session.commit()
    named = (mine, given, written, uuid.uuid4(), secret)
    told = [reason(each)[0] for each in phone.push(*(visit_of(phone, each) for each in named))]
    assert told == ["applied"] * 4 + ["quarantined"]


def test_a_household_of_an_assignment_that_ended_may_be_named_in_visits_of_its_time(phone_of, assign, session):
    phone = phone_of("west", since="2026-01-01")
    assign(phone.login, "grid_worker", city.EAST, since=100, until=10)
    home = put_household(session)
    then, since = (visit_of(phone, home, captured_at=NOW(dt.UTC) - dt.timedelta(days=n)) for n in (12, 5))
    assert [reason(each) for each in phone.push(then, since)] == [("applied", ""), FOREIGN]


def test_staff_release_a_visit_only_over_the_household_that_it_names(phone_of, secret, session, settling):
    thief = phone_of("west")
    sent = visit_of(thief, secret)
    thief.push(sent)
    operation = session.scalar(text("SELECT id FROM operation WHERE op_id = :id"), {"id": sent["op_id"]})
    ids = dict(session.execute(text("SELECT code, id FROM area")).all())
    person = session.scalar(text("SELECT id FROM person WHERE login = :login"), {"login": thief.login})
    west = InCharge(person, [ids[city.WEST]], [ids[city.WEST]], everywhere=False, now=NOW(dt.UTC))
    with pytest.raises(MendedInvalid) as told:
        review.release(session, west, operation, Mended(), settling, note="")
    assert told.value.reason.code == "beyond-ruling"
    assert told.value.reason.faults[0][0] == "data.household_id"


def test_a_household_elsewhere_says_so_of_the_place_where_a_visit_names_no_other(phone_of, secret):
    thief = phone_of("west")
    sent = visit_of(thief, secret, at=IN_EAST)
    del sent["data"]["location"]
    (result,) = thief.push(sent)
    assert result["status"] == "quarantined"
    assert "grid" not in result
