"""Boundary files of every make that offices send."""

import numpy as np
import pytest
import shapely
from shapely import MultiPolygon, Point, box

from geo.errors import CrsContradicted, CrsNeedsParameters, InvalidCoordinate, UnknownCrs, UnknownField
from geo.files.reading import read_boundaries
from tests.geo.boundary_files import (
    CODES,
    DRIVERS,
    EAST,
    NAMES,
    WEST,
    codes,
    geojson,
    projected,
    refusal,
    ring,
    write,
    zipped,
)


class TestFormats:
    """Each format is read with its names, codes, reference system and encoding."""

    @pytest.mark.long
    @pytest.mark.parametrize("suffix", DRIVERS)
    def test_names_codes_and_shapes_come_through_every_format(self, tmp_path, suffix):
        read = read_boundaries(write(tmp_path / f"areas{suffix}", encoding="UTF-8"))
        assert [feature.name for feature in read.features] == NAMES
        assert [feature.code for feature in read.features] == CODES
        assert [
            feature.geometry.equals(expected) for feature, expected in zip(read.features, (WEST, EAST), strict=True)
        ]
        assert (read.crs, read.name_field, read.code_field) == ("EPSG:4490", "名称", "编码")
        assert read.faults == ()
        assert read.features[0].properties == {"名称": NAMES[0], "编码": CODES[0]}

    @pytest.mark.long
    def test_a_folder_with_a_shapefile_is_read(self, folder):
        write(folder / "areas.shp", encoding="UTF-8")
        assert len(read_boundaries(folder).features) == 2

    @pytest.mark.long
    def test_a_zip_with_a_shapefile_in_a_folder_is_read(self, folder):
        write(folder / "areas.shp", encoding="UTF-8")
        archive = zipped(folder, rename=lambda name: f"网格/{name.upper()}")
        assert [feature.name for feature in read_boundaries(archive).features] == NAMES

    @pytest.mark.long
    def test_a_zip_whose_member_names_are_in_gbk_is_read(self, folder):
        write(folder / "areas.shp", encoding="UTF-8")
        archive = zipped(folder, rename=lambda name: "??" + name.removeprefix("areas"))
        content = archive.read_bytes()
        for suffix in (b".shp", b".shx", b".dbf", b".prj", b".cpg"):
            content = content.replace(b"??" + suffix, "网".encode("gbk") + suffix)
        archive.write_bytes(content)
        assert len(read_boundaries(archive).features) == 2

    def test_a_geopackage_in_a_zip_is_read(self, folder):
        write(folder / "areas.gpkg")
        assert len(read_boundaries(zipped(folder)).features) == 2

    def test_numbers_as_codes_have_no_decimals(self, tmp_path):
        path = write(tmp_path / "areas.gpkg", fields={"mc": NAMES, "dm": [360725400001.0, float("nan")]})
        read = read_boundaries(path)
        assert [feature.code for feature in read.features] == ["360725400001", None]
        assert read.features[1].properties["dm"] is None

    def test_fields_can_be_named(self, tmp_path):
        path = write(tmp_path / "areas.gpkg", fields={"name": ["x", "y"], "label": NAMES})
        assert [feature.name for feature in read_boundaries(path, name_field="label").features] == NAMES

    def test_a_field_that_is_not_there_is_named_beside_those_that_are(self, tmp_path):
        error = refusal(write(tmp_path / "areas.gpkg"), UnknownField, name_field="naem")
        assert (error.field, error.available) == ("naem", ("名称", "编码"))

    @pytest.mark.long
    def test_a_layer_of_several_must_be_chosen(self, tmp_path):
        path = write(tmp_path / "areas.gpkg", layer="grids")
        write(path, (WEST,), layer="communities", append=True)
        error = refusal(path)
        assert (error.reason, error.detail) == ("several-layers", "grids, communities")
        assert len(read_boundaries(path, layer="communities").features) == 1

    @pytest.mark.long
    def test_a_shapefile_of_several_in_a_zip_must_be_chosen(self, folder):
        write(folder / "grids.shp", encoding="UTF-8")
        write(folder / "zones.shp", (WEST,), encoding="UTF-8")
        archive = zipped(folder)
        assert refusal(archive).reason == "several-layers"
        assert len(read_boundaries(archive, layer="zones").features) == 1


