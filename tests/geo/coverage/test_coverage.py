"""Coverages: what breaks them is found with its place, and mended with a diff."""

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Polygon, box
from shapely.affinity import translate

from geo.coverage.coverage import check, check_nesting, clean
from geo.coverage.survey import Survey
from geo.errors import InvalidCoverage
from geo.geometry.datum import UNITS_PER_DEGREE
from geo.locate.nearby import metres_per_unit

CENTRE = np.array([114.308, 25.682])
PER_METRE = 1 / (np.array([float(scale) for scale in metres_per_unit(np.array(25.682e8))]) * UNITS_PER_DEGREE)


def ground(geometry):
    """A geometry in metres east and north of the county seat, as degrees."""
    return shapely.transform(geometry, lambda metres: np.round(CENTRE + metres * PER_METRE, 8))


def metres(geometry):
    return shapely.transform(geometry, lambda degrees: (degrees - CENTRE) / PER_METRE)


def squares(*corners):
    """Polygons of 100 m a side from their lower left corners in metres."""
    return [ground(box(x, y, x + 100, y + 100)) for x, y in corners]


def found(polygons, gap_width_m=1.0):
    return [(finding.code, finding.members) for finding in check(polygons, gap_width_m)]


def voronoi(count, seed):
    points = np.random.default_rng(seed).random((count, 2)) * 1000
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points)))
    return [ground(cell) for cell in shapely.set_precision(shapely.intersection(cells, box(0, 0, 1000, 1000)), 0.01)]


def shaken_city(seed, by_m):
    """A city each of whose areas was drawn without looking at its neighbours."""
    phases = np.random.default_rng(seed).random((15, 2)) * 6
    drawn = [
        ground(shapely.transform(metres(cell), lambda xy: xy + by_m / 2 * np.sin(xy[:, ::-1] / 30 + phase)))  # noqa: B023
        for cell, phase in zip(voronoi(15, seed % 3), phases, strict=True)
    ]
    return [shapely.make_valid(cell, method="structure", keep_collapsed=False) for cell in drawn]


class TestChecking:
    """Each kind of fault is told apart from the others."""

    def test_a_coverage_has_no_findings(self):
        assert check(squares((0, 0), (100, 0), (0, 100), (100, 100)), 1.0) == []

    @pytest.mark.parametrize("seed", range(3))
    def test_a_divided_city_has_no_findings(self, seed):
        assert check(voronoi(80, seed), 1.0) == []

    def test_areas_that_lie_apart_are_a_coverage(self):
        assert found(squares((0, 0), (500, 0))) == []

    def test_an_overlap_is_found_with_its_place_and_area(self):
        (finding,) = check(squares((0, 0), (90, 0)), 1.0)
        assert (finding.code, finding.severity, finding.members) == ("overlap", "error", (0, 1))
        assert finding.area_m2 == pytest.approx(1000, rel=1e-3)
        assert finding.width_m == pytest.approx(10, rel=2e-2)
        assert metres(finding.geometry).bounds == pytest.approx((90, 0, 100, 100), abs=0.01)

    def test_every_overlap_of_many_is_found(self):
        overlapping = squares((0, 0), (90, 0), (1000, 0), (1090, 0), (2000, 0), (2000, 90))
        assert found(overlapping) == [("overlap", (0, 1)), ("overlap", (2, 3)), ("overlap", (4, 5))]

    def test_a_thin_overlap_is_a_sliver(self):
        assert found(squares((0, 0), (99.5, 0))) == [("sliver", (0, 1))]

    def test_an_area_within_another_overlaps_it(self):
        assert ("overlap", (0, 1)) in found([*squares((0, 0)), ground(box(20, 20, 40, 40))])

    def test_the_same_area_twice_overlaps(self):
        assert ("overlap", (0, 1)) in found(squares((0, 0), (0, 0)))

    def test_a_gap_between_two_that_is_open_at_its_ends_is_found_as_lines(self):
        (finding,) = check(squares((0, 0), (100.5, 0)), 1.0)
        assert (finding.code, finding.members, finding.area_m2) == ("gap", (0, 1), 0)
        assert metres(finding.geometry).bounds == pytest.approx((100, 0, 100.5, 100), abs=0.01)

    def test_a_gap_wider_than_asked_for_is_no_gap(self):
        assert found(squares((0, 0), (102, 0)), gap_width_m=1.0) == []
        assert found(squares((0, 0), (102, 0)), gap_width_m=3.0) == [("gap", (0, 1))]

    def test_an_enclosed_gap_is_found_with_all_that_enclose_it(self):
        around = [box(0, 0, 100, 50), box(0, 50, 50, 100), box(50.5, 50, 100, 100), box(0, 100, 100, 150)]
        (finding,) = [finding for finding in check([ground(area) for area in around], 1.0) if finding.code == "gap"]
        assert finding.members == (0, 1, 2, 3)
        assert finding.area_m2 == pytest.approx(25, rel=1e-2)

    def test_a_wide_enclosed_space_is_a_hole_and_only_a_warning(self):
        ring = Polygon([(0, 0), (300, 0), (300, 300), (0, 300)], [[(100, 100), (100, 200), (200, 200), (200, 100)]])
        (finding,) = check([ground(ring)], 1.0)
        assert (finding.code, finding.severity, finding.members) == ("hole", "warning", (0,))
        assert finding.area_m2 == pytest.approx(10_000, rel=1e-3)

    def test_a_hole_that_another_fills_is_none(self):
        ring = Polygon([(0, 0), (300, 0), (300, 300), (0, 300)], [[(100, 100), (100, 200), (200, 200), (200, 100)]])
        assert found([ground(ring), *squares((100, 100))]) == []

    def test_a_border_whose_vertices_do_not_match_is_found(self):
        (finding,) = check([*squares((0, 0), (0, 100)), ground(box(100, 0, 200, 200))], 1.0)
        assert (finding.code, finding.severity, finding.members) == ("unmatched", "warning", (0, 1, 2))

    def test_an_invalid_polygon_is_found_at_its_crossing_and_the_others_are_checked(self):
        bow_tie = ground(Polygon([(300, 0), (400, 100), (400, 0), (300, 100)]))
        findings = check([*squares((0, 0)), bow_tie, *squares((90, 0))], 1.0)
        assert [(finding.code, finding.members) for finding in findings] == [("invalid", (1,)), ("overlap", (0, 2))]
        assert metres(findings[0].geometry).coords[0] == pytest.approx((350, 50), abs=0.01)

    def test_a_part_too_thin_for_anybody_is_a_warning(self):
        area = ground(MultiPolygon([box(0, 0, 100, 100), box(200, 0, 300, 0.3)]))
        assert found([area]) == [("thin-part", (0,))]

    def test_two_faults_apart_are_two_findings(self):
        assert found(squares((0, 0), (99.5, 0), (1000, 0), (1100.5, 0))) == [("sliver", (0, 1)), ("gap", (2, 3))]

    @pytest.mark.parametrize("wrong", [LineString([(114, 25), (115, 26)]), Polygon()])
    def test_what_is_no_polygon_is_refused_by_its_number(self, wrong):
        with pytest.raises(InvalidCoverage) as caught:
            check([*squares((0, 0)), wrong], 1.0)
        assert caught.value.index == 1

    def test_nothing_at_all_is_a_coverage(self):
        assert check([], 1.0) == []

    @settings(max_examples=40, deadline=None)
    @given(st.integers(0, 10_000), st.floats(0.05, 0.9), st.integers(0, 19))
    def test_shrinking_or_growing_one_area_is_always_noticed(self, seed, width, which):
        cells = [metres(cell) for cell in voronoi(20, seed % 5)]
        cells[which] = shapely.buffer(cells[which], width if seed % 2 else -width, join_style="mitre")
        codes = {finding.code for finding in check([ground(cell) for cell in cells], 1.0)}
        assert codes & ({"sliver", "overlap"} if seed % 2 else {"gap", "hole"})


