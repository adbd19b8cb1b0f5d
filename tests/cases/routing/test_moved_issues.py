"""An issue that is moved within its grid is told the margin and the neighbour of where it lies now."""

import datetime as dt

import pytest
from sqlalchemy import text

from server.cases.routing.service import route_awaiting
from tests.cases import city
from tests.cases.city import NOW


def awaits(session, issue):
    return session.scalar(text("SELECT awaiting_routing FROM issue WHERE id = :id"), {"id": issue})


def move(session, issue, lon, lat):
    session.execute(
        text("UPDATE issue SET position = ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), rev = rev + 1 WHERE id = :id"),
        {"lon": lon, "lat": lat, "id": issue},
    )
    session.commit()


def routing(session, issue):
    return session.scalar(text("SELECT routing FROM issue WHERE id = :id"), {"id": issue})


@pytest.fixture
def routed(session, ground):
    issue = city.report(session, at=(114.305, 25.685))
    session.commit()
    route_awaiting(session, NOW, ground)
    session.commit()
    return issue


def test_its_margin_and_neighbour_are_those_of_its_new_place_and_its_deadline_stays(session, ground, routed):
    before = routing(session, routed)
    assert before["neighbour"] is None
    move(session, routed, *city.AT_BORDER)
    assert awaits(session, routed)
    route_awaiting(session, NOW + dt.timedelta(minutes=5), ground)
    after = routing(session, routed)
    assert after["margin_m"] < before["margin_m"]
    assert after["neighbour"]["code"] == city.EAST
    assert (after["body"], after["deadline"]) == (before["body"], before["deadline"])


def test_one_that_stays_where_it_is_is_not_routed_anew(session, routed):
    move(session, routed, 114.305, 25.685)
    assert not awaits(session, routed)


def test_one_that_is_closed_is_not_routed_anew(session, routed):
    session.execute(text("UPDATE issue SET closed_at = now(), state = 'closed' WHERE id = :id"), {"id": routed})
    session.commit()
    move(session, routed, *city.AT_BORDER)
    assert not awaits(session, routed)
