"""Drafts as collections that GIS staff write, as OGC API Features part 4 has it."""

import json
from urllib.parse import urlsplit

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate
from pyproj import Transformer
from sqlalchemy import text

from tests.api.staff import Desk
from tests.cases.city import EAST, WEST
from tests.sync.redrawing import redraw, redrawn, strip

__all__ = ["redrawn"]
COMMUNITY, THIRD = "360725100001", "360725100001003"
GEOJSON = "application/geo+json"


def square(west, east, *, south=25.68, north=25.69):
    return shapely.geometry.mapping(shapely.MultiPolygon([shapely.box(west, south, east, north)]))


def feature(geometry, **properties):
    return {"type": "Feature", "geometry": geometry, "properties": properties}


class Layer:
    """A draft's grids (or areas of another kind), as a program of somebody works on them."""

    def __init__(self, desk, *, draft=None, kind="grid"):
        self.desk = desk
        self.draft = draft or desk.post("/v1/drafts", {"name": "改划"}).json["id"]
        self.path = f"/ogc/collections/draft-{self.draft}-{kind}"

    def send(self, verb, where="/items", sent=None, kind=GEOJSON, **headers):
        body = sent if isinstance(sent, bytes | str | None) else json.dumps(sent)
        told = {"X-CSRF-Token": self.desk.csrf, "Content-Type": kind} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return self.desk.client.open(f"{self.path}{where}", method=verb, data=body, headers=told)

    def add(self, geometry, code=THIRD, name="新网格", **more):
        return self.send("POST", sent=feature(geometry, code=code, name=name, **({"parent": COMMUNITY} | more)))

    def features(self, **query):
        answer = self.desk.get(f"{self.path}/items", **query)
        assert answer.status_code == 200, answer.text
        return {each["properties"]["code"]: each for each in answer.json["features"]}

    def id_of(self, code):
        return self.features()[code]["id"]


@pytest.fixture
def desk(app, redrawn):
    yield Desk.of(app, redrawn, "gis", "360725")
    redrawn.rollback()
    redrawn.execute(text("TRUNCATE draft_operation, draft RESTART IDENTITY"))
    redrawn.commit()


@pytest.fixture
def layer(desk):
    return Layer(desk)


def allowed(answer):
    assert answer.status_code == 204, answer.text
    return set(answer.headers["Allow"].split(", "))


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


BENT = [(114.308, 25.68), (114.3085, 25.685), (114.307, 25.69)]
PATCH = "application/merge-patch+json"


def west_of(line=BENT):
    return shapely.geometry.mapping(shapely.Polygon([(114.30, 25.68), *line, (114.30, 25.69)]))


def east_of(line=BENT):
    return shapely.geometry.mapping(shapely.Polygon([(114.32, 25.68), *line, (114.32, 25.69)]))


def draw(layer, code, geometry, *, kind=PATCH, **headers):
    answer = layer.send("PATCH", f"/items/{layer.id_of(code)}", {"geometry": geometry}, kind=kind, **headers)
    assert answer.status_code == 204, answer.text
    return answer


def shape_of(layer, code, **query):
    return shapely.from_geojson(json.dumps(layer.features(**query)[code]["geometry"]))


def done(layer):
    return [(each["kind"], each["undone"]) for each in layer.desk.get(f"/v1/drafts/{layer.draft}").json["done"]]


def findings(layer):
    told = layer.desk.get(f"/v1/drafts/{layer.draft}/findings").json
    return told["open"], {each["properties"]["code"] for each in told["features"]
                          if each["properties"]["severity"] == "error"}  # fmt: skip


def draft_of(layer, action, sent=None):
    return layer.desk.client.post(
        f"/v1/drafts/{layer.draft}/{action}",
        json=sent or {},
        headers={"X-CSRF-Token": layer.desk.csrf, "If-Match": "*"},
    )


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


EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


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


BOW = [[114.32, 25.68], [114.33, 25.69], [114.33, 25.68], [114.32, 25.69], [114.32, 25.68]]


def polygon(*rings):
    return {"type": "Polygon", "coordinates": list(rings)}


WRONG = (
    ({"type": "Point", "coordinates": [114.3, 25.6]}, "wrong-type", False),
    ({"type": "GeometryCollection", "geometries": []}, "wrong-type", False),
    (polygon(BOW), "self-crossing", True),
    (polygon([[114.32, 25.68], [114.33, 25.68], [114.325, 25.68], [114.32, 25.68]]), "zero-area", True),
    (polygon([[114.32, 25.68], [114.33, 25.68], [114.33, 25.69]]), "too-few-points", True),
    (polygon([[114.32, 25.68], [114.33, 25.68], [114.33, 25.69], [114.32, 25.69]]), "unclosed-ring", True),
    (polygon([[-179, 25], [179, 25], [179, 26], [-179, 26], [-179, 25]]), "round-the-world", True),
    (polygon(), "empty", False),
    (polygon([[1]]), "not-a-position", False),
    ({"type": "Polygon", "coordinates": "x"}, "no-coordinates", False),
    ({"type": "Polygon"}, "no-coordinates", False),
    ({"type": "Polygon", "coordinates": [[["x", 1], [2, 3], [1, 2], ["x", 1]]]}, "not-a-number", False),
    (polygon([[25.68, 114.32], [25.68, 114.33], [25.69, 114.33], [25.68, 114.32]]), "swapped", False),
)  # fmt: skip


