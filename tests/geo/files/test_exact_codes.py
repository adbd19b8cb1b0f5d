"""Codes and texts come out as they were written, or the file is refused by name."""

import json
import struct

import pytest
import shapely
from shapely import MultiPolygon, Polygon, box

from geo.errors import InvalidShape, UnsupportedFile
from geo.files.reading import read_boundaries
from geo.geometry.shapes import repair
from tests.geo.boundary_files import EAST, NAMES, WEST, codes, write

LONG = "36072540000300312"
OTHER = "36072540000300313"


def table(path, fields, rows):
    """Write a .dbf by its bytes: fields of (name, kind, width, decimals), rows of bytes."""
    width = 1 + sum(each[2] for each in fields)
    head = struct.pack("<BBBBIHH20x", 3, 124, 1, 1, len(rows), 33 + 32 * len(fields), width)
    for name, kind, size, decimals in fields:
        head += name.ljust(11, b"\0") + kind + b"\0" * 4 + bytes([size, decimals]) + b"\0" * 14
    body = b"".join(
        b" " + b"".join(value.rjust(each[2]) for value, each in zip(row, fields, strict=True)) for row in rows
    )
    path.write_bytes(head + b"\r" + body + b"\x1a")


def shapefile(tmp_path, fields, rows):
    path = write(tmp_path / "areas.shp", (WEST, EAST)[: len(rows)], encoding="UTF-8")
    path.with_suffix(".cpg").unlink()
    table(path.with_suffix(".dbf"), fields, rows)
    return path


def geojson(tmp_path, *written):
    """Features whose codes are written just so."""
    features = ",".join(
        f'{{"type": "Feature", "properties": {{"code": {code}, "name": "格"}}, '
        f'"geometry": {json.dumps(shapely.geometry.mapping(area))}}}'
        for code, area in zip(written, (WEST, EAST), strict=False)
    )
    path = tmp_path / "areas.geojson"
    path.write_text(f'{{"type": "FeatureCollection", "features": [{features}]}}')
    return path


class TestNumbers:
    """A code of 17 digits is beyond what floating point holds."""

    @pytest.mark.long
    @pytest.mark.parametrize("decimals", [0, 5])
    @pytest.mark.parametrize("beside", [b"", OTHER.encode()])
    def test_a_wide_number_of_a_table_is_exact_or_named(self, tmp_path, decimals, beside):
        written = LONG.encode() + (b".00000" if decimals else b"")
        path = shapefile(tmp_path, [(b"code", b"N", 19 + decimals, decimals)], [[written], [beside]])
        read = read_boundaries(path)
        if not decimals:
            assert [feature.code for feature in read.features] == [LONG, beside.decode() or None]
        assert ("inexact-code" in codes(read.faults)) == bool(decimals)

    @pytest.mark.long
    @pytest.mark.parametrize("kind", [b"N", b"F"])
    def test_a_number_with_an_exponent_is_never_taken_for_its_first_digit(self, tmp_path, kind):
        path = shapefile(tmp_path, [(b"code", kind, 20, 0)], [[LONG.encode()], [b"3.60725400003e+16"]])
        assert codes(read_boundaries(path).faults) == ["inexact-code", "inexact-code"]

    @pytest.mark.parametrize("beside", ["null", f'"{OTHER}"', OTHER])
    def test_a_number_of_geojson_beside_an_empty_one_is_exact(self, tmp_path, beside):
        read = read_boundaries(geojson(tmp_path, LONG, beside))
        assert [feature.code for feature in read.features] == [LONG, None if beside == "null" else OTHER]
        assert codes(read.faults) == []

    @pytest.mark.parametrize(
        "written", [f"{LONG}.0", "3.6072540000300312e16", f"{LONG}999999", '"3.60725E+16"', "1e300"]
    )
    def test_what_has_lost_its_digits_is_named_with_its_column(self, tmp_path, written):
        read = read_boundaries(geojson(tmp_path, written, "null"))
        (fault,) = read.faults
        assert (fault.code, fault.severity, fault.detail["fields"]) == ("inexact-code", "error", ["code"])

    @pytest.mark.parametrize(
        ("written", "code"), [("360725400003.0", "360725400003"), ("12.5", "12.5"), ('"1E5x"', "1E5x")]
    )
    def test_what_floating_point_holds_is_taken(self, tmp_path, written, code):
        read = read_boundaries(geojson(tmp_path, written, "null"))
        assert read.features[0].code == code
        assert codes(read.faults) == []

    @pytest.mark.long
    def test_a_number_of_a_geopackage_beside_an_empty_one_is_exact(self, tmp_path):
        path = write(tmp_path / "areas.gpkg", fields={"code": [int(LONG), None], 'na"me': NAMES})
        read = read_boundaries(path, name_field='na"me')
        assert [(feature.code, feature.name) for feature in read.features] == [(LONG, NAMES[0]), (None, NAMES[1])]

    @pytest.mark.long
    def test_a_parent_that_has_lost_its_digits_is_named_too(self, tmp_path):
        path = write(tmp_path / "areas.gpkg", fields={"code": ["g1", "g2"], "parent": [3.6072540000300312e16, 36.0]})
        (fault,) = read_boundaries(path).faults
        assert (fault.code, fault.detail["fields"]) == ("inexact-code", ["parent"])

    def test_the_names_of_fields_may_be_in_any_encoding(self, tmp_path):
        fields = [("编码".encode("gbk"), b"N", 19, 0), ("名称".encode("gbk"), b"C", 20, 0)]
        path = shapefile(tmp_path, fields, [[LONG.encode(), "阳岭".encode("gbk")], [b"", "金山".encode("gbk")]])
        read = read_boundaries(path)
        assert [(each.code, each.name) for each in read.features] == [(LONG, "阳岭"), (None, "金山")]


