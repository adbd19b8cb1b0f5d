"""A city to redraw: areas of a plain made at random, with vertices as dense as those of real borders."""

from functools import cache

import numpy as np
import shapely
from shapely import LineString, box

from geo.coverage.coverage import check
from geo.geometry.datum import UNITS_PER_DEGREE
from geo.locate.nearby import metres_per_unit
from geo.redraw.layer import AreaShape, Layer

CORNER = np.array([114.2, 25.6])
PER_METRE = 1 / (np.array([float(scale) for scale in metres_per_unit(np.array(25.7e8))]) * UNITS_PER_DEGREE)


def ground(geometry):
    """A geometry in metres east and north of the corner, as degrees on the grid of 1e-8."""
    return shapely.transform(geometry, lambda metres: np.round(CORNER + metres * PER_METRE, 8))


def line(*points):
    return ground(LineString(points))


def squares(**corners):
    """A sheet of squares of 100 m, by code, from their lower left corners in metres."""
    return Layer({code: AreaShape(ground(box(x, y, x + 100, y + 100)), code) for code, (x, y) in corners.items()})


@cache
def city(seed, count=24, side_m=20_000, every_m=100):
    """A sheet of `count` areas in a square; vertices are at most `every_m` apart."""
    rng = np.random.default_rng(seed)
    cells = shapely.voronoi_polygons(shapely.multipoints(rng.random((count, 2)) * side_m))
    inside = shapely.intersection(shapely.get_parts(cells), box(0, 0, side_m, side_m), grid_size=0.01)
    lines = shapely.segmentize(shapely.get_parts(shapely.union_all(shapely.boundary(inside))), every_m)
    faces = shapely.get_parts(shapely.polygonize([ground(each) for each in lines]))
    return Layer({f"{n:03d}": AreaShape(face, f"网格{n}") for n, face in enumerate(faces)})


def area(sheet):
    """What all areas measure, in square units of 1e-8 degree, exactly enough."""
    return sum(shapely.area(list(sheet.units(sheet.tracts).values())).tolist())


def faults(sheet):
    """Everything that keeps a sheet from being a coverage, warnings too."""
    codes = list(sheet.tracts)
    found = check([sheet[code].polygon for code in codes], 1.0)
    return [(each.code, tuple(codes[n] for n in each.members)) for each in found]


def holes(sheet):
    """How many interior rings the whole has."""
    whole = shapely.union_all(list(sheet.units(sheet.tracts).values()), grid_size=1.0)
    return sum(len(part.interiors) for part in shapely.get_parts(whole))
