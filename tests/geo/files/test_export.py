"""What is written is read back the very same, through each format, encoding and reference system."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import shapely

from geo.errors import CrsNeedsParameters, InvalidQuestion, UnsupportedFile
from geo.files.export import AreaRow, Wish, write_areas
from geo.files.reading import read_boundaries

SAVED = Path(__file__).with_name("saved_by_qgis")
LAKE = shapely.Polygon(
    [(114.30000001, 25.68), (114.31, 25.68000003), (114.31, 25.69), (114.3012345, 25.69123456)],
    [[(114.303, 25.683), (114.303, 25.685), (114.305, 25.685)]],
)
ISLANDS = shapely.MultiPolygon([shapely.box(114.32, 25.68, 114.33, 25.69), shapely.box(114.34, 25.68, 114.35, 25.69)])
ROWS = [
    AreaRow("360725100001001", "阳岭第一网格", "grid", "360725100001", shapely.to_wkb(shapely.MultiPolygon([LAKE]))),
    AreaRow("360725100001002", "阳岭（东）第二网格", "grid", "360725100001", shapely.to_wkb(ISLANDS)),
]


@pytest.mark.long
@pytest.mark.parametrize(
    ("suffix", "crs", "encoding"),
    [
        *((suffix, crs, "UTF-8") for suffix in (".gpkg", ".geojson", ".zip") for crs in ("EPSG:4326", "EPSG:4490")),
        *((suffix, crs, "UTF-8") for suffix in (".gpkg", ".zip") for crs in ("EPSG:4526", "EPSG:4547")),
        (".zip", "EPSG:4490", "GBK"),
    ],
)
def test_a_round_trip_changes_nothing(tmp_path, suffix, crs, encoding):
    path = tmp_path / f"grids{suffix}"
    write_areas(ROWS, path, Wish(crs, encoding))
    require_same(read_boundaries(path), crs)


@pytest.mark.long
@pytest.mark.parametrize(
    ("file", "crs"), [("gbk-4526.zip", "EPSG:4526"), ("4490.geojson", "EPSG:4490"), ("4547-gpkg.zip", "EPSG:4547")]
)
def test_what_qgis_3_40_saved_of_our_file_in_another_reference_system_is_the_same_ground(file, crs):
    # Our GeoPackage of ROWS, opened in QGIS 3.40.6 (GDAL 3.10) and saved as a layer of another kind.
    require_same(read_boundaries(SAVED / file), crs)


def require_same(found, crs):
    assert found.crs == crs
    assert [fault.code for fault in found.faults if fault.severity == "error"] == []
    for row, feature in zip(ROWS, found.features, strict=True):
        assert (feature.code, feature.name) == (row.code, row.name)
        assert (feature.properties["kind"], feature.properties["parent"]) == (row.kind, row.parent)
        assert not feature.faults
        wanted = shapely.from_wkb(row.wkb).normalize()
        got = shapely.multipolygons(shapely.get_parts(feature.geometry)).normalize()
        assert np.abs(shapely.get_coordinates(got) - shapely.get_coordinates(wanted)).max() < 1e-9


def test_a_shapefile_says_its_encoding(tmp_path):
    write_areas(ROWS, tmp_path / "grids.zip", Wish(encoding="GBK"))
    with zipfile.ZipFile(tmp_path / "grids.zip") as archive:
        assert archive.read("grid.cpg") == b"GBK"
        assert "阳岭第一网格".encode("gbk") in archive.read("grid.dbf")


@pytest.mark.long
def test_each_kind_is_a_layer(tmp_path):
    county = AreaRow("360725", "崇义县", "county", None, ROWS[0].wkb)
    write_areas([county, *ROWS], tmp_path / "all.gpkg")
    assert [feature.code for feature in read_boundaries(tmp_path / "all.gpkg", layer="county").features] == ["360725"]
    assert len(read_boundaries(tmp_path / "all.gpkg", layer="grid").features) == 2


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".zip"])
def test_of_several_kinds_in_one_file_the_one_asked_for_is_read_with_its_parents(tmp_path, suffix):
    county = AreaRow("360725", "崇义县", "county", None, ROWS[0].wkb)
    write_areas([county, *ROWS], tmp_path / f"all{suffix}")
    found = read_boundaries(tmp_path / f"all{suffix}", kind="grid")
    assert [(each.code, each.parent) for each in found.features] == [(row.code, row.parent) for row in ROWS]
    # A layer of its own leaves nothing out; of one list it is told.
    assert ("other-kind" in {fault.code for fault in found.faults}) == (suffix == ".geojson")


def test_a_name_that_gbk_cannot_write_is_told_and_leaves_no_file(tmp_path):
    rare = [AreaRow("1", "𠮷祥里", "grid", None, ROWS[0].wkb)]
    with pytest.raises(InvalidQuestion, match="𠮷祥里"):
        write_areas(rare, tmp_path / "grids.zip", Wish(encoding="GBK"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "wish", "error"),
    [
        ("grids.kml", Wish(), UnsupportedFile),
        ("grids.gpkg", Wish(crs="EPSG:2381"), CrsNeedsParameters),
        ("grids.gpkg", Wish(crs="EPSG:2437"), CrsNeedsParameters),
        ("grids.geojson", Wish(crs="EPSG:4547"), InvalidQuestion),
        ("grids.zip", Wish(encoding="BIG5"), InvalidQuestion),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, name, wish, error):
    with pytest.raises(error):
        write_areas(ROWS, tmp_path / name, wish)
