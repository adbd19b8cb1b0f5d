"""The Locator and a plain exact count of crossings agree on vertices, on edges, and one unit beside them.

PATROL_ORACLE_POINTS=10000000 is the long run.
"""

import os

import numpy as np
import pytest
import shapely

from geo.locate.locator import Locator
from tests.geo import exact
from tests.geo.locate.test_locate import voronoi_city

pytestmark = pytest.mark.long

POINTS = int(os.environ.get("PATROL_ORACLE_POINTS", "60000"))
CHUNK = 200_000
UNIT = 1e8


class Crossings:
    """Every polygon whole, in units as 64-bit integers: no edge of this city is so long that they would overflow."""

    def __init__(self, areas):
        self.ids = np.array([area_id for area_id, _ in areas])
        units = shapely.transform([geometry for _, geometry in areas], lambda degrees: np.rint(degrees * UNIT))
        self.tree = shapely.STRtree(units)
        positions, owner = shapely.get_coordinates(units, return_index=True)
        x, y = positions.astype(np.int64).T
        # Polygons of one ring each: all but the last vertex begin an edge.
        begins = np.flatnonzero(owner[1:] == owner[:-1])
        up = y[begins] <= y[begins + 1]
        a, b = np.where(up, begins, begins + 1), np.where(up, begins + 1, begins)
        self.ends = x[a], y[a], x[b], y[b]
        self.first = np.searchsorted(owner[begins], np.arange(len(areas) + 1))

    def locate(self, x, y):
        """The lowest id of the areas that hold each point, by the rule as `geo.locate.locator` states it; or -1."""
        point, area = self.tree.query(shapely.points(x, y))
        length = self.first[area + 1] - self.first[area]
        pair = np.arange(area.size).repeat(length)
        edge = np.arange(pair.size) + (self.first[area] - length.cumsum() + length)[pair]
        ax, ay, bx, by = (each[edge] for each in self.ends)
        px, py = x[point[pair]], y[point[pair]]
        crossed = (ay <= py) & (py < by) & ((bx - ax) * (py - ay) <= (by - ay) * (px - ax))
        odd = np.bincount(pair[crossed], minlength=area.size) % 2 == 1
        found = np.full(x.size, np.iinfo(np.int64).max)
        np.minimum.at(found, point[odd], self.ids[area[odd]])
        return np.where(found == np.iinfo(np.int64).max, -1, found)


def beside_borders(borders, count, rng):
    """Points on vertices, on the middles of edges, where they lie on units, and up to one unit beside, in units."""
    edge = rng.integers(0, borders.ax.size - 1, count)
    along = rng.integers(0, 9, count) / 8
    x = borders.ax[edge] + np.rint(along * borders.dx[edge]).astype(np.int64) + rng.integers(-1, 2, count)
    y = borders.ay[edge] + np.rint(along * borders.dy[edge]).astype(np.int64) + rng.integers(-1, 2, count)
    return x, y


@pytest.fixture(scope="module")
def areas():
    return voronoi_city(2000, seed=17)


def test_the_count_of_crossings_is_that_of_fractions(areas):
    few = areas[:60]
    x, y = beside_borders(Locator.build(few).borders, 300, np.random.default_rng(1))
    rings = [(n, exact.rings_of(geometry)) for n, geometry in few]
    expected = [exact.locate(rings, *point) for point in zip(x.tolist(), y.tolist(), strict=True)]
    assert Crossings(few).locate(x, y).tolist() == expected


def test_no_point_on_a_border_or_a_unit_beside_is_elsewhere_than_an_exact_count_puts_it(areas):
    locator, oracle, rng = Locator.build(areas), Crossings(areas), np.random.default_rng(2)
    done = 0
    while done < POINTS:
        x, y = beside_borders(locator.borders, min(CHUNK, POINTS - done), rng)
        found = locator.locate(x / UNIT, y / UNIT)
        assert (found == oracle.locate(x, y)).all()
        # A phone's batch, and a point alone, are settled by other code than many points are.
        few = [locator.locate(x[at : at + 50] / UNIT, y[at : at + 50] / UNIT) for at in range(0, x.size, 50)]
        assert (np.concatenate(few) == found).all()
        alone = [
            locator.locate_one(lon, lat) for lon, lat in zip((x / UNIT).tolist(), (y / UNIT).tolist(), strict=True)
        ]
        assert [-1 if each is None else each for each in alone] == found.tolist()
        done += x.size
    assert len(np.unique(found)) > 1000
