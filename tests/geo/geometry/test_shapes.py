"""Reading GeoJSON strictly, and mending what files hold."""

import math

import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, Polygon, box

from geo.errors import InvalidCoordinate, InvalidShape
from geo.geometry.shapes import MOST_POINTS, line_of, point_of, polygon_of, repair, shape_of

SQUARE = [[114.0, 25.0], [115.0, 25.0], [115.0, 26.0], [114.0, 26.0], [114.0, 25.0]]


def polygon(*rings):
    return {"type": "Polygon", "coordinates": list(rings)}


def refusal(value, read=polygon_of):
    with pytest.raises((InvalidShape, InvalidCoordinate)) as caught:
        read(value)
    return caught.value


class TestReading:
    """What people and programs send is taken as it is, or refused with its place."""

    def test_a_polygon_with_a_hole_is_read(self):
        hole = [[114.2, 25.2], [114.4, 25.2], [114.4, 25.4], [114.2, 25.2]]
        shape = polygon_of(polygon(SQUARE, hole))
        assert shape.equals(Polygon(SQUARE, [hole]))

    def test_a_multipolygon_is_read(self):
        shape = polygon_of({"type": "MultiPolygon", "coordinates": [[SQUARE], [[[x + 2, y] for x, y in SQUARE]]]})
        assert isinstance(shape, MultiPolygon)
        assert shape.area == pytest.approx(2)

    def test_shells_come_back_counter_clockwise(self):
        assert polygon_of(polygon(SQUARE[::-1])).exterior.is_ccw

    def test_points_and_lines_are_read(self):
        assert point_of({"type": "Point", "coordinates": [114.3, 25.6]}) == Point(114.3, 25.6)
        assert line_of({"type": "LineString", "coordinates": [[114, 25], [115, 26]]}) == LineString(
            [(114, 25), (115, 26)]
        )

    def test_a_height_is_dropped(self):
        assert not shapely.has_z(polygon_of(polygon([[*place, 80.0] for place in SQUARE])))
        assert not shapely.has_z(point_of({"type": "Point", "coordinates": [114.3, 25.6, 80.0]}))

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            ("POLYGON ((0 0, 1 0, 1 1, 0 0))", "not-an-object"),
            ({"type": "Point", "coordinates": [114.3, 25.6]}, "wrong-type"),
            ({"coordinates": [SQUARE]}, "wrong-type"),
            ({"type": ["Polygon"], "coordinates": [SQUARE]}, "wrong-type"),
            ({"type": "Polygon"}, "no-coordinates"),
            (polygon(), "empty"),
            (polygon([]), "empty"),
            (polygon("SQUARE"), "empty"),
            (polygon(["ab", "cd", "ef", "ab"]), "not-a-position"),
            (polygon([[114.0], *SQUARE[1:]]), "not-a-position"),
            (polygon(SQUARE[:2] + SQUARE[:1]), "too-few-points"),
            (polygon(SQUARE[:-1]), "unclosed-ring"),
            (polygon([[114, 25], [115, 26], [114, 25], [114, 25]]), "too-few-points"),
            (polygon([[114, 25], [115, 26], [116, 27], [115, 26], [114, 25]]), "self-crossing"),
            (polygon([[114, 25]] * 4), "too-few-points"),
        ],
    )
    def test_what_is_no_polygon_is_refused_with_the_reason(self, value, reason):
        assert refusal(value).reason == reason

    @pytest.mark.parametrize(
        ("number", "reason"),
        [
            (math.nan, "not-finite"),
            (math.inf, "not-finite"),
            ("114.0", "not-a-number"),
            (None, "not-a-number"),
            (True, "not-a-number"),
            (10**400, "out-of-range"),
            (181.0, "out-of-range"),
        ],
    )
    def test_a_bad_number_is_named_by_its_path(self, number, reason):
        error = refusal(polygon([*SQUARE[:3], [number, 26.0], SQUARE[4]]))
        assert (error.reason, error.field) == (reason, "coordinates[0][3].lon")

    def test_latitude_before_longitude_is_recognised(self):
        error = refusal({"type": "Point", "coordinates": [25.6, 114.3]}, point_of)
        assert (error.reason, error.field, error.value) == ("swapped", "coordinates.lat", 114.3)

    def test_a_crossing_is_named_by_its_place(self):
        error = refusal(polygon([[114, 25], [115, 26], [115, 25], [114, 26], [114, 25]]))
        assert (error.reason, error.lon, error.lat) == ("self-crossing", 114.5, 25.5)

    def test_an_unclosed_ring_is_named_by_its_last_place(self):
        error = refusal(polygon(SQUARE[:-1]))
        assert (error.lon, error.lat, error.path) == (114.0, 26.0, "coordinates[0]")

    def test_a_hole_outside_is_named_by_its_place(self):
        error = refusal(polygon(SQUARE, [[116, 25], [117, 25], [117, 26], [116, 25]]))
        assert (error.reason, error.lon) == ("hole-outside", 116)

    def test_nested_parts_are_refused(self):
        inner = [[114.2, 25.2], [114.4, 25.2], [114.4, 25.4], [114.2, 25.2]]
        assert refusal({"type": "MultiPolygon", "coordinates": [[SQUARE], [inner]]}).reason == "nested-parts"

    def test_a_polygon_round_the_world_is_refused(self):
        assert (
            refusal(polygon([[-179, -80], [179, -80], [179, 80], [-179, 80], [-179, -80]])).reason == "round-the-world"
        )

    @pytest.mark.long
    def test_more_points_than_any_border_has_are_refused(self):
        assert refusal(polygon([[114, 25]] * (MOST_POINTS + 1))).reason == "too-many-points"

    def test_the_feature_of_a_collection_is_named(self):
        with pytest.raises(InvalidShape) as caught:
            polygon_of(polygon(SQUARE[:-1]), feature=7)
        assert caught.value.feature == 7

    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
            lambda inner: st.lists(inner, max_size=5),
            max_leaves=30,
        ),
        st.sampled_from(["Point", "LineString", "Polygon", "MultiPolygon"]),
    )
    def test_whatever_is_sent_as_coordinates_is_read_or_refused(self, coordinates, kind):
        try:
            shape = shape_of({"type": kind, "coordinates": coordinates}, (kind,))
        except (InvalidShape, InvalidCoordinate):
            return
        assert shape.is_valid


