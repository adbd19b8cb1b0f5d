"""Boundary files of the makes that attackers send."""

import json
import re
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from shapely import MultiPolygon, Polygon
from shapely.geometry import mapping

from geo.errors import GeoError
from geo.files.opening import FileLimits
from geo.files.reading import read_boundaries
from tests.geo.boundary_files import DRIVERS, WEST, refusal, write


def collection(geometry, properties='{"code": "g1", "name": "格"}'):
    feature = f'{{"type": "Feature", "properties": {properties}, "geometry": {geometry}}}'
    return f'{{"type": "FeatureCollection", "features": [{feature}]}}'


class TestHostileFiles:
    """What is not safe to open is refused before it costs anything."""

    def archive(self, tmp_path, members):
        path = tmp_path / "areas.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
            for name, content in members:
                opened.writestr(name, content)
        return path

    @pytest.mark.parametrize(
        "name", ["../areas.shp", "/etc/areas.shp", "a/../../areas.shp", "C:/areas.shp", "..\\areas.shp"]
    )
    def test_paths_that_lead_out_of_the_archive_are_refused(self, tmp_path, name):
        assert refusal(self.archive(tmp_path, [(name, b"x")])).reason == "unsafe-path"

    def test_a_link_in_an_archive_is_refused(self, tmp_path):
        link = zipfile.ZipInfo("areas.shp")
        link.external_attr = 0o120777 << 16
        assert refusal(self.archive(tmp_path, [(link, b"/etc/passwd")])).reason == "unsafe-path"

    def test_an_archive_that_unpacks_to_too_much_is_refused(self, tmp_path):
        path = self.archive(tmp_path, [("areas.geojson", b"0" * 2_000_000)])
        assert refusal(path, limits=FileLimits(unpacked_bytes=1_000_000)).reason == "bomb"

    @pytest.mark.long
    def test_an_archive_that_packs_too_well_is_refused(self, tmp_path):
        assert refusal(self.archive(tmp_path, [("areas.geojson", b"0" * 30_000_000)])).reason == "bomb"

    def test_an_archive_that_lies_about_its_sizes_is_refused(self, tmp_path):
        path = self.archive(tmp_path, [("areas.geojson", b"0" * 2_000_000)])
        path.write_bytes(path.read_bytes().replace(struct.pack("<I", 2_000_000), struct.pack("<I", 1000)))
        assert refusal(path, limits=FileLimits(unpacked_bytes=1_000_000)).reason == "damaged"

    def test_an_archive_of_too_many_members_is_refused(self, tmp_path):
        path = self.archive(tmp_path, [(f"{n}.txt", b"") for n in range(20)])
        assert refusal(path, limits=FileLimits(members=10)).reason == "too-many-members"

    def test_an_encrypted_archive_is_refused(self, tmp_path):
        path = self.archive(tmp_path, [("areas.geojson", b"{}")])
        content = bytearray(path.read_bytes())
        for signature, flags_at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            content[content.index(signature) + flags_at] |= 1
        path.write_bytes(content)
        assert refusal(path).reason == "encrypted"

    def test_an_archive_without_boundaries_is_refused(self, tmp_path):
        assert refusal(self.archive(tmp_path, [("readme.txt", b"x")])).reason == "unknown-format"

    def test_a_broken_archive_is_refused(self, tmp_path):
        path = tmp_path / "areas.zip"
        path.write_bytes(b"PK\x03\x04 broken")
        assert refusal(path).reason == "damaged"

    def test_a_file_that_is_too_large_is_refused(self, tmp_path):
        path = write(tmp_path / "areas.gpkg")
        assert refusal(path, limits=FileLimits(file_bytes=1000)).reason == "too-large"

    def test_too_many_features_are_refused(self, tmp_path):
        assert refusal(write(tmp_path / "areas.gpkg"), limits=FileLimits(features=1)).reason == "too-many-features"

    def test_too_many_points_are_refused(self, tmp_path):
        assert refusal(write(tmp_path / "areas.gpkg"), limits=FileLimits(points=9)).reason == "too-many-points"

    @pytest.mark.parametrize(
        ("name", "content", "reason"),
        [
            ("areas.geojson", b"hello", "damaged"),
            ("areas.geojson", b"", "damaged"),
            ("areas.geojson", b'{"type":"FeatureCollection","features":[{', "damaged"),
            ("areas.geojson", b'{"type":"FeatureCollection","features":[]}', "empty"),
            ("areas.geojson", b"<OGRVRTDataSource/>", "damaged"),
            ("areas.gpkg", b"SQLite format 3\0" + b"\0" * 4000, "damaged"),
            ("areas.gpkg", b"not a database", "damaged"),
            ("areas.shp", b"\x00\x00\x27\x0a" + b"\0" * 96, "missing-part"),
            ("areas.docx", b"PK", "unknown-format"),
        ],
    )
    def test_what_is_no_boundary_file_is_refused(self, tmp_path, name, content, reason):
        path = tmp_path / name
        path.write_bytes(content)
        assert refusal(path).reason == reason

    @pytest.mark.long
    @pytest.mark.parametrize("levels", [65, 1000, 1_000_000])
    @pytest.mark.parametrize("where", ["coordinates", "properties", "around", "objects"])
    def test_geojson_that_nests_too_deep_is_told_how_deep_it_may(self, tmp_path, where, levels):
        nest = "[" * levels + "1" + "]" * levels
        path = tmp_path / "areas.geojson"
        path.write_text(
            {
                "coordinates": collection(f'{{"type": "Polygon", "coordinates": {nest}}}'),
                "properties": collection(json.dumps(mapping(WEST)), f'{{"code": "g1", "deep": {nest}}}'),
                "around": '{"type":' + nest + "}",
                "objects": '{"a":' * levels + "1" + "}" * levels,
            }[where]
        )
        error = refusal(path)
        assert error.reason == "nested-too-deep"
        assert re.fullmatch(r"areas\.geojson: \d+ > 64", error.detail)

    def test_brackets_in_the_texts_of_geojson_are_no_depth(self, tmp_path):
        path = tmp_path / "areas.geojson"
        name = json.dumps("[" * 100 + '"\\')
        path.write_text(collection(json.dumps(mapping(WEST)), f'{{"code": "g1", "name": {name}}}'))
        assert len(read_boundaries(path).features) == 1

    @pytest.mark.long
    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ("g1," + "x" * 11_000_000 + ",WKT", "row-too-long"),
            ('g1,"' + "x\n" * 6_000_000, "row-too-long"),
            ("g1,x" + "," * 2_000, "too-many-columns"),
            ('g1,x,"' + "GEOMETRYCOLLECTION(" * 65 + "POINT(1 1)" + ")" * 65 + '"', "nested-too-deep"),
        ],
        ids=["field", "quote never closed", "columns", "nest"],
    )
    def test_a_csv_beyond_measure_is_told_by_what_it_exceeds(self, tmp_path, row, reason):
        path = tmp_path / "areas.csv"
        path.write_text(f"code,name,WKT\n{row}\n")
        error = refusal(path)
        assert error.reason == reason
        assert re.match(r"areas\.csv: \d+ > \d+", error.detail)

    @pytest.mark.long
    def test_a_csv_of_a_long_border_and_line_breaks_in_texts_is_read(self, tmp_path):
        path = tmp_path / "areas.csv"
        text = f'code,name,WKT\ng1,"甲\n乙","{WEST.segmentize(2e-6).wkt}"\n'
        path.write_text(text, encoding="utf-8")
        assert path.stat().st_size > 500_000
        assert len(read_boundaries(path).features) == 1

    def test_a_file_that_is_not_there_is_refused(self, tmp_path):
        assert refusal(tmp_path / "areas.shp").reason == "missing"

    def test_a_folder_without_boundaries_is_refused(self, folder):
        assert refusal(folder).reason == "unknown-format"

    @pytest.mark.parametrize("part", [".shx", ".dbf"])
    def test_a_shapefile_without_a_part_is_refused_by_the_part(self, tmp_path, part):
        path = write(tmp_path / "areas.shp", encoding="UTF-8")
        path.with_suffix(part).unlink()
        error = refusal(path)
        assert (error.reason, error.detail) == ("missing-part", part)

    @pytest.mark.long
    @pytest.mark.parametrize("seed", range(25))
    @pytest.mark.parametrize("suffix", DRIVERS)
    def test_a_damaged_file_is_read_or_refused_but_never_worse(self, tmp_path, suffix, seed):
        path = write(tmp_path / f"areas{suffix}", encoding="UTF-8")
        rng = np.random.default_rng(seed)
        content = bytearray(Path(path).read_bytes())
        for at in rng.integers(len(content) // 10, len(content), 8):
            content[at] = rng.integers(0, 256)
        path.write_bytes(content[: rng.integers(len(content) // 2, len(content))] if seed % 2 else content)
        try:
            read = read_boundaries(path)
        except GeoError:
            return
        assert all(isinstance(feature.geometry, Polygon | MultiPolygon) for feature in read.features)
