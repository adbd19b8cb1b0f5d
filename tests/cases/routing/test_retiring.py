"""A category or a body retired under open cases: the first lets its cases go on, the second is not to be had."""

import threading
import time
import uuid

import pytest
from sqlalchemy import text

from server.accounts.charge import Charge, Held
from server.cases.errors import BodyInUse, StepInvalid, UnknownOrganisation
from server.cases.life.persons import Actor
from server.cases.life.taking import Wanted, take_one
from server.cases.routing.retiring import retire
from server.cases.routing.service import route_awaiting
from server.cases.routing.trial import mark_changed
from tests.cases.city import NOW, id_of, issue, report, shown
from tests.cases.life.test_life import actor

__all__ = ["actor"]

COMMUNITY = "360725100001"
_WAITS = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))")
PHOTOS = ["0193a000-0000-7000-8000-000000000001"]


@pytest.fixture
def take(session, ground):
    """Takes a step as whoever holds a role: ``take("handler", "zhujian", issue_id, "receive")``."""

    def taken(role, place, issue_id, name, **given):
        login = f"{role}-{place}"
        session.execute(text("INSERT INTO person (login, name) VALUES (:l, :l) ON CONFLICT DO NOTHING"), {"l": login})
        body = id_of(session, "organisation", place)
        held = Held(role, None if body else id_of(session, "area", place), body)
        actor = Actor("page", Charge(id_of(session, "person", login), frozenset({held})))
        take_one(session, Wanted(uuid.uuid4(), issue_id, name, actor, shown(session, issue_id, given)), ground, NOW)

    yield taken
    session.rollback()


@pytest.fixture
def nothing_names(session):
    """No category names a body any more: ``nothing_names("zhujian")``."""

    def put(code):
        session.execute(text("UPDATE category SET default_body = 'shequ' WHERE default_body = :code"), {"code": code})
        session.execute(text("UPDATE category SET assisting_bodies = ''"))

    return put


@pytest.mark.long
def test_a_case_whose_category_is_retired_stays_with_its_body_and_goes_on(session, ground, take):
    issue_id = report(session, "0301")
    route_awaiting(session, NOW, ground)
    was = issue(session, issue_id)
    session.execute(text("UPDATE category SET is_active = false WHERE code = '0301'"))
    assert mark_changed(session, ground, NOW, categories=["0301"]) == 0
    session.execute(text("UPDATE issue SET awaiting_routing = true WHERE id = :id"), {"id": issue_id})
    route_awaiting(session, NOW, ground)
    row = issue(session, issue_id)
    assert (row["body_id"], row["due_at"], row["state"]) == (was["body_id"], was["due_at"], "dispatched")
    take("handler", "zhujian", issue_id, "receive")
    take("handler", "zhujian", issue_id, "done", answer="已更换", photos=PHOTOS)
    take("dispatcher", COMMUNITY, issue_id, "close", reason="explained")
    assert issue(session, issue_id)["state"] == "closed"


@pytest.mark.long
def test_a_body_with_open_cases_is_not_retired_and_they_are_listed(session, ground, take, nothing_names):
    ids = [report(session, "0301") for _ in range(3)]
    route_awaiting(session, NOW, ground)
    nothing_names("zhujian")
    with pytest.raises(BodyInUse) as held:
        retire(session, "zhujian", NOW)
    assert held.value.open_cases == 3
    assert sorted(held.value.numbers) == sorted(issue(session, each)["number"] for each in ids)
    for each in ids:
        take("supervisor", COMMUNITY, each, "void", reason="重复")
    retire(session, "zhujian", NOW)


@pytest.mark.long
def test_one_that_assists_is_held_too_and_a_declared_step_lets_it_go(session, ground, take, nothing_names):
    issue_id = report(session, "0301")
    route_awaiting(session, NOW, ground)
    take("handler", "zhujian", issue_id, "receive")
    take("supervisor", "360725", issue_id, "whistle", bodies={"lead": "zhujian", "assisting": ["gongshui"]})
    nothing_names("gongshui")
    with pytest.raises(BodyInUse) as held:
        retire(session, "gongshui", NOW)
    assert held.value.open_cases == 1
    take("supervisor", COMMUNITY, issue_id, "void", reason="重复")
    retire(session, "gongshui", NOW)


def test_what_would_give_it_cases_is_listed_too(session, ground, take):
    with pytest.raises(BodyInUse) as held:
        retire(session, "zhujian", NOW)
    assert (held.value.open_cases, held.value.numbers) == (0, [])
    assert "0301" in held.value.categories
    with pytest.raises(BodyInUse) as desk:
        retire(session, "zhihui", NOW)
    assert desk.value.is_default_desk


def test_to_a_retired_body_nothing_is_dispatched_and_it_is_retired_once(session, ground, take, nothing_names):
    nothing_names("gongshui")
    retire(session, "gongshui", NOW)
    with pytest.raises(UnknownOrganisation):
        retire(session, "gongshui", NOW)
    session.execute(text("UPDATE category SET intake = 'duty' WHERE code = '0301'"))
    issue_id = report(session, "0301")
    route_awaiting(session, NOW, ground)
    take("dispatcher", COMMUNITY, issue_id, "accept")
    take("dispatcher", COMMUNITY, issue_id, "file")
    with pytest.raises(StepInvalid) as refused:
        take("dispatcher", COMMUNITY, issue_id, "dispatch", bodies={"lead": "gongshui"})
    assert (refused.value.field, refused.value.reason) == ("bodies", "unknown")


def test_a_dispatch_waits_for_a_body_that_is_being_retired_and_is_then_refused(sessions, session, ground, actor):
    session.execute(text("INSERT INTO organisation (code, kind, name) VALUES ('yuanlin', 'department', '园林局')"))
    issue_id = report(session, "0301")
    route_awaiting(session, NOW, ground)
    session.commit()
    wanted = Wanted(uuid.uuid4(), issue_id, "dispatch", actor("dispatcher", COMMUNITY), {"bodies": {"lead": "yuanlin"}})
    session.commit()
    refused = []

    def dispatch():
        with sessions() as other, pytest.raises(StepInvalid) as error:
            take_one(other, wanted, ground, NOW)
        refused.append(error.value.field)

    try:
        retire(session, "yuanlin", NOW)
        call = threading.Thread(target=dispatch)
        call.start()
        ends = time.monotonic() + 30
        while not session.scalar(_WAITS):
            assert time.monotonic() < ends
            time.sleep(0.01)
        session.commit()
        call.join(30)
        assert refused == ["bodies"]
    finally:
        session.rollback()
        session.execute(text("DELETE FROM organisation WHERE code = 'yuanlin'"))
        session.commit()
