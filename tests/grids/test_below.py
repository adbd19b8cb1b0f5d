"""What lies below grids goes with its ground, whatever is done to the grids; what is cut is named with its place."""

import os

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from geo.errors import GeoError
from server.grids.checking import check_draft
from server.grids.errors import DraftError
from server.grids.following import with_parents
from server.grids.operations import Operation, fold, perform
from tests.grids.ground import CITY, EAST, SIDE, WEST, city, grid, halves, line, square

EXAMPLES = int(os.environ.get("PATROL_BELOW_EXAMPLES", "40"))
ONE, TWO = grid(0, 1), grid(1, 1)
NEW, OTHER = f"{WEST}901", f"{WEST}902"
LOWER, UPPER = f"{ONE}01", f"{ONE}02"
HALVES = line((-0.1, 1.5), (1.1, 1.5))
"""Along the border of the two zones of grid ONE; seen along it, the upper one is on the left."""


def drawn(before, *operations):
    """The city after operations, and what the gate says."""
    steps = fold(before, [Operation(each["kind"], each) for each in operations])
    after = with_parents(before, [step.city for step in steps])
    return after, check_draft(before, after)


def split(code, along, left, right):
    return {"kind": "split", "code": code, "line": along, "left": {"code": left}, "right": {"code": right}}


def under(found, *codes):
    return [found.sheets["zone"][code].parent_code for code in codes]


def nesting(checked):
    return {
        (each.code, each.areas, each.parent, each.severity) for each in checked.findings if each.code != "code-prefix"
    }


@pytest.mark.parametrize(
    ("left", "right", "lower", "upper"),
    [(ONE, NEW, NEW, ONE), (NEW, ONE, ONE, NEW), (NEW, OTHER, OTHER, NEW)],
)
def test_zones_are_under_the_part_of_a_split_grid_that_holds_them(left, right, lower, upper):
    after, checked = drawn(city(zones=[ONE, TWO]), split(ONE, HALVES, left, right))
    assert under(after, LOWER, UPPER, f"{TWO}01") == [lower, upper, TWO]
    assert nesting(checked) == set()


def test_a_zone_that_is_cut_is_under_the_part_with_most_of_it_and_named_with_its_place():
    before = city(zones=[ONE])
    after, checked = drawn(before, split(ONE, line((-0.1, 1.7), (1.1, 1.7)), ONE, NEW))
    assert under(after, LOWER, UPPER) == [NEW, ONE]
    (finding,) = [each for each in checked.findings if each.code == "outside-parent"]
    assert (finding.areas, finding.parent, finding.severity) == ((UPPER,), ONE, "warning")
    assert shapely.equals(finding.geometry.normalize(), square(0, 1.5, 1, 0.2).normalize())
    # The zones below are only warned of; where grids are cut by a community, the gate is shut.
    assert checked.is_open
    cut = split(WEST, line((0.6, -1), (0.6, 4)), WEST, "360725100003")
    after, checked = drawn(before, cut)
    assert after.grids[ONE].parent_code == WEST
    assert {(each.areas, each.parent) for each in checked.errors if each.code == "outside-parent"} == {
        ((grid(0, row),), WEST) for row in range(3)
    }


def test_a_cut_zone_that_is_split_along_the_same_line_and_put_under_the_other_part_is_named_no_more():
    along = line((-0.1, 1.7), (1.1, 1.7))
    after, checked = drawn(
        city(zones=[ONE]),
        split(ONE, along, ONE, NEW),
        split(UPPER, along, UPPER, f"{NEW}03"),
        {"kind": "reassign", "code": f"{NEW}03", "parent": NEW},
    )
    assert under(after, LOWER, UPPER, f"{NEW}03") == [NEW, ONE, NEW]
    assert nesting(checked) == set()


