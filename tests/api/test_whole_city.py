"""No redraw takes the rights over the whole city from those who have them, by whatever way it comes into force."""

import datetime as dt

import pytest
import shapely
from shapely import box
from sqlalchemy import text

from geo.errors import PublicationRefused
from server.jobs.editions import permit
from sync.redraw.cutover import publish_due
from tests.api.drawing import Drawing
from tests.api.staff import Desk
from tests.cases.city import EAST, WEST
from tests.ogc.drawing import Layer
from tests.sync.redrawing import clock, redraw, redrawn

__all__ = ["redrawn"]
COUNTY, COMMUNITY, OTHER = "360725", "360725100001", "360726"
THIRD = "360725100001003"
WHOLE = box(114.30, 25.68, 114.32, 25.69)


@pytest.fixture
def staff(app, redrawn):
    """Makes somebody who is in charge of the whole city, in these roles."""

    def make(*roles, place=COUNTY):
        desk = Desk.of(app, redrawn, roles[0], place)
        for role in roles[1:]:
            assign(redrawn, desk, role, place)
        return desk

    return make


def assign(session, desk, role, place):
    """Give somebody another role in an area, since an hour ago."""
    session.rollback()
    session.execute(
        text("""
            INSERT INTO assignment (person_id, role, area_id, during)
            SELECT person.id, :role, area.id, tstzrange(now() - interval '1 hour', NULL) FROM person, area
            WHERE login = :login AND code = :code
        """),
        {"login": desk.login, "code": place, "role": role},
    )
    session.commit()


def everywhere(desk):
    return desk.get("/v1/session").json["charge"]["everywhere"]


def feature(code, kind, parent, polygon, name="名"):
    properties = {"code": code, "kind": kind, "name": name, "parent": parent}
    return {"type": "Feature", "geometry": shapely.geometry.mapping(polygon), "properties": properties}


def sent(*features, retired=(), **more):
    areas = {"type": "FeatureCollection", "features": list(features)}
    return {"areas": areas, "retired": list(retired), "base": 1, "name": "改", **more}


def another_county(**more):
    """The county replaced by another of the same ground."""
    return sent(feature(OTHER, "county", None, WHOLE), feature(COMMUNITY, "community", OTHER, WHOLE, "阳岭社区"),
                retired=[COUNTY], **more)  # fmt: skip


def held(session, desk):
    session.rollback()
    rows = session.execute(
        text("""
            SELECT role, area.code FROM assignment JOIN area ON area.id = area_id JOIN person ON person.id = person_id
            WHERE login = :login AND during @> now()
        """),
        {"login": desk.login},
    )
    return {(row.role, row.code) for row in rows}


@pytest.mark.long
def test_who_has_the_whole_city_has_it_when_its_root_is_replaced_and_when_that_is_rolled_back(staff, redrawn):
    gis, chief = staff("gis"), staff("supervisor", "admin")
    answer = gis.post("/v1/editions", another_county())
    assert answer.status_code == 201, answer.text
    assert everywhere(gis)
    assert everywhere(chief)
    assert held(redrawn, chief) >= {("supervisor", OTHER), ("admin", OTHER)}
    answer = gis.post("/v1/editions/1/restoration", {})
    assert answer.status_code == 201, answer.text
    assert everywhere(gis)
    assert everywhere(chief)


@pytest.mark.long
def test_who_comes_to_the_city_after_a_replacement_has_it_after_the_roll_back_too(staff):
    gis = staff("gis")
    assert gis.post("/v1/editions", another_county()).status_code == 201
    late = staff("admin", place=OTHER)
    assert gis.post("/v1/editions/1/restoration", {}).status_code == 201
    assert everywhere(late)


@pytest.mark.long
def test_who_has_the_whole_city_has_what_is_added_beside_it(staff):
    gis, chief = staff("gis"), staff("admin")
    beside = feature(OTHER, "county", None, box(114.32, 25.68, 114.33, 25.69))
    assert gis.post("/v1/editions", sent(beside)).status_code == 201
    assert everywhere(gis)
    assert everywhere(chief)


def test_who_has_a_part_of_the_city_gets_no_more_of_it(staff, redrawn):
    gis, part = staff("gis"), staff("supervisor", place=WEST)
    assert gis.post("/v1/editions", another_county()).status_code == 201
    assert held(redrawn, part) == {("supervisor", WEST)}


@pytest.mark.long
def test_a_role_that_does_not_hold_everything_is_not_widened_by_one_that_does(staff, redrawn):
    gis, both = staff("gis"), staff("supervisor")
    beside = feature(OTHER, "county", None, box(114.32, 25.68, 114.33, 25.69))
    assert gis.post("/v1/editions", sent(beside)).status_code == 201
    assign(redrawn, both, "dispatcher", COUNTY)
    third = feature("360727", "county", None, box(114.33, 25.68, 114.34, 25.69))
    assert gis.post("/v1/editions", sent(third) | {"base": 2}).status_code == 201
    now = held(redrawn, both)
    assert ("supervisor", "360727") in now
    assert {each for each in now if each[0] == "dispatcher"} == {("dispatcher", COUNTY)}
    assert everywhere(both)


