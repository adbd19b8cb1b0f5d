"""Drafts as collections that GIS staff write, as OGC API Features part 4 has it."""

from urllib.parse import urlsplit

import numpy as np
import pytest
import shapely
from openapi_spec_validator import validate
from pyproj import Transformer

from tests.api.staff import Desk
from tests.cases.city import EAST, WEST
from tests.ogc.drawing import (
    BENT,
    COMMUNITY,
    EPSG,
    PATCH,
    THIRD,
    Layer,
    allowed,
    desk,
    done,
    draft_of,
    draw,
    east_of,
    feature,
    findings,
    layer,
    shape_of,
    square,
    west_of,
)
from tests.sync.redrawing import redraw, redrawn, strip

pytestmark = pytest.mark.long

__all__ = ["desk", "layer", "redrawn"]


def test_a_draft_may_be_written_by_item_and_by_any_id(layer):
    assert allowed(layer.send("OPTIONS")) >= {"GET", "POST"}
    assert allowed(layer.send("OPTIONS", f"/items/{layer.id_of(WEST)}")) >= {"GET", "PUT", "PATCH", "DELETE"}
    assert "PUT" in allowed(layer.send("OPTIONS", "/items/unknown_id"))


def test_what_is_posted_is_in_the_draft_where_location_says(layer):
    answer = layer.add(square(114.32, 114.33))
    assert answer.status_code == 201, answer.text
    place = urlsplit(answer.headers["Location"]).path
    made = layer.desk.get(place).json
    assert isinstance(made["id"], int)
    assert made["properties"] == {"code": THIRD, "name": "新网格", "kind": "grid", "parent": COMMUNITY}
    assert list(layer.features()) == [WEST, EAST, THIRD]
    assert layer.desk.get("/ogc/collections/areas-grid/items").json["numberMatched"] == 2


def test_a_draft_is_listed_for_gis_staff_by_kind_and_its_paths_are_literal(app, redrawn, layer):
    listed = {each["id"] for each in layer.desk.get("/ogc/collections").json["collections"]}
    assert {f"draft-{layer.draft}-grid", f"draft-{layer.draft}-community"} <= listed
    document = layer.desk.get("/ogc/api").json
    validate(document)
    assert {"get", "post"} <= set(document["paths"][f"/collections/draft-{layer.draft}-grid/items"])
    other = Desk.of(app, redrawn, "supervisor", "360725")
    assert not any(each["id"].startswith("draft-") for each in other.get("/ogc/collections").json["collections"])
    assert other.get(layer.path).status_code == 403


def test_every_link_of_a_draft_leads_somewhere(layer):
    for linked in layer.desk.get(layer.path).json["links"]:
        assert layer.desk.get(urlsplit(linked["href"]).path).status_code == 200, linked
    properties = layer.desk.get(f"{layer.path}/schema").json["properties"]
    numbers = [each["x-ogc-propertySeq"] for each in properties.values() if "type" in each]
    assert len(set(numbers)) == len(numbers) == 5


@pytest.mark.parametrize(
    ("first", "between"), [((WEST, west_of), "uncovered"), ((EAST, east_of), "overlap")], ids=["gap", "overlap"]
)
def test_two_neighbours_are_drawn_one_after_the_other_and_the_gate_is_shut_between(layer, first, between):
    other = ({WEST: EAST, EAST: WEST}[first[0]], {west_of: east_of, east_of: west_of}[first[1]])
    draw(layer, first[0], first[1]())
    assert findings(layer) == (False, {between})
    assert draft_of(layer, "publish").status_code == 409
    draw(layer, other[0], other[1]())
    assert findings(layer) == (True, set())
    published = draft_of(layer, "publish")
    assert published.status_code == 201, published.text
    assert published.json["changed"] == [WEST, EAST]


def test_each_write_is_one_operation_that_is_undone_and_done_again(layer):
    made = layer.add(square(114.32, 114.33)).headers["Location"].rsplit("/", 1)[1]
    renamed = feature(layer.features()[WEST]["geometry"], code=WEST, name="新名", parent=None, kind="grid")
    west = f"/items/{layer.id_of(WEST)}"
    assert layer.send("PUT", west, renamed).status_code == 204
    assert layer.send("PUT", west, renamed).status_code == 204
    assert layer.send("PATCH", west, {"properties": {"name": "再改", "id": 5}}, kind=PATCH).status_code == 204
    assert layer.send("PATCH", west, {"properties": {"parent": COMMUNITY}}, kind=PATCH).status_code == 204
    assert layer.send("DELETE", f"/items/{layer.id_of(EAST)}").status_code == 204
    assert [kind for kind, _ in done(layer)] == ["add", "replace", "rename", "reassign", "retire"]
    assert sorted(layer.features()) == [WEST, THIRD]
    for _ in range(5):
        assert draft_of(layer, "undo").status_code == 200
    assert layer.features()[WEST]["properties"]["name"] == "阳岭第一网格"
    assert sorted(layer.features()) == [WEST, EAST]
    assert layer.send("GET", f"/items/{made}").status_code == 404
    for _ in range(4):
        assert draft_of(layer, "redo").status_code == 200
    assert layer.features()[THIRD]["id"] == int(made)
    assert layer.features()[WEST]["properties"] == {
        "code": WEST, "name": "再改", "kind": "grid", "parent": COMMUNITY,
    }  # fmt: skip


