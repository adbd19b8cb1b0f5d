"""A planned edition that cannot be read, or breaks the publishing, is refused with its reason; the next ones go on."""

import datetime as dt

import pytest
from sqlalchemy import text

from geo.editions import plans
from server.grids import publishing
from sync.redraw.cutover import publish_due
from tests.api.staff import Desk
from tests.cases.city import WEST
from tests.sync.redrawing import clock, redrawn, strip

__all__ = ["redrawn"]
THIRD = "360725100001003"
GOOD = 10
SPOILT = {
    "a border that cannot be read": """jsonb_set(areas, '{0,polygon}', '"zz"')""",
    "an area without a code": "areas #- '{0,code}'",
    "an area that is a number": "'[1]'",
    "a kind that nobody knows": """jsonb_set(areas, '{0,kind}', '"moon"')""",
}


def order(base):
    return plans.Order([strip(WEST, 114.30, 114.305), strip(THIRD, 114.305, 114.31)], (), base, "gis", "改")


def planned(session, due, base=1):
    found = plans.plan(session, order(base), due_at=due, now=clock())
    session.commit()
    return found.id


def all_due(session, due):
    """The job's way: one after the other, each in a transaction of its own, until none is due."""
    settled = 0
    while publish_due(session, lambda: due, lambda *_: None):
        publishing.note_published(session)
        session.commit()
        settled += 1
    session.rollback()
    return settled


@pytest.mark.parametrize("how", SPOILT)
def test_a_plan_that_cannot_be_published_stops_none_of_the_others(app, redrawn, how):
    due = clock() + dt.timedelta(minutes=5)
    bad = [planned(redrawn, due) for _ in range(2)]
    good = [planned(redrawn, due + dt.timedelta(seconds=number)) for number in range(GOOD)]
    redrawn.execute(text(f"UPDATE planned_edition SET areas = {SPOILT[how]} WHERE id = ANY (:ids)"), {"ids": bad})
    redrawn.commit()
    assert all_due(redrawn, due + dt.timedelta(minutes=1)) == GOOD + len(bad)
    told = {each["id"]: each for each in Desk.of(app, redrawn, "gis", "360725").get("/v1/editions/plans").json["plans"]}
    assert {told[each]["state"] for each in bad} == {"refused"}
    for each in bad:
        problem = told[each]["problem"]
        assert problem["code"] != "geo-error"
        assert problem.get("why") or problem["code"] != "plan-broken"
    # The first of the others came into force; what was drawn over the same edition as it is refused as that.
    assert told[good[0]]["state"] == "published"
    assert {told[each]["problem"]["code"] for each in good[1:]} == {"base-superseded"}
    # Planned anew, it is tried again.
    again = plans.Order([strip(WEST, 114.30, 114.303), strip(THIRD, 114.303, 114.31)], (), 2, "gis", "改")
    plans.plan(redrawn, again, due_at=due + dt.timedelta(hours=1), now=clock())
    redrawn.commit()
    assert all_due(redrawn, due + dt.timedelta(hours=2)) == 1
    assert redrawn.scalar(text("SELECT max(number) FROM edition")) == 3


@pytest.mark.parametrize("how", SPOILT)
def test_a_plan_that_cannot_be_read_is_withdrawn_by_the_whole_city_and_told_to_others(app, redrawn, how):
    plan = planned(redrawn, clock() + dt.timedelta(hours=5))
    redrawn.execute(text(f"UPDATE planned_edition SET areas = {SPOILT[how]} WHERE id = :id"), {"id": plan})
    redrawn.commit()
    part, whole = (Desk.of(app, redrawn, "gis", area) for area in (WEST, "360725"))
    refused, withdrawn = (
        desk.client.delete(f"/v1/editions/plans/{plan}", headers={"X-CSRF-Token": desk.csrf}) for desk in (part, whole)
    )
    assert refused.json["type"] in ("/problems/plan-broken", "/problems/outside-charge"), refused.text
    assert withdrawn.json["state"] == "withdrawn"
