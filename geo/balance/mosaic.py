"""Ground cut into cells, each with its households and its borders to others.

Owns the cutting: along the areas' own borders, along given lines, and between sites (Voronoi), all snap-rounded to
whole units of 1e-8 degree. Must not know how cells are divided among areas.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from geo.balance.dwellings import Dwellings
from geo.balance.sites import Fineness, strewn
from geo.geometry.datum import UNITS_PER_DEGREE
from geo.locate.nearby import metres_per_unit
from geo.redraw.layer import Ground
from geo.redraw.noding import unite

ALONG_LINE: Final = 0.1
"""What a metre of border along a given line counts, against one across the ground."""

_BESIDE_UNITS: Final = 1.5
_MARGIN_UNITS: Final = 4.0
_TRIFLE_M2: Final = 25.0
_FEWEST_SITES: Final = 2


@dataclass(frozen=True, eq=False)
class Mosaic:
    """Cells, numbered from 0.

    ``faces`` are polygons in units, ``cell`` the cell that each is of. Of cells: ``households``, ``size_m2``, ``area``
    (the number of the area that it was cut from) and ``borders``: neighbours with the cost of the common border: its
    metres, a tenth of them where it runs along a given line.
    """

    faces: tuple[Polygon, ...]
    cell: tuple[int, ...]
    households: tuple[int, ...]
    size_m2: tuple[float, ...]
    area: tuple[int, ...]
    borders: tuple[tuple[tuple[int, float], ...], ...]

    def united(self, owners: Sequence[int], count: int) -> list[Ground]:
        """The areas (units) when each cell goes to one of ``count`` owners."""
        gathered: list[list[Polygon]] = [[] for _ in range(count)]
        for face, cell in zip(self.faces, self.cell, strict=True):
            gathered[owners[cell]].append(face)
        return [unite(faces) for faces in gathered]


def cut(grounds: Sequence[Ground], dwellings: Dwellings, lines: Sequence[LineString], fineness: Fineness) -> Mosaic:
    """Cut areas (units) that form a coverage into cells. ``lines`` are in units; they may leave the areas."""
    array = np.array(list(grounds), dtype=object)
    whole = shapely.union_all(array, grid_size=1.0)
    scale = _metres_per_unit(whole)
    places = dwellings.positions * UNITS_PER_DEGREE
    reach = shapely.buffer(whole, _MARGIN_UNITS)
    drawn = [shapely.intersection(line, reach) for line in lines]
    sites = strewn(_scaled(whole, scale), places * scale, dwellings.households, fineness)
    between = shapely.intersection(_between(whole, sites, scale), reach)
    linework = shapely.union_all([*shapely.boundary(array), *drawn, between], grid_size=1.0)
    faces = np.array(list(shapely.get_parts(shapely.polygonize(shapely.get_parts(linework)))), dtype=object)
    area = _area_of(faces, array)
    faces, area = faces[area >= 0], area[area >= 0]
    households = _settled(faces, places, dwellings.households)
    size_m2 = shapely.area(faces) * float(scale.prod())
    common = _common(faces, scale, drawn)
    cell = _gathered(common, area, (households == 0) & (size_m2 < _TRIFLE_M2))
    return _mosaic(faces, cell, households, size_m2, area, common)


def _metres_per_unit(whole: BaseGeometry) -> NDArray[np.float64]:
    _, south, _, north = whole.bounds
    return np.array([float(scale) for scale in metres_per_unit(np.array((south + north) / 2))])


def _scaled(shape: BaseGeometry, by: NDArray[np.float64]) -> BaseGeometry:
    return shapely.transform(shape, lambda positions: positions * by)


def _between(whole: BaseGeometry, sites: NDArray[np.float64], scale: NDArray[np.float64]) -> BaseGeometry:
    """The lines between the surroundings of sites, in units."""
    if len(sites) < _FEWEST_SITES:
        return shapely.LineString()
    edges: Any = shapely.voronoi_polygons(shapely.multipoints(sites), extend_to=_scaled(whole, scale), only_edges=True)
    return _scaled(edges, 1 / scale)


def _area_of(faces: NDArray[np.object_], grounds: NDArray[np.object_]) -> NDArray[np.int64]:
    """The area that each face is of; -1 for holes."""
    found = np.full(len(faces), -1, dtype=np.int64)
    face, area = shapely.STRtree(grounds).query(shapely.point_on_surface(faces), predicate="intersects")
    found[face] = area
    return found


def _settled(
    faces: NDArray[np.object_], places: NDArray[np.float64], households: NDArray[np.int64]
) -> NDArray[np.int64]:
    """How many live on each face; who lives on none (or between two) is counted on one of the nearest."""
    if not len(places):
        return np.zeros(len(faces), dtype=np.int64)
    nearest = shapely.STRtree(faces).nearest(np.asarray(shapely.points(places), dtype=object))
    return np.bincount(nearest, weights=households, minlength=len(faces)).astype(np.int64)


@dataclass(frozen=True, eq=False)
class _Common:
    """Borders between faces: ``pairs`` (n, 2), each once, and the cost of each."""

    pairs: NDArray[np.int64]
    cost: NDArray[np.float64]


def _common(faces: NDArray[np.object_], scale: NDArray[np.float64], drawn: Sequence[BaseGeometry]) -> _Common:
    rings, face_of_ring = shapely.get_rings(faces, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    start, end, face = points[:-1][same], points[1:][same], face_of_ring[ring[:-1][same]]
    turned = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    edges = np.hstack([np.where(turned[:, None], end, start), np.where(turned[:, None], start, end)])
    order = np.lexsort(edges.T[::-1])
    edges, face = edges[order], face[order]
    twice = np.flatnonzero((edges[1:] == edges[:-1]).all(axis=1))
    edges = edges[twice]
    length_m = np.hypot(*((edges[:, 2:] - edges[:, :2]) * scale).T)
    cost = length_m * np.where(_on(edges, drawn), ALONG_LINE, 1.0)
    both = np.sort(np.stack([face[twice], face[twice + 1]], axis=1), axis=1)
    pairs, number = np.unique(both, axis=0, return_inverse=True)
    costs = np.bincount(number.ravel(), weights=cost, minlength=len(pairs))
    return _Common(pairs, costs.astype(np.float64))


def _on(edges: NDArray[np.float64], drawn: Sequence[BaseGeometry]) -> NDArray[np.bool_]:
    """Which edges run on given lines."""
    if not drawn or not len(edges):
        return np.zeros(len(edges), dtype=bool)
    lines = shapely.union_all(list(drawn))
    shapely.prepare(lines)
    at = (edges[:, :2], (edges[:, :2] + edges[:, 2:]) / 2, edges[:, 2:])
    near = [shapely.dwithin(np.asarray(shapely.points(place), dtype=object), lines, _BESIDE_UNITS) for place in at]
    return np.asarray(np.logical_and.reduce(near), dtype=bool)


def _gathered(common: _Common, area: NDArray[np.int64], trifling: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The cell of each face: a trifle where nobody lives goes with a neighbour in its area, over the longest border."""
    cell = np.arange(len(area))
    for face in np.flatnonzero(trifling).tolist():
        beside = (common.pairs == face).any(axis=1)
        pairs, cost = common.pairs[beside], common.cost[beside]
        others = np.where(pairs[:, 0] == face, pairs[:, 1], pairs[:, 0])
        own = (area[others] == area[face]) & (cell[others] != cell[face])
        if own.any():
            cell[cell == cell[face]] = cell[others[own][np.argmax(cost[own])]]
    return np.unique(cell, return_inverse=True)[1]


