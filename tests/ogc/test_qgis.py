"""The calls that QGIS makes when a layer of /ogc is opened, edited and saved, in their order, over HTTP.

The sequence, the headers and the form of the bodies are those of QGIS 3.44 (public repository qgis/QGIS, folder
src/providers/wfs): opening is ``QgsOapifProvider::init`` and ``computeCapabilities`` (oapif/qgsoapifprovider.cpp),
which ask OPTIONS of items and of the first feature, or of "unknown_id" where there is none; saving is
``qgsoapifpatchfeaturerequest.cpp`` (a merge patch of the geometry alone with Content-Crs, or of the changed attributes
alone without), ``qgsoapifputfeaturerequest.cpp`` (the whole feature, six decimal places, id as text),
``qgsoapifcreatefeaturerequest.cpp`` (no id; the new id is what follows the last "/items/" of Location, and the feature
is read again) and ``qgsoapifdeletefeaturerequest.cpp``. Content-Crs is sent without brackets, and not at all for CRS84;
axes are swapped where the authority names north first. No redirect is followed for a write, and no If-Match is sent.
A refusal is shown as ``qgsbasenetworkrequest.cpp`` reads it: the status line, or the text of an ExceptionReport.

QGIS 3.40.6 and 3.22.16 (Debian's) were run against the server, too, and what they sent was recorded: the same, but
that they never ask for /schema, and 3.22 neither for OPTIONS nor for reference systems. Tests that name a version
replay that.
"""

import base64
import http.client
import json
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree as ET

import pytest
import shapely
from sqlalchemy import text

from tests.cases.city import EAST, WEST
from tests.emptying import empty
from tests.ogc.drawing import BENT, COMMUNITY, THIRD, east_of, findings, square, west_of
from tests.ogc.drawing import Layer as Draft
from tests.sync.redrawing import redrawn

pytestmark = pytest.mark.long

__all__ = ["redrawn"]
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
OWS = "{http://www.opengis.net/ows/1.1}"


class Qgis:
    """A layer in QGIS: the requests it sends, and what it remembers of answers."""

    def __init__(self, program, collection, crs=None, *, swapped=False):
        self.program, self.crs, self.swapped = program, crs, swapped
        secret = base64.b64encode(f"{program.login}:{program.secret}".encode()).decode()
        self.signed = {"Authorization": f"Basic {secret}", "User-Agent": "Mozilla/5.0 QGIS/34400/Debian"}
        self.items = f"{program.url}/collections/{collection}/items"

    def ask(self, verb, url, body=None, **headers):
        """One request as Qt sends it; a redirect would be an error."""
        address = urlsplit(url)
        connection = http.client.HTTPConnection(address.netloc, timeout=30)
        told = self.signed | {name.replace("_", "-"): value for name, value in headers.items() if value}
        path = f"{address.path}?{address.query}" if address.query else address.path
        connection.request(verb, path, None if body is None else json.dumps(body), told)
        answer = connection.getresponse()
        answer.content = answer.read()
        connection.close()
        assert not 300 <= answer.status < 400
        return answer

    def read(self, url, accept="application/json"):
        answer = self.ask("GET", url, Accept=accept)
        assert answer.status == 200, answer.content
        return json.loads(answer.content)

    def options(self, url):
        answer = self.ask("OPTIONS", url)
        assert answer.status < 300
        return {each.strip() for each in answer.getheader("Allow").split(",")}

    def open(self):
        landing = self.read(self.program.url)
        links = {each["rel"]: each["href"] for each in landing["links"]}
        self.read(
            links["service-desc"], "application/vnd.oai.openapi+json;version=3.0, application/openapi+json;version=3.0"
        )
        collection = self.read(self.items.removesuffix("/items"))
        self.read(links["conformance"])
        self.read(f"{self.items.removesuffix('/items')}/queryables", "application/schema+json")
        page = self.read(f"{self.items}?limit=10", "application/geo+json, application/json")
        schema = next(each["href"] for each in collection["links"] if each["rel"].endswith("/1.0/schema"))
        self.fields = self.read(schema, "application/schema+json")["properties"]
        first = str(page["features"][0]["id"]) if page["features"] else "unknown_id"
        self.can = self.options(self.items) | self.options(f"{self.items}/{first}")
        self.ids = {each["properties"]["code"]: str(each["id"]) for each in page["features"]}

    def geometry(self, shape, digits=17):
        parts = list(shapely.get_parts(shapely.geometry.shape(shape)))
        geometry = shapely.geometry.mapping(shapely.MultiPolygon(parts))
        turned = [[[[round(x, digits) for x in (at[::-1] if self.swapped else at)] for at in ring] for ring in part]
                  for part in geometry["coordinates"]]  # fmt: skip
        return {"type": "MultiPolygon", "coordinates": turned}

    def patch_geometry(self, code, shape):
        return self.ask("PATCH", f"{self.items}/{self.ids[code]}", {"geometry": self.geometry(shape)},
                        Content_Type="application/merge-patch+json", Content_Crs=self.crs)  # fmt: skip

    def patch_attributes(self, code, **changed):
        return self.ask("PATCH", f"{self.items}/{self.ids[code]}", {"properties": changed},
                        Content_Type="application/merge-patch+json")  # fmt: skip

    def put(self, known, shape, **properties):
        whole = {
            "type": "Feature",
            "id": self.ids[known],
            "geometry": self.geometry(shape, 6),
            "properties": properties,
        }
        return self.ask("PUT", f"{self.items}/{self.ids[known]}", whole, Content_Type="application/geo+json",
                        Content_Crs=self.crs)  # fmt: skip

    def create(self, shape, **properties):
        blank = {name: None for name, each in self.fields.items() if "type" in each and name != "id"}
        whole = {"type": "Feature", "geometry": self.geometry(shape, 6), "properties": blank | properties}
        answer = self.ask("POST", self.items, whole, Content_Type="application/geo+json", Content_Crs=self.crs)
        if answer.status == 201:
            made = answer.getheader("Location").rpartition("/items/")[2]
            self.ids[properties["code"]] = made
            self.read(f"{self.items}/{made}", "application/geo+json, application/json")
        return answer

    def delete(self, code):
        return self.ask("DELETE", f"{self.items}/{self.ids[code]}")