class TestEncodings:
    """Chinese shapefiles say their encoding rightly, wrongly, or not at all."""

    @pytest.mark.long
    @pytest.mark.parametrize("encoding", ["UTF-8", "GBK"])
    @pytest.mark.parametrize("cpg", ["kept", "missing", "wrong"])
    def test_texts_are_read_whatever_the_files_say_about_them(self, tmp_path, encoding, cpg):
        path = write(tmp_path / "areas.shp", encoding=encoding)
        if cpg == "missing":
            path.with_suffix(".cpg").unlink()
        if cpg == "wrong":
            path.with_suffix(".cpg").write_text("UTF-8" if encoding == "GBK" else "US-ASCII")
        read = read_boundaries(path)
        assert [feature.name for feature in read.features] == NAMES
        assert read.fields == ("名称", "编码")
        assert read.encoding == ("GB18030" if encoding == "GBK" else "UTF-8")
        assert codes(read.faults) == (["encoding-contradicted"] if cpg == "wrong" else [])

    def test_a_gbk_text_that_could_be_utf8_is_read_as_declared(self, tmp_path):
        path = write(tmp_path / "areas.shp", (WEST,), encoding="GBK", fields={"mc": ["楼"]})
        assert "楼".encode("gbk").decode("utf-8") == "¥"
        assert read_boundaries(path).features[0].name == "楼"

    def test_a_text_cut_in_the_middle_of_a_character_does_not_hide_the_encoding(self, tmp_path):
        path = write(tmp_path / "areas.shp", (WEST,), encoding="UTF-8", fields={"mc": ["社区名称很长"]})
        path.with_suffix(".cpg").unlink()
        table = path.with_suffix(".dbf")
        content = table.read_bytes()
        start = content.index("社".encode())
        table.write_bytes(content[: start + 17] + b" " + content[start + 18 :])
        assert read_boundaries(path).encoding == "UTF-8"

    def test_a_table_cut_off_in_its_header_is_damaged(self, tmp_path):
        path = write(tmp_path / "areas.shp", encoding="UTF-8")
        path.with_suffix(".dbf").write_bytes(b"\x03")
        assert refusal(path).reason == "damaged"


