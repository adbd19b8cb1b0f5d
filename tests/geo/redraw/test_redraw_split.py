"""Splitting: both pieces, the neighbours and the whole; and the lines that are refused, with the place."""

import os

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, box

from geo.errors import InvalidCoordinate, InvalidShape
from geo.redraw.errors import (
    CodeTaken,
    LineAlongBorder,
    LineCrossesItself,
    LineCrossesTwice,
    LineDoesNotCross,
    LineEndsInside,
    UnknownTract,
)
from geo.redraw.layer import AreaShape, Entry, Layer
from geo.redraw.split import Piece, split
from tests.geo.redraw_city import CORNER, PER_METRE, area, city, faults, ground, holes, line, squares

EXAMPLES = int(os.environ.get("REDRAW_EXAMPLES", "60"))
FOUR = squares(a=(0, 0), b=(100, 0), c=(0, 100), d=(100, 100))
UP, ACROSS = ((50, -20), (50, 120)), ((-20, 30), (120, 30))


def cut(*points, sheet=FOUR, code="a", left="a", right="e"):
    return split(sheet, code, line(*points), Piece(left), Piece(right, "新"))


def at(error):
    """The place of an error in metres."""
    return tuple(np.round((np.array([error.lon, error.lat]) - CORNER) / PER_METRE, 1).tolist())


def metres(polygon):
    return tuple(np.round((np.array(polygon.bounds).reshape(2, 2) - CORNER) / PER_METRE, 1).ravel().tolist())


def test_the_pieces_lie_left_and_right_of_the_line_as_it_was_drawn():
    done = cut(*UP)
    assert metres(done.sheet["a"].polygon) == (0, 0, 50, 100)
    assert metres(done.sheet["e"].polygon) == (50, 0, 100, 100)
    turned = cut(*UP[::-1])
    assert metres(turned.sheet["a"].polygon) == (50, 0, 100, 100)


def test_a_split_tells_what_changed():
    done = cut(*UP)
    assert (done.codes_before, done.codes_after, done.gone) == (("a", "c"), ("a", "c", "e"), ())
    assert [(each.source, each.target, metres(each.polygon)) for each in done.moved] == [("a", "e", (50, 0, 100, 100))]
    assert Entry("a", "e", "split") in done.lineage
    assert (done.sheet["a"].name, done.sheet["e"].name) == ("a", "新")
    assert done.sheet["b"] is FOUR["b"]


def test_where_both_pieces_get_new_codes_the_old_one_is_gone():
    done = cut(*UP, left="e", right="f")
    assert done.gone == ("a",)
    assert {entry for entry in done.lineage if entry.how == "split"} == {
        Entry("a", "e", "split"),
        Entry("a", "f", "split"),
    }
    assert Entry("a", "a", "retired") in done.lineage


def test_the_neighbour_receives_the_new_node():
    done = cut((37.77777, -20), (61.23456, 130))
    node = set(shapely.get_coordinates(done.sheet["e"].polygon).view(complex).ravel())
    assert len(node & set(shapely.get_coordinates(done.sheet["c"].polygon).view(complex).ravel())) == 2
    assert faults(done.sheet) == []


def test_a_line_may_turn_and_end_on_the_border_or_a_hand_breadth_before_it():
    done = cut((0, 30), (40, 35), (60, 80), (100, 82))
    assert faults(done.sheet) == []
    short = cut((0.05, 30), (40, 35), (60, 80), (99.95, 82))
    assert faults(short.sheet) == []
    assert short.sheet["e"].polygon.area == pytest.approx(done.sheet["e"].polygon.area, rel=1e-3)


def test_a_line_may_end_at_corners():
    assert faults(cut((0, 0), (100, 100)).sheet) == []


@pytest.mark.parametrize("by_units", range(-3, 4))
def test_a_line_that_misses_a_corner_by_less_than_the_grid_leaves_no_crumbs(by_units):
    corner = np.array(FOUR["a"].polygon.bounds[2:])
    drawn = LineString([corner - 2e-3, corner + 2e-3 + [by_units * 1e-8, 0]])
    done = split(FOUR, "a", drawn, Piece("a"), Piece("e"))
    assert faults(done.sheet) == []
    for ring in shapely.get_rings(list(done.sheet.units(done.sheet.tracts).values())):
        steps = np.diff(shapely.get_coordinates(ring), axis=0)
        assert np.hypot(*steps.T).min() >= 1