LATIN = ["Doña Ana", "LaSalle Coös"]


class TestTexts:
    """What is said of the texts is believed where they can show it; a person's word goes before all."""

    def file(self, tmp_path, texts, encoding, declared=None):
        path = shapefile(tmp_path, [(b"name", b"C", 40, 0)], [[text.encode(encoding)] for text in texts])
        if declared:
            path.with_suffix(".cpg").write_text(declared)
        return path

    @pytest.mark.long
    @pytest.mark.parametrize("declared", ["ISO-8859-1", "88591", "1252", "ANSI 1252", "latin1", "437"])
    @pytest.mark.parametrize("encoding", ["UTF-8", "GBK"])
    def test_a_one_byte_encoding_is_not_believed_against_the_bytes(self, tmp_path, declared, encoding):
        read = read_boundaries(self.file(tmp_path, NAMES, encoding, declared))
        assert [feature.name for feature in read.features] == NAMES
        assert codes(read.faults) == ["encoding-contradicted"]

    @pytest.mark.long
    @pytest.mark.parametrize("declared", [None, "ISO-8859-1", "UTF-8", "GBK"])
    def test_latin_texts_are_not_read_as_chinese(self, tmp_path, declared):
        read = read_boundaries(self.file(tmp_path, LATIN, "latin-1", declared))
        if declared != "GBK":
            assert [feature.name for feature in read.features] == LATIN
        else:
            assert [each.name for each in read_boundaries(tmp_path / "areas.shp", encoding="latin1").features] == LATIN

    @pytest.mark.long
    @pytest.mark.parametrize(("texts", "encoding"), [(["Москва", "Тверь"], "cp1251"), (["東京", "大阪"], "shift_jis")])
    def test_an_encoding_can_be_named(self, tmp_path, texts, encoding):
        path = self.file(tmp_path, texts, encoding)
        read = read_boundaries(path, encoding=encoding)
        assert [feature.name for feature in read.features] == texts
        with_cpg = self.file(tmp_path, texts, encoding, encoding)
        assert [feature.name for feature in read_boundaries(with_cpg).features] == texts

    @pytest.mark.parametrize(("given", "reason"), [("klingon", "unknown-encoding"), ("UTF-8", "wrong-encoding")])
    def test_an_encoding_that_cannot_be_is_refused(self, tmp_path, given, reason):
        with pytest.raises(UnsupportedFile) as caught:
            read_boundaries(self.file(tmp_path, LATIN, "latin-1"), encoding=given)
        assert caught.value.reason == reason


AT = (114.3, 25.6)
SPOT = Polygon([AT] * 4)
STROKE = Polygon([AT, (114.4, 25.6), AT, AT])
SQUARE = box(114.30, 25.68, 114.31, 25.69)


class TestPartsWithoutGround:
    """Parts that are a point or a line are dropped and told, wherever they stand."""

    @pytest.mark.parametrize("flat", [SPOT, STROKE])
    @pytest.mark.parametrize("first", [True, False])
    def test_a_part_without_ground_does_not_hide_the_others(self, flat, first):
        mended, faults = repair(MultiPolygon([flat, SQUARE] if first else [SQUARE, flat]))
        assert mended.equals(SQUARE)
        assert "zero-area-part" in codes(faults)

    def test_a_hole_without_ground_is_dropped(self):
        mended, faults = repair(Polygon(SQUARE.exterior, [[(114.305, 25.685)] * 4]))
        assert mended.equals(SQUARE)
        assert faults

    @pytest.mark.parametrize("flat", [SPOT, STROKE, MultiPolygon([SPOT, STROKE])])
    def test_what_has_no_ground_at_all_is_named(self, flat):
        with pytest.raises(InvalidShape) as caught:
            repair(flat)
        assert caught.value.reason == "zero-area"
