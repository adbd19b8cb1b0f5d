"""Limits of stages over HTTP: what holds, who may set them, and which deadlines of open cases that moves."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import text

from geo.editions.ground import load_ground
from server.accounts.charge import read_charge
from server.cases.life.persons import Actor
from server.cases.life.taking import Wanted, take_one
from server.cases.routing.service import route_awaiting
from server.cases.timing import alarms, reading
from tests.api.staff import Desk
from tests.cases import city
from tests.cases.city import report, sent_photo

SOURCE = "城管办〔2026〕12号"


@pytest.fixture(autouse=True)
def _no_limits_left(session):
    yield
    session.rollback()
    session.execute(text("TRUNCATE stage_limit, stage_limit_move"))
    session.execute(text("UPDATE category SET intake = 'auto'"))
    city.clear(session)
    session.commit()


@pytest.fixture
def chief(app, session):
    return Desk.of(app, session, "admin", "360725")


@pytest.fixture
def ground(session):
    return load_ground(session, 1)


@pytest.fixture
def case(session, ground):
    """One that waits to be accepted, reported just now."""
    session.execute(text("UPDATE category SET intake = 'duty'"))
    issue_id = report(session, "0301")
    session.execute(text("UPDATE issue SET captured_at = now(), received_at = now()"))
    route_awaiting(session, dt.datetime.now(dt.UTC), ground)
    session.execute(text("UPDATE case_timing SET stale = false"))
    session.commit()
    return issue_id


def asked(**more):
    return {"limits": {"acceptance": {"value": 3, "unit": "h"}}, "source": SOURCE, "dry_run": False} | more


def term(desk, stage):
    return next(each for each in desk.get("/v1/terms").json["terms"] if each["stage"] == stage)


def stage_of(session, issue_id, ground, stage, at=None):
    clocks = reading.of_cases(session, [issue_id], ground, at or dt.datetime.now(dt.UTC))[issue_id]
    return next(each for each in clocks if each.stage == stage)


def take(session, ground, desk, issue_id, step, **given):
    person = session.scalar(text("SELECT id FROM person WHERE login = :login"), {"login": desk.login})
    now = dt.datetime.now(dt.UTC)
    actor = Actor("page", read_charge(session, person, now=now))
    take_one(session, Wanted(uuid.uuid4(), issue_id, step, actor, given), ground, now)
    session.commit()


def test_what_nobody_has_set_is_the_default_and_is_said_to_be(chief):
    told = chief.get("/v1/terms").json
    assert told["edition"] == 0
    assert {each["stage"]: each["limit"] for each in told["terms"]}["acceptance"] == {"value": 1, "unit": "h"}
    assert not any(each["is_own"] for each in told["terms"])
    assert "handling" not in {each["stage"] for each in told["terms"]}


def test_a_look_says_what_would_move_and_keeps_nothing(chief, case, session, ground):
    told = chief.post("/v1/terms", asked(dry_run=True)).json
    assert (told["edition"], told["moved"]) == (None, 1)
    [move] = told["moves"]
    assert (move["issue_id"], move["stage"]) == (str(case), "acceptance")
    was, due = (dt.datetime.fromisoformat(move[name]) for name in ("was_due_at", "due_at"))
    assert due - was == dt.timedelta(hours=2)
    assert term(chief, "acceptance")["limit"] == {"value": 1, "unit": "h"}
    session.rollback()
    assert not session.scalar(text("SELECT count(*) FROM stage_limit_move"))


def test_a_limit_that_is_set_counts_open_cases_again_and_says_which_deadlines_moved(chief, case, session, ground):
    was = stage_of(session, case, ground, "acceptance").due_at
    session.rollback()
    told = chief.post("/v1/terms", asked(follows=0)).json
    assert told["moved"] == 1
    held = term(chief, "acceptance")
    assert (held["limit"], held["is_own"]) == ({"value": 3, "unit": "h"}, True)
    session.rollback()
    assert stage_of(session, case, ground, "acceptance").due_at - was == dt.timedelta(hours=2)
    [edition] = chief.get("/v1/terms/editions").json["editions"]
    assert (edition["number"], edition["source"], edition["moved"]) == (told["edition"], SOURCE, 1)
    assert edition["entered_by"] is not None
    moves = chief.get(f"/v1/terms/editions/{edition['number']}/moves").json
    assert (moves["moved"], moves["moves"]) == (1, told["moves"])


def test_the_alarms_of_what_moved_are_counted_again(chief, case, session, ground):
    chief.post("/v1/terms", asked())
    session.rollback()
    now = dt.datetime.now(dt.UTC)
    assert alarms.behind(session, 10, now) == [case]
    alarms.refresh(session, ground, now, 10)
    due = session.scalar(text("SELECT DISTINCT due_at FROM case_alarm WHERE stage = 'acceptance'"))
    assert due == stage_of(session, case, ground, "acceptance").due_at


def test_what_stands_already_moves_nothing_and_is_no_edition(chief, case):
    told = chief.post("/v1/terms", asked(limits={"acceptance": {"value": 1, "unit": "h"}})).json
    assert (told["edition"], told["moved"]) == (0, 0)


def test_no_limit_at_all_can_be_set(chief, case, session, ground):
    [move] = chief.post("/v1/terms", asked(limits={"acceptance": None})).json["moves"]
    assert move["due_at"] is None
    session.rollback()
    assert stage_of(session, case, ground, "acceptance").due_at is None


def test_an_ended_case_stays_judged_by_the_limits_of_its_end(app, chief, case, session, ground):
    desk = Desk.of(app, session, "supervisor", "360725")
    take(session, ground, desk, case, "refuse", reason="unclear", answer="请补充")
    was = stage_of(session, case, ground, "acceptance")
    session.rollback()
    assert chief.post("/v1/terms", asked()).json["moved"] == 0
    session.rollback()
    assert stage_of(session, case, ground, "acceptance") == was


def test_the_task_of_a_check_is_due_with_its_stage(app, chief, session, ground, phone_of):
    phone_of("east")
    issue_id = report(session, "0301")
    session.execute(text("UPDATE issue SET captured_at = now(), received_at = now()"))
    session.commit()
    route_awaiting(session, dt.datetime.now(dt.UTC), ground)
    session.commit()
    desk = Desk.of(app, session, "handler", "zhujian")
    take(session, ground, desk, issue_id, "receive")
    take(session, ground, desk, issue_id, "done", answer="x", photos=[sent_photo(session, issue_id)])
    was = session.scalar(text("SELECT due_at FROM task WHERE kind = 'check' AND deleted_at IS NULL"))
    session.rollback()
    chief.post("/v1/terms", asked(limits={"check": {"value": 30, "unit": "d"}}))
    session.rollback()
    due = session.scalar(text("SELECT due_at FROM task WHERE kind = 'check' AND deleted_at IS NULL"))
    assert due > was
    assert due == stage_of(session, issue_id, ground, "check").due_at


def test_two_who_set_at_once_are_told(chief, case):
    assert chief.post("/v1/terms", asked(follows=0)).status_code == 200
    late = chief.post("/v1/terms", asked(limits={"acceptance": {"value": 5, "unit": "h"}}, follows=0))
    assert (late.status_code, late.json["type"]) == (409, "/problems/terms-superseded")


@pytest.mark.parametrize(
    "limits",
    [{}, {"handling": {"value": 1, "unit": "h"}}, {"acceptance": {"value": 0, "unit": "h"}},
     {"acceptance": {"value": 1, "unit": "year"}}, {"acceptance": {"value": 1}}],
)  # fmt: skip
def test_a_limit_that_cannot_be_is_refused(chief, limits):
    assert chief.post("/v1/terms", asked(limits=limits)).status_code == 422


@pytest.mark.parametrize(("role", "area", "status"), [("admin", "360725100001", 404), ("supervisor", "360725", 403)])
def test_only_who_is_in_charge_of_the_city_sets_limits(app, session, role, area, status):
    assert Desk.of(app, session, role, area).post("/v1/terms", asked()).status_code == status
