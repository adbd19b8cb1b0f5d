"""The borders of a set of areas, as directed integer edges that know the area on either side.

Owns quantising polygons, and joining the two copies of an edge that neighbours share. Must not know how points are
looked up (`geo.locate.lattice`, `geo.locate.locator`), nor the areas' ids: here an area is its number from 1 on, and 0
is outside.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.errors import InvalidShape
from geo.geometry.datum import Integers
from geo.geometry.shapes import in_units

Numbers = NDArray[np.int32]
"""Numbers of areas or edges."""
HalfEdges = tuple[Integers, Integers, Integers, Integers, Numbers]
"""Edges as one area has them: ax, ay, bx, by, and the area, which is on the left."""

COUNT_BIT: Final = 32
"""A sum of steps carries the number of areas around a point above this bit, and the sum of their numbers below it."""

_POLYGONAL: Final = (3, 6)  # GEOS type ids of Polygon and MultiPolygon
_MIXERS: Final = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5, 0x85EBCA77C2B2AE63)


@dataclass(frozen=True, eq=False)
class Borders:
    """Edges in units of 1e-8 degree; arrays of one length.

    An edge starts at `ax, ay` and runs by `dx, dy`; it goes north, or east where it is level (dy > 0, or dy == 0 and
    dx > 0). `left` and `right` are the areas beside it, seen along it; 0 is none. The last edge is a sentinel of no
    length that every point is right of.
    """

    ax: Integers
    ay: Integers
    dx: Integers
    dy: Integers
    left: Numbers
    right: Numbers
    areas: int

    def steps(self) -> Integers:
        """What crossing each edge from left to right adds to the sum of the areas that one is in."""
        return _weight(self.right) - _weight(self.left)

    @cached_property
    def by_area(self) -> tuple[Numbers, Numbers]:
        """`(start, edges)`: the edges of area n are `edges[start[n]:start[n + 1]]`."""
        sides = np.concatenate([self.left, self.right])
        order = np.argsort(sides, kind="stable")
        start = np.searchsorted(sides[order], np.arange(self.areas + 2))
        return start.astype(np.int32), (order % self.left.size).astype(np.int32)

    @cached_property
    def boxes(self) -> Integers:
        """West, south, east, north of each area, shape (4, areas + 1); inside out for none."""
        far = np.iinfo(np.int64).max // 4
        boxes = np.array([[far], [far], [-far], [-far]]).repeat(self.areas + 1, axis=1)
        for side in (self.left, self.right):
            np.minimum.at(boxes[0], side, np.minimum(self.ax, self.ax + self.dx))
            np.minimum.at(boxes[1], side, self.ay)
            np.maximum.at(boxes[2], side, np.maximum(self.ax, self.ax + self.dx))
            np.maximum.at(boxes[3], side, self.ay + self.dy)
        boxes[:, 0] = far, far, -far, -far
        return boxes

    def single(self) -> tuple[Integers, Integers]:
        """The edges with an area on one side only: `ax, ay, bx, by`, shape (4, n), and the area's number less 1."""
        alone = np.flatnonzero((self.left == 0) != (self.right == 0))
        ax, ay = self.ax[alone], self.ay[alone]
        ends = np.stack([ax, ay, ax + self.dx[alone], ay + self.dy[alone]])
        return ends, (self.left[alone] | self.right[alone]).astype(np.int64) - 1

    def edges_of(self, area: int) -> Numbers:
        """The edges of an area."""
        start, edges = self.by_area
        return edges[start[area] : start[area + 1]]


def borders_of(geometries: Sequence[BaseGeometry]) -> Borders:
    """Take the edges of polygons (lon, lat EPSG:4326, holes and parts allowed); area n is `geometries[n - 1]`.

    A polygon that quantising (or its author) made invalid is mended on the integer grid, by the structure method and
    snap rounding. Raises InvalidShape with the index as `feature` for what is not polygonal, or not on earth.
    """
    return edges_between(quantised(np.asarray(list(geometries), dtype=object)))


def edges_between(polygons: NDArray[np.object_]) -> Borders:
    """The edges of valid polygons in whole units, shells counter-clockwise; area n is `polygons[n - 1]`."""
    return join(*half_edges(polygons), areas=len(polygons))


def half_edges(polygons: NDArray[np.object_]) -> HalfEdges:
    """The edges of polygons as they run, numbered from 1 on."""
    parts, owner = shapely.get_parts(polygons, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    points, ring_of_point = shapely.get_coordinates(rings, return_index=True)
    x, y = points.astype(np.int64).T
    same_ring = ring_of_point[1:] == ring_of_point[:-1]
    inside = (owner[part_of_ring[ring_of_point[1:]]] + 1)[same_ring]
    ends = (x[:-1][same_ring], y[:-1][same_ring], x[1:][same_ring], y[1:][same_ring])
    return *ends, inside.astype(np.int32)


def _weight(area: Numbers) -> Integers:
    return np.where(area > 0, (1 << COUNT_BIT) + area.astype(np.int64), 0)


def quantised(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Polygons in whole units, valid, shells counter-clockwise."""
    wrong = ~np.isin(shapely.get_type_id(geometries), _POLYGONAL)
    if wrong.any():
        raise InvalidShape("wrong-type", feature=int(np.argmax(wrong)))
    positions, owner = shapely.get_coordinates(geometries, return_index=True)
    on_earth = (np.abs(positions) <= (180.0, 90.0)).all(axis=1)
    if not on_earth.all():
        raise InvalidShape("out-of-range", feature=int(owner[np.argmin(on_earth)]))
    return np.asarray(shapely.orient_polygons(in_units(geometries)), dtype=object)


def join(ax: Integers, ay: Integers, bx: Integers, by: Integers, inside: Numbers, *, areas: int) -> Borders:
    """Direct the edges north and east, and make one edge of the two copies that neighbours hold.

    `inside` is the area on the left of a -> b. An edge that finds no partner keeps 0 on its other side: a coverage
    whose vertices do not match is looked up as exactly, only with more edges.
    """
    turned = (by < ay) | ((by == ay) & (bx < ax))
    ax, bx = np.where(turned, bx, ax), np.where(turned, ax, bx)
    ay, by = np.where(turned, by, ay), np.where(turned, ay, by)
    key = (mixed(ax, ay, bx, by) & ~np.uint64(1)) | turned.astype(np.uint64)
    order = np.argsort(key, kind="stable")
    real = (ax != bx) | (ay != by)
    ends = np.stack([ax, ay, bx, by])[:, order[real[order]]]
    turned, inside = turned[order[real[order]]], inside[order[real[order]]]
    pair = (ends[:, 1:] == ends[:, :-1]).all(axis=0) & ~turned[:-1] & turned[1:]
    left, right = np.where(turned, 0, inside), np.where(turned, inside, 0)
    right[:-1][pair] = inside[1:][pair]
    keep = left != right
    keep[1:] &= ~pair
    ax, ay, bx, by = np.append(ends[:, keep], np.zeros((4, 1), dtype=np.int64), axis=1)
    left, right = np.append(left[keep], 0).astype(np.int32), np.append(right[keep], 0).astype(np.int32)
    return Borders(ax, ay, bx - ax, by - ay, left, right, areas)


def mixed(*columns: Integers) -> NDArray[np.uint64]:
    """A hash of rows of up to five numbers; unlike rows may share one, though hardly ever."""
    key = np.zeros(columns[0].shape, dtype=np.uint64)
    for values, mixer in zip(columns, _MIXERS, strict=False):
        key = (key ^ values.astype(np.uint64)) * np.uint64(mixer)
        key ^= key >> np.uint64(29)
    return key
