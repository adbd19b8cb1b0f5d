"""How near points are to the borders of areas.

Owns distances, and what only distances or whole areas can tell. Must not know area ids. Distances are in metres on the
plane that touches the ellipsoid at the point (WGS-84 radii of curvature there): right to 0.1 % within some kilometres,
and only ever used to describe a place, never to choose its area while it lies in one.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from geo.geometry.datum import UNITS_PER_DEGREE, Floats, Integers
from geo.locate.borders import Numbers
from geo.locate.lattice import Lattice, Whole, right_of, spread

FURTHEST_M: Final = 500.0
"""A fix worse than this says nothing about grids; candidates are looked for no further."""

_AXIS_M: Final = 6378137.0
_ECCENTRICITY_SQUARED: Final = 0.00669437999014
_EARTH: Final = np.array([[180], [90]]) * UNITS_PER_DEGREE
_ROUNDED: Final = 1 + 1e-9
"""The distances to a box and to a border that runs along it come out a bit apart."""
_SLACK_UNITS: Final = 2
"""A record lies within this many units of the cell that holds it."""


class Nearby:
    """The borders of a lattice, asked by distance."""

    def __init__(self, lattice: Lattice) -> None:
        self._lattice = lattice
        self._borders = lattice.borders
        top = lattice.y0 + (lattice.rows << lattice.shift)
        # No latitude within has more units to the metre than the one farthest from the equator.
        farthest = min(max(abs(lattice.y0), abs(top)), 89 * UNITS_PER_DEGREE)
        self._units_per_metre = 1.0 / np.array(metres_per_unit(np.array([farthest])))
        self._last = np.array([[lattice.columns - 1], [lattice.rows - 1]])

    def areas_within(self, points: Integers, radius_m: Floats) -> dict[int, list[int]]:
        """The areas with a border within a radius of each point (units, shape (2, n)), by number of the point.

        Nearest first, the lowest of those that are equally near. Points without such areas are left out, and so are
        those without a radius above 0.
        """
        asked = ((radius_m > 0) & _on_earth(points)).nonzero()[0]
        if not asked.size:
            return {}
        reach_m = np.minimum(radius_m[asked], FURTHEST_M)
        held, edge = self._edges_in_windows(points[:, asked], reach_m)
        if not edge.size:
            return {}
        # Many edges are near each point: what depends on the point alone is reckoned once.
        scale = np.array(metres_per_unit(points[1, asked]))
        distance_m = self._distances_m(edge, points[:, asked[held]], scale[:, held])
        close = (distance_m <= reach_m[held]).nonzero()[0]
        point = asked[held[close]].repeat(2)
        area = np.stack([self._borders.left[edge[close]], self._borders.right[edge[close]]], axis=1).ravel()
        order = np.lexsort((area, distance_m[close].repeat(2)))
        found: dict[int, list[int]] = {}
        for at, number in dict.fromkeys(zip(point[order].tolist(), area[order].tolist(), strict=True)):
            if number:
                found.setdefault(at, []).append(number)
        return found

    def nearest(self, point: Integers) -> tuple[int, float]:
        """The area whose border is nearest to a point (units, shape (2, 1)), and how far it is in metres.

        Of areas equally near, the lowest; (0, infinite) where there is no area, or the point is not on earth.
        """
        if self._borders.ax.size == 1 or not _on_earth(point).all():
            return 0, np.inf
        (x, y), scale = point, np.array(metres_per_unit(point[1]))
        west, south, east, north = self._borders.boxes
        away_x = np.maximum(np.maximum(west - x, x - east), 0) * scale[0]
        away_y = np.maximum(np.maximum(south - y, y - north), 0) * scale[1]
        at_least_m = np.hypot(away_x, away_y)
        # The border in the nearest box bounds the answer; few other boxes are nearer than that.
        first = self._borders.edges_of(int(np.argmin(at_least_m)))
        areas = np.flatnonzero(at_least_m <= self._distances_m(first, point, scale).min() * _ROUNDED)
        owner, edge = self._edges_of_areas(areas)
        distance_m = self._distances_m(edge, point, scale)
        nearest = int(np.argmin(distance_m))
        return int(areas[owner[nearest]]), float(distance_m[nearest])

    def margins(self, points: Integers, areas: Numbers) -> Floats:
        """How many metres points (units, shape (2, n)) are from the nearest border of the area that each lies in.

        At a cost that does not depend on how many areas there are. Infinite for area 0, which has no border.
        """
        distance_m = np.full(areas.size, np.inf)
        asked = areas.nonzero()[0]
        owner, edge = self._edges_of_areas(areas[asked])
        if edge.size:
            mine = points[:, asked]
            scale = np.array(metres_per_unit(mine[1]))
            away_m = self._distances_m(edge, mine[:, owner], scale[:, owner])
            first = np.flatnonzero(np.diff(owner, prepend=-1))
            distance_m[asked[owner[first]]] = np.minimum.reduceat(away_m, first)
        return distance_m

    def areas_around(self, point: Integers) -> tuple[int, ...]:
        """Every area that a point (units, shape (2, 1)) is in by the exact rule, in order."""
        x, y = point
        west, south, east, north = self._borders.boxes
        areas = np.flatnonzero((west <= x) & (x <= east) & (south <= y) & (y <= north))
        owner, edge = self._edges_of_areas(areas)
        foot = self._borders.ay[edge]
        level = (foot <= y) & (y < foot + self._borders.dy[edge])
        owner, edge = owner[level], edge[level]
        crossed = right_of(self._borders, edge, x.repeat(edge.size), y.repeat(edge.size), wide=self._lattice.wide)
        crossings = np.bincount(owner[crossed], minlength=areas.size)
        return tuple(areas[crossings % 2 == 1].tolist())

    def _edges_of_areas(self, areas: Whole) -> tuple[Integers, Numbers]:
        """The edges of several areas, and for each the position of its area."""
        start, edges = self._borders.by_area
        owner, position = spread(start[areas], start[areas + 1])
        return owner, edges[position]

    def _edges_in_windows(self, points: Integers, reach_m: Floats) -> tuple[Integers, Numbers]:
        """The edges in the cells within reach of each point, some of them twice: number of the point, edge."""
        lattice = self._lattice
        above = points - lattice.origin
        reach = np.ceil(reach_m * self._units_per_metre).astype(np.int64) + _SLACK_UNITS
        low = np.maximum((above - reach) >> lattice.shift, 0)
        high = np.minimum((above + reach) >> lattice.shift, self._last) + 1
        high = np.maximum(high, low)
        point, column = spread(low[0], high[0])
        foot = column * lattice.rows
        strip, cell = spread(foot + low[1][point], foot + high[1][point])
        number = lattice.cells[cell]
        border = (number < 0).nonzero()[0]
        if not border.size:
            return border, lattice.edge[:0]
        point, number = point[strip[border]], ~number[border]
        holder, record = spread(lattice.start[number], lattice.start[number + 1])
        edge = lattice.edge[record]
        real = (edge < self._borders.ax.size - 1).nonzero()[0]
        return point[holder[real]], edge[real]

    def _distances_m(self, edge: Numbers, points: Integers, scale: Floats) -> Floats:
        """Distance of points (shape (2, n), or (2, 1) for one) to their edges; `scale` is metres per unit there."""
        borders = self._borders
        to_x, to_y = (borders.ax[edge] - points[0]) * scale[0], (borders.ay[edge] - points[1]) * scale[1]
        run, rise = borders.dx[edge] * scale[0], borders.dy[edge] * scale[1]
        along = -(to_x * run + to_y * rise) / (run * run + rise * rise)
        along = np.minimum(np.maximum(along, 0.0), 1.0)
        return np.asarray(np.hypot(to_x + along * run, to_y + along * rise))


def _on_earth(points: Integers) -> NDArray[np.bool_]:
    return np.asarray(((points >= -_EARTH) & (points <= _EARTH)).all(axis=0))


def metres_per_unit(y: Integers) -> tuple[Floats, Floats]:
    """Metres eastward and northward that 1e-8 degree is, at latitudes in units."""
    latitude = np.radians(y / UNITS_PER_DEGREE)
    flattening = 1.0 - _ECCENTRICITY_SQUARED * np.sin(latitude) ** 2
    per_unit = np.pi / 180.0 / UNITS_PER_DEGREE
    across_m = _AXIS_M / np.sqrt(flattening)
    along_m = across_m * (1.0 - _ECCENTRICITY_SQUARED) / flattening
    return np.asarray(across_m * np.cos(latitude) * per_unit), np.asarray(along_m * per_unit)