@pytest.mark.parametrize("into", [ONE, TWO, NEW])
def test_zones_of_merged_grids_are_under_the_one_that_they_became(into):
    after, checked = drawn(city(zones=[ONE, TWO]), {"kind": "merge", "codes": [ONE, TWO], "into": into})
    assert set(under(after, LOWER, UPPER, f"{TWO}01", f"{TWO}02")) == {into}
    assert nesting(checked) == set()


def test_a_zone_outside_the_grids_that_are_merged_has_their_heir_for_a_parent_all_the_same():
    before = city(zones=[ONE])
    strayed = before.sheets["zone"].with_changes({LOWER: type(before.grids[ONE])(square(0, 5), "区", TWO)})
    after, _ = drawn(before.with_sheet("zone", strayed), {"kind": "merge", "codes": [ONE, TWO], "into": ONE})
    assert under(after, LOWER) == [ONE]


def test_a_zone_that_changed_sides_with_a_border_is_under_the_grid_it_lies_in():
    before = city(zones=[ONE, TWO])
    after, checked = drawn(before, {"kind": "reshape", "codes": [ONE, TWO], "line": line((-0.1, 1.5), (1, 1.5))})
    # Of two halves either may pass; the zone on it passes too.
    assert set(under(after, LOWER, UPPER)) == {ONE, TWO}
    assert under(after, f"{TWO}01", f"{TWO}02") == [TWO, TWO]
    assert nesting(checked) == set()


@pytest.mark.parametrize("kind", ["propose", "heal"])
def test_zones_are_under_the_parts_of_a_division_that_hold_them(kind):
    lower, upper = halves(square(0, 1))
    parts = [
        {"code": code, "name": "格", "parent": WEST, "polygon": shapely.geometry.mapping(part)}
        for code, part in ((ONE, upper), (NEW, lower))
    ]
    after, checked = drawn(city(zones=[ONE]), {"kind": kind, "code": ONE, "codes": [ONE], "parts": parts})
    assert under(after, LOWER, UPPER) == [NEW, ONE]
    assert nesting(checked) == set()


def test_zones_follow_where_programs_draw_one_grid_after_the_other():
    lower, upper = (shapely.geometry.mapping(each) for each in halves(square(0, 1)))
    after, checked = drawn(
        city(zones=[ONE]),
        {"kind": "replace", "alone": True, "areas": [{"code": ONE, "polygon": upper}]},
        {"kind": "add", "alone": True, "code": NEW, "name": "新", "parent": WEST, "polygon": lower},
    )
    assert under(after, LOWER, UPPER) == [NEW, ONE]
    assert nesting(checked) == set()


def test_grids_of_a_divided_community_go_with_it_and_zones_stay_with_their_grids():
    after, checked = drawn(city(zones=[ONE]), split(WEST, line((1, -1), (1, 4)), WEST, "360725100003"))
    assert {after.grids[grid(0, row)].parent_code for row in range(3)} == {WEST}
    assert {after.grids[grid(1, row)].parent_code for row in range(3)} == {"360725100003"}
    assert under(after, LOWER, UPPER) == [ONE, ONE]
    assert nesting(checked) == set()


def test_zones_of_a_grid_that_is_given_up_are_named_before_publishing():
    after, checked = drawn(city(zones=[ONE]), {"kind": "retire", "code": ONE})
    assert under(after, LOWER, UPPER) == [ONE, ONE]
    assert {each.areas for each in checked.errors if each.code == "unknown-parent"} == {(LOWER,), (UPPER,)}


def test_zones_of_a_grid_that_was_given_up_are_under_whoever_is_drawn_there_next():
    whole = shapely.geometry.mapping(square(0, 1))
    added = {"kind": "add", "code": NEW, "name": "新", "parent": WEST, "polygon": whole}
    after, checked = drawn(city(zones=[ONE]), {"kind": "retire", "code": ONE}, added)
    assert under(after, LOWER, UPPER) == [NEW, NEW]
    assert nesting(checked) == set()