def test_a_draft_that_was_written_goes_over_to_a_newer_edition(layer, redrawn):
    draw(layer, WEST, west_of())
    draw(layer, EAST, east_of())
    redraw(redrawn, strip(EAST, 114.31, 114.32, name="新东"))
    rebased = draft_of(layer, "rebase")
    assert rebased.status_code == 200, rebased.text
    assert layer.features()[EAST]["properties"]["name"] == "新东"
    assert shape_of(layer, EAST).equals(shapely.geometry.shape(east_of()))
    assert findings(layer) == (True, set())


def test_ground_that_nobody_shall_have_is_taken_from_the_areas_above_too(layer):
    draw(layer, EAST, square(114.31, 114.319))
    assert findings(layer) == (False, {"uncovered"})
    for kind, code in (("community", COMMUNITY), ("county", "360725")):
        draw(Layer(layer.desk, draft=layer.draft, kind=kind), code, square(114.30, 114.319))
    assert findings(layer) == (True, set())


NAMED = (
    (f"<{EPSG}4326>", 4326), (f"{EPSG}4326", 4326), ("[EPSG:4326]", 4326), ("urn:ogc:def:crs:EPSG::4490", 4490),
    (f"<{EPSG}4490>", 4490), (f"<{EPSG}3857>", 3857), (f"<{EPSG}4547>", 4547), (f"<{EPSG}4526>", 4526),
)  # fmt: skip


def test_coordinates_are_taken_in_the_authoritys_axis_order(layer):
    for number, (named, code) in enumerate(NAMED):
        wanted = west_of([(lon + number * 1e-4, lat) for lon, lat in BENT])
        to = Transformer.from_crs(4326, code, always_xy=False)
        written = shapely.transform(
            shapely.geometry.shape(wanted), lambda at, to=to: np.stack(to.transform(at[:, 1], at[:, 0]), axis=1)
        )
        draw(layer, WEST, shapely.geometry.mapping(written), Content_Crs=named)
        found = shapely.MultiPolygon([shapely.geometry.shape(wanted)])
        assert shape_of(layer, WEST).equals_exact(found, 2e-8, normalize=True), named


def test_lon_and_lat_are_meant_where_nothing_else_is_said(layer):
    for number, named in enumerate(("", "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>", "[OGC:CRS84]")):
        wanted = west_of([(lon + number * 1e-4, lat) for lon, lat in BENT])
        draw(layer, WEST, wanted, Content_Crs=named)
        found = shapely.MultiPolygon([shapely.geometry.shape(wanted)])
        assert shape_of(layer, WEST).equals_exact(found, 1e-9, normalize=True), named


def test_what_is_read_in_any_system_is_written_back_without_a_change(layer):
    for code in (4326, 4490, 3857, 4547):
        read = layer.desk.get(f"{layer.path}/items/{layer.id_of(WEST)}", crs=f"{EPSG}{code}")
        answer = layer.send("PUT", f"/items/{read.json['id']}", read.json, Content_Crs=read.headers["Content-Crs"])
        assert answer.status_code == 204, answer.text
    assert done(layer) == []


def test_if_match_is_honoured_for_the_area_and_for_the_draft(layer):
    west = f"/items/{layer.id_of(WEST)}"
    seen = layer.send("GET", west).headers["ETag"]
    again = layer.desk.get(layer.path + west, crs=f"{EPSG}4547").headers["ETag"]
    named = {"properties": {"name": "甲"}}
    assert layer.send("PATCH", west, named, kind=PATCH, If_Match=again).status_code == 204
    late = layer.send("PATCH", west, {"properties": {"name": "乙"}}, kind=PATCH, If_Match=seen)
    assert (late.status_code, late.json["type"]) == (412, "/problems/precondition-failed")
    assert layer.send("DELETE", west, If_Match='"v1"').status_code == 412
    assert layer.send("DELETE", west, If_Match='"v2"').status_code == 204
