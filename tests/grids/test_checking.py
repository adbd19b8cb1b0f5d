"""The gate before a draft looks where something changed, and finds there what looking at everything finds."""

import shapely

from geo.redraw.layer import AreaShape
from server.grids.checking import check_draft
from server.grids.following import with_parents
from server.grids.operations import Operation, fold
from tests.grids.ground import EAST, WEST, city, grid, line, square


def checked(before, *operations):
    steps = fold(before, [Operation(each.pop("kind"), each) for each in operations])
    return check_draft(before, with_parents(before, [step.city for step in steps]))


def told(found):
    return {(each.code, each.areas, each.parent) for each in found.findings}


def test_ground_that_a_parent_lost_is_found_though_its_areas_that_are_left_lie_far_off():
    before = city(columns=60, rows=1)
    left = {grid(0, 0, 60), grid(29, 0, 60), *(grid(column, 0, 60) for column in range(30, 59))}
    far = before.with_sheet("grid", before.grids.with_changes({}, before.grids.tracts.keys() - left))
    found = checked(far, {"kind": "reassign", "code": grid(29, 0, 60), "parent": EAST})
    assert told(found) == {
        ("uncovered", (), WEST), ("outside-parent", (grid(29, 0, 60),), EAST), ("code-prefix", (grid(29, 0, 60),), EAST)
    }  # fmt: skip


def test_what_is_wrong_far_from_a_change_is_not_told_with_it():
    before = city(columns=20, rows=1)
    broken = before.with_sheet(
        "grid", before.grids.with_changes({grid(1, 0, 20): AreaShape(square(1.2, 0), "格", WEST)})
    )
    split = {"kind": "split", "code": grid(15, 0, 20), "line": line((15.5, -1), (15.5, 2)),
             "left": {"code": grid(15, 0, 20)}, "right": {"code": f"{EAST}900"}}  # fmt: skip
    assert told(checked(broken, split)) == set()


def test_a_finding_of_nesting_is_the_ground_where_something_changed():
    before = city(columns=20, rows=1)
    found = checked(before, {"kind": "retire", "code": grid(0, 0, 20)}, {"kind": "rename", "code": WEST, "name": "w"})
    assert found.is_open
    bare = before.with_sheet("grid", before.grids.with_changes({}, [grid(3, 0, 20)]))
    (finding,) = checked(bare, {"kind": "retire", "code": grid(4, 0, 20)}).errors
    assert (finding.code, finding.parent) == ("uncovered", WEST)
    assert shapely.covers(finding.geometry, square(4, 0))
    assert shapely.covers(square(3.85, -0.15, 1.3, 1.3), finding.geometry)


def test_parts_of_a_grid_that_went_to_its_other_half_are_not_warned_of_for_their_codes():
    before = city(columns=4, rows=1, zones=[grid(1, 0)])
    split = {"kind": "split", "code": grid(1, 0), "line": line((0.5, 0.5), (2.5, 0.5)),
             "left": {"code": grid(1, 0)}, "right": {"code": f"{WEST}900"}}  # fmt: skip
    steps = fold(before, [Operation(split.pop("kind"), split)])
    assert {tract.parent_code for tract in steps[-1].city.sheets["zone"].tracts.values()} == {grid(1, 0), f"{WEST}900"}
    assert told(check_draft(before, with_parents(before, [step.city for step in steps]))) == set()


def test_an_area_under_none_is_an_error_but_for_the_uppermost_kind():
    before = city(columns=4, rows=1)
    beside = shapely.geometry.mapping(square(4, 0))
    added = {"kind": "add", "name": "格", "polygon": beside}
    found = checked(before, {**added, "code": f"{EAST}900"})
    assert [(each.code, each.areas) for each in found.errors] == [("no-parent", (f"{EAST}900",))]
    assert checked(before, {**added, "code": "360726", "area_kind": "city"}).is_open
