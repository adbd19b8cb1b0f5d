"""Items as OGC API Features has them: pages, reference systems, boxes, filters, and what is refused by name."""

import json
from os import environ
from urllib.parse import urlsplit

import pytest
import shapely
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate
from pyproj import Transformer
from sqlalchemy import text

from tests.api.staff import Desk
from tests.cases import city

POINT = {"type": "Point", "coordinates": [114.305, 25.685]}
GRIDS = "/ogc/collections/areas-grid"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


def codes(answer):
    assert answer.status_code == 200, answer.text
    return [feature["properties"]["code"] for feature in answer.json["features"]]


def link(document, rel):
    return next((each for each in document["links"] if each["rel"] == rel), None)


@pytest.mark.long
def test_everything_is_found_from_the_landing_page(gis):
    landing = gis.get("/ogc").json
    assert link(landing, "service-desc")["type"].startswith("application/vnd.oai.openapi+json")
    found = gis.get(urlsplit(link(landing, "data")["href"]).path).json["collections"]
    assert {"areas-grid", "areas-county", "edition-1", "issues", "visits"} <= {each["id"] for each in found}
    for each in found:
        for linked in each["links"]:
            assert linked["type"]
            assert gis.get(urlsplit(linked["href"]).path).status_code == 200, linked


@pytest.mark.long
def test_the_api_document_names_each_items_path_and_is_valid(gis):
    document = gis.get("/ogc/api").json
    validate(document)
    assert "/collections/areas-grid/items" in document["paths"]


def test_a_page_tells_how_many_match_and_where_the_next_is(gis):
    first = gis.get(f"{GRIDS}/items", limit=1)
    assert first.content_type == "application/geo+json"
    assert (first.json["numberMatched"], first.json["numberReturned"]) == (2, 1)
    following = link(first.json, "next")
    assert following["type"] == "application/geo+json"
    address = urlsplit(following["href"])
    second = gis.client.get(f"{address.path}?{address.query}")
    assert codes(first) + codes(second) == [city.WEST, city.EAST]
    assert second.json["numberMatched"] == 2
    assert link(second.json, "next") is None


def test_a_feature_has_an_integer_id_and_is_found_by_it(gis):
    (feature, _) = gis.get(f"{GRIDS}/items").json["features"]
    assert isinstance(feature["id"], int)
    alone = gis.get(f"{GRIDS}/items/{feature['id']}").json
    assert (alone["properties"], alone["geometry"]) == (feature["properties"], feature["geometry"])
    assert shapely.from_geojson(json.dumps(alone["geometry"])).equals(
        shapely.MultiPolygon([shapely.box(114.30, 25.68, 114.31, 25.69)])
    )


@pytest.mark.long
@pytest.mark.parametrize("code", [4326, 4490, 3857, 4547, 4526])
def test_coordinates_come_in_the_authoritys_axis_order(gis, code):
    answer = gis.get(f"{GRIDS}/items", crs=f"{EPSG}{code}")
    assert answer.headers["Content-Crs"] == f"<{EPSG}{code}>"
    told = answer.json["features"][0]["geometry"]["coordinates"][0][0]
    as_authority = Transformer.from_crs(4326, code, always_xy=False)
    wanted = {tuple(as_authority.transform(lat, lon)) for lat in (25.68, 25.69) for lon in (114.30, 114.31)}
    for position in told:
        assert min(max(abs(a - b) for a, b in zip(position, corner, strict=True)) for corner in wanted) < 1e-3


@pytest.mark.long
@pytest.mark.parametrize(("code", "flips"), [(4326, True), (4490, True), (3857, False), (4547, True)])
def test_a_box_may_be_in_any_of_the_reference_systems(gis, code, flips):
    transformer = Transformer.from_crs(4326, code, always_xy=True)
    (west, south), (east, north) = transformer.transform(114.302, 25.682), transformer.transform(114.308, 25.688)
    box = (south, west, north, east) if flips else (west, south, east, north)
    answer = gis.get(f"{GRIDS}/items", **{"bbox": ",".join(map(str, box)), "bbox-crs": f"{EPSG}{code}"})
    assert codes(answer) == [city.WEST]


