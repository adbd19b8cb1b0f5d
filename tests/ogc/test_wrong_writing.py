"""What cannot be written to a draft's layer, what is told of it, and who may write."""

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from tests.api.staff import Desk
from tests.cases.city import EAST, WEST
from tests.ogc.drawing import (
    COMMUNITY,
    EPSG,
    GEOJSON,
    PATCH,
    THIRD,
    Layer,
    allowed,
    desk,
    done,
    draft_of,
    feature,
    layer,
    square,
    west_of,
)
from tests.sync.redrawing import redrawn

__all__ = ["desk", "layer", "redrawn"]


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


@pytest.mark.long
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
    (b"{", 400, ""), (b"[]", 422, "feature"), (b"[" * 9000, 400, ""),
    (b'"\\ud800"', 422, "text-unclean"), (b"", 400, ""),
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
    (b'{"type":"Feature","geometry":{"type":"Point","coordinates":[1e400,2]}}', 422, "coordinates[0]"),
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