def test_a_line_may_pass_over_an_area_enclosed():
    ring = AreaShape(ground(shapely.difference(box(0, 0, 300, 300), box(100, 100, 200, 200))), "ring")
    sheet = Layer({"a": ring, "in": AreaShape(ground(box(100, 100, 200, 200)), "in")})
    done = cut((-10, 151), (310, 149), sheet=sheet)
    assert faults(done.sheet) == []
    assert area(done.sheet) == pytest.approx(area(sheet), rel=1e-6)


def test_parts_that_are_not_cut_stay_with_the_nearer_piece():
    both = AreaShape(ground(MultiPolygon([box(0, 0, 100, 100), box(150, 0, 180, 100)])), "a")
    done = cut(*UP, sheet=Layer({"a": both}))
    assert len(shapely.get_parts(done.sheet["e"].polygon)) == 2


class TestRefusals:
    """Each bad line has its own answer, and the place."""

    def test_a_line_that_does_not_meet_the_area(self):
        with pytest.raises(LineDoesNotCross) as caught:
            cut((-50, 0), (-50, 100))
        assert at(caught.value) == (-50, 50)

    def test_a_line_that_only_touches_a_corner(self):
        with pytest.raises(LineDoesNotCross):
            cut((-50, 50), (50, -50))

    def test_a_line_that_ends_inside(self):
        with pytest.raises(LineEndsInside) as caught:
            cut((50, -20), (50, 60))
        assert at(caught.value) == (50, 60)

    def test_a_line_that_crosses_twice(self):
        with pytest.raises(LineCrossesTwice) as caught:
            cut((30, -20), (30, 120), (70, 120), (70, -20))
        assert at(caught.value) == (70, 50)

    @pytest.mark.parametrize("points", [((0, -20), (0, 120)), ((50, -20), (50, 0), (80, 0), (80, 120))])
    def test_a_line_along_a_border(self, points):
        with pytest.raises(LineAlongBorder):
            cut(*points)

    def test_a_line_that_leaves_half_a_metre(self):
        with pytest.raises(LineAlongBorder):
            cut((0.5, -20), (0.5, 120))

    def test_a_line_that_crosses_itself(self):
        with pytest.raises(LineCrossesItself) as caught:
            cut((50, -20), (50, 120), (80, 120), (80, 50), (20, 50), (20, 120))
        assert at(caught.value) == (50, 50)

    def test_a_line_with_a_point_twice(self):
        with pytest.raises(InvalidShape) as caught:
            cut((50, -20), (50, 50), (50, 50), (50, 120))
        assert (caught.value.reason, at(caught.value)) == ("repeated-points", (50, 50))

    def test_a_line_round_the_world(self):
        with pytest.raises(InvalidShape) as caught:
            split(FOUR, "a", LineString([(-179, 25), (179, 25)]), Piece("a"), Piece("e"))
        assert caught.value.reason == "round-the-world"

    @pytest.mark.parametrize("wrong", [(114.2, 95.0), (114.2, float("inf"))])
    def test_a_line_that_leaves_the_earth(self, wrong):
        with pytest.raises(InvalidCoordinate):
            split(FOUR, "a", LineString([(114.2, 25.6), wrong]), Piece("a"), Piece("e"))

    def test_codes_that_are_unknown_or_taken(self):
        with pytest.raises(UnknownTract):
            cut(*UP, code="z")
        for left, right in (("a", "a"), ("b", "e"), ("e", "d")):
            with pytest.raises(CodeTaken):
                cut(*UP, left=left, right=right)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(0, 3), st.integers(0, 23), st.floats(0, np.pi), st.floats(-0.5, 0.5), st.floats(-0.3, 0.3))
def test_any_slanted_line_cuts_in_two_and_leaves_a_coverage(seed, which, angle, aside, bend):
    sheet = city(seed)
    code = f"{which:03d}"
    whole = sheet[code].polygon
    size = np.array([np.sqrt(whole.area)] * 2)
    middle, way = np.array(whole.centroid.coords[0]), np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-way[1], way[0]])
    middle = middle + across * aside * 0.5 * size
    drawn = LineString([middle - 4 * size * way, middle + bend * 0.2 * size * across, middle + 4 * size * way])
    try:
        done = split(sheet, code, drawn, Piece(code), Piece("new"))
    except (LineDoesNotCross, LineAlongBorder, LineCrossesTwice):
        # Only by a corner of the area, or through a bay of it.
        assert abs(aside) > 0.3 or bend
        return
    assert faults(done.sheet) == []
    assert holes(done.sheet) == 0
    assert area(done.sheet) == pytest.approx(area(sheet), rel=1e-9)
    on_left = shapely.Polygon(
        [*drawn.coords, tuple(middle + 4 * size * (way + across)), tuple(middle + 4 * size * (across - way))]
    )
    assert on_left.contains(Point(done.sheet[code].polygon.representative_point()))
