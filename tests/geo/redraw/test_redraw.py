"""Merging, reshaping, naming, adding, replacing and retiring; and any number of redraws one after another."""

import os

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Polygon, box

from geo.errors import InvalidShape
from geo.redraw import AreaShape, Entry, Layer, Piece, add, merge, reassign, rename, replace_all, reshape, retire, split
from geo.redraw.errors import (
    CodeTaken,
    DrawnOverAnother,
    FallsApart,
    LineAlongBorder,
    LineDoesNotCross,
    LineEndsInside,
    NotAdjacent,
    RedrawRefused,
    UnknownTract,
)
from geo.redraw.merge import common_border
from tests.geo.redraw_city import CORNER, PER_METRE, area, city, faults, ground, holes, line, squares

EXAMPLES = int(os.environ.get("REDRAW_EXAMPLES", "60"))
FOUR = squares(a=(0, 0), b=(100, 0), c=(0, 100), d=(100, 100))


def at(error):
    """The place of an error in metres."""
    return tuple(np.round((np.array([error.lon, error.lat]) - CORNER) / PER_METRE, 1).tolist())


def metres(polygon):
    return tuple(np.round((np.array(polygon.bounds).reshape(2, 2) - CORNER) / PER_METRE, 1).ravel().tolist())


def passed(done):
    return [(each.source, each.target, metres(each.polygon)) for each in done.moved]


class TestNodes:
    """A line that ends on the border of others gives them a node, and no more."""

    SLANTED = Layer(
        {
            code: AreaShape(ground(Polygon(corners)), code)
            for code, corners in {
                "a": [(0, 0), (100, 0), (137, 100), (0, 100)],
                "b": [(100, 0), (300, 0), (300, 100), (137, 100)],
            }.items()
        }
    )

    def cut(self):
        return split(self.SLANTED, "a", line((-10, 33.3), (150, 44.7)), Piece("a", "西"), Piece("n", "新"))

    def test_a_neighbour_on_whose_slanted_border_a_line_ends_is_only_noded(self):
        done = self.cut()
        assert "b" in done.put
        assert (done.only_noded("b"), done.only_noded("a"), done.only_noded("n")) == (True, False, False)

    def test_a_border_that_moved_by_a_hand_is_more_than_a_node(self):
        done = reshape(self.SLANTED, "a", "b", line((90, -10), (118.6, 50), (137, 110)))
        assert not done.only_noded("b")

    def test_another_name_is_more_than_a_node(self):
        assert not rename(self.SLANTED, "b", "东").only_noded("b")


class TestMerging:
    """Common borders go, and nothing else."""

    def test_two_become_one_under_the_code_of_either(self):
        done = merge(FOUR, ["a", "b"], "b")
        assert (done.codes_before, done.codes_after, done.gone) == (("a", "b"), ("b",), ("a",))
        assert metres(done.sheet["b"].polygon) == (0, 0, 200, 100)
        assert passed(done) == [("a", "b", (0, 0, 100, 100))]
        assert Entry("a", "b", "merged") in done.lineage
        assert faults(done.sheet) == []

    def test_all_become_one_under_a_new_code_and_name(self):
        done = merge(FOUR, ["a", "b", "c", "d"], "e", "全", "p")
        assert (done.sheet["e"].name, done.sheet["e"].parent_code, list(done.sheet.tracts)) == ("全", "p", ["e"])
        assert area(done.sheet) == area(FOUR)

    def test_neighbours_are_left_as_they_are(self):
        assert set(merge(FOUR, ["a", "b"], "a").put) == {"a"}

    def test_merging_what_was_split_gives_the_ground_back(self):
        halves = split(FOUR, "a", line((37, -10), (61, 110)), Piece("a"), Piece("e")).sheet
        done = merge(halves, ["a", "e"], "a")
        assert done.sheet["a"].polygon.area == pytest.approx(FOUR["a"].polygon.area, rel=1e-7)
        assert faults(done.sheet) == []

    def test_areas_with_a_common_corner_are_not_adjacent(self):
        with pytest.raises(NotAdjacent) as caught:
            merge(FOUR, ["a", "d"], "a")
        assert (caught.value.area, at(caught.value)) == ("d", (100, 100))

    def test_one_area_alone_and_codes_that_are_taken_or_unknown_are_refused(self):
        with pytest.raises(NotAdjacent):
            merge(FOUR, ["a", "a"], "a")
        with pytest.raises(CodeTaken):
            merge(FOUR, ["a", "b"], "c")
        with pytest.raises(UnknownTract):
            merge(FOUR, ["a", "z"], "a")