class TestReferenceSystems:
    """The reference system is the one named, or told by the coordinates; what cannot be known is refused."""

    @pytest.mark.long
    @pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4490", "EPSG:4547", "EPSG:4526", "EPSG:3857", "EPSG:32650"])
    @pytest.mark.parametrize("suffix", [".shp", ".gpkg"])
    def test_shapes_come_to_the_same_ground_from_every_system(self, tmp_path, crs, suffix):
        path = write(
            tmp_path / f"areas{suffix}", [projected(crs, area) for area in (WEST, EAST)], crs=crs, encoding="UTF-8"
        )
        read = read_boundaries(path)
        assert read.crs == crs
        for feature, expected in zip(read.features, (WEST, EAST), strict=True):
            assert shapely.hausdorff_distance(feature.geometry, expected) < 2e-8
        assert read.faults == ()

    def test_eastings_with_a_zone_are_recognised_without_any_declaration(self, tmp_path):
        path = write(tmp_path / "areas.shp", [projected("EPSG:4526", WEST)], crs="EPSG:4526", encoding="UTF-8")
        path.with_suffix(".prj").unlink()
        read = read_boundaries(path)
        assert (read.crs, codes(read.faults)) == ("EPSG:4526", ["crs-assumed"])
        assert shapely.hausdorff_distance(read.features[0].geometry, WEST) < 2e-8

    def test_degrees_are_recognised_without_any_declaration(self, tmp_path):
        path = write(tmp_path / "areas.shp", encoding="UTF-8")
        path.with_suffix(".prj").unlink()
        read = read_boundaries(path)
        assert (read.crs, codes(read.faults)) == ("EPSG:4326", ["crs-assumed"])

    def test_geojson_without_a_declaration_may_hold_eastings(self, tmp_path):
        places = [(x, y) for x, y in projected("EPSG:4526", WEST).exterior.coords]
        read = read_boundaries(geojson(tmp_path, ring(*places)))
        assert (read.crs, codes(read.faults)) == ("EPSG:4526", ["crs-assumed"])

    def test_eastings_without_a_zone_do_not_tell_their_meridian(self, tmp_path):
        path = write(tmp_path / "areas.shp", [projected("EPSG:4547", WEST)], crs="EPSG:4547", encoding="UTF-8")
        path.with_suffix(".prj").unlink()
        error = refusal(path, UnknownCrs)
        assert (error.crs, error.reason) == (None, "meridian-not-told")
        assert shapely.hausdorff_distance(read_boundaries(path, crs="4547").features[0].geometry, WEST) < 2e-8

    @pytest.mark.parametrize(
        ("crs", "datum"),
        [
            ("EPSG:4610", "Xian 1980"),
            ("EPSG:2383", "Xian 1980"),
            ("EPSG:2327", "Xian 1980"),
            ("EPSG:2390", "Xian 1980"),
            ("EPSG:4214", "Beijing 1954"),
            ("EPSG:2401", "Beijing 1954"),
            ("EPSG:2442", "Beijing 1954"),
            ("EPSG:21420", "Beijing 1954"),
        ],
    )
    @pytest.mark.parametrize("suffix", [".shp", ".gpkg"])
    def test_xian_80_and_beijing_54_are_refused_without_parameters(self, tmp_path, crs, datum, suffix):
        error = refusal(write(tmp_path / f"areas{suffix}", crs=crs, encoding="UTF-8"), CrsNeedsParameters)
        assert error.datum == datum

    def test_beijing_54_with_its_parameters_is_taken(self, tmp_path):
        definition = "+proj=longlat +ellps=krass +towgs84=15.8,-154.4,-82.3,0,0,0,0 +no_defs"
        read = read_boundaries(write(tmp_path / "areas.gpkg", crs="EPSG:4214"), crs=definition)
        moved_m = read.features[0].geometry.distance(Point(114.30, 25.68)) * 111_000
        assert 10 < moved_m < 300

    def test_coordinates_that_cannot_be_of_the_declared_system_are_refused_with_a_suggestion(self, tmp_path):
        path = write(tmp_path / "areas.gpkg", [projected("EPSG:4526", WEST)], crs="EPSG:4547")
        error = refusal(path, CrsContradicted)
        assert (error.crs, error.suggestion) == ("EPSG:4547", "EPSG:4526")
        degrees_named = write(tmp_path / "degrees.gpkg", [projected("EPSG:4526", WEST)], crs="EPSG:4490")
        assert refusal(degrees_named, CrsContradicted).suggestion == "EPSG:4526"

    def test_latitude_first_is_recognised(self, tmp_path):
        path = write(tmp_path / "areas.shp", [box(25.68, 114.30, 25.69, 114.31)], encoding="UTF-8")
        path.with_suffix(".prj").unlink()
        assert refusal(path, InvalidCoordinate).reason == "swapped"
        assert refusal(path, CrsContradicted, crs="EPSG:4490").crs == "EPSG:4490"

    @pytest.mark.long
    @pytest.mark.parametrize("crs", ["EPSG:999999", "nonsense", "EPSG:4267", "EPSG:4479", "+proj=longlat +ellps=IAU76"])
    def test_a_system_that_cannot_be_brought_to_wgs84_is_refused_by_name(self, tmp_path, crs):
        assert refusal(write(tmp_path / "areas.gpkg"), UnknownCrs, crs=crs).crs is not None