class TestNesting:
    """Children fill their parents and stay in them."""

    parents = (ground(box(0, 0, 200, 100)), ground(box(200, 0, 400, 100)))

    def found(self, children, parent_of):
        return [(f.code, f.members, f.parent) for f in check_nesting(children, self.parents, parent_of)]

    def test_children_that_fill_their_parents_have_no_findings(self):
        assert self.found(squares((0, 0), (100, 0), (200, 0), (300, 0)), [0, 0, 1, 1]) == []

    def test_a_child_of_the_wrong_parent_is_found_and_its_ground_missed(self):
        findings = self.found(squares((0, 0), (100, 0), (200, 0), (300, 0)), [0, 0, 0, 1])
        assert findings == [("outside-parent", (2,), 0), ("uncovered", (), 1)]

    def test_a_parent_without_children_is_not_looked_at(self):
        assert self.found(squares((0, 0), (100, 0)), [0, 0]) == []

    def test_a_millimetre_is_let_pass_and_a_metre_is_not(self):
        assert self.found([ground(box(-0.001, 0, 200, 100))], [0]) == []
        assert self.found([ground(box(-1, 0, 200, 100))], [0]) == [("outside-parent", (0,), 0)]


class TestCleaning:
    """What cleaning makes is a coverage, and the diff tells all of it."""

    def test_a_coverage_stays_as_it_is(self):
        polygons = voronoi(40, seed=1)
        cleaned = clean(polygons, 1.0)
        assert cleaned.changes == ()
        assert all(a.equals(b) for a, b in zip(cleaned.polygons, polygons, strict=True))

    def test_a_gap_goes_to_one_neighbour_and_the_diff_says_which(self):
        cleaned = clean(squares((0, 0), (100.5, 0)), 1.0)
        assert check(cleaned.polygons, 1.0) == []
        assert sum(change.gained_m2 for change in cleaned.changes) == pytest.approx(50, rel=1e-2)
        assert sum(change.lost_m2 for change in cleaned.changes) == pytest.approx(0, abs=0.01)

    def test_an_overlap_goes_to_one_of_the_two(self):
        cleaned = clean(squares((0, 0), (90, 0)), 1.0, strategy="min_index")
        assert check(cleaned.polygons, 1.0) == []
        (change,) = cleaned.changes
        assert (change.index, change.gained.is_empty) == (1, True)
        assert metres(change.lost).bounds == pytest.approx((90, 0, 100, 100), abs=0.01)
        assert change.lost_m2 == pytest.approx(1000, rel=1e-3)

    def test_unmatched_borders_get_their_vertices_without_any_change_of_ground(self):
        polygons = [*squares((0, 0), (0, 100)), ground(box(100, 0, 200, 200))]
        cleaned = clean(polygons, 1.0)
        assert check(cleaned.polygons, 1.0) == []
        assert cleaned.changes == ()

    def test_a_wide_hole_stays(self):
        ring = Polygon([(0, 0), (300, 0), (300, 300), (0, 300)], [[(100, 100), (100, 200), (200, 200), (200, 100)]])
        assert clean([ground(ring)], 1.0).changes == ()

    @pytest.mark.parametrize(("seed", "by_m"), [(124, 1.0), (146, 2.5)])
    def test_open_gaps_of_any_length_are_filled(self, seed, by_m):
        cleaned = clean(shaken_city(seed, by_m), 2 * by_m)
        assert [finding for finding in check(cleaned.polygons, 2 * by_m) if finding.code != "hole"] == []

    def test_an_area_that_would_vanish_is_refused_by_its_number(self):
        with pytest.raises(InvalidCoverage) as caught:
            clean(squares((0, 0), (0, 0)), 1.0, strategy="min_index")
        assert (caught.value.reason, caught.value.index) == ("empty", 1)

    @settings(max_examples=30, deadline=None)
    @example(2287, 0.05)
    @example(253, 3.0)
    @given(st.integers(0, 10_000), st.floats(0.05, 3.0))
    def test_whatever_shakes_a_city_cleaning_makes_it_a_coverage_of_the_ground_it_tells(self, seed, by_m):
        shaken = shaken_city(seed, by_m)
        cleaned = clean(shaken, 2 * by_m)
        assert {finding.code for finding in check(cleaned.polygons, 0.001)} <= {"hole", "thin-part"}
        for index, (before, after) in enumerate(zip(shaken, cleaned.polygons, strict=True)):
            (change,) = [change for change in cleaned.changes if change.index == index] or [None]
            told = change.gained_m2 - change.lost_m2 if change else 0
            assert metres(after).area - metres(before).area == pytest.approx(told, abs=1)


