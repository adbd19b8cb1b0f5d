"""Duplicates and reused photos over HTTP: for phones before a report is sent, for the duty page, for the checker."""

import datetime as dt

import pytest
from sqlalchemy import text

from tests.api.staff import Desk
from tests.cases.city import EAST, IN_EAST, IN_WEST, WEST
from tests.cases.duplicates.test_reused import photo

QUESTION = {"category": "0302", "location": {"lon": IN_WEST[0], "lat": IN_WEST[1]}, "description": "路灯不亮"}


@pytest.fixture
def desk_of(app, session):
    return lambda role="supervisor", place="360725": Desk.of(app, session, role, place)


def reported(phone, at=IN_WEST, **more):
    made = phone.issue(at, category="0302", **{"description": "小区门口路灯不亮"} | more)
    assert [each["status"] for each in phone.push(made)] == ["applied"]
    return made["id"]


def ask(phone, **more):
    return phone.client.post("/v1/cases/duplicates", json=QUESTION | more, headers=phone.headers)


def test_a_phone_hears_before_it_sends_that_a_colleague_has_reported_it(phone_of):
    lamp = reported(phone_of("west"))
    answer = ask(phone_of("west"))
    assert answer.status_code == 200
    [found] = answer.json["candidates"]
    assert (found["id"], found["description"], found["state"]) == (lamp, "小区门口路灯不亮", "reported")
    assert found["likeness"] > 0.4
    assert {each["code"] for each in found["reasons"]} == {"same-category", "near", "lately", "words"}


def test_a_place_in_another_datum_is_the_same_place(phone_of):
    reported(phone_of("west"))
    gcj = {"lon": IN_WEST[0] + 0.0048, "lat": IN_WEST[1] - 0.0029, "datum": "gcj02"}
    assert ask(phone_of("west"), location=gcj).json["candidates"] == [], "15 metres, and the datum is some 500 off"
    wgs = {"lon": IN_WEST[0], "lat": IN_WEST[1], "datum": "cgcs2000"}
    assert len(ask(phone_of("west"), location=wgs).json["candidates"]) == 1


def test_what_lies_in_no_grid_of_the_phone_is_not_told(phone_of):
    reported(phone_of("west"))
    assert ask(phone_of("east")).json["candidates"] == []


@pytest.mark.long
def test_a_private_case_is_told_neither_to_a_phone_nor_to_staff_without_duty(phone_of, desk_of):
    author = phone_of("west")
    hidden = reported(author, private=True)
    assert ask(phone_of("west")).json["candidates"] == []
    assert desk_of("auditor").post("/v1/cases/duplicates", QUESTION).json["candidates"] == []
    for one in (ask(author), desk_of("dispatcher").post("/v1/cases/duplicates", QUESTION)):
        assert [each["id"] for each in one.json["candidates"]] == [hidden]
    assert desk_of("auditor").get(f"/v1/cases/{hidden}/duplicates").json["type"] == "/problems/unknown-case"


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("category", {"category": "3"}),
        ("location", {"location": {"lon": 200, "lat": 0}}),
        ("location", {"location": None}),
        ("at", {"at": "2026-11-29T10:00:00"}),
    ],
)
def test_a_question_that_is_not_right_is_refused_by_its_field(phone_of, field, more):
    answer = ask(phone_of("west"), **more)
    assert answer.status_code == 422
    assert field in answer.json["errors"][0]["field"]


def test_the_duty_page_sees_the_facts_side_by_side_and_what_was_dismissed_last(phone_of, desk_of):
    phone, desk = phone_of("west"), desk_of("dispatcher")
    first, second, third = (reported(phone) for _ in range(3))
    told = desk.get(f"/v1/cases/{third}/duplicates").json
    assert told["case"]["id"] == third
    assert {each["id"] for each in told["candidates"]} == {first, second}
    one = told["candidates"][0]
    assert (one["distance_m"], one["likeness"], one["photos"], one["dismissed"]) == (0.0, 1.0, [], False)


@pytest.mark.long
def test_a_pair_that_was_found_can_be_dismissed_and_comes_last(phone_of, desk_of, session):
    phone, desk = phone_of("west"), desk_of("dispatcher")
    first, second, third = (reported(phone) for _ in range(3))
    for each in (second, third):
        session.execute(
            text("""INSERT INTO duplicate_suggestion (issue_id, other_id, score, distance_m, hours_apart,
                    same_category, found_at) VALUES (:one, :other, 0.9, 0, 0, true, now())"""),
            {"one": each, "other": first},
        )
    session.commit()
    path = f"/v1/cases/{first}/duplicates"
    assert desk.post(f"{path}/{third}/dismissal").json == {"dismissed": True}
    assert desk.post(f"{path}/{third}/dismissal").json == {"dismissed": False}
    found = desk.get(path).json["candidates"]
    assert [(each["id"], each["dismissed"]) for each in found] == [(second, False), (third, True)]


@pytest.mark.long
def test_nobody_dismisses_what_is_not_in_their_charge(phone_of, desk_of):
    first, second = reported(phone_of("west")), reported(phone_of("west"))
    answer = desk_of("dispatcher", EAST).post(f"/v1/cases/{first}/duplicates/{second}/dismissal")
    assert answer.json["type"] == "/problems/unknown-case"
    assert desk_of("auditor").post(f"/v1/cases/{first}/duplicates/{second}/dismissal").status_code == 403


def test_a_checker_is_told_of_a_photo_of_last_month_by_phone_and_by_page(phone_of, desk_of, session):
    phone = phone_of("west")
    old, new = reported(phone), reported(phone)
    photo(session, old, 0xABCDEF, at=dt.datetime(2026, 10, 20, tzinfo=dt.UTC))
    photo(session, new, 0xABCDEF, at=dt.datetime(2026, 11, 20, tzinfo=dt.UTC))
    session.commit()
    by_phone = phone_of("west").client.get(f"/v1/cases/{new}/reused-photos", headers=phone.headers)
    for answer in (by_phone, desk_of("dispatcher", WEST).get(f"/v1/cases/{new}/reused-photos")):
        [found] = answer.json["photos"]
        assert found["case"]["id"] == old
        assert (found["at"], found["earlier"], found["bits"]) == ("2026-10-20T00:00:00Z", True, 0)


def test_of_a_case_elsewhere_only_the_date_is_told(phone_of, desk_of, session):
    old, new = reported(phone_of("east"), IN_EAST), reported(phone_of("west"))
    photo(session, old, 0xABCDEF, at=dt.datetime(2026, 10, 20, tzinfo=dt.UTC))
    photo(session, new, 0xABCDEF)
    session.commit()
    [found] = desk_of("dispatcher", WEST).get(f"/v1/cases/{new}/reused-photos").json["photos"]
    assert (found["case"], found["other"], found["at"]) == (None, None, "2026-10-20T00:00:00Z")
    [whole] = desk_of("dispatcher").get(f"/v1/cases/{new}/reused-photos").json["photos"]
    assert whole["case"]["id"] == old


def test_a_stranger_is_told_nothing(app):
    answer = app.test_client().post("/v1/cases/duplicates", json=QUESTION)
    assert answer.status_code in (401, 403)
