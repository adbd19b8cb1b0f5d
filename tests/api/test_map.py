"""What the map draws: areas in charge, issues as points, counts and workers for each grid."""

import uuid

import pytest
from sqlalchemy import text

from server.api import map as map_edge
from server.api.map import CountsSchema, GridSchema, GroundSchema, PointsSchema
from tests.api.staff import Desk
from tests.cases import city

COUNTY = "360725"


@pytest.fixture
def desk(app, session):
    return lambda role="supervisor", place=COUNTY: Desk.of(app, session, role, place)


@pytest.fixture
def report(session):
    def make(*args, **more):
        issue_id = city.report(session, *args, **more)
        session.commit()
        return str(issue_id)

    return make


def test_areas_tell_what_is_in_charge_and_where(desk):
    told = desk("supervisor", city.WEST).get("/v1/areas").json
    assert GroundSchema().validate(told) == {}
    assert {area["code"] for area in told["areas"] if area["in_charge"]} == {city.WEST}
    (west,) = (area for area in told["areas"] if area["code"] == city.WEST)
    assert west["bounds"] == pytest.approx([114.30, 25.68, 114.31, 25.69])
    assert west["parent"] == "360725100001"
    assert [kind["code"] for kind in told["kinds"] if kind["is_locating"]] == ["grid"]
    assert told["tiles"].startswith("/v1/tiles/1/{kind}/{z}/{x}/{y}.mvt")


def test_points_are_geojson_of_what_is_in_charge(desk, report):
    west = report()
    report(at=city.IN_EAST, grid=city.EAST)
    told = desk("supervisor", city.WEST).get("/v1/map/issues").json
    assert PointsSchema().validate(told) == {}
    assert (told["total"], told["truncated"]) == (1, False)
    (feature,) = told["features"]
    assert feature["id"] == feature["properties"]["id"] == west
    assert feature["geometry"] == {"type": "Point", "coordinates": list(city.IN_WEST)}
    assert feature["properties"]["grid"] == city.WEST


def test_an_issue_without_a_place_is_listed_without_a_point(desk, report, session):
    report()
    session.execute(text("UPDATE issue SET position = NULL, located = NULL"))
    session.commit()
    (feature,) = desk().get("/v1/map/issues").json["features"]
    assert feature["geometry"] is None


def test_a_masked_issue_is_shown_somewhere_in_its_grid(desk, report):
    report(category="0601", at=(114.3001, 25.6801))
    (exact,) = desk().get("/v1/map/issues").json["features"]
    (masked,) = desk("auditor").get("/v1/map/issues").json["features"]
    assert exact["geometry"]["coordinates"] == [114.3001, 25.6801]
    lon, lat = masked["geometry"]["coordinates"]
    assert 114.302 < lon < 114.31
    assert 25.682 < lat < 25.69
    assert masked["properties"]["approximate"]


def test_marks_tell_what_is_near_outside_or_in_doubt(desk, report, session):
    near, outside, doubtful = report(), report(at=city.IN_SEA, grid=None), report()
    session.execute(text("UPDATE issue SET located = 'near', distance_m = 12 WHERE id = :id"), {"id": near})
    session.execute(
        text("UPDATE issue SET candidates = (SELECT array_agg(id) FROM area WHERE kind = 'grid') WHERE id = :id"),
        {"id": doubtful},
    )
    session.commit()
    chief = desk()
    told = {each["id"]: each["properties"] for each in chief.get("/v1/map/issues").json["features"]}
    assert (told[near]["how"], told[outside]["how"], told[doubtful]["ambiguous"]) == ("near", "outside", True)
    in_doubt = chief.get("/v1/map/issues", place="doubtful").json["features"]
    assert {each["id"] for each in in_doubt} == {near, doubtful}


def test_too_many_issues_are_cut_off_and_it_is_said(desk, report, monkeypatch):
    for _ in range(5):
        report()
    real = map_edge.map_issues
    monkeypatch.setattr(map_edge, "map_issues", lambda *args, **more: real(*args, **more, limit=3))
    told = desk().get("/v1/map/issues").json
    assert (len(told["features"]), told["total"], told["truncated"]) == (3, 5, True)