def test_a_geometry_that_is_not_right_is_refused_with_its_place(layer):
    for number, (geometry, reason, placed) in enumerate(WRONG):
        answer = layer.send("POST", sent=feature(geometry, code=THIRD, name="新"))
        assert (answer.status_code, answer.json["reason"], "lon" in answer.json) == (422, reason, placed), answer.text
        assert reason in answer.status
        for crs in (f"<{EPSG}4326>", f"<{EPSG}3857>", f"<{EPSG}4526>"):
            sent = feature(geometry, code=f"3607251000010{number:02}", name="在别处")
            assert layer.send("POST", sent=sent, Content_Crs=crs).status_code in (201, 422), (geometry, crs)
    assert {kind for kind, _ in done(layer)} <= {"add"}


def test_the_place_of_a_fault_is_told_in_lon_and_lat_whatever_it_was_sent_in(layer):
    to = Transformer.from_crs(4326, 4547, always_xy=False)
    bow = [list(to.transform(lat, lon)) for lon, lat in BOW]
    told = layer.send("POST", sent=feature(polygon(bow), code=THIRD, name="新"), Content_Crs=f"<{EPSG}4547>").json
    assert told["reason"] == "self-crossing"
    assert (told["lon"], told["lat"]) == pytest.approx((114.325, 25.685), abs=1e-6)


GOOD = square(114.32, 114.33)


UNFIT = (
    (b"{", 400, ""), (b"[]", 422, "feature"), (b"[" * 9000, 400, ""), (b'"\\ud800"', 400, ""), (b"", 400, ""),
    ({}, 422, "geometry"), ({"type": "Feature", "geometry": None, "properties": {}}, 422, "geometry"),
    ({"type": "Feature", "geometry": 5}, 422, "geometry"), ({"type": "Moon", "geometry": GOOD}, 422, "type"),
    ({"type": "Feature", "geometry": GOOD}, 422, "code"), (feature(GOOD, code=THIRD), 422, "name"),
    (feature(GOOD, code=THIRD, name="x", colour="red"), 422, "colour"),
    (feature(GOOD, code=5, name="x"), 422, "code"),
    (feature(GOOD, code=THIRD, name="\0"), 422, "name"), (feature(GOOD, code=THIRD, name="x" * 101), 422, "name"),
    (feature(GOOD, code=WEST, name="x"), 422, "redraw-code-taken"),
    (feature(GOOD, code=COMMUNITY, name="x"), 422, "redraw-code-taken"),
    (feature(GOOD, code=THIRD, name="x", parent="moon"), 422, "unknown-parent"),
    (feature(GOOD, code=THIRD, name="x", parent=EAST), 422, "parent-not-above"),
    (feature(GOOD, code=THIRD, name="x", kind="community"), 422, "kind"),
    (b'{"type":"Feature","geometry":{"type":"Point","coordinates":[1e400,2]}}', 400, ""),
)  # fmt: skip


def test_what_cannot_be_put_into_a_draft_is_named(layer):
    for sent, status, named in UNFIT:
        answer = layer.send("POST", sent=sent)
        assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), (sent, answer.text)
        assert named in answer.text
    assert done(layer) == []


def test_what_cannot_be_changed_is_named(layer):
    west = f"/items/{layer.id_of(WEST)}"

    def refused(verb, sent, kind=PATCH, **headers):
        answer = layer.send(verb, west, sent, kind=kind, **headers)
        assert answer.content_type == "application/problem+json", answer.text
        return answer.status_code, answer.text

    assert refused("PATCH", {"properties": {"code": THIRD}})[0] == 422
    assert "code-for-life" in refused("PATCH", {"properties": {"code": THIRD}})[1]
    for sent in ({"geometry": None}, {"properties": {"name": None}}, {"properties": 5}, {"properties": {"colour": 1}}):
        assert refused("PATCH", sent)[0] == 422
    assert refused("PATCH", {"geometry": west_of()}, Content_Crs="<moon>")[0] == 400
    assert "Content-Crs" in refused("PATCH", {"geometry": west_of()}, Content_Crs="<moon>")[1]
    assert refused("PATCH", {"geometry": west_of()}, kind="text/plain")[0] == 415
    assert refused("PUT", {"properties": {"name": "x"}}, kind=GEOJSON)[0] == 422
    for where in ("/items/999999", "/items/x", "/items/0", "/items/99999999999999999999"):
        for verb in ("PUT", "PATCH", "DELETE"):
            assert layer.send(verb, where, feature(west_of()), kind=GEOJSON).status_code == 404
    assert done(layer) == []


def test_a_body_that_is_too_large_is_refused(layer):
    assert layer.send("POST", sent=b" " * (16 * 1024 * 1024 + 1)).status_code == 413


