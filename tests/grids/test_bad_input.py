"""Lines and rings that cannot be meant: each operation refuses them by name and with a place, and nothing changes."""

import pytest
import shapely

from geo.errors import GeoError
from server.grids.operations import Operation, perform
from tests.grids.ground import SIDE, WEST, city, grid, line, square

ONE, TWO, NEW = grid(0, 1), grid(1, 1), f"{WEST}901"
EARTH = [(-180.0, -90.0), (180.0, -90.0), (180.0, 90.0), (-180.0, 90.0)]
SPLITS = {
    "beside": ([(2.5, 0), (2.5, 3)], "line-does-not-cross"),
    "past a corner": ([(-1, 2), (0, 2), (1, 3)], "line-does-not-cross"),
    "to a point of the border and back": ([(0.5, 0.5), (0.4, 2), (0.7, 0.5)], "line-crosses-twice"),
    "touching the border on its way": ([(0.5, 0.5), (1, 1.5), (0.5, 2.5)], "line-crosses-twice"),
    "out and in again": ([(0.3, 0.5), (0.3, 2.5), (0.6, 2.5), (0.6, 0.5)], "line-crosses-twice"),
    "along the border": ([(0, 0.5), (0, 2.5)], "line-along-border"),
    "along half a side, then across": ([(-1, 1), (0.5, 1), (0.5, 3)], "line-along-border"),
    "ending inside": ([(0.5, 0.5), (0.5, 1.5)], "line-ends-inside"),
    "all inside": ([(0.4, 1.4), (0.6, 1.6)], "line-ends-inside"),
    "crossing itself": ([(0.3, 0.5), (0.6, 1.8), (0.3, 1.8), (0.6, 0.5)], "line-crosses-itself"),
    "a point twice": ([(0.5, 0.5), (0.5, 1.5), (0.5, 1.5), (0.5, 2.5)], "invalid-shape"),
    "one point": ([(0.5, 0.5), (0.5, 0.5)], "invalid-shape"),
    "round the world": ([(-294000, 1.5), (65000, 1.5)], "invalid-shape"),
}
RESHAPES = {
    "beside both": ([(3.5, 0), (3.5, 3)], "line-does-not-cross"),
    "along their border": ([(1, 1.2), (1, 1.8)], "line-along-border"),
    "ending inside": ([(1, 1.2), (1.5, 1.5)], "line-ends-inside"),
    "cutting one in two": ([(0.5, 0.5), (0.5, 2.5)], "area-falls-apart"),
    "crossing itself": ([(0.3, 0.5), (0.6, 1.8), (0.3, 1.8), (0.6, 0.5)], "line-crosses-itself"),
}
RINGS = {
    "bow-tie": ([[(0, 1), (1, 2), (1, 1), (0, 2)]], "self-crossing"),
    "touching itself": ([[(0, 1), (0.5, 1.5), (1, 1), (1, 2), (0.5, 1.5), (0, 2)]], "self-crossing"),
    "a spike": ([[(0, 1), (1, 1), (1, 2), (1.5, 2.5), (1, 2), (0, 2)]], "self-crossing"),
    "twice round": ([[(0, 1), (1, 1), (1, 2), (0, 2)] * 2], "self-crossing"),
    "a point twice": ([[(0, 1), (1, 1), (1, 1), (1, 2), (0, 2)]], "repeated-points"),
    "one point": ([[(0, 1)] * 3], "zero-area"),
    "a line": ([[(0, 1), (1, 1), (0.5, 1)]], "zero-area"),
    "less than a unit": ([[(0, 1), (1, 1), (0.5, 1 + 1e-6)]], "zero-area"),
    "a hole outside": ([[(0, 1), (1, 1), (1, 2), (0, 2)], [(5, 1), (6, 1), (6, 2)]], "hole-outside"),
    "a hole as large": ([[(0, 1), (1, 1), (1, 2), (0, 2)]] * 2, "self-crossing"),
    "a hole on the border": ([[(0, 1), (1, 1), (1, 2), (0, 2)], [(0, 1.2), (0.5, 1.5), (0, 1.8)]], "self-crossing"),
    "a hole that parts it": (
        [[(0, 1), (1, 1), (1, 2), (0, 2)], [(0, 1.5), (0.5, 1), (1, 1.5), (0.5, 2)]],
        "disconnected",
    ),
}


@pytest.fixture
def ground():
    """A city, and the promise that it stays as it is."""
    found = city(zones=[ONE])
    before = {code: each for sheet in found.sheets.values() for code, each in sheet.tracts.items()}
    yield found
    assert {code: each for sheet in found.sheets.values() for code, each in sheet.tracts.items()} == before


def refusal(found, operation):
    """The error of an operation, which must tell a place on earth."""
    with pytest.raises(GeoError) as caught:
        perform(found, Operation(operation["kind"], operation))
    assert -180 <= caught.value.data["lon"] <= 180
    assert -90 <= caught.value.data["lat"] <= 90
    return caught.value


@pytest.mark.parametrize(("points", "code"), SPLITS.values(), ids=SPLITS)
def test_a_grid_is_not_split_by_a_line(ground, points, code):
    pieces = {"left": {"code": ONE}, "right": {"code": NEW}}
    assert refusal(ground, {"kind": "split", "code": ONE, "line": line(*points), **pieces}).code == code


@pytest.mark.parametrize(("points", "code"), RESHAPES.values(), ids=RESHAPES)
def test_a_border_is_not_moved_to_a_line(ground, points, code):
    assert refusal(ground, {"kind": "reshape", "codes": [ONE, TWO], "line": line(*points)}).code == code


@pytest.mark.parametrize("alone", [False, True], ids=["together", "alone"])
@pytest.mark.parametrize(("rings", "reason"), RINGS.values(), ids=RINGS)
def test_a_grid_is_not_drawn_by_a_ring(ground, rings, reason, alone):
    polygon = {"type": "Polygon", "coordinates": [placed(ring) for ring in rings]}
    replaced = {"kind": "replace", "alone": alone, "areas": [{"code": ONE, "polygon": polygon}]}
    added = {"kind": "add", "alone": alone, "code": NEW, "name": "新", "parent": WEST, "polygon": polygon}
    assert {refusal(ground, each).data["reason"] for each in (replaced, added)} == {reason}


def test_a_grid_is_not_drawn_round_the_world(ground):
    for points in (EARTH, [(179.0, 1.0), (-179.0, 1.0), (-179.0, 2.0), (179.0, 2.0)]):
        polygon = {"type": "Polygon", "coordinates": [[*points, points[0]]]}
        found = refusal(ground, {"kind": "replace", "areas": [{"code": ONE, "polygon": polygon}]})
        assert found.data["reason"] == "round-the-world"


def test_a_grid_is_not_drawn_by_parts_that_lie_over_or_along_each_other(ground):
    for column in (0, 1):
        polygon = {"type": "MultiPolygon", "coordinates": [
            shapely.geometry.mapping(each)["coordinates"] for each in (square(0, 1), square(column, 1))
        ]}  # fmt: skip
        found = refusal(ground, {"kind": "replace", "areas": [{"code": ONE, "polygon": polygon}]})
        assert found.data["reason"] == "self-crossing"


def placed(ring):
    """A ring in columns and rows as one in lon and lat, closed."""
    points = [[114.3 + x * SIDE, 25.68 + y * SIDE] for x, y in ring]
    return [*points, points[0]]