@pytest.mark.parametrize("other", [{}, {"datetime": ".."}])
@pytest.mark.parametrize(
    ("code", "box"),
    [(3857, "9e15,9e15,9e15,9e15"), (4547, "-3e7,-3e7,-2.9e7,3e7"), (4526, "0,0,1,1"), (4526, "0,0,1e8,1e8")],
)
def test_a_box_in_metres_that_lies_on_no_earth_is_refused(gis, code, box, other):
    answer = gis.get(f"{GRIDS}/items", bbox=box, **{"bbox-crs": f"{EPSG}{code}"}, **other)
    assert (answer.status_code, answer.json["field"]) == (400, "bbox")


def test_a_box_over_the_antimeridian_is_two(gis):
    assert codes(gis.get(f"{GRIDS}/items", bbox="170,0,-170,80")) == []
    assert len(codes(gis.get(f"{GRIDS}/items", bbox="114,0,-170,80"))) == 2


@pytest.mark.long
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (f"code = '{city.WEST}'", [city.WEST]),
        ("name LIKE '%第二%'", [city.EAST]),
        (f"code <> '{city.WEST}' OR name = 'x' AND code = 'y'", [city.EAST]),
        (f"NOT (code = '{city.WEST}' AND kind = 'grid')", [city.EAST]),
        (f"code IN ('{city.WEST}', 'it''s')", [city.WEST]),
        ("parent IS NULL", []),
        ("CASEI(kind) = CASEI('GRID')", [city.WEST, city.EAST]),
        (f"code BETWEEN '{city.WEST}' AND '{city.WEST}'", [city.WEST]),
        ("S_INTERSECTS(geometry, POINT(114.315 25.685))", [city.EAST]),
        ("S_WITHIN(geometry, BBOX(114.2,25,114.312,26))", [city.WEST]),
        ("S_DISJOINT(geometry, POLYGON((114.2 25,114.305 25,114.305 26,114.2 26,114.2 25)))", [city.EAST]),
        ({"op": "=", "args": [{"property": "code"}, city.EAST]}, [city.EAST]),
        ({"op": "s_intersects", "args": [{"property": "geometry"}, POINT]}, [city.WEST]),
    ],
)  # fmt: skip
def test_a_filter_in_cql2_finds_what_it_says(gis, asked, found):
    lang = "cql2-text" if isinstance(asked, str) else "cql2-json"
    asked = asked if isinstance(asked, str) else json.dumps(asked)
    assert codes(gis.get(f"{GRIDS}/items", **{"filter": asked, "filter-lang": lang})) == found


def test_a_property_may_be_a_parameter(gis):
    assert codes(gis.get(f"{GRIDS}/items", code=city.EAST)) == [city.EAST]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("limit", "0"), ("limit", "x"), ("limit", "-5"), ("bbox", "1,2,3"), ("bbox", "a,b,c,d"), ("bbox", "nan,1,2,3"),
        ("bbox", "1,5,2,3"), ("bbox", "1,2,3,1e300"), ("bbox-crs", "EPSG:1"), ("crs", "moon"), ("datetime", "tomorrow"),
        ("datetime", "2026-02-01T00:00:00Z/2026-01-01T00:00:00Z"), ("filter", "code ="), ("filter", "moon = 1"),
        ("filter", "name > 5"), ("filter", "S_INTERSECTS(geometry, POLYGON((0 0,1 1,1 0,0 1,0 0)))"),
        ("filter", "(" * 3000 + "code='1'" + ")" * 3000), ("filter", "NOT " * 1900 + "code='1'"),
        ("filter", " AND ".join(["code='1'"] * 300)), ("filter", "\0"), ("code", "\u202e1"),
        ("filter", "pg_sleep(5) = 1"),
        ("filter-lang", "sql"), ("filter-crs", f"{EPSG}3857"), ("after", "x"), ("f", "html"), ("colour", "red"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(gis, field, value):
    answer = gis.get(f"{GRIDS}/items", **{field: value})
    assert (answer.status_code, answer.json["field"]) == (400, field)
    assert answer.content_type == "application/problem+json"
    assert answer.json["detail"]


@given(st.text(alphabet="abcdeNOTAND code='\"()<>=,.0123456789 %_;-\\\0S_INTERSECTS", max_size=60))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_filter_is_ever_an_error_of_the_server(gis, filter_text):
    assert gis.get(f"{GRIDS}/items", filter=filter_text).status_code in (200, 400)


JSON_TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4)
    | st.fixed_dictionaries({
        "op": st.sampled_from(["and", "or", "not", "=", "<", "in", "between", "like", "isNull", "casei", "t_after",
                               "s_intersects", "s_within"]),
        "args": st.lists(inner, max_size=4),
    })
    | st.sampled_from([{"property": "code"}, {"property": "geometry"}, {"bbox": [1, 2, 3]}, {"timestamp": "x"},
                       {"type": "Point", "coordinates": []}, {"bbox": [1, 2, 3, "4"]}]),
    max_leaves=12,
)  # fmt: skip