def _mosaic(
    faces: NDArray[np.object_],
    cell: NDArray[np.int64],
    households: NDArray[np.int64],
    size_m2: NDArray[np.float64],
    area: NDArray[np.int64],
    common: _Common,
) -> Mosaic:
    count = int(cell.max()) + 1
    area_of_cell = np.zeros(count, dtype=np.int64)
    area_of_cell[cell] = area
    return Mosaic(
        tuple(faces.tolist()),
        tuple(cell.tolist()),
        tuple(np.bincount(cell, weights=households, minlength=count).astype(np.int64).tolist()),
        tuple(np.bincount(cell, weights=size_m2, minlength=count).tolist()),
        tuple(area_of_cell.tolist()),
        _borders(cell[common.pairs], common.cost, count),
    )


def _borders(
    pairs: NDArray[np.int64], cost: NDArray[np.float64], count: int
) -> tuple[tuple[tuple[int, float], ...], ...]:
    found: list[dict[int, float]] = [{} for _ in range(count)]
    for (one, other), each in zip(_as_pairs(pairs), cost.tolist(), strict=True):
        if one != other:
            found[one][other] = found[one].get(other, 0.0) + each
            found[other][one] = found[other].get(one, 0.0) + each
    return tuple(tuple(sorted(each.items())) for each in found)


def _as_pairs(pairs: NDArray[np.int64]) -> Iterable[tuple[int, int]]:
    return ((one, other) for one, other in pairs.reshape(-1, 2).tolist())
