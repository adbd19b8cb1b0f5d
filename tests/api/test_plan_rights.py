"""A planned edition comes into force only while whoever planned it may still redraw that ground."""

import datetime as dt

import pytest
from sqlalchemy import text

from server.grids import publishing
from server.jobs.editions import permit
from sync.redraw.cutover import publish_due
from tests.api.drawing import Drawing, split
from tests.api.staff import Desk
from tests.api.test_editions import codes, split_west
from tests.cases.city import EAST, WEST
from tests.emptying import empty
from tests.sync.redrawing import clock, redrawn

pytestmark = pytest.mark.long

__all__ = ["redrawn"]
COUNTY = "360725"
_ENDINGS = {
    "the role ended": """
        UPDATE assignment SET during = tstzrange(lower(during), clock_timestamp())
        WHERE person_id = (SELECT id FROM person WHERE login = :login)
    """,
    "the role is held for another area": """
        UPDATE assignment SET area_id = (SELECT id FROM area WHERE code = '360725100001002')
        WHERE person_id = (SELECT id FROM person WHERE login = :login)
    """,
    "the role is another": """
        UPDATE assignment SET role = 'auditor' WHERE person_id = (SELECT id FROM person WHERE login = :login)
    """,
    "the account is blocked": "UPDATE person SET is_active = false WHERE login = :login",
}


@pytest.fixture
def gis(app, redrawn):
    yield lambda place: Desk.of(app, redrawn, "gis", place)
    redrawn.rollback()
    empty(redrawn, "draft_operation, draft")
    redrawn.commit()


def end(session, login, how):
    session.execute(text(_ENDINGS[how]), {"login": login})
    session.commit()


def come_due(session, due):
    assert publish_due(session, lambda: due + dt.timedelta(seconds=1), permit)
    publishing.note_published(session)
    session.commit()


def planned(desk):
    [plan] = desk.get("/v1/editions/plans").json["plans"]
    return plan


@pytest.mark.parametrize("how", _ENDINGS)
@pytest.mark.parametrize("by_draft", [False, True])
def test_what_is_planned_by_somebody_whose_right_ended_is_refused_and_kept_with_its_reason(gis, redrawn, how, by_draft):
    planner, other, due = gis(COUNTY), gis(COUNTY), clock() + dt.timedelta(hours=2)
    if by_draft:
        drawing = Drawing(planner)
        drawing.do(split())
        assert drawing.send("/publish", {"at": due.isoformat()}).status_code == 202
    else:
        assert planner.post("/v1/editions", split_west(at=due.isoformat())).status_code == 202
    end(redrawn, planner.login, how)
    come_due(redrawn, due)
    plan = planned(other)
    told = {"code": "planner-not-in-charge", "by": planner.login}
    assert (plan["state"], plan["edition"], plan["problem"] | told) == ("refused", None, plan["problem"])
    assert codes(other, kind="grid") == [WEST, EAST], "the edition in force is as it was"
    if by_draft:
        [draft] = other.get("/v1/drafts").json["drafts"]
        assert (draft["planned"]["state"], draft["operations"]) == ("refused", 1), "the drawing is there, and open"
        drawing.desk = other
        assert drawing.send("/publish", {}, tag="*").status_code == 201, "another may publish it"


@pytest.mark.parametrize("by_draft", [False, True])
def test_staff_of_the_area_alone_publish_there_what_they_planned(gis, redrawn, by_draft):
    planner, due = gis(WEST), clock() + dt.timedelta(hours=2)
    named = {"kind": "rename", "code": WEST, "name": "西格"}
    if by_draft:
        drawing = Drawing(planner)
        drawing.do(named)
        assert drawing.send("/publish", {"at": due.isoformat()}).status_code == 202
    else:
        sent = split_west(at=due.isoformat())
        county = gis(COUNTY)
        assert planner.post("/v1/editions", sent).status_code == 404, "a new grid beside it is of the community"
        assert county.post("/v1/editions", sent).status_code == 202
    come_due(redrawn, due)
    plan = planned(planner)
    assert (plan["state"], plan["problem"]) == ("published", None)