def as_told(survey):
    """Findings in comparable form."""
    return [
        (f.code, [survey.keys[n] for n in f.members], shapely.normalize(f.geometry).wkt, round(f.area_m2, 6))
        for f in survey.findings
    ]


def redrawn(seed, cells):
    """One area of a city moved, blown up, thinned out, cut in two, or given twice."""
    rng = np.random.default_rng(seed)
    which = int(rng.integers(len(cells)))
    area = metres(cells[which])
    match seed % 5:
        case 0:
            return which, {which: ground(translate(area, *rng.normal(0, 3, 2)))}
        case 1:
            return which, {which: ground(shapely.buffer(area, rng.uniform(-8, 8), join_style="mitre"))}
        case 2:
            return which, {}
        case 3:
            return which, {which: cells[which], 100 + which: cells[which]}
        case _:
            middle = area.centroid.x
            halves = [
                shapely.intersection(area, box(*span)) for span in ((-9, -9, middle, 2000), (middle, -9, 2000, 2000))
            ]
            return which, {which: ground(halves[0]), 200 + which: ground(halves[1])}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 5), st.lists(st.integers(0, 10_000), min_size=1, max_size=4))
def test_a_survey_after_changes_is_that_of_what_they_made(city, seeds):
    cells = dict(enumerate(voronoi(25, city)))
    survey = Survey.of(cells, 1.0)
    for seed in seeds:
        which, put = redrawn(seed, [cells[key] for key in range(25) if key in cells] or [*cells.values()])
        which = sorted(cells)[which]
        put = {
            (which if key < 100 else key + 1000 * len(cells)): area for key, area in put.items() if not area.is_empty
        }
        cells = {key: area for key, area in cells.items() if key != which} | put
        survey = survey.with_changes(put, () if which in put else (which,))
        assert as_told(survey) == as_told(Survey.of(cells, 1.0))


def test_a_sheet_of_areas_over_another_overlaps_it_everywhere():
    sheet = squares(*((x, y) for x in range(0, 500, 100) for y in range(0, 500, 100)))
    over = [ground(translate(metres(area), 150, 150)) for area in sheet]
    pairs = {finding.members for finding in check([*sheet, *over], 1.0) if finding.code == "overlap"}
    common = {
        (i, 25 + j) for i, a in enumerate(sheet) for j, b in enumerate(over)
        if shapely.intersection(metres(a), metres(b)).area > 1
    }  # fmt: skip
    assert pairs == common
