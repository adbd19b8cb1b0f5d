"""Before a redraw is published it is told which rules, people, plans and bodies it concerns beside records."""

import datetime as dt

import pytest
from shapely import box
from sqlalchemy import text

from geo.coverage.changes import Fragment
from server.api.edition_schemas import ImpactSchema
from server.cases.routing.rulebook import Draft, save
from sync.redraw.impact import Impact, Load
from tests.api.drawing import Drawing, split
from tests.api.staff import Desk
from tests.api.test_editions import feature, sending
from tests.api.test_whole_city import assign
from tests.cases.city import EAST, NOW, WEST
from tests.sync.redrawing import clock, redrawn

__all__ = ["redrawn"]


@pytest.fixture
def desk(app, redrawn):
    yield Desk.of(app, redrawn, "gis", "360725")
    redrawn.rollback()
    redrawn.execute(text("DELETE FROM rule"))
    redrawn.commit()


def merged(desk):
    drawing = Drawing(desk)
    assert drawing.do({"kind": "merge", "codes": [WEST, EAST], "into": WEST}).status_code == 201
    answer = drawing.get("/impact")
    assert ImpactSchema().validate(answer) == {}
    return answer["concerned"]


def test_rules_of_a_grid_that_ends_and_of_one_that_changes_are_told_apart(desk, redrawn):
    for area in (WEST, EAST, "360725"):
        save(redrawn, Draft(f"规则{area[-1]}", "zhujian", area=area), author_id=None, now=NOW)
    redrawn.commit()
    told = merged(desk)
    assert {(each["area"], each["ends"]) for each in told["rules"]} == {(WEST, False), (EAST, True)}
    assert [each["code"] for each in told["bodies"]] == ["zhujian"]


def test_people_whose_charge_ends_are_named_and_those_left_with_none_marked(app, desk, redrawn):
    worker = Desk.of(app, redrawn, "grid_worker", EAST)
    both = Desk.of(app, redrawn, "supervisor", EAST)
    assign(redrawn, both, "supervisor", WEST)
    told = {(each["login"], each["role"], each["left_with_none"]) for each in merged(desk)["assignments"]}
    assert told >= {(worker.login, "grid_worker", True), (both.login, "supervisor", False)}


def test_planned_editions_that_it_would_supersede_are_named(desk):
    third = feature("360725100001009", 114.32, 114.33)
    at = (clock() + dt.timedelta(hours=3)).isoformat()
    assert desk.post("/v1/editions", sending(third, name="下周", at=at)).status_code == 202
    assert [each["name"] for each in merged(desk)["plans"]] == ["下周"]


def test_a_redraw_that_ends_nothing_names_nobody(desk):
    drawing = Drawing(desk)
    assert drawing.do(split()).status_code == 201
    assert drawing.get("/impact")["concerned"] == {"rules": [], "assignments": [], "plans": [], "bodies": []}


def test_the_preview_of_an_edition_that_programs_send_tells_the_same(desk, redrawn):
    save(redrawn, Draft("规则", "zhujian", area=EAST), author_id=None, now=NOW)
    redrawn.commit()
    areas = {"type": "FeatureCollection", "features": [feature(WEST, 114.30, 114.32)]}
    answer = desk.post("/v1/editions/preview", {"areas": areas, "retired": [EAST]})
    assert answer.status_code == 200, answer.text
    assert [(each["area"], each["ends"]) for each in answer.json["concerned"]["rules"]] == [(EAST, True)]


def test_pieces_that_come_of_rounding_are_counted_and_not_listed():
    sliver, strip = box(114.31, 25.68, 114.31000001, 25.681), box(114.31, 25.68, 114.311, 25.681)
    found = [Fragment(WEST, EAST, strip), Fragment(EAST, WEST, sliver), Fragment("3", "4", sliver)]
    impact = Impact(found, {("3", "4"): Load(households=1)}, {}, {}, ())
    told = impact.as_json()
    assert [(each["from"]["code"], each["to"]["code"]) for each in told["pairs"]] == [("3", "4"), (WEST, EAST)]
    assert told["slivers"] == 1
    assert [each["properties"]["from"]["code"] for each in impact.as_geojson()["features"]] == [WEST]
