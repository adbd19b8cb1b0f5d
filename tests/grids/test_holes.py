"""Ground that grids had and enclose still is given up to nobody; at the outer border, and of lakes, nothing is said."""

import pytest
import shapely

from geo.redraw.layer import AreaShape, Layer
from server.grids.checking import check_draft
from server.grids.draft_ground import DraftGround
from tests.grids.ground import WEST, city, grid, square
from tests.grids.test_below import drawn

INNER = grid(1, 1)


def alone(before):
    """The grids of a city without anything above them."""
    grids = {code: AreaShape(each.polygon, each.name) for code, each in before.grids.tracts.items()}
    return DraftGround({"grid": 2}, "grid", {"grid": Layer(grids)})


def holes(checked):
    """Holes of the grids: those above them get theirs by following."""
    return [(each.code, each.severity, each.geometry.bounds) for each in checked.findings if len(each.areas) > 3]


def retire(code):
    return {"kind": "retire", "code": code}


def lost(column, row, rows=1):
    return [("ground-lost", "error", pytest.approx(square(column, row, 1, rows).bounds, abs=1e-9))]


@pytest.mark.parametrize("of", [alone, lambda before: before])
def test_a_grid_among_others_is_not_given_up_to_nobody(of):
    _, checked = drawn(of(city()), retire(INNER))
    assert (holes(checked), checked.is_open) == (lost(1, 1), False)
    (finding,) = checked.errors
    assert all(finding.text.values())
    taken = {"kind": "add", "code": f"{WEST}900", "name": "新", "polygon": shapely.geometry.mapping(square(1, 1))}
    if of is not alone:
        taken["parent"] = WEST
    _, mended = drawn(of(city()), retire(INNER), taken)
    assert (holes(mended), mended.is_open) == ([], True)


@pytest.mark.parametrize("of", [alone, lambda before: before])
def test_a_grid_at_the_outer_border_may_be_given_up(of):
    _, checked = drawn(of(city()), retire(grid(0, 1)), retire(INNER))
    assert (holes(checked), checked.is_open) == ([], True)


def test_a_hole_that_was_there_before_stands_in_nobodys_way_and_what_makes_another_is_told_alone():
    before = city(rows=7)
    holed = alone(before.with_sheet("grid", before.grids.with_changes({}, [grid(1, 1)])))
    rename = {"kind": "rename", "code": grid(1, 2), "name": "新"}
    assert drawn(holed, rename)[1].findings == ()
    _, checked = drawn(holed, rename, retire(grid(1, 4)))
    assert holes(checked) == lost(1, 4)
    _, checked = drawn(holed, retire(grid(1, 2)))
    assert holes(checked) == lost(1, 1, 2)


def test_a_lake_that_no_grid_ever_had_is_only_asked_about():
    before = city()
    ring = [grid(column, row) for column in (0, 1, 2) for row in range(3) if (column, row) != (1, 1)]
    without = alone(before.with_sheet("grid", before.grids.with_changes({}, [INNER, *ring])))
    areas = [
        {"code": code, "name": "格", "parent": None, "polygon": shapely.geometry.mapping(before.grids[code].polygon)}
        for code in ring
    ]
    _, checked = drawn(without, {"kind": "replace", "area_kind": "grid", "areas": areas})
    assert [each[:2] for each in holes(checked)] == [("hole", "warning")]
    assert checked.is_open


def test_ground_at_a_wide_lake_is_nobodys_to_tell():
    before = alone(city(columns=40, rows=24))
    lake = [grid(column, row, 40) for column in range(8, 33) for row in range(3, 21)]
    shore = before.with_sheet("grid", before.grids.with_changes({}, lake))
    _, checked = drawn(shore, retire(grid(7, 12, 40)))
    assert (holes(checked), checked.is_open) == ([], True)


def test_of_a_hole_made_of_several_grids_one_thing_is_said():
    _, checked = drawn(alone(city(columns=6, rows=5)), *(retire(grid(2, row, 6)) for row in (1, 2, 3)))
    assert holes(checked) == lost(2, 1, 3)


def test_a_strip_thinner_than_drawing_can_tell_is_a_gap_and_not_told_twice():
    before = alone(city())
    kept = square(1, 1).difference(square(1.4, 1.4, 0.2, 0.005))
    after = before.with_sheet("grid", before.grids.with_changes({INNER: AreaShape(kept, "格")}))
    assert [each.code for each in check_draft(before, after).errors] == ["gap"]


def test_a_hole_that_only_touches_one_that_was_there_is_told_without_it():
    before = alone(city(columns=6, rows=5))
    holed = before.with_sheet("grid", before.grids.with_changes({}, [grid(1, 1, 6)]))
    assert holes(drawn(holed, retire(grid(2, 2, 6)))[1]) == lost(2, 2)
