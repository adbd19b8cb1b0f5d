"""What GIS programs make of the API: two ages of GDAL, and OWSLib, over HTTP with an application password.

GDAL reads drafts as it does editions; OWSLib writes them.
"""

import json
import shutil
import subprocess

import numpy as np
import pyogrio
import pyogrio.raw
import pytest
import shapely
from owslib.ogcapi.features import Features
from owslib.util import Authentication

from tests.cases import city
from tests.ogc.drawing import COMMUNITY, THIRD, east_of, feature, findings, square, west_of
from tests.ogc.test_qgis import draft
from tests.sync.redrawing import redrawn

__all__ = ["draft", "redrawn"]
WEST = shapely.MultiPolygon([shapely.box(114.30, 25.68, 114.31, 25.69)])


@pytest.fixture
def gdal(program):
    pyogrio.set_gdal_config_options(
        {"GDAL_HTTP_USERPWD": f"{program.login}:{program.secret}", "GDAL_HTTP_AUTH": "BASIC"}
    )
    yield f"OAPIF:{program.url}"
    pyogrio.set_gdal_config_options({"GDAL_HTTP_USERPWD": None, "GDAL_HTTP_AUTH": None})


def read(source, **options):
    meta, ids, shapes, columns = pyogrio.raw.read(source, layer="areas-grid", return_fids=True, **options)
    return meta, ids, shapely.from_wkb(shapes), dict(zip(meta["fields"], columns, strict=True))


@pytest.mark.long
def test_gdal_lists_the_collections(gdal):
    names = [name for name, _ in pyogrio.list_layers(gdal)]
    assert {"areas-grid", "areas-county", "edition-1", "issues", "visits"} <= set(names)


@pytest.mark.long
def test_gdal_reads_ids_names_and_shapes(gdal, session):
    _, ids, shapes, columns = read(gdal)
    assert list(columns["code"]) == [city.WEST, city.EAST]
    assert list(columns["name"]) == ["阳岭第一网格", "阳岭第二网格"]
    assert shapes[0].normalize() == WEST.normalize()
    assert list(ids) == [city.id_of(session, "area", code) for code in (city.WEST, city.EAST)]
    assert pyogrio.read_info(gdal, layer="areas-grid")["features"] == 2


def test_gdal_pages_to_the_end(gdal):
    _, ids, _, _ = read(gdal, PAGE_SIZE="1")
    assert len(ids) == len(set(ids)) == 2


def test_gdal_asks_by_box(gdal):
    *_, columns = read(gdal, bbox=(114.302, 25.682, 114.308, 25.688))
    assert list(columns["code"]) == [city.WEST]


def test_gdal_asks_by_attribute(gdal):
    *_, columns = read(gdal, where=f"code = '{city.EAST}'")
    assert list(columns["code"]) == [city.EAST]


@pytest.mark.long
@pytest.mark.parametrize("code", [4490, 4547])
def test_gdal_reads_in_another_reference_system(gdal, code):
    meta, _, shapes, _ = read(gdal, CRS=f"EPSG:{code}")
    assert meta["crs"] == f"EPSG:{code}"
    x = shapely.bounds(shapes)[:, 0]
    assert ((x > 114) & (x < 115)).all() if code == 4490 else ((x > 5e5) & (x < 6e5)).all()


def test_gdal_is_refused_without_a_password(program):
    with pytest.raises(pyogrio.errors.DataSourceError, match="401"):
        pyogrio.list_layers(f"OAPIF:{program.url}")


@pytest.mark.long
def test_gdal_reads_issues_in_charge(gdal, session):
    city.report(session)
    session.commit()
    meta, _, shapes, _ = pyogrio.raw.read(gdal, layer="issues")
    assert len(shapes) == 1
    assert shapely.from_wkb(shapes[0]).equals(shapely.Point(city.IN_WEST))
    assert "captured_at" in meta["fields"]


