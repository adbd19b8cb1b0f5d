"""A worker is told what came and what went, and whether the ground was redrawn or somebody else is in charge."""

import datetime as dt

import pytest
from sqlalchemy import text

from tests.cases.city import EAST, WEST
from tests.sync.pull.test_pull import assign, unassign
from tests.sync.redrawing import redraw, redrawn, strip

__all__ = ["redrawn"]

BOTH = "360725100001003"


def told(phone, **query):
    answer = phone.client.get("/v1/sync/scope-changes", query_string=query, headers=phone.headers)
    assert answer.status_code == 200
    return [{key: value for key, value in each.items() if key != "at"} for each in answer.json["changes"]]


def change(code, name, what, why, *others):
    return {"code": code, "name": name, "change": what, "why": why, "others": list(others)}


def test_whoever_holds_what_they_held_is_told_nothing(phone_of):
    phone = phone_of("west")
    phone.pull()
    assert told(phone) == []


def test_another_assignment_is_told_as_such(phone_of, session):
    phone = phone_of("west")
    phone.pull()
    unassign(session, phone.login)
    assign(session, phone.login, EAST)
    phone.pull()
    assert told(phone) == [
        change(WEST, "阳岭第一网格", "went", "assigned"),
        change(EAST, "阳岭第二网格", "came", "assigned"),
    ]


def test_a_redraw_is_told_with_where_the_ground_went(phone_of, redrawn):
    phone = phone_of("community")
    phone.pull()
    redraw(redrawn, strip(BOTH, 114.30, 114.32, name="合并网格"), retired=(WEST, EAST))
    phone.pull()
    assert sorted(told(phone), key=lambda each: each["code"]) == [
        change(WEST, "阳岭第一网格", "went", "redrawn", "合并网格"),
        change(EAST, "阳岭第二网格", "went", "redrawn", "合并网格"),
        change(BOTH, "合并网格", "came", "redrawn", "阳岭第一网格", "阳岭第二网格"),
    ]


def test_other_borders_of_the_same_grid_are_told(phone_of, redrawn):
    phone = phone_of("west")
    phone.pull()
    redraw(
        redrawn,
        strip(WEST, 114.30, 114.312, name="阳岭第一网格"),
        strip(EAST, 114.312, 114.32, name="阳岭第二网格"),
    )
    phone.pull()
    assert told(phone) == [change(WEST, "阳岭第一网格", "reshaped", "redrawn")]
    now = redrawn.scalar(text("SELECT clock_timestamp()")).astimezone(dt.UTC)
    assert told(phone, after=now.isoformat()) == []


def test_only_what_came_after_the_moment_asked_for_is_told(phone_of, session):
    phone = phone_of("west")
    phone.pull()
    assign(session, phone.login, EAST)
    phone.pull()
    assert told(phone) == [change(EAST, "阳岭第二网格", "came", "assigned")]
    now = session.scalar(text("SELECT clock_timestamp()")).astimezone(dt.UTC)
    assert told(phone, after=now.isoformat()) == []


@pytest.mark.parametrize("after", ["yesterday", "2026-11-30T00:00:00"])
def test_a_moment_that_is_none_is_refused_by_its_name(phone_of, after):
    phone = phone_of("west")
    answer = phone.client.get("/v1/sync/scope-changes", query_string={"after": after}, headers=phone.headers)
    assert answer.status_code == 422
    assert "after" in answer.json["errors"][0]["field"]
