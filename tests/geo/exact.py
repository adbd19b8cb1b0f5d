"""The oracle of point to area: exact fractions, each polygon whole, and another ray than the code under test casts."""

from fractions import Fraction
from itertools import pairwise

import shapely

EAST = Fraction(1, 2**100)
NORTH = EAST * EAST


def rings_of(geometry):
    """The rings of a (multi)polygon in units of 1e-8 degree, as lists of pairs of Python integers."""
    return [
        [(round(lon * 1e8), round(lat * 1e8)) for lon, lat in shapely.get_coordinates(ring).tolist()]
        for part in shapely.get_parts(geometry)
        for ring in shapely.get_rings(part)
    ]


def contains(rings, x, y):
    """Whether the point moved east by less than anything, and north by less than that, is inside, by a ray north."""
    px, py = x + EAST, y + NORTH
    inside = False
    for ring in rings:
        for (ax, ay), (bx, by) in pairwise(ring):
            if (ax > px) != (bx > px) and ay + Fraction((by - ay) * (px - ax), bx - ax) > py:
                inside = not inside
    return inside


def locate(areas, x, y):
    """The lowest id of the areas (id, rings) that hold a point (units), or -1."""
    return min((area_id for area_id, rings in areas if contains(rings, x, y)), default=-1)