@given(JSON_TREES)
@example({"op": "like", "args": [False, False]})
@example({"op": "like", "args": [{"property": "code"}, {"timestamp": "2026-01-01T00:00:00Z"}]})
@example({"op": "=", "args": [{"property": "code"}, "\ud800"]})
@example({"op": "=", "args": [{"property": "code"}, "\0"]})
@example({"op": "<", "args": [1.5, 10**400]})
@example({"op": "s_touches", "args": [{"bbox": [float("inf"), 2, 1, 5]}, {"bbox": [1, 2, 3, float("nan")]}]})
@example({"op": "s_crosses", "args": [{"bbox": [1, 2, 3, 1e308]}, {"property": "geometry"}]})
@settings(
    max_examples=int(environ.get("CQL_EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_tree_is_ever_an_error_of_the_server(gis, tree):
    answer = gis.get(f"{GRIDS}/items", **{"filter": json.dumps(tree), "filter-lang": "cql2-json"})
    assert answer.status_code in (200, 400), answer.text


@pytest.mark.parametrize(
    "path",
    ["areas-moon", "edition-9", "edition-x", "drafts", "areas-grid/items/999999", "areas-grid/moon",
     "areas-grid/items/moon", "areas-grid/items/-1", "areas-grid/items/99999999999999999999", "issues/items/1",
     "issues/items/00000000-0000-4000-8000-000000000000", "visits/items/x"],
)  # fmt: skip
def test_there_is_no_such_thing(gis, path):
    answer = gis.get(f"/ogc/collections/{path}")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_the_same_edition_is_not_read_twice(gis):
    answer = gis.get(f"{GRIDS}/items")
    again = gis.client.get(f"{GRIDS}/items", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = gis.client.get(f"{GRIDS}/items?limit=1", headers={"If-None-Match": answer.headers["ETag"]})
    assert other.status_code == 200


@pytest.mark.long
@pytest.mark.parametrize("collection", ["areas-grid", "edition-1"])
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"limit": 1},
        {"bbox": "114.301,25.681,114.302,25.682"},
        {"bbox": "114,25,115,26", "limit": 1},
        {"bbox": "114.301,25.681,114.319,25.682", "limit": 1, "crs": f"{EPSG}4547"},
        {"bbox": "25.681,114.301,25.682,114.302", "bbox-crs": f"{EPSG}4490", "crs": f"{EPSG}4490"},
    ],
)
def test_what_maps_ask_is_answered_as_any_other_question(gis, collection, asked):
    path = f"/ogc/collections/{collection}/items"

    def told(answer):
        kept = ("numberMatched", "numberReturned", "features")
        return [answer.headers["Content-Crs"], *(answer.json[name] for name in kept)]

    # A time narrows no ground, but is no question of maps.
    other = gis.get(path, datetime="..", **asked)
    plain = gis.get(path, **asked)
    assert told(plain) == told(other)
    (following, as_other) = (link(answer.json, "next") for answer in (plain, other))
    assert (following is None) == (as_other is None)
    if following is not None:
        last = plain.json["features"][-1]["id"]
        beyond = {**asked, "after": last}
        assert told(gis.get(path, **beyond)) == told(gis.get(path, datetime="..", **beyond))


@pytest.mark.long
def test_who_was_let_in_to_the_ground_is_looked_at_again_for_all_else(app, gis):
    secret = gis.post("/v1/session/passwords", {"name": "QGIS"}).json["secret"]
    draft = gis.post("/v1/drafts", {"name": "草案"}).json["id"]
    others = [f"draft-{draft}-grid", "issues", "visits"]
    program = app.test_client()

    def statuses(names):
        auth = (gis.login, secret)
        return {program.get(f"/ogc/collections/{name}/items", auth=auth).status_code for name in names}

    assert statuses(["areas-grid", *others]) == {200}
    (held,) = gis.get("/v1/session/passwords").json["passwords"]
    gone = gis.client.delete(f"/v1/session/passwords/{held['id']}", headers={"X-CSRF-Token": gis.csrf})
    assert gone.status_code == 204
    assert statuses(others) == {401}


@pytest.mark.long
def test_issues_are_those_in_charge_and_hide_what_is_private(app, session, gis):
    here = str(city.report(session, "0601", description="邻里纠纷"))
    there = str(city.report(session, at=city.IN_EAST, grid=city.EAST))
    session.commit()

    def seen(role, place):
        desk = Desk.of(app, session, role, place)
        return {each["id"]: each for each in desk.get("/ogc/collections/issues/items").json["features"]}

    assert set(seen("supervisor", city.EAST)) == {there}
    assert seen("supervisor", city.WEST)[here]["properties"]["description"] == "邻里纠纷"
    hidden = seen("auditor", "360725")[here]
    assert (hidden["properties"]["description"], hidden["properties"]["masked"]) == (None, True)
    desk = Desk.of(app, session, "auditor", "360725")
    by_text = desk.get("/ogc/collections/issues/items", filter="description LIKE '%纠纷%'")
    assert by_text.json["features"] == []


@pytest.mark.long
def test_issues_are_found_by_time(session, gis):
    city.report(session)
    session.commit()

    def found(when):
        return gis.get("/ogc/collections/issues/items", datetime=when).json["numberMatched"]

    assert (found("2026-11-01T00:00:00Z/.."), found("../2026-11-01T00:00:00Z")) == (1, 0)


@pytest.mark.long
@pytest.mark.parametrize(
    ("when", "number"),
    [
        # Captured at 2026-11-18 04:00 in Shanghai: the 17th in UTC.
        ("2026-11-18", 1), ("2026-11-17", 0), ("2026-11-19", 0),
        ("2026-11-18/2026-11-18", 1), ("2026-11-01/2026-11-18", 1), ("2026-11-18/..", 1), ("../2026-11-18", 1),
        ("2026-11-19/..", 0), ("../2026-11-17", 0), ("2026-11-17T20:00:00Z", 1), ("2026-11-18T04:00:00+08:00", 1),
        ("2026-11-17T20:00:01Z", 0),
    ],
)  # fmt: skip
def test_a_bare_date_is_its_whole_day_in_the_city(session, gis, when, number):
    city.report(session)
    session.commit()
    items = "/ogc/collections/issues/items"
    assert gis.get(items, datetime=when).json["numberMatched"] == number
    if "/" not in when:
        assert gis.get(items, captured_at=when).json["numberMatched"] == number


@pytest.mark.long
@pytest.mark.parametrize("when", ["2026-02-30", "0000-01-01", "2026-11-18/2026-11-17", "9999-12-31/..", "..x"])
def test_a_day_that_there_is_not_is_refused(gis, when):
    answer = gis.get("/ogc/collections/issues/items", datetime=when)
    assert answer.status_code in (200, 400)
    assert answer.status_code == 400 or when.startswith("9999")


@pytest.mark.long
def test_every_collection_that_is_listed_says_where_it_lies(session, gis):
    city.report(session)
    session.commit()
    for each in gis.get("/ogc/collections").json["collections"]:
        (told,) = each["extent"]["spatial"]["bbox"]
        exact = gis.get(f"/ogc/collections/{each['id']}").json.get("extent")
        west, south, east, north = exact["spatial"]["bbox"][0] if exact else told
        assert told[0] <= west <= east <= told[2], each["id"]
        assert told[1] <= south <= north <= told[3], each["id"]
        assert told == [114.3, 25.68, 114.32, 25.69]


def test_a_new_edition_is_seen_at_once(gis, session):
    before = gis.get(f"{GRIDS}/items")
    session.execute(text("UPDATE edition SET in_force = '[2026-01-01,2026-02-01)' WHERE number = 1"))
    session.execute(text("INSERT INTO edition (number, name, in_force, published_by) "
                         "VALUES (2, '二', '[2026-02-01,)', 'test')"))  # fmt: skip
    session.commit()
    try:
        answer = gis.client.get(f"{GRIDS}/items", headers={"If-None-Match": before.headers["ETag"]})
        assert answer.status_code == 200
    finally:
        session.execute(text("ALTER TABLE edition DISABLE TRIGGER edition_kept"))
        session.execute(text("DELETE FROM edition WHERE number = 2"))
        session.execute(text("UPDATE edition SET in_force = '[2026-01-01,)' WHERE number = 1"))
        session.execute(text("ALTER TABLE edition ENABLE TRIGGER edition_kept"))
        session.commit()