class TestFaults:
    """What is wrong with one shape is told, and loses no other."""

    square = ring([114.30, 25.68], [114.31, 25.68], [114.31, 25.69], [114.30, 25.69], [114.30, 25.68])

    @pytest.mark.parametrize(
        ("bad", "code"),
        [
            (None, "no-coordinates"),
            ({"type": "Point", "coordinates": [114.3, 25.6]}, "wrong-type"),
            (ring([114.3, 25.6], [float("nan"), 25.6], [114.4, 25.7], [114.3, 25.6]), "not-finite"),
            (ring([114.3, 25.6], [1144.0, 25.6], [114.4, 25.7], [114.3, 25.6]), "out-of-range"),
            (ring([114.3, 25.6], [114.4, 25.7], [114.3, 25.6], [114.3, 25.6]), "zero-area"),
            (ring([114.3, 25.6], [114.300000001, 25.6], [114.3, 25.600000001], [114.3, 25.6]), "zero-area"),
        ],
    )
    def test_what_cannot_be_a_polygon_is_left_out_and_told(self, tmp_path, bad, code):
        read = read_boundaries(geojson(tmp_path, self.square, bad, self.square | {}, names=["a", "bad", "c"]))
        assert [(feature.index, feature.name) for feature in read.features] == [(0, "a"), (2, "c")]
        assert (read.faults[0].code, read.faults[0].detail) == (code, {"feature": 1, "name": "bad"})

    def test_a_self_crossing_shape_is_mended_and_told_with_its_place(self, tmp_path):
        bow_tie = ring([114.30, 25.68], [114.31, 25.69], [114.31, 25.68], [114.30, 25.69], [114.30, 25.68])
        (feature,) = read_boundaries(geojson(tmp_path, bow_tie)).features
        assert isinstance(feature.geometry, MultiPolygon)
        assert [(fault.code, round(fault.lon, 6), round(fault.lat, 6)) for fault in feature.faults] == [
            ("self-crossing", 114.305, 25.685)
        ]

    def test_an_unclosed_ring_is_closed_and_told(self, tmp_path):
        unclosed = ring(*self.square["coordinates"][0][:-1])
        (feature,) = read_boundaries(geojson(tmp_path, unclosed)).features
        assert feature.geometry.equals(WEST)
        assert codes(feature.faults) == ["unclosed-ring"]

    @pytest.mark.parametrize("points", [1, 2, 3])
    @pytest.mark.parametrize("where", ["part", "hole"])
    def test_a_ring_of_too_few_points_goes_alone_and_is_told(self, tmp_path, points, where):
        square = self.square["coordinates"]
        short = [[114.305, 25.685]] * points
        parts = [[short], square] if where == "part" else [[*square, short]]
        (feature,) = read_boundaries(geojson(tmp_path, {"type": "MultiPolygon", "coordinates": parts})).features
        assert feature.geometry.equals(WEST)
        assert "too-few-points" in codes(feature.faults)

    def test_gaps_and_overlaps_between_neighbours_are_told_with_their_names(self, tmp_path):
        shifted = shapely.transform(EAST, lambda xy: xy - [0.001, 0])
        read = read_boundaries(write(tmp_path / "areas.gpkg", (WEST, shifted)))
        (fault,) = read.faults
        assert (fault.code, fault.severity, fault.detail["names"]) == ("overlap", "error", NAMES)
        assert 114.309 < fault.lon < 114.310

    def test_a_code_given_twice_is_told_for_each(self, tmp_path):
        path = write(tmp_path / "areas.gpkg", fields={"mc": NAMES, "dm": [CODES[0]] * 2})
        faults = read_boundaries(path).faults
        assert [(fault.code, fault.detail["feature"]) for fault in faults] == [
            ("repeated-code", 0),
            ("repeated-code", 1),
        ]

    def test_shapes_are_on_the_integer_grid(self, tmp_path):
        path = write(tmp_path / "areas.gpkg", [projected("EPSG:4547", WEST)], crs="EPSG:4547")
        positions = shapely.get_coordinates(read_boundaries(path).features[0].geometry)
        assert (np.rint(positions * 1e8) / 1e8 == positions).all()

    def test_a_file_without_any_polygon_is_refused(self, tmp_path):
        assert refusal(geojson(tmp_path, {"type": "Point", "coordinates": [114.3, 25.6]})).reason == "no-polygons"
