"""Every format that staff have is read, or refused by its name with what to do."""

import csv
import io
import json
import zipfile

import numpy as np
import pyogrio.raw
import pytest
import shapely

from geo.errors import UnknownCrs, UnsupportedFile
from geo.files.formats import suffix_of
from geo.files.reading import read_boundaries
from geo.geometry.crs import crs_named
from server.grids.imports.fault_words import REASONS
from server.grids.imports.parse import Wanted, read_areas
from tests.geo.boundary_files import EAST, WEST, codes, projected, write

LONG = ("36072540000300312", "36072540000300313")
NAMES = ("西格", "东格")


def kml(*more):
    marks = "".join(
        f"<Placemark><name>{name}</name><ExtendedData><SchemaData schemaUrl='#s'>"
        f"<SimpleData name='编码'>{code}</SimpleData></SchemaData></ExtendedData><Polygon><outerBoundaryIs><LinearRing>"
        f"<coordinates>{' '.join(f'{x},{y},0' for x, y in area.exterior.coords)}</coordinates>"
        "</LinearRing></outerBoundaryIs></Polygon></Placemark>"
        for name, code, area in zip(NAMES, LONG, (WEST, EAST), strict=True)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
        '<Schema id="s" name="s"><SimpleField name="编码" type="string"/></Schema>'
        f"<Folder><name>网格</name>{marks}</Folder>{''.join(more)}</Document></kml>"
    )


def table(column="WKT", delimiter=","):
    text = io.StringIO()
    rows = csv.writer(text, delimiter=delimiter)
    rows.writerow(("编码", "名称", column))
    rows.writerows((code, name, area.wkt) for code, name, area in zip(LONG, NAMES, (WEST, EAST), strict=True))
    return text.getvalue()


def geodatabase(folder):
    pyogrio.raw.write(
        folder / "city.gdb",
        np.array([shapely.to_wkb(shapely.MultiPolygon([area])) for area in (WEST, EAST)], dtype=object),
        [np.array(LONG, dtype=object), np.array(NAMES, dtype=object)],
        ["code", "name"],
        driver="OpenFileGDB", layer="grids", geometry_type="MultiPolygon", crs="EPSG:4490",
    )  # fmt: skip
    return folder / "city.gdb"


def zipped(path, inside):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in inside:
            archive.writestr(name, content)
    return path


def of_geodatabase(folder, path):
    return zipped(path, [(f"资料/city.gdb/{file.name}", file.read_bytes()) for file in geodatabase(folder).iterdir()])


def text_file(path, content, encoding="utf-8"):
    path.write_text(content, encoding=encoding, newline="")
    return path


READ = {
    "KML": lambda folder: text_file(folder / "areas.kml", kml()),
    "KMZ": lambda folder: zipped(folder / "areas.kmz", [("doc.kml", kml()), ("files/icon.png", b"x")]),
    "CSV with WKT": lambda folder: text_file(folder / "areas.csv", table()),
    "CSV of a spreadsheet": lambda folder: text_file(folder / "areas.csv", table(), "utf-8-sig"),
    "CSV in GBK": lambda folder: text_file(folder / "areas.csv", table("几何"), "gbk"),
    "CSV with semicolons": lambda folder: text_file(folder / "areas.csv", table("geometry", ";")),
    "FileGDB": geodatabase,
    "FileGDB in a zip": lambda folder: of_geodatabase(folder, folder / "areas.zip"),
}


@pytest.mark.long
@pytest.mark.parametrize("sort", READ)
def test_a_format_that_staff_have_is_read_with_its_codes(tmp_path, sort):
    read = read_areas(Wanted(READ[sort](tmp_path), "grid"))
    assert [(area.code, area.name) for area in read.areas] == list(zip(LONG, NAMES, strict=True))
    assert [area.polygon.equals(expected) for area, expected in zip(read.areas, (WEST, EAST), strict=True)] == [
        True
    ] * 2
    assert read.refused == 0