def test_counts_are_of_open_issues_by_grid_under_the_filters(desk, report, session):
    for category in ("0301", "0302", "0302"):
        report(category=category)
    report(at=city.IN_EAST, grid=city.EAST)
    report(at=city.IN_SEA, grid=None)
    session.execute(text("UPDATE issue SET due_at = now() - interval '1 h' WHERE category = '0302'"))
    session.commit()
    told = desk().get("/v1/map/grids").json
    assert CountsSchema().validate(told) == {}
    counts = {grid["code"]: (grid["open"], grid["overdue"]) for grid in told["grids"]}
    assert counts == {city.WEST: (3, 2), city.EAST: (1, 0)}
    assert (told["open"], told["overdue"], told["outside"]) == (5, 2, {"open": 1, "overdue": 0})
    narrowed = desk().get("/v1/map/grids", category="0301", progress="closed").json
    assert {grid["code"]: grid["open"] for grid in narrowed["grids"]} == {city.WEST: 1, city.EAST: 1}


def test_counts_name_the_grids_that_hold_issues_and_number_the_others_in_charge(desk, report):
    chief, here = desk(), desk("supervisor", city.WEST)
    (west,) = here.get("/v1/map/grids").json["quiet"]
    assert west in chief.get("/v1/map/grids").json["quiet"]
    report()
    told = here.get("/v1/map/grids").json
    assert ([(grid["id"], grid["code"]) for grid in told["grids"]], told["quiet"]) == ([(west, city.WEST)], [])
    assert told["outside"] is None
    whole = chief.get("/v1/map/grids").json
    assert [grid["id"] for grid in whole["grids"]] == [west]
    assert west not in whole["quiet"]
    assert whole["quiet"]


def test_one_grid_tells_its_numbers_under_the_filters_and_its_workers(desk, phone_of, report):
    here, there = phone_of("west").login, phone_of("east").login
    for category in ("0301", "0302"):
        report(category=category)
    report(at=city.IN_EAST, grid=city.EAST)
    chief = desk("supervisor", city.WEST)
    told = chief.get(f"/v1/map/grids/{city.WEST}")
    assert GridSchema().validate(told.json) == {}
    assert (told.json["code"], told.json["open"]) == (city.WEST, 2)
    assert here in [worker["login"] for worker in told.json["workers"]]
    assert there not in told.text
    assert chief.get(f"/v1/map/grids/{city.WEST}", category="0302").json["open"] == 1
    assert desk().get(f"/v1/map/grids/{city.WEST}", area=city.EAST).json["open"] == 0
    for foreign in (city.EAST, "no-such"):
        refused = chief.get(f"/v1/map/grids/{foreign}")
        assert (refused.status_code, refused.json["type"].rpartition("/")[2]) == (404, "outside-charge")


def test_the_points_come_with_the_names_of_their_grids(desk, report):
    report()
    report(at=city.IN_SEA, grid=None)
    told = desk().get("/v1/map/issues").json
    assert PointsSchema().validate(told) == {}
    assert told["grid_names"] == {city.WEST: desk().get(f"/v1/map/grids/{city.WEST}").json["name"]}


def test_an_unchanged_map_costs_a_304(desk, report):
    chief = desk()
    issue = report()
    tags = {path: chief.get(path).headers["ETag"] for path in ("/v1/map/issues", "/v1/map/grids", "/v1/areas")}
    for path, tag in tags.items():
        assert chief.client.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert uuid.UUID(issue)


def test_a_person_without_a_charge_sees_an_empty_map(app, session, desk, report):
    report()
    chief = desk()
    session.execute(
        text("DELETE FROM assignment WHERE person_id = (SELECT id FROM person WHERE login = :login)"),
        {"login": chief.login},
    )
    session.commit()
    assert chief.get("/v1/map/issues").json["features"] == []
    assert chief.get("/v1/map/grids").json["grids"] == []
