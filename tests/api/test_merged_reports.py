"""Who reported a duplicate sees, on the phone and on the page, how the case stands that it was merged into."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import text

from geo.editions.ground import Grounds
from server.cases.routing.service import route_awaiting
from tests.api.staff import Desk

COUNTY = "360725"


@pytest.fixture
def duty(session):
    session.execute(text("UPDATE category SET intake = 'duty' WHERE code = '0301'"))
    session.commit()
    yield
    session.rollback()
    session.execute(text("UPDATE category SET intake = 'auto'"))
    session.commit()


@pytest.fixture
def chief(app, session):
    return Desk.of(app, session, "supervisor", COUNTY)


@pytest.fixture
def two(phone_of, session, duty):
    """A case, a duplicate of it, and the phone of who reported the duplicate."""
    one, other = phone_of("west"), phone_of("east")
    case, duplicate = one.issue(category="0301"), other.issue(category="0301")
    one.push(case)
    other.push(duplicate)
    moment = dt.datetime.now(dt.UTC)
    route_awaiting(session, moment, Grounds().at(session, 1, moment))
    session.commit()
    return case["id"], duplicate["id"], other


def step(desk, issue_id, name, **given):
    answer = desk.post(f"/v1/cases/{issue_id}/steps", {"id": str(uuid.uuid4()), "step": name, **given})
    assert answer.status_code == 200, answer.text
    return answer.json


def told(phone, issue_id):
    phone.pull()
    return phone.records("issues")[issue_id]["data"]


def test_the_answer_of_the_case_comes_to_the_phone_of_who_reported_the_duplicate(two, chief):
    case, duplicate, phone = two
    step(chief, duplicate, "merge", of=case)
    merged = told(phone, duplicate)["merged"]
    assert (merged["id"], merged["state"]) == (case, "reported")
    assert "public_answer" not in merged
    step(chief, case, "refuse", reason="elsewhere", answer="已由供水公司处理")
    merged = told(phone, duplicate)["merged"]
    assert (merged["state"], merged["public_answer"]) == ("refused", "已由供水公司处理")
    assert merged["number"]


def test_undoing_the_merge_takes_it_back(two, chief):
    case, duplicate, phone = two
    step(chief, duplicate, "merge", of=case)
    step(chief, case, "refuse", reason="elsewhere", answer="已由供水公司处理")
    assert told(phone, duplicate)["merged"]["public_answer"]
    file = step(chief, duplicate, "unmerge")
    assert file["merged"] is None
    assert "merged" not in told(phone, duplicate)


def test_the_case_page_tells_it_too_and_the_end_of_a_chain(two, chief, phone_of, session):
    case, duplicate, phone = two
    last = phone.issue(category="0301")
    phone.push(last)
    moment = dt.datetime.now(dt.UTC)
    route_awaiting(session, moment, Grounds().at(session, 1, moment))
    session.commit()
    step(chief, duplicate, "merge", of=case)
    step(chief, case, "merge", of=last["id"])
    step(chief, last["id"], "refuse", reason="elsewhere", answer="已处理")
    merged = chief.get(f"/v1/cases/{duplicate}").json["merged"]
    assert (merged["id"], merged["public_answer"]) == (last["id"], "已处理")
    assert told(phone, duplicate)["merged"]["public_answer"] == "已处理"


def test_the_answer_of_a_private_case_is_not_told_with_a_duplicate_that_is_none(two, chief, session):
    case, duplicate, phone = two
    step(chief, duplicate, "merge", of=case)
    session.execute(text("UPDATE issue SET doc = doc || '{\"private\": true}' WHERE id = :id"), {"id": case})
    session.commit()
    step(chief, case, "refuse", reason="elsewhere", answer="涉及住户隐私")
    merged = told(phone, duplicate)["merged"]
    assert (merged["state"], merged.get("public_answer")) == ("refused", None)
