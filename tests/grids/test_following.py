"""Parents that are filled by what lies in them stay so, whatever becomes of it; however they are known to be filled."""

import pytest
import shapely

from geo.redraw.layer import AreaShape
from tests.grids.ground import CITY, EAST, WEST, city, grid, line, square
from tests.grids.test_below import drawn

SHIFT = {"kind": "reshape", "codes": [grid(1, 1), grid(2, 1)], "line": line((2, 0.9), (2.3, 1), (2.3, 2), (2, 2.1))}
GIVEN_UP = {"kind": "retire", "code": grid(0, 0)}
PUT_UNDER = {"kind": "reassign", "code": grid(1, 2), "parent": EAST}
ADDED = {"kind": "add", "code": f"{EAST}900", "name": "新", "parent": EAST,
         "polygon": shapely.geometry.mapping(square(4, 0))}  # fmt: skip


def noded(found):
    """The city where the communities have a corner on a border that no grid has."""
    above = found.sheets["community"]
    put = {code: AreaShape(shapely.segmentize(above[code].polygon, 0.0007), "区", CITY) for code in (WEST, EAST)}
    return found.with_sheet("community", above.with_changes(put))


@pytest.mark.parametrize("of", [lambda found: found, noded], ids=["exact", "noded"])
@pytest.mark.parametrize(
    "operations", [[SHIFT], [GIVEN_UP], [PUT_UNDER], [ADDED], [SHIFT, PUT_UNDER, GIVEN_UP, ADDED]],
    ids=["shifted", "given up", "put under", "added", "all"],
)  # fmt: skip
def test_communities_and_the_city_are_what_lies_in_them(of, operations):
    before = of(city())
    after, checked = drawn(before, *operations)
    assert checked.is_open, [each.text for each in checked.errors]
    moved = 0
    for kind, below in (("community", "grid"), ("city", "community")):
        for code, tract in after.sheets[kind].tracts.items():
            held = [each.polygon for each in after.sheets[below].under({code}).values()]
            apart = shapely.symmetric_difference(tract.polygon, shapely.union_all(held, grid_size=1e-8), grid_size=1e-8)
            assert apart.area < 1e-12
            moved += tract.polygon is not before.sheets[kind][code].polygon
    assert moved