def test_a_zone_that_somebody_put_elsewhere_stays_there_while_its_ground_does():
    elsewhere = {"kind": "reassign", "code": LOWER, "parent": TWO}
    beside = split(grid(0, 0), line((-0.1, 0.5), (1.1, 0.5)), NEW, grid(0, 0))
    after, _ = drawn(city(zones=[ONE]), elsewhere, beside)
    assert under(after, LOWER) == [TWO]


def test_a_zone_right_under_a_community_stays_there_when_the_grid_around_it_is_split():
    after, _ = drawn(
        city(zones=[ONE]), {"kind": "reassign", "code": LOWER, "parent": WEST}, split(ONE, HALVES, ONE, NEW)
    )
    assert under(after, LOWER, UPPER) == [WEST, ONE]


def _cut(draw, polygon):
    """A line through an area: along its middle, or slanted."""
    center = np.array(polygon.representative_point().coords[0])
    angle = draw(st.sampled_from([0.0, np.pi / 2]) | st.floats(0, np.pi))
    way = 3 * SIDE * np.array([np.cos(angle), np.sin(angle)])
    return shapely.geometry.mapping(shapely.LineString(np.round([center - way, center + way], 8)))


@st.composite
def operation(draw, now, number):
    sheet = now.sheets[draw(st.sampled_from(["grid", "grid", "grid", "community", "zone"]))]
    code = draw(st.sampled_from(sorted(sheet.tracts)))
    new = f"{code[:12]}{910 + number}"[: max(12, len(code) - 2)] if len(code) > 12 else f"36072510001{number}"
    if len(code) > 15:
        new = f"{code[:15]}{50 + number}"
    near = sorted(set(sheet.near(sheet[code].polygon)) - {code}) or [code]
    other = draw(st.sampled_from(near))
    kind = draw(st.sampled_from(["split", "split", "merge", "reshape"]))
    if kind == "split":
        return split(code, _cut(draw, sheet[code].polygon), *draw(st.sampled_from([(code, new), (new, code)])))
    if kind == "merge":
        return {"kind": "merge", "codes": [code, other], "into": draw(st.sampled_from([code, other, new]))}
    return {
        "kind": "reshape",
        "codes": [code, other],
        "line": _cut(draw, shapely.union(sheet[code].polygon, sheet[other].polygon)),
    }


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_the_gate_lets_pass_lies_in_its_parents_but_for_the_zones_that_it_names(data):
    before = city(columns=4, rows=2, zones=[grid(0, 0), grid(1, 0), grid(2, 1)])
    steps, now = [], before
    for number in range(data.draw(st.integers(1, 4))):
        asked = data.draw(operation(now, number))
        try:
            steps.append(perform(now, Operation(asked["kind"], asked)))
        except (GeoError, DraftError) as error:
            event(f"{asked['kind']}: {error.code}")
            continue
        event(f"{asked['kind']}: done")
        now = steps[-1].city
    after = with_parents(before, [step.city for step in steps])
    checked = check_draft(before, after)
    event(f"open: {checked.is_open}")
    named = {code for each in checked.findings if each.code == "outside-parent" for code in each.areas}
    for sheet in (after.sheets[kind] for kind in ("community", "grid", "zone")):
        for code, tract in sheet.tracts.items():
            outside = shapely.difference(tract.polygon, _ground(after, tract.parent_code), grid_size=1e-8)
            # Narrower than a centimetre is let pass.
            if outside.buffer(-6e-8).is_empty:
                continue
            assert code in named, (code, outside.wkt)
            assert sheet is after.sheets["zone"] or not checked.is_open


def _ground(found, code):
    tract = found.find(code)
    assert tract is not None or code == CITY
    return tract.polygon


def test_the_small_city_is_one_that_the_gate_lets_pass():
    before = city(zones=[ONE, TWO, grid(3, 2)])
    _, checked = drawn(before, {"kind": "rename", "code": EAST, "name": "东"})
    assert checked.findings == ()
