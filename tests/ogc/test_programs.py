"""What GIS programs make of the API: two ages of GDAL, and OWSLib, over HTTP with an application password."""

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


def test_gdal_lists_the_collections(gdal):
    names = [name for name, _ in pyogrio.list_layers(gdal)]
    assert {"areas-grid", "areas-county", "edition-1", "issues", "visits"} <= set(names)


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


@pytest.mark.parametrize("code", [4490, 4547])
def test_gdal_reads_in_another_reference_system(gdal, code):
    meta, _, shapes, _ = read(gdal, CRS=f"EPSG:{code}")
    assert meta["crs"] == f"EPSG:{code}"
    x = shapely.bounds(shapes)[:, 0]
    assert ((x > 114) & (x < 115)).all() if code == 4490 else ((x > 5e5) & (x < 6e5)).all()


def test_gdal_is_refused_without_a_password(program):
    with pytest.raises(pyogrio.errors.DataSourceError, match="401"):
        pyogrio.list_layers(f"OAPIF:{program.url}")


def test_gdal_reads_issues_in_charge(gdal, session):
    city.report(session)
    session.commit()
    meta, _, shapes, _ = pyogrio.raw.read(gdal, layer="issues")
    assert len(shapes) == 1
    assert shapely.from_wkb(shapes[0]).equals(shapely.Point(city.IN_WEST))
    assert "captured_at" in meta["fields"]


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


def test_owslib_reads_pages_filters_and_single_features(owslib):
    page = owslib.collection_items("areas-grid", limit=1)
    assert (page["numberMatched"], page["numberReturned"]) == (2, 1)
    feature = owslib.collection_item("areas-grid", str(page["features"][0]["id"]))
    assert shapely.from_geojson(json.dumps(feature["geometry"])).equals(WEST)
    found = owslib.collection_items("areas-grid", filter=f"code = '{city.EAST}'")
    assert [each["properties"]["code"] for each in found["features"]] == [city.EAST]
    boxed = owslib.collection_items("areas-grid", bbox=[114.302, 25.682, 114.308, 25.688])
    assert [each["properties"]["code"] for each in boxed["features"]] == [city.WEST]


def test_the_shapes_are_the_very_same_numbers(gdal, session):
    _, _, shapes, _ = read(gdal)
    assert np.array_equal(shapely.get_coordinates(shapes[0].normalize()), shapely.get_coordinates(WEST.normalize()))