REFUSED = {
    "drawing": ("plan.dxf", b"  0\r\nSECTION\r\n  2\r\nHEADER\r\n"),
    "spreadsheet": ("areas.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    "topojson": ("areas.json", b'{"type":"Topology","objects":{},"arcs":[]}'),
    "other-archive": ("areas.rar", b"Rar!\x1a\x07\x00"),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_format_that_is_not_read_is_refused_by_its_name(tmp_path, reason):
    name, content = REFUSED[reason]
    path = tmp_path / name
    path.write_bytes(content)
    for refused in (lambda: read_boundaries(path), lambda: suffix_of(content)):
        with pytest.raises(UnsupportedFile) as caught:
            refused()
        assert caught.value.reason == reason
    assert all(REASONS[reason])


def packed(kind, coordinates):
    """A map as ECharts keeps it: what is no number comes after a shape that is whole."""
    whole = '{"type":"Polygon","coordinates":[[[114,25],[115,25],[115,26],[114,25]]]}'
    shape = f'{{"type":"{kind}","coordinates":{coordinates},"encodeOffsets":[[116712,31265]]}}'
    features = ",".join(f'{{"type":"Feature","properties":{{}},"geometry":{each}}}' for each in (whole, shape))
    return f'{{"type":"FeatureCollection","features":[{features}],"UTF8Encoding":true}}'.encode()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("areas.csv", b"code,name\r\n1,a\r\n", "no-wkt"),
        ("areas.kml", b"<gml/>", "damaged"),
        ("areas.kml", b"<kml><Document><NetworkLink><Link><href>http://127.0.0.1/", "damaged"),
        ("areas.tab", b"!table", "mapinfo"),
        ("areas.geojson", packed("Polygon", '["@@LBBAJB"]'), "packed-shapes"),
        ("areas.geojson", packed("MultiPolygon", '[["@@LBBAJB"]]'), "packed-shapes"),
        ("areas.xlsx", b"PK\x03\x04", "spreadsheet"),
    ],
)
def test_a_file_of_another_content_is_refused(tmp_path, name, content, reason):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnsupportedFile) as caught:
        read_boundaries(path)
    assert caught.value.reason == reason


@pytest.mark.long
def test_a_column_of_shapes_that_holds_none_is_told(tmp_path):
    read = read_areas(Wanted(text_file(tmp_path / "areas.csv", table() + "3,空,\r\n4,坏,POLYGON((1 2\r\n"), "grid"))
    assert codes(fault for _, fault in read.faults).count("no-coordinates") == 2


@pytest.mark.parametrize(("scale", "reason"), [(5, "not-told"), (4_000, "meridian-not-told")])
def test_a_file_that_names_no_system_and_is_not_in_degrees_asks_for_one(tmp_path, scale, reason):
    ring = [[x * scale, y * scale] for x, y in ((114, 125), (115, 125), (115, 126), (114, 125))]
    feature = {"type": "Feature", "properties": {"code": "1"}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    path = tmp_path / "areas.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    for read in (lambda: read_boundaries(path), lambda: read_areas(Wanted(path, "grid"))):
        with pytest.raises(UnknownCrs) as caught:
            read()
        assert (caught.value.crs, caught.value.reason) == (None, reason)


class TestNearSystems:
    """A system with a public way to WGS-84 of some metres is taken where a person names it."""

    def test_it_is_refused_with_the_advice_that_helps(self, tmp_path):
        path = write(tmp_path / "areas.gpkg", [projected("EPSG:3035", WEST)], crs="EPSG:5070")
        with pytest.raises(UnknownCrs) as caught:
            read_boundaries(path)
        assert (caught.value.crs, caught.value.reason) == ("EPSG:5070", "approximate")
        assert "crs" in REASONS["approximate"][1]

    @pytest.mark.parametrize("crs", ["EPSG:5070", "EPSG:4269", "EPSG:2154"])
    def test_it_is_taken_by_name_and_told_how_near_it_comes(self, tmp_path, crs):
        ground = shapely.box(-90.0, 40.0, -89.9, 40.1) if crs != "EPSG:2154" else shapely.box(3.0, 46.0, 3.1, 46.1)
        path = write(tmp_path / "areas.gpkg", [projected(crs, ground)], crs=crs)
        read = read_boundaries(path, crs=crs)
        assert shapely.hausdorff_distance(read.features[0].geometry, ground) < 1e-4
        (fault,) = [each for each in read.faults if each.code == "crs-approximate"]
        assert 0 < fault.detail["accuracy_m"] < 10

    def test_one_whose_way_is_further_is_not_taken_even_so(self):
        with pytest.raises(UnknownCrs) as caught:
            crs_named("EPSG:4267", nearly=True)
        assert caught.value.reason == "no-way-to-wgs84"
