"""Routing rules and the catalogue over HTTP: who may make them, for where, and what is refused."""

import pytest

from tests.api.staff import Desk
from tests.cases.city import EAST, WEST
from tests.emptying import empty


@pytest.fixture(autouse=True)
def _no_rules_left(session):
    yield
    session.rollback()
    empty(session, "rule")
    session.commit()


@pytest.fixture
def desk_of(app, session):
    return lambda role, area="360725": Desk.of(app, session, role, area)


def delete(desk, path):
    return desk.client.delete(path, headers={"X-CSRF-Token": desk.csrf})


def draft(**more):
    return {"label": "井盖归城管", "lead_body": "chengguan", **more}


def test_a_rule_made_is_listed_as_it_was_written(desk_of):
    desk = desk_of("dispatcher")
    written = draft(
        category="0301", area=WEST, severity="urgent", hours="off", source="worker",
        assisting=["zhujian"], limit={"value": 1, "unit": "wh"}, tier="street",
    )  # fmt: skip
    made = desk.post("/v1/rules", written)
    assert made.status_code == 201
    now = {
        "area_name": "阳岭第一网格", "applies": True, "area_standing": "in-force", "successors": [],
        "category_retired": False, "bodies_missing": 0,
    }  # fmt: skip
    assert made.json == written | now | {"id": made.json["id"]}
    assert desk.get("/v1/rules").json["rules"] == [made.json]


def test_a_rule_for_the_same_cases_is_refused_and_the_other_is_named(desk_of):
    desk = desk_of("dispatcher")
    first = desk.post("/v1/rules", draft(category="0301")).json
    answer = desk.post("/v1/rules", draft(label="另一条", category="0301", lead_body="zhujian"))
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/rule-tie")
    assert (answer.json["other_id"], answer.json["other_label"]) == (first["id"], "井盖归城管")
    assert len(desk.get("/v1/rules").json["rules"]) == 1


@pytest.mark.long
def test_a_retired_rule_is_gone_and_makes_room(desk_of):
    desk = desk_of("admin")
    rule_id = desk.post("/v1/rules", draft()).json["id"]
    assert delete(desk, f"/v1/rules/{rule_id}").status_code == 204
    assert desk.get("/v1/rules").json["rules"] == []
    assert delete(desk, f"/v1/rules/{rule_id}").json["type"] == "/problems/unknown-rule"
    assert desk.post("/v1/rules", draft()).status_code == 201


@pytest.mark.long
def test_a_dispatcher_rules_only_where_they_are_in_charge(desk_of):
    west, county = desk_of("dispatcher", WEST), desk_of("dispatcher")
    assert west.post("/v1/rules", draft(area=WEST)).status_code == 201
    for area in (EAST, "360725", None):
        answer = west.post("/v1/rules", draft(area=area) if area else draft())
        assert (answer.status_code, answer.json["type"]) == (404, "/problems/outside-charge")
    rule_id = county.post("/v1/rules", draft(area=EAST)).json["id"]
    assert delete(west, f"/v1/rules/{rule_id}").json["type"] == "/problems/outside-charge"


@pytest.mark.parametrize("role", ["supervisor", "grid_worker", "gis", "auditor"])
def test_other_roles_make_no_rules(desk_of, role):
    desk = desk_of(role)
    assert desk.post("/v1/rules", draft()).json["type"] == "/problems/role-missing"
    assert desk.get("/v1/rules").json["type"] == "/problems/role-missing"


def test_without_the_pages_token_nothing_is_made(desk_of):
    desk = desk_of("dispatcher")
    assert desk.client.post("/v1/rules", json=draft()).status_code == 403


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("label", {"label": ""}),
        ("label", {"label": 7}),
        ("lead_body", {"lead_body": None}),
        ("category", {"category": "3"}),
        ("severity", {"severity": "terrible"}),
        ("hours", {"hours": "night"}),
        ("source", {"source": "rumour"}),
        ("limit", {"limit": {"value": 0, "unit": "h"}}),
        ("limit", {"limit": {"value": 2, "unit": "weeks"}}),
        ("limit", {"limit": {"value": 2}}),
        ("tier", {"tier": "moon"}),
        ("colour", {"colour": "red"}),
    ],
)
def test_a_rule_that_is_not_right_is_refused_by_its_field(desk_of, field, more):
    answer = desk_of("dispatcher").post("/v1/rules", draft(**more))
    assert answer.status_code == 422
    assert field in answer.json["errors"][0]["field"]


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("lead_body", {"lead_body": "nobody"}),
        ("assisting", {"assisting": ["nobody"]}),
        ("assisting", {"assisting": ["chengguan"]}),
        ("category", {"category": "9999"}),
        ("area", {"area": "000000"}),
    ],
)
def test_a_code_that_means_nothing_is_refused_by_its_field(desk_of, field, more):
    answer = desk_of("dispatcher").post("/v1/rules", draft(**more))
    assert (answer.status_code, answer.json["type"], answer.json["field"]) == (422, "/problems/invalid-rule", field)


def test_the_catalogue_is_open_and_whole_and_unchanged_on_a_second_look(app):
    client = app.test_client()
    answer = client.get("/v1/categories")
    told = {each["code"]: each for each in answer.json["categories"]}
    assert len(told) == 70
    manhole = told["0301"]
    assert (manhole["zh"], manhole["limit"], manhole["default_body"]) == ("井盖", {"value": 2, "unit": "h"}, "zhujian")
    assert manhole["duplicate"] == {"radius_m": 10, "window_h": 72}
    assert told["0601"]["private"]
    again = client.get("/v1/categories", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