class TestReshaping:
    """The border moves, and both follow."""

    def test_the_whole_border_moves_and_the_neighbours_get_its_ends(self):
        done = reshape(FOUR, "a", "b", line((120, -10), (120, 120)))
        assert metres(done.sheet["a"].polygon) == (0, 0, 120, 100)
        assert passed(done) == [("b", "a", (100, 0, 120, 100))]
        assert done.codes_after == ("a", "b", "d")
        assert {entry for entry in done.lineage if entry.source in "ab"} == {
            Entry("a", "a", "reshaped"),
            Entry("b", "b", "reshaped"),
        }
        assert faults(done.sheet) == []

    def test_only_the_part_between_the_ends_moves(self):
        done = reshape(FOUR, "a", "b", line((100, 20), (130, 50), (100, 80)))
        assert passed(done) == [("b", "a", (100, 20, 130, 80))]
        assert done.codes_after == ("a", "b")

    def test_a_line_that_swings_to_both_sides_passes_ground_both_ways(self):
        done = reshape(FOUR, "a", "b", line((100, 10), (120, 30), (80, 70), (100, 90)))
        assert [pair[:2] for pair in passed(done)] == [("a", "b"), ("b", "a")]
        assert faults(done.sheet) == []

    def test_a_turned_border_keeps_the_larger_pieces(self):
        done = reshape(FOUR, "a", "b", line((70, -10), (130, 110)))
        assert faults(done.sheet) == []
        assert area(done.sheet) == pytest.approx(area(FOUR), rel=1e-6)

    def test_a_line_that_ends_in_the_open_is_refused(self):
        with pytest.raises(LineEndsInside) as caught:
            reshape(FOUR, "a", "b", line((100, 20), (130, 50)))
        assert at(caught.value) == (130, 50)

    def test_a_line_along_the_border_or_away_from_it_is_refused(self):
        with pytest.raises(LineAlongBorder):
            reshape(FOUR, "a", "b", line((100, 20), (100, 60)))
        with pytest.raises(LineDoesNotCross):
            reshape(FOUR, "a", "b", line((300, 20), (300, 60)))

    def test_a_line_that_would_leave_an_area_in_two_is_refused(self):
        with pytest.raises(FallsApart) as caught:
            reshape(FOUR, "a", "b", line((20, -10), (20, 30), (-10, 30)))
        assert (caught.value.area, at(caught.value)) == ("b", (10, 15))

    def test_areas_that_share_no_border_are_refused(self):
        for other in ("d", "a"):
            with pytest.raises(NotAdjacent):
                reshape(FOUR, "a", other, line((100, 20), (130, 50), (100, 80)))


class TestNaming:
    """The ground stays."""

    def test_a_name_and_a_parent_change_nothing_else(self):
        done = rename(FOUR, "a", "新名")
        assert (done.put, done.moved) == ({"a": AreaShape(FOUR["a"].polygon, "新名")}, ())
        assert done.lineage == (Entry("a", "a", "renamed"),)
        assert reassign(FOUR, "a", "p").lineage == (Entry("a", "a", "moved"),)

    def test_the_same_name_again_is_no_change(self):
        assert rename(FOUR, "a", "a").put == {}

    def test_unknown_areas_are_refused(self):
        for redraw in (rename, reassign):
            with pytest.raises(UnknownTract):
                redraw(FOUR, "z", "x")


class TestLaying:
    """What is added or replaced fits to what stays."""

    def test_an_area_is_added_beside_others_and_they_get_its_nodes(self):
        done = add(FOUR, "e", AreaShape(ground(box(200, 20, 300, 80)), "新"))
        assert faults(done.sheet) == []
        assert done.codes_after == ("b", "e")
        assert passed(done) == [(None, "e", (200, 20, 300, 80))]
        assert Entry("e", "e", "added") in done.lineage

    def test_what_was_drawn_by_hand_follows_the_border_that_is_there(self):
        drawn = [(200.4, 0), (300, 0), (300, 100), (199.7, 100), (200.3, 70), (199.6, 30)]
        done = add(FOUR, "e", AreaShape(ground(Polygon(drawn))))
        assert faults(done.sheet) == []
        assert metres(done.sheet["e"].polygon)[2:] == (300, 100)
        assert FOUR["b"].polygon.equals(done.sheet["b"].polygon)

    def test_an_area_over_another_is_refused_with_the_place(self):
        with pytest.raises(DrawnOverAnother) as caught:
            add(FOUR, "e", AreaShape(ground(box(150, 20, 300, 80))))
        assert (caught.value.area, at(caught.value)) == ("b", (175, 50))

    def test_an_open_gap_thinner_than_a_metre_is_closed(self):
        done = add(FOUR, "e", AreaShape(ground(box(200.5, 20, 300, 80))))
        assert metres(done.sheet["e"].polygon) == (200, 20, 300, 80)
        assert faults(done.sheet) == []

    def test_a_code_that_is_taken_is_refused(self):
        with pytest.raises(CodeTaken):
            add(FOUR, "a", AreaShape(ground(box(200, 20, 300, 80))))

    @pytest.mark.parametrize(
        ("points", "reason", "where"),
        [
            ([(200, 0), (300, 100), (300, 0), (200, 100)], "self-crossing", (250, 50)),
            ([(200, 0), (300, 0), (250, 50), (300, 100), (200, 100), (250, 50)], "self-crossing", (250, 50)),
            ([(200, 0), (300, 0), (300, 0), (300, 100)], "repeated-points", (300, 0)),
            ([(200, 0), (300, 0), (250, 0)], "zero-area", (200, 0)),
        ],
    )
    def test_a_ring_that_is_none_is_refused_with_the_place(self, points, reason, where):
        with pytest.raises(InvalidShape) as caught:
            add(FOUR, "e", AreaShape(ground(Polygon(points))))
        assert (caught.value.reason, at(caught.value)) == (reason, where)

    def test_an_area_round_the_world_is_refused(self):
        with pytest.raises(InvalidShape) as caught:
            add(FOUR, "e", AreaShape(box(-179, 20, 179, 30)))
        assert caught.value.reason == "round-the-world"

    def test_two_areas_are_replaced_at_once(self):
        done = replace_all(
            FOUR, {"a": ground(box(0, 0, 130, 100)), "b": ground(Polygon([(130, 0), (200, 0), (200, 100), (130, 100)]))}
        )
        assert passed(done) == [("b", "a", (100, 0, 130, 100))]
        assert faults(done.sheet) == []

    def test_replacements_that_lie_over_each_other_are_refused(self):
        with pytest.raises(DrawnOverAnother):
            replace_all(FOUR, {"a": ground(box(0, 0, 130, 100)), "b": ground(box(100, 0, 200, 100))})

    def test_ground_that_is_given_up_is_nobodys(self):
        assert passed(replace_all(FOUR, {"a": ground(box(20, 0, 100, 100))})) == [("a", None, (0, 0, 20, 100))]
        done = retire(FOUR, "a")
        assert (done.gone, passed(done)) == (("a",), [("a", None, (0, 0, 100, 100))])
        assert done.lineage == (Entry("a", "a", "retired"),)

    def test_retiring_what_is_not_there_is_refused(self):
        with pytest.raises(UnknownTract):
            retire(FOUR, "z")