def test_a_right_that_ends_on_a_day_ends_then_for_the_new_root_too(staff, redrawn):
    gis, short = staff("gis"), staff("admin")
    ends = clock() + dt.timedelta(days=3)
    redrawn.execute(
        text("""
            UPDATE assignment SET during = tstzrange(lower(during), :ends)
            WHERE person_id = (SELECT id FROM person WHERE login = :login)
        """),
        {"ends": ends, "login": short.login},
    )
    redrawn.commit()
    assert gis.post("/v1/editions", another_county()).status_code == 201
    redrawn.rollback()
    ending = redrawn.scalars(
        text("SELECT upper(during) FROM assignment WHERE person_id = (SELECT id FROM person WHERE login = :login)"),
        {"login": short.login},
    ).all()
    assert ending == [ends, ends]


@pytest.mark.long
def test_a_draft_and_a_plan_leave_everybody_what_they_have(staff, redrawn):
    gis, chief = staff("gis"), staff("admin")
    drawing = Drawing(gis)
    beside = shapely.geometry.mapping(box(114.32, 25.68, 114.33, 25.69))
    done = drawing.do({"kind": "add", "code": OTHER, "name": "邻县", "polygon": beside, "area_kind": "county"})
    assert done.status_code == 201, done.text
    assert drawing.send("/publish").status_code == 201
    assert everywhere(chief)
    due = (clock() + dt.timedelta(hours=1)).isoformat()
    third = feature("360727", "county", None, box(114.33, 25.68, 114.34, 25.69))
    assert gis.post("/v1/editions", sent(third) | {"base": 2, "at": due}).status_code == 202
    assert publish_due(redrawn, lambda: clock() + dt.timedelta(hours=2), permit)
    redrawn.commit()
    assert everywhere(gis)
    assert everywhere(chief)


def test_an_area_under_none_is_refused_by_the_api_naming_it_and_nobody_loses_anything(staff):
    gis = staff("gis")
    orphan = feature(THIRD, "grid", None, box(114.32, 25.68, 114.33, 25.69))
    answer = gis.post("/v1/editions", sent(orphan))
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/publication-refused")
    assert (answer.json["reason"], answer.json["area"]) == ("no-parent", THIRD)
    assert "没有上级" in answer.json["detail"]
    assert COUNTY in answer.json["detail"]
    put_out = feature(WEST, "grid", None, box(114.30, 25.68, 114.31, 25.69))
    assert gis.post("/v1/editions", sent(put_out)).json["reason"] == "no-parent"
    assert everywhere(gis)


def test_an_area_under_none_shuts_the_gate_of_a_draft(staff):
    drawing = Drawing(staff("gis"))
    beside = shapely.geometry.mapping(box(114.32, 25.68, 114.33, 25.69))
    assert drawing.do({"kind": "add", "code": THIRD, "name": "格", "polygon": beside}).status_code == 201
    found = drawing.get("/findings")
    assert (found["open"], [each["properties"]["code"] for each in found["features"]]) == (False, ["no-parent"])
    answer = drawing.send("/publish")
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/gate-closed")


@pytest.mark.long
def test_an_area_that_a_program_writes_under_none_is_kept_in_its_draft_and_not_published(staff):
    drawing = Drawing(staff("gis"))
    layer = Layer(drawing.desk, draft=int(drawing.path.rpartition("/")[2]))
    beside = shapely.geometry.mapping(box(114.32, 25.68, 114.33, 25.69))
    assert layer.add(beside, parent=None).status_code == 201
    answer = drawing.send("/publish", tag="*")
    assert (answer.status_code, [each["properties"]["code"] for each in answer.json["findings"]]) == (
        409, ["no-parent"]
    )  # fmt: skip
    assert everywhere(drawing.desk)


def test_the_whole_ground_cannot_be_given_up(redrawn):
    everything = [WEST, EAST, COMMUNITY, COUNTY]
    with pytest.raises(PublicationRefused) as refused:
        redraw(redrawn, retired=everything)
    assert refused.value.reason == "nothing-left"
    redrawn.rollback()


def test_ground_that_areas_would_enclose_and_give_to_none_is_refused_by_the_api_too(staff):
    gis = staff("gis")
    hole = box(114.303, 25.683, 114.306, 25.686)
    ring = box(114.30, 25.68, 114.31, 25.69).difference(hole)
    answer = gis.post("/v1/editions", sent(feature(WEST, "grid", COMMUNITY, ring)))
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/gate-closed")
    (finding,) = answer.json["findings"]
    assert (finding["properties"]["code"], finding["properties"]["areas"]) == ("ground-lost", [WEST])
    due = (clock() + dt.timedelta(hours=1)).isoformat()
    assert gis.post("/v1/editions", sent(feature(WEST, "grid", COMMUNITY, ring), at=due)).status_code == 409


def test_ground_given_up_at_the_outer_border_is_not_asked_back(staff):
    gis = staff("gis")
    narrower = feature(WEST, "grid", COMMUNITY, box(114.302, 25.68, 114.31, 25.69))
    assert gis.post("/v1/editions", sent(narrower)).status_code == 201
