"""A city of rows of squares to draw on without a database: grids of a hundred metres or so, two communities, zones."""

import shapely
from shapely import LineString, Polygon, box

from geo.redraw.layer import AreaShape, Layer
from server.grids.draft_ground import DraftGround

CITY, WEST, EAST = "360725", "360725100001", "360725100002"
SIDE = 0.001
RANKS = {"city": 0, "community": 1, "grid": 2, "zone": 3}


def square(column, row, columns=1, rows=1):
    """So many squares from one on, in lon and lat."""
    west, south = 114.3 + column * SIDE, 25.68 + row * SIDE
    return shapely.set_precision(box(west, south, west + columns * SIDE, south + rows * SIDE), 1e-8)


def grid(column, row, columns=4):
    """The code of the grid at a square; the western half is the first community's."""
    return f"{WEST if 2 * column < columns else EAST}{row * columns + column + 1:03d}"


def city(columns=4, rows=3, zones=()):
    """A city; each grid in `zones` (codes) has two, a lower one and an upper one of half its height."""
    grids = {
        grid(i, j, columns): AreaShape(square(i, j), "格", grid(i, j, columns)[:12])
        for i in range(columns)
        for j in range(rows)
    }
    above = {code: AreaShape(whole(grids, code), name, CITY) for code, name in ((WEST, "西"), (EAST, "东"))}
    below = {
        f"{code}{number:02d}": AreaShape(part, "区", code)
        for code in zones
        for number, part in enumerate(halves(grids[code].polygon), start=1)
    }
    sheets = {
        "city": {CITY: AreaShape(whole(grids, ""), "市")},
        "community": above,
        "grid": grids,
        "zone": below,
    }
    return DraftGround(RANKS, "grid", {kind: Layer(tracts) for kind, tracts in sheets.items()})


def whole(grids, stem):
    """What the grids whose codes begin alike are together, with all of their corners."""
    return shapely.coverage_union_all([tract.polygon for code, tract in grids.items() if code.startswith(stem)])


def halves(polygon: Polygon):
    west, south, east, north = polygon.bounds
    middle = (south + north) / 2
    return [shapely.set_precision(box(west, *each), 1e-8) for each in ((south, east, middle), (middle, east, north))]


def line(*points):
    """A line through squares, in columns and rows, as GeoJSON."""
    return shapely.geometry.mapping(
        LineString([(round(114.3 + x * SIDE, 8), round(25.68 + y * SIDE, 8)) for x, y in points])
    )