@pytest.mark.long
def test_debians_gdal_reads_the_same(program):
    if not shutil.which("ogrinfo"):
        pytest.skip("ogrinfo is not on this machine")
    done = subprocess.run(
        ["ogrinfo", "-ro", "-al", f"OAPIF:{program.url}", "areas-grid"],
        capture_output=True, text=True, timeout=60, check=True,
        env={"GDAL_HTTP_USERPWD": f"{program.login}:{program.secret}", "GDAL_HTTP_AUTH": "BASIC", "PATH": "/usr/bin",
             "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert "Feature Count: 2" in done.stdout
    assert city.WEST in done.stdout
    assert "阳岭第二网格" in done.stdout


@pytest.fixture
def owslib(program):
    return Features(program.url, auth=Authentication(username=program.login, password=program.secret))


def test_owslib_walks_the_api(owslib):
    assert {"areas-grid", "issues"} <= set(owslib.feature_collections())
    assert owslib.conformance()["conformsTo"]
    assert owslib.api()["openapi"] == "3.0.3"
    assert "code" in owslib.collection_queryables("areas-grid")["properties"]
    assert owslib.collection_schema("areas-grid")["properties"]["id"]["type"] == "integer"


@pytest.mark.long
def test_owslib_reads_pages_filters_and_single_features(owslib):
    page = owslib.collection_items("areas-grid", limit=1)
    assert (page["numberMatched"], page["numberReturned"]) == (2, 1)
    feature = owslib.collection_item("areas-grid", str(page["features"][0]["id"]))
    assert shapely.from_geojson(json.dumps(feature["geometry"])).equals(WEST)
    found = owslib.collection_items("areas-grid", filter=f"code = '{city.EAST}'")
    assert [each["properties"]["code"] for each in found["features"]] == [city.EAST]
    boxed = owslib.collection_items("areas-grid", bbox=[114.302, 25.682, 114.308, 25.688])
    assert [each["properties"]["code"] for each in boxed["features"]] == [city.WEST]


@pytest.mark.long
def test_the_shapes_are_the_very_same_numbers(gdal, session):
    _, _, shapes, _ = read(gdal)
    assert np.array_equal(shapely.get_coordinates(shapes[0].normalize()), shapely.get_coordinates(WEST.normalize()))


@pytest.fixture
def drawn(draft):
    """A draft with a grid more than the edition, and another one's border moved."""
    assert draft.add(square(114.32, 114.33)).status_code == 201
    for code, line in ((city.WEST, west_of()), (city.EAST, east_of())):
        sent = {"geometry": line}
        assert (
            draft.send("PATCH", f"/items/{draft.id_of(code)}", sent, "application/merge-patch+json").status_code == 204
        )
    return draft


@pytest.mark.long
def test_gdal_reads_a_draft_as_it_stands(gdal, drawn):
    layer = f"draft-{drawn.draft}-grid"
    assert layer in [name for name, _ in pyogrio.list_layers(gdal)]
    meta, ids, shapes, columns = pyogrio.raw.read(gdal, layer=layer, return_fids=True, PAGE_SIZE="1")
    codes = list(columns[list(meta["fields"]).index("code")])
    assert codes == [city.WEST, city.EAST, THIRD]
    assert dict(zip(codes, ids.tolist(), strict=True)) == {code: drawn.id_of(code) for code in codes}
    assert shapely.from_wkb(shapes[0]).equals(shapely.geometry.shape(west_of()))


@pytest.mark.long
def test_debians_gdal_reads_a_draft_too(program, drawn):
    if not shutil.which("ogrinfo"):
        pytest.skip("ogrinfo is not on this machine")
    done = subprocess.run(
        ["ogrinfo", "-ro", "-al", f"OAPIF:{program.url}", f"draft-{drawn.draft}-grid", "-where", f"code = '{THIRD}'"],
        capture_output=True, text=True, timeout=60, check=True,
        env={"GDAL_HTTP_USERPWD": f"{program.login}:{program.secret}", "GDAL_HTTP_AUTH": "BASIC", "PATH": "/usr/bin",
             "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert "Feature Count: 1" in done.stdout
    assert f"OGRFeature(draft-{drawn.draft}-grid):{drawn.id_of(THIRD)}" in done.stdout


@pytest.mark.long
def test_owslib_creates_updates_and_deletes_in_a_draft(owslib, draft):
    layer = f"draft-{draft.draft}-grid"
    assert owslib.collection_schema(layer)["required"] == ["code", "name", "geometry"]
    new = feature(square(114.32, 114.33), code=THIRD, name="新网格", parent=COMMUNITY)
    assert owslib.collection_item_create(layer, new)
    made = owslib.response_headers["Location"].rpartition("/")[2]
    assert owslib.collection_item(layer, made)["properties"]["name"] == "新网格"
    west = owslib.collection_items(layer, code=city.WEST)["features"][0]
    west["properties"]["name"] = "西"
    assert owslib.collection_item_update(layer, str(west["id"]), json.dumps(west | {"geometry": west_of()}))
    assert owslib.collection_item_update(layer, str(draft.id_of(city.EAST)), json.dumps(feature(east_of(), name="东")))
    assert owslib.collection_item_delete(layer, made)
    assert {code: each["properties"]["name"] for code, each in draft.features().items()} == {
        city.WEST: "西", city.EAST: "东",
    }  # fmt: skip
    assert findings(draft) == (True, set())
    with pytest.raises(RuntimeError, match="redraw-code-taken"):
        owslib.collection_item_create(layer, feature(square(114.32, 114.33), code=city.WEST, name="x"))


@pytest.mark.long
def test_a_client_of_owslib_that_names_no_content_type_is_heard(program, draft):
    fresh = Features(program.url, auth=Authentication(username=program.login, password=program.secret))
    named = json.dumps(feature(draft.features()[city.WEST]["geometry"], name="西"))
    assert fresh.collection_item_update(f"draft-{draft.draft}-grid", str(draft.id_of(city.WEST)), named)
