"""The pages of duty hear that something changed in their grids, and in no others."""

import datetime as dt

import pytest
from sqlalchemy import text

from geo.editions.ground import Grounds
from server.api import work
from server.cases.routing.service import route_awaiting
from tests.api.hearing import hears, listening
from tests.api.staff import Desk
from tests.cases.city import EAST, WEST

PATH = "/v1/work/events"


@pytest.fixture
def grounds():
    return Grounds()


def listen_as(desk, server):
    token = desk.client.get_cookie("patrol_session").value
    return listening(server, PATH, Cookie=f"patrol_session={token}")


def test_who_has_duty_in_a_grid_hears_of_a_report_there_and_nobody_else_does(app, session, server, phone_of):
    here, elsewhere = (Desk.of(app, session, "dispatcher", place) for place in (WEST, EAST))
    writer = phone_of("west")
    with listen_as(here, server) as mine, listen_as(elsewhere, server) as other:
        assert hears(mine, b"retry: ")
        assert hears(other, b"retry: ")
        assert writer.push(writer.issue(category="0302"))[0]["status"] == "applied"
        assert hears(mine, b"event: work")
        assert not hears(other, b"event: work", within_s=1)


def test_a_body_hears_of_a_case_that_it_gets_wherever_it_lies_and_other_bodies_do_not(
    app, session, server, phone_of, grounds
):
    theirs, others = (Desk.of(app, session, "handler", body) for body in ("zhujian", "minzheng"))
    writer = phone_of("west")
    with listen_as(theirs, server) as mine, listen_as(others, server) as other:
        assert hears(mine, b"retry: ")
        assert hears(other, b"retry: ")
        writer.push(writer.issue(category="0302"))
        moment = dt.datetime.now(dt.UTC)
        route_awaiting(session, moment, grounds.at(session, 1, moment))
        session.commit()
        assert hears(mine, b"event: work", within_s=5)
        assert not hears(other, b"event: work", within_s=1)


def test_who_has_very_many_grids_hears_of_the_cases_of_the_city(app, session, server, phone_of, grounds, monkeypatch):
    monkeypatch.setattr(work, "MOST_GRIDS", 1)
    chief, writer = Desk.of(app, session, "supervisor", "360725"), phone_of("west")
    session.execute(text("UPDATE category SET intake = 'duty' WHERE code = '0302'"))
    session.commit()
    with listen_as(chief, server) as mine:
        assert hears(mine, b"retry: ")
        writer.push(writer.issue(category="0302"))
        moment = dt.datetime.now(dt.UTC)
        route_awaiting(session, moment, grounds.at(session, 1, moment))
        session.execute(text("UPDATE category SET intake = 'auto'"))
        session.commit()
        assert hears(mine, b"event: work", within_s=5)


def test_who_has_neither_ground_nor_body_is_told_to_ask_by_the_clock(app, session):
    desk = Desk.of(app, session, "handler", "chengguan")
    session.execute(text("DELETE FROM assignment WHERE person_id = (SELECT id FROM person WHERE login = :login)"),
                    {"login": desk.login})  # fmt: skip
    session.commit()
    assert desk.get(PATH).status_code in (204, 401, 403)