def test_faults_that_were_there_before_do_not_stand_in_the_way():
    gaping = Layer({**FOUR.tracts, "e": AreaShape(ground(box(200.5, 0, 300, 100)))})
    done = split(gaping, "b", line((100, 40), (200, 40)), Piece("b"), Piece("f"))
    assert set(done.sheet.tracts) == {*"abcdef"}


def slanted(draw, sheet, code):
    """A line through an area, long enough to leave it, mostly."""
    shape = sheet[code].polygon
    inside = np.array(shape.representative_point().coords[0])
    size, angle = np.sqrt(shape.area), draw(st.floats(0, 2 * np.pi))
    way = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-way[1], way[0]])
    points = [inside - 3 * size * way, inside + draw(st.floats(-0.2, 0.2)) * size * across, inside + 3 * size * way]
    return LineString(points)


def bent(draw, sheet, one, other):
    """A line that leaves the border of two areas somewhere and comes back to it elsewhere."""
    shapes = sheet.units([one, other])
    edges = sorted(common_border(shapes[one], shapes[other]))
    border = shapely.line_merge(shapely.multilinestrings([[edge[:2], edge[2:]] for edge in edges]))
    course = max(shapely.get_parts(border), key=lambda part: part.length)
    start, end = (course.interpolate(draw(st.floats(*span)), normalized=True) for span in ((0, 0.45), (0.55, 1)))
    middle = (np.array(start.coords[0]) + np.array(end.coords[0])) / 2
    chord = np.array(end.coords[0]) - np.array(start.coords[0])
    tip = middle + draw(st.floats(-0.4, 0.4)) * np.array([-chord[1], chord[0]])
    return LineString(np.array([start.coords[0], tip, end.coords[0]]) / 1e8)


def redraw(draw, sheet, number):
    """One redraw at random."""
    codes = sorted(sheet.tracts)
    code = draw(st.sampled_from(codes))
    kind = draw(st.sampled_from(["split", "merge", "reshape"]))
    if kind == "split":
        return split(sheet, code, slanted(draw, sheet, code), Piece(code), Piece(f"n{number}"))
    own = sheet.units([code])[code]
    around = sheet.units(set(sheet.near(sheet[code].polygon)) - {code})
    neighbours = [each for each, shape in around.items() if common_border(own, shape)]
    if not neighbours:
        return None
    other = draw(st.sampled_from(neighbours))
    if kind == "merge":
        return merge(sheet, [code, other], draw(st.sampled_from([code, other, f"n{number}"])))
    return reshape(sheet, code, other, bent(draw, sheet, code, other))


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data())
def test_random_redraws_end_in_a_coverage_with_all_of_its_ground(data):
    start = sheet = city(data.draw(st.integers(0, 3)))
    for number in range(data.draw(st.integers(1, 6))):
        try:
            done = redraw(data.draw, sheet, number)
        except RedrawRefused:
            continue
        if done is not None:
            sheet = done.sheet
    assert faults(sheet) == []
    assert holes(sheet) == 0
    assert area(sheet) == pytest.approx(area(start), rel=1e-9)
    assert all(tract.polygon.geom_type == "Polygon" for tract in sheet.tracts.values())