@pytest.fixture
def draft(gis, redrawn):
    yield Draft(gis)
    redrawn.rollback()
    empty(redrawn, "draft_operation, draft")
    redrawn.commit()


def grids(draft, program):
    layer = Qgis(program, f"draft-{draft.draft}-grid")
    layer.open()
    return layer


def test_qgis_finds_that_the_draft_can_be_edited(draft, program):
    layer = grids(draft, program)
    assert {"POST", "PUT", "PATCH", "DELETE"} <= layer.can
    empty = Qgis(program, f"draft-{draft.draft}-county")
    assert {"PUT", "PATCH", "DELETE"} <= empty.options(f"{empty.items}/unknown_id")
    in_force = Qgis(program, "areas-grid")
    in_force.open()
    assert in_force.can == {"GET", "HEAD", "OPTIONS"}


def test_qgis_moves_a_border_by_its_two_sides_and_saves_attributes(draft, program):
    layer = grids(draft, program)
    assert layer.patch_attributes(WEST, name="西网格").status == 204
    assert layer.patch_geometry(WEST, west_of()).status == 204
    assert layer.patch_geometry(EAST, east_of()).status == 204
    assert findings(draft) == (True, set())
    assert draft.features()[WEST]["properties"]["name"] == "西网格"


def test_what_qgis_rounds_to_six_places_fits_all_the_same(draft, program):
    line = [(114.3080000049, 25.68), (114.30854999, 25.6849999955), (114.30712345, 25.69)]
    layer = grids(draft, program)
    assert layer.patch_geometry(WEST, west_of(line)).status == 204
    assert layer.put(EAST, east_of(line), code=EAST, name="东", kind="grid", parent=COMMUNITY).status == 204
    assert findings(draft) == (True, set())


def test_qgis_splits_a_grid_and_merges_it_again(draft, program):
    layer = grids(draft, program)
    assert layer.patch_geometry(WEST, square(114.30, 114.304)).status == 204
    assert layer.create(square(114.304, 114.31), code=THIRD, name="新网格", parent=COMMUNITY).status == 201
    assert findings(draft) == (True, set())
    assert layer.patch_geometry(WEST, square(114.30, 114.31)).status == 204
    assert findings(draft) == (False, {"overlap"})
    assert layer.delete(THIRD).status == 204
    assert findings(draft) == (True, set())
    assert shapely.geometry.shape(draft.features()[WEST]["geometry"]).equals(
        shapely.geometry.shape(square(114.30, 114.31))
    )
    assert set(draft.features()) == {WEST, EAST}


@pytest.mark.parametrize(("code", "swapped"), [(4326, True), (4490, True), (4547, True), (3857, False)])
def test_qgis_edits_in_the_reference_system_of_the_layer(draft, program, code, swapped):
    layer = Qgis(program, f"draft-{draft.draft}-grid", f"{EPSG}{code}", swapped=swapped)
    layer.open()
    page = layer.read(f"{layer.items}?limit=10&crs={EPSG}{code}", "application/geo+json, application/json")
    shown = {each["properties"]["code"]: shapely.geometry.shape(each["geometry"]) for each in page["features"]}
    (west,) = shown[WEST].geoms
    seen = shapely.transform(west, lambda at: at[:, ::-1]) if swapped else west
    assert layer.patch_geometry(WEST, seen).status == 204
    assert draft.desk.get(f"/v1/drafts/{draft.draft}").json["operations"] == 0
    half = shapely.intersection(seen, shapely.box(*seen.bounds[:2], seen.centroid.x, seen.bounds[3]))
    assert layer.patch_geometry(WEST, half).status == 204
    found = shapely.geometry.shape(draft.features()[WEST]["geometry"])
    assert found.area == pytest.approx(1e-4 / 2, rel=0.02)
    assert found.bounds[0] == 114.30


