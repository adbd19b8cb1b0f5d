"""Ground that looks like a town's: cells of natural shape that tile an outline exactly.

Owns drawing: a ragged outline, cells that are smaller in the middle, borders roughened once for both neighbours, and
dealing cells out to larger areas that hang together. Pure and repeatable: the same source of chance, the same ground.
Must not know names, codes or levels. Works in metres on a plane, x east, y north.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import Random
from typing import Final, cast

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

Positions = NDArray[np.float64]
Spot = tuple[float, float]
Neighbours = Mapping[int, frozenset[int]]

_OUTLINE_CORNERS: Final = 64
_WAVES: Final = range(2, 8)
_SAMPLES: Final = 6000
_RELAXATIONS: Final = 14
_NODING_M: Final = 0.01
_STEP_M: Final = 18.0
_ROUGHNESS: Final = 0.16
_CALMING: Final = 0.75
_ATTEMPTS: Final = 300


class GroundNotDrawn(Exception):
    """Chance did not come up with a ground that fulfils what was asked."""


def ragged_ellipse(chance: Random, half_length_m: float, half_width_m: float, bearing_deg: float) -> Polygon:
    """An ellipse about 0, 0 with waves on its border, its length turned by a bearing from east."""
    waves = [(k, chance.uniform(0.2, 0.45) / k, chance.uniform(0, math.tau)) for k in _WAVES]
    turn = math.radians(bearing_deg)
    corners = []
    for n in range(_OUTLINE_CORNERS):
        angle = math.tau * n / _OUTLINE_CORNERS
        stretch = 1 + 0.5 * sum(size * math.cos(k * angle + phase) for k, size, phase in waves)
        x, y = half_length_m * stretch * math.cos(angle), half_width_m * stretch * math.sin(angle)
        corners.append((x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)))
    return Polygon(corners)


def cells_within(chance: Random, outline: Polygon, count: int, core_m: float) -> list[Polygon]:
    """Cut an outline into cells, the smaller the nearer to 0, 0 (within about `core_m`), with rough shared borders.

    Neighbours share exactly the same vertices. Raises GroundNotDrawn.
    """
    seeds = _relaxed(_samples(chance, outline, core_m), count)
    faces = _faces(seeds, outline)
    roughness = _ROUGHNESS
    for _ in range(_ATTEMPTS):
        rough = _roughened(faces, roughness, chance.random())
        if shapely.is_valid(rough).all() and shapely.coverage_is_valid(rough, gap_width=0.5):
            return rough
        roughness *= _CALMING
    raise GroundNotDrawn("no roughness leaves the borders apart")


def neighbours_of(cells: Sequence[Polygon | MultiPolygon], least: float) -> Neighbours:
    """The cells that share more border than `least` (in units of their coordinates) with each cell, by number."""
    tree = shapely.STRtree(cells)
    one, other = tree.query(cells, predicate="touches")
    shared = shapely.length(shapely.intersection(np.asarray(cells)[one], np.asarray(cells)[other])) > least
    return {n: frozenset(other[(one == n) & shared].tolist()) for n in range(len(cells))}


def deal_out(
    chance: Random, cells: frozenset[int], sizes: Sequence[int], near: Neighbours, at: Positions
) -> list[frozenset[int]]:
    """Divide cells into connected groups of these sizes, each as round as may be. `at`: the middles of all cells.

    Raises GroundNotDrawn.
    """
    for _ in range(_ATTEMPTS):
        groups, left = [], cells
        for size in sizes[:-1]:
            group = _grown(chance, left, size, near, at)
            left -= group
            if len(group) < size or not _connected(left, near):
                break
            groups.append(group)
        else:
            return [*groups, left]
    raise GroundNotDrawn("the cells do not fall into connected groups")


def _grown(chance: Random, left: frozenset[int], size: int, near: Neighbours, at: Positions) -> frozenset[int]:
    """A group that starts at the rim of what is left, and takes the cell nearest to its middle each time."""
    middle = at[sorted(left)].mean(axis=0)
    by_distance = sorted(left, key=lambda cell: -math.dist(at[cell], middle))
    group = {by_distance[min(int(chance.expovariate(0.7)), len(by_distance) - 1)]}
    while len(group) < size:
        middle = at[sorted(group)].mean(axis=0)
        beside = sorted((set().union(*(near[cell] for cell in group)) & left) - group)
        if not beside:
            break
        group.add(min(beside, key=lambda cell: math.dist(at[cell], middle)))
    return frozenset(group)


def _connected(cells: frozenset[int], near: Neighbours) -> bool:
    reached: set[int] = set()
    waiting = {min(cells)} if cells else set()
    while waiting:
        reached |= waiting
        waiting = (set().union(*(near[cell] for cell in waiting)) & cells) - reached
    return reached == cells


def _samples(chance: Random, outline: Polygon, core_m: float) -> Positions:
    """Points within the outline, dense in the core."""
    west, south, east, north = outline.bounds
    points: list[Spot] = []
    shapely.prepare(outline)
    while len(points) < _SAMPLES:
        x, y = chance.uniform(west, east), chance.uniform(south, north)
        density = 0.16 + 0.84 * math.exp(-((math.hypot(x, y) / core_m) ** 2))
        if chance.random() < density and shapely.contains_xy(outline, x, y):
            points.append((x, y))
    return np.array(points)


def _relaxed(samples: Positions, count: int) -> Positions:
    """Middles of `count` groups of samples, moved until they lie evenly (Lloyd's method)."""
    seeds = samples[:count]
    for _ in range(_RELAXATIONS):
        nearest = ((samples[:, None] - seeds) ** 2).sum(axis=2).argmin(axis=1)
        seeds = np.array([samples[nearest == n].mean(axis=0) for n in range(count)])
    return np.asarray(seeds)


def _faces(seeds: Positions, outline: Polygon) -> list[Polygon]:
    """The Voronoi cells of seeds within an outline, noded together so that neighbours share their vertices."""
    edges = shapely.voronoi_polygons(shapely.multipoints(seeds), only_edges=True, extend_to=outline)
    within = cast("BaseGeometry", shapely.intersection(edges, outline))
    lines = shapely.union_all([within, outline.exterior], grid_size=_NODING_M)
    pieces = np.array(shapely.get_parts(shapely.polygonize(shapely.get_parts(lines))))
    middles = shapely.get_coordinates(shapely.point_on_surface(pieces))
    owner = ((middles[:, None] - seeds) ** 2).sum(axis=2).argmin(axis=1)
    whole = [shapely.coverage_union_all(pieces[owner == n]) for n in range(len(seeds))]
    faces = [face for face in whole if isinstance(face, Polygon)]
    if len(faces) < len(seeds):
        raise GroundNotDrawn("a cell fell apart at the outline")
    return faces


def _roughened(faces: Sequence[Polygon], roughness: float, seed: float) -> list[Polygon]:
    """Replace each edge by a rough line, the same one for both neighbours."""
    rough: dict[tuple[Spot, Spot], list[Spot]] = {}

    def run(a: Spot, b: Spot) -> list[Spot]:
        """The spots after a, up to b."""
        first, last = min(a, b), max(a, b)
        if (first, last) not in rough:
            # The edge itself seeds its roughness, so that it does not matter which neighbour comes first.
            rough[first, last] = _rough_line(Random(repr((seed, first, last))), first, last, roughness)
        line = rough[first, last]
        return line[1:] if a == first else line[-2::-1]

    return [
        Polygon([spot for a, b in pairwise(face.exterior.coords) for spot in run((a[0], a[1]), (b[0], b[1]))])
        for face in faces
    ]


def _rough_line(chance: Random, a: Spot, b: Spot, roughness: float) -> list[Spot]:
    """A line from a to b by displacing midpoints, in steps of about `_STEP_M`."""
    length = math.dist(a, b)
    if length < 2 * _STEP_M:
        return [a, b]
    aside = roughness * chance.uniform(-1, 1)
    along = chance.uniform(0.42, 0.58)
    middle = (
        a[0] + along * (b[0] - a[0]) - aside * (b[1] - a[1]),
        a[1] + along * (b[1] - a[1]) + aside * (b[0] - a[0]),
    )
    return _rough_line(chance, a, middle, roughness) + _rough_line(chance, middle, b, roughness)[1:]