def test_a_multipolygon_of_several_parts_is_taken_and_shown_to_people(layer):
    parts = shapely.MultiPolygon(
        [shapely.box(114.32, 25.68, 114.325, 25.69), shapely.box(114.33, 25.68, 114.335, 25.69)]
    )
    assert layer.add(shapely.geometry.mapping(parts)).status_code == 201
    told = layer.desk.get(f"/v1/drafts/{layer.draft}/findings").json["features"]
    assert "many-parts" in {each["properties"]["code"] for each in told}


SENT = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
    | st.sampled_from([114.31, 25.68, WEST]),
    lambda inner: st.lists(inner, max_size=4)
    | st.fixed_dictionaries({"type": st.sampled_from(["Feature", "Polygon", "MultiPolygon"]), "coordinates": inner})
    | st.fixed_dictionaries({}, optional={"type": st.just("Feature"), "geometry": inner, "properties": inner,
                                          "code": inner, "name": inner, "parent": inner, "kind": inner}),
    max_leaves=12,
)  # fmt: skip
FEATURES = st.fixed_dictionaries(
    {"type": st.just("Feature"), "geometry": SENT | st.just(GOOD)},
    optional={"properties": st.fixed_dictionaries({}, optional=dict.fromkeys(("code", "name", "parent"), SENT))},
)  # fmt: skip


@given(
    SENT | FEATURES, st.sampled_from(["POST", "PUT", "PATCH"]), st.sampled_from(["", f"<{EPSG}4326>", "[EPSG:3857]"])
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_that_is_sent_is_ever_an_error_of_the_server(layer, sent, verb, crs):
    where = "/items" if verb == "POST" else f"/items/{layer.__dict__.setdefault('west', layer.id_of(WEST))}"
    answer = layer.send(verb, where, sent, kind=PATCH if verb == "PATCH" else GEOJSON, Content_Crs=crs)
    assert answer.status_code < 500, (sent, answer.text)


class TestRights:
    """Only GIS staff write, and in their areas alone; nobody writes what is in force."""

    def test_who_is_no_gis_staff_is_told_so(self, app, redrawn, layer):
        other = Layer(Desk.of(app, redrawn, "supervisor", "360725"), draft=layer.draft)
        assert (
            "POST" not in layer.send("OPTIONS").headers["Allow"] or "POST" not in other.send("OPTIONS").headers["Allow"]
        )
        assert other.add(GOOD).status_code == 403
        for verb in ("PUT", "PATCH", "DELETE"):
            assert other.send(verb, f"/items/{layer.id_of(WEST)}", feature(west_of())).status_code == 403

    def test_who_is_gis_staff_elsewhere_is_told_so(self, app, redrawn, layer):
        other = Layer(Desk.of(app, redrawn, "gis", EAST), draft=layer.draft)
        west, east = (f"/items/{other.id_of(code)}" for code in (WEST, EAST))
        named = {"properties": {"name": "新"}}
        for verb, sent in (("PATCH", named), ("PUT", feature(west_of(), name="西")), ("DELETE", None)):
            answer = other.send(verb, west, sent)
            assert (answer.status_code, answer.json["type"]) == (403, "/problems/area-not-yours")
        assert other.add(GOOD).status_code == 403
        assert other.send("PATCH", east, named, kind=PATCH).status_code == 204
        assert [kind for kind, _ in done(layer)] == ["rename"]

    def test_a_browser_needs_the_token_of_its_page(self, layer):
        answer = layer.desk.client.delete(f"{layer.path}/items/{layer.id_of(WEST)}")
        assert (answer.status_code, answer.json["type"]) == (403, "/problems/csrf-token-wrong")

    def test_nobody_writes_what_is_in_force_nor_issues(self, layer):
        for path in ("areas-grid", "edition-1", "issues"):
            read_only = Layer(layer.desk, draft=layer.draft)
            read_only.path = f"/ogc/collections/{path}"
            assert allowed(read_only.send("OPTIONS")) == {"GET", "HEAD", "OPTIONS"}
            answer = read_only.add(GOOD)
            assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
            assert read_only.send("DELETE", "/items/1").status_code == 405

    def test_a_published_draft_is_read_and_no_more(self, layer):
        layer.send("PATCH", f"/items/{layer.id_of(WEST)}", {"properties": {"name": "新"}}, kind=PATCH)
        assert draft_of(layer, "publish").status_code == 201
        assert allowed(layer.send("OPTIONS")) == {"GET", "HEAD", "OPTIONS"}
        assert layer.add(GOOD).status_code == 409
        assert layer.features()[WEST]["properties"]["name"] == "新"

    def test_there_is_no_draft_of_that_number_or_kind(self, layer):
        for path in ("draft-999-grid", f"draft-{layer.draft}-moon", "draft-0-grid", "draft-x-grid"):
            missing = Layer(layer.desk, draft=layer.draft)
            missing.path = f"/ogc/collections/{path}"
            assert missing.add(GOOD).status_code == 404
            assert missing.send("OPTIONS").status_code == 404