def test_qgis_shows_what_is_wrong_and_where(draft, program):
    layer = grids(draft, program)
    bow = [(114.308, 25.68), (114.30, 25.69), (114.308, 25.69), (114.30, 25.68)]
    refused = layer.ask("PATCH", f"{layer.items}/{layer.ids[WEST]}",
                        {"geometry": {"type": "Polygon", "coordinates": [[*bow, bow[0]]]}},
                        Content_Type="application/merge-patch+json", Accept_Language="zh-CN,en,*")  # fmt: skip
    assert refused.status == 422
    assert "self-crossing @ 114.304" in refused.reason
    report = ET.fromstring(refused.content)  # noqa: S314  # our own
    assert report.tag == f"{OWS}ExceptionReport"
    assert report.find(f"{OWS}Exception").get("exceptionCode") == "invalid-shape"
    assert "图形有误" in report.findtext(f"{OWS}Exception/{OWS}ExceptionText")
    taken = layer.create(square(114.32, 114.33), code=WEST, name="<&>")
    assert (taken.status, WEST in taken.reason) == (422, True)


def test_qgis_is_refused_once_the_holder_of_the_password_has_left(draft, program, redrawn):
    layer = grids(draft, program)
    redrawn.execute(text("UPDATE person SET is_active = false WHERE login = :login"), {"login": program.login})
    redrawn.commit()
    answer = layer.patch_geometry(WEST, west_of(BENT))
    assert answer.status == 401
    assert answer.getheader("WWW-Authenticate").startswith("Basic")


COMPILED = {
    f"(code = '{WEST}')": {WEST},
    f"(NOT ((code = '{WEST}')))": {EAST},
    f"code IN ('{WEST}','x')": {WEST},
    f"((code > '{WEST}') AND (name IS NOT NULL))": {EAST},
    f"((name = '阳岭第一网格') OR code BETWEEN '0' AND '{WEST}')": {WEST},
    "(name LIKE '_%第二%')": {EAST},
    "(CASEI(name) LIKE CASEI('%第二%'))": {EAST},
    "(CASEI(name) NOT LIKE CASEI('%第二%'))": {WEST},
    "(CASEI(kind) LIKE CASEI('GRI%'))": {WEST, EAST},
    "(name = 'it''s \"x\" %_')": set(),
}


def test_expressions_that_qgis_3_40_sends_as_filters_find_the_same_areas(program):
    layer = Qgis(program, "areas-grid")
    claimed = {each.rpartition("/")[2] for each in layer.read(f"{program.url}/conformance")["conformsTo"]}
    assert {"cql2-text", "basic-cql2", "advanced-comparison-operators", "case-insensitive-comparison"} <= claimed
    more = f"&filter-lang=cql2-text&crs={EPSG}4326"
    for written, wanted in COMPILED.items():
        sent = quote(written, safe="()',")
        page = layer.read(f"{layer.items}?limit=1000&filter={sent}{more}")
        assert {each["properties"]["code"] for each in page["features"]} == wanted, written
        assert page["numberMatched"] == len(wanted)
    issues = Qgis(program, "issues")
    since = quote("(\"captured_at\" > TIMESTAMP('2026-01-01T00:00:00.000Z'))", safe="()',")
    issues.read(f"{issues.items}?limit=1000&filter={since}{more}")


def test_qgis_is_told_where_it_looks_that_pages_may_be_longer_than_the_usual(program):
    document = Qgis(program, "areas-grid").read(f"{program.url}/api")
    limit = document["components"]["parameters"]["limit"]
    assert limit in document["paths"]["/collections/areas-grid/items"]["get"]["parameters"]
    assert (limit["schema"]["default"], limit["schema"]["maximum"]) == (100, 10_000)


def test_a_part_that_qgis_3_40_split_off_is_refused_with_its_old_code_and_fits_with_its_own(draft, program):
    line = [(114.30399545939953, 25.68), (114.30397905490753, 25.685), (114.3039816606069, 25.69)]
    kept = shapely.Polygon([(114.30, 25.68), *line, (114.30, 25.69)])
    part = shapely.Polygon([(114.31, 25.68), *line, (114.31, 25.69)])
    layer = grids(draft, program)
    assert layer.patch_geometry(WEST, kept).status == 204
    copied = {"name": "阳岭第一网格", "kind": "grid", "parent": COMMUNITY}
    refused = layer.create(part, code=WEST, **copied)
    report = ET.fromstring(refused.content)  # noqa: S314  # our own
    assert (refused.status, WEST in report.findtext(f"{OWS}Exception/{OWS}ExceptionText")) == (422, True)
    assert layer.create(part, code=THIRD, **copied).status == 201
    assert findings(draft) == (True, set())
    assert set(draft.features()) == {WEST, THIRD, EAST}
