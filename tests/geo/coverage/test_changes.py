"""Which ground passes from area to area, and what that makes of the areas."""

import itertools

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from geo.coverage.changes import Descent, area_m2, descents, fragments

WEST, EAST = box(114.30, 25.68, 114.31, 25.69), box(114.31, 25.68, 114.32, 25.69)
BOTH = box(114.30, 25.68, 114.32, 25.69)
SOUTH_WEST, NORTH_WEST = box(114.30, 25.68, 114.31, 25.685), box(114.30, 25.685, 114.31, 25.69)


def pieces(before, after):
    return [(each.source, each.target, each.polygon.bounds) for each in fragments(before, after)]


def became(before, after):
    return descents(fragments(before, after), before, after)


def test_what_stays_is_no_piece():
    assert fragments({"w": WEST}, {"w": WEST}) == []


def test_a_moved_border_passes_one_piece_and_makes_no_descent():
    before = {"w": WEST, "e": EAST}
    after = {"w": box(114.30, 25.68, 114.312, 25.69), "e": box(114.312, 25.68, 114.32, 25.69)}
    assert pieces(before, after) == [("e", "w", (114.31, 25.68, 114.312, 25.69))]
    assert became(before, after) == []


def test_a_split_into_new_codes_names_both_halves():
    before, after = {"w": WEST}, {"s": SOUTH_WEST, "n": NORTH_WEST}
    assert became(before, after) == [Descent("w", "n", "split"), Descent("w", "s", "split")]


def test_a_split_whose_half_keeps_the_code_names_the_other():
    assert became({"w": WEST}, {"w": SOUTH_WEST, "n": NORTH_WEST}) == [Descent("w", "n", "split")]


def test_merging_into_one_that_stays_or_into_a_new_one_is_told():
    before = {"w": WEST, "e": EAST}
    assert became(before, {"w": BOTH}) == [Descent("e", "w", "merged")]
    assert became(before, {"b": BOTH}) == [Descent("e", "b", "merged"), Descent("w", "b", "merged")]


def test_the_same_ground_under_another_code_became_it():
    assert became({"w": WEST}, {"x": WEST}) == [Descent("w", "x", "became")]


def test_ground_given_up_and_new_ground_have_no_other_side():
    assert pieces({"w": WEST}, {"e": EAST}) == [("w", None, WEST.bounds), (None, "e", EAST.bounds)]


def test_sizes_are_of_the_ellipsoid():
    assert area_m2(box(0, 0, 1, 1)) == pytest.approx(12_308_778_361, rel=1e-6)


steps = st.integers(1, 99).map(lambda n: 114.30 + n * 2e-4)


@settings(max_examples=30)
@given(st.lists(steps, min_size=3, max_size=3, unique=True), st.lists(steps, min_size=3, max_size=3, unique=True))
def test_the_pieces_are_all_of_the_ground_that_changed_hands_once(old, new):
    def cut(places):
        lines = [114.30, *sorted(places), 114.32]
        return {str(n): box(west, 25.68, east, 25.69) for n, (west, east) in enumerate(itertools.pairwise(lines))}

    before, after = cut(old), cut(new)
    found = fragments(before, after)
    assert all(each.source and each.target for each in found)
    lost = sum(shapely.difference(before[code], after[code]).area for code in before)
    assert sum(each.polygon.area for each in found) == pytest.approx(lost, abs=1e-12)
    assert all(shapely.difference(each.polygon, before[each.source]).area < 1e-12 for each in found)
    assert all(shapely.difference(each.polygon, after[each.target]).area < 1e-12 for each in found)
