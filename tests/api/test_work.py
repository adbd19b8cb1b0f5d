"""What waits for somebody, by light and state: of their areas and bodies alone."""

import datetime as dt

import pytest

from geo.editions.ground import Grounds
from server.cases.routing.service import route_awaiting
from tests.api.staff import Desk
from tests.cases.city import EAST, WEST


def waiting(desk):
    answer = desk.get("/v1/work")
    assert answer.status_code == 200, answer.text
    return answer.json


@pytest.mark.long
def test_each_is_told_what_waits_where_they_have_duty_and_at_their_desk(app, session, phone_of):
    phone = phone_of("west")
    made = [phone.issue(category=category) for category in ("0302", "0302", "0301")]
    assert {each["status"] for each in phone.push(*made)} == {"applied"}
    here, elsewhere = (Desk.of(app, session, "supervisor", place) for place in (WEST, EAST))
    assert waiting(here)["duty"] == {"lights": {"none": 3}, "states": {"reported": 3}, "asking": 0}
    now = dt.datetime.now(dt.UTC)
    route_awaiting(session, now, Grounds().at(session, 1, now))
    session.commit()
    assert waiting(here) == {"duty": {"lights": {"green": 3}, "states": {"dispatched": 3}, "asking": 0}, "desk": None}
    assert waiting(elsewhere)["duty"] == {"lights": {}, "states": {}, "asking": 0}
    lead, assists = (Desk.of(app, session, "handler", body) for body in ("zhujian", "chengguan"))
    assert waiting(lead) == {"duty": None, "desk": {"lights": {"green": 3}, "states": {"dispatched": 3}, "asking": 0}}
    assert waiting(assists)["desk"] == {"lights": {"green": 1}, "states": {}, "asking": 0}
    assert waiting(Desk.of(app, session, "auditor", WEST)) == {"duty": None, "desk": None}
