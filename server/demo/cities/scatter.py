"""Points strewn over the ground, close together where many live.

Owns how dense a county is settled (a seat, smaller towns, open country) and points spaced accordingly. Pure: the same
source of chance, the same points. Works in whole units of 1e-8 degree, x east, y north.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import shapely
from numpy.random import Generator
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Positions = NDArray[np.float64]
Spacing = Callable[[Positions], NDArray[np.float64]]

_SEAT_DENSITY: Final = 60.0
_TOWN_DENSITY: Final = 14.0
_TOWN_OF_SEAT: Final = 0.3
_JITTER: Final = 0.34
_DITHER: Final = (0.75, 1.5)
_ROUNDS: Final = 7
_NEAR_ENOUGH: Final = 0.02
# Units: 40 m.
_FINEST: Final = 4e4
_GRADING: Final = 0.8


@dataclass(frozen=True)
class Settlement:
    """Where people live: `nuclei` (n, 2), `radii` and `weights` (n,), over open country of density 1."""

    nuclei: Positions
    radii: NDArray[np.float64]
    weights: NDArray[np.float64]

    def density(self, spots: Positions) -> NDArray[np.float64]:
        """Relative density at spots (n, 2)."""
        density = np.ones(len(spots))
        for (x, y), radius, weight in zip(self.nuclei.tolist(), self.radii, self.weights, strict=True):
            away = ((spots[:, 0] - x) ** 2 + (spots[:, 1] - y) ** 2) / radius**2
            density += weight * np.exp(-away)
        return density

    def spacing(self, spots: Positions, open_country: float) -> NDArray[np.float64]:
        """How far apart points lie at spots (n, 2), where in open country they lie so far apart."""
        return np.asarray(open_country / np.sqrt(self.density(spots)))


def settle(chance: Generator, county: BaseGeometry, seat: Sequence[float], radius: float, towns: int) -> Settlement:
    """Put a seat where it is known to be, and towns where chance puts them. Units of 1e-8 degree throughout."""
    spots = [np.array([seat])]
    if towns:
        spots.append(_anywhere(chance, county, towns))
    weights = np.full(towns + 1, _TOWN_DENSITY)
    weights[0] = _SEAT_DENSITY
    radii = radius * _TOWN_OF_SEAT * chance.uniform(0.7, 1.3, towns + 1)
    radii[0] = radius
    return Settlement(np.concatenate(spots), radii, weights)


def _anywhere(chance: Generator, county: BaseGeometry, count: int) -> Positions:
    west, south, east, north = county.bounds
    found = np.empty((0, 2))
    while len(found) < count:
        spots = chance.uniform((west, south), (east, north), (count * 2, 2))
        found = np.concatenate([found, spots[shapely.contains_xy(county, spots)]])
    return found[:count]


def strewn(chance: Generator, county: BaseGeometry, settlement: Settlement, count: int) -> tuple[Positions, float]:
    """Return points in a county, in whole units, and the spacing of open country.

    They are about `count`, and more along borders: there they lie as close together as the border has vertices.
    """
    shapely.prepare(county)
    spacing = float(np.sqrt(county.area / count)) * 2
    seed = int(chance.integers(2**62))
    for _ in range(_ROUNDS):
        settled = partial(settlement.spacing, open_country=spacing)
        ratio = max(len(_quartered(np.random.default_rng(seed), county, settled)), 1) / count
        if abs(ratio - 1) < _NEAR_ENOUGH:
            break
        spacing *= float(np.sqrt(ratio))
    border = _Border(county)
    spots = _quartered(np.random.default_rng(seed), county, lambda at: np.minimum(settled(at), border.spacing(at)))
    return np.unique(np.rint(spots), axis=0), spacing


class _Border:
    """The border of a county, asked how fine it is nearby."""

    def __init__(self, county: BaseGeometry) -> None:
        rings = [shapely.get_coordinates(ring) for ring in shapely.get_rings(shapely.get_parts(county))]
        edges = np.concatenate([np.stack([spots[:-1], spots[1:]], axis=1) for spots in rings])
        self._lengths = np.hypot(*(edges[:, 1] - edges[:, 0]).T)
        self._tree = shapely.STRtree(np.asarray(shapely.linestrings(edges)))

    def spacing(self, at: Positions) -> NDArray[np.float64]:
        """The length of the nearest edge, and the more the farther it is."""
        (_, edge), away = self._tree.query_nearest(
            np.asarray(shapely.points(at)), return_distance=True, all_matches=False
        )
        return np.asarray(np.maximum(self._lengths[edge], _FINEST) + _GRADING * away)


def _quartered(chance: Generator, county: BaseGeometry, spacing: Spacing) -> Positions:
    """One point in each square; squares are quartered until they are as small as the density there asks for."""
    west, south, east, north = county.bounds
    size = max(east - west, north - south)
    middles = np.array([[(west + east) / 2, (south + north) / 2]])
    found = []
    while len(middles):
        wanted = spacing(middles) * chance.uniform(*_DITHER, len(middles))
        small = size <= wanted
        found.append(middles[small] + chance.uniform(-_JITTER, _JITTER, (int(small.sum()), 2)) * size)
        size /= 2
        corners = np.array([[-0.5, -0.5], [0.5, -0.5], [-0.5, 0.5], [0.5, 0.5]]) * size
        middles = (middles[~small][:, None] + corners).reshape(-1, 2)
    spots = np.concatenate(found)
    return spots[shapely.contains_xy(county, spots)]