class TestMending:
    """What files hold is mended, and every fault is told."""

    def test_a_valid_polygon_comes_back_as_it_is_without_faults(self):
        square = Polygon(SQUARE)
        assert repair(square) == (square, [])

    def test_a_bow_tie_becomes_two_parts_and_says_where_it_crossed(self):
        mended, faults = repair(Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]))
        assert (len(mended.geoms), mended.area) == (2, pytest.approx(0.5))
        assert [
            (fault.code, fault.severity, fault.lon, fault.lat) for fault in faults if fault.code == "self-crossing"
        ] == [("self-crossing", "error", 0.5, 0.5)]

    def test_every_crossing_has_its_place(self):
        steps = [(x, x % 2) for x in range(6)]
        _, faults = repair(Polygon([*steps, *[(x, 1 - y) for x, y in reversed(steps)]]))
        assert sorted(fault.lon for fault in faults if fault.code == "self-crossing") == [0.5, 1.5, 2.5, 3.5, 4.5]

    def test_a_spike_is_cut_off_and_its_tip_told(self):
        mended, faults = repair(Polygon([(0, 0), (1, 0), (1, 0.5), (3, 0.5), (1, 0.5), (1, 1), (0, 1)]))
        assert mended.equals(box(0, 0, 1, 1))
        assert ("spike", 3.0, 0.5) in [(fault.code, fault.lon, fault.lat) for fault in faults]

    def test_repeated_points_go_and_are_counted(self):
        mended, faults = repair(Polygon([(0, 0), (1, 0), (1, 0), (1, 1), (1, 1), (0, 1)]))
        assert shapely.get_num_coordinates(mended) == 5
        assert [(fault.code, fault.severity, fault.detail) for fault in faults] == [
            ("repeated-points", "note", {"count": 2})
        ]

    def test_a_hole_outside_becomes_a_part_and_is_told(self):
        _, faults = repair(Polygon([(0, 0), (1, 0), (1, 1), (0, 1)], [[(2, 0), (3, 0), (3, 1)]]))
        assert ("hole-outside", 2.0) in [(fault.code, fault.lon) for fault in faults]

    def test_a_part_without_area_goes_and_is_told(self):
        flat = Polygon([(5, 5), (6, 6), (7, 7), (5, 5)])
        mended, faults = repair(MultiPolygon([box(0, 0, 1, 1), flat]))
        assert mended.equals(box(0, 0, 1, 1))
        assert "zero-area-part" in [fault.code for fault in faults]

    def test_overlapping_parts_become_one_and_are_told(self):
        mended, faults = repair(MultiPolygon([box(0, 0, 2, 1), box(1, 0, 3, 1)]))
        assert mended.equals(box(0, 0, 3, 1))
        assert [fault.code for fault in faults] == ["self-crossing"]

    def test_a_change_of_area_is_told_with_its_size(self):
        angles = [math.radians(90 + 144 * n) for n in range(5)]
        star = Polygon([(math.cos(angle), math.sin(angle)) for angle in angles])
        mended, faults = repair(star)
        (change,) = [fault.detail["percent"] for fault in faults if fault.code == "area-changed"]
        as_drawn = shapely.make_valid(star).area
        assert abs(change) > 1
        assert mended.area == pytest.approx(as_drawn / (1 - change / 100))

    def test_what_has_no_area_at_all_is_refused_with_its_place(self):
        with pytest.raises(InvalidShape) as caught:
            repair(Polygon([(5, 5), (6, 6), (7, 7), (5, 5)]))
        assert (caught.value.reason, caught.value.lon, caught.value.lat) == ("zero-area", 5.0, 5.0)

    def test_what_is_no_polygon_is_refused(self):
        with pytest.raises(InvalidShape) as caught:
            repair(LineString([(0, 0), (1, 1)]))
        assert caught.value.reason == "wrong-type"

    @example([(0, 0), (1, 1), (1, 0), (0, 0), (1, 1), (0, 1)])
    @example([(0, 0), (0, 1), (0, 0), (0, 1), (1, 0)])
    @given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=12))
    def test_any_ring_is_mended_to_a_valid_shape_and_faulted_if_it_was_not_one(self, places):
        drawn = Polygon(places)
        try:
            mended, faults = repair(drawn)
        except InvalidShape as error:
            assert error.reason == "zero-area"  # noqa: PT017
            return
        assert mended.is_valid
        assert mended.area > 0
        if not drawn.is_valid:
            assert any(fault.severity == "error" for fault in faults)
