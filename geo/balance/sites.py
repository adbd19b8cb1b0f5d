"""Sites: the points whose surroundings become the cells that ground is divided by.

Owns how fine the cells are: small where many live, never larger than a share of the ground where nobody does. Must not
know what the cells are for. Everything is in metres on a plane.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

_SMALLEST_M: Final = 2.0
_MOST_SITES: Final = 6000


@dataclass(frozen=True, slots=True)
class Fineness:
    """A cell has at most ``households``, unless they live at one place; the ground is cut into ``cells`` at least."""

    households: int
    cells: int


def strewn(
    ground: BaseGeometry, places: NDArray[np.float64], households: NDArray[np.int64], fineness: Fineness
) -> NDArray[np.float64]:
    """Sites on a ground, shape (n, 2), like ground and places in metres on a plane.

    Squares are quartered until each is fine enough; each has one site. The site of a square is the middle
    of who lives there, else its own, where that is on the ground.
    """
    most = max(1, fineness.households, int(households.sum()) // _MOST_SITES)
    west, south, east, north = ground.bounds
    widest = max((ground.area / min(fineness.cells, _MOST_SITES)) ** 0.5, _SMALLEST_M)
    shapely.prepare(ground)
    squares = [(west, south, max(east - west, north - south), np.arange(len(places)))]
    found: list[NDArray[np.float64]] = []
    while squares:
        x, y, side, living = squares.pop()
        if not living.size and not shapely.intersects(ground, shapely.box(x, y, x + side, y + side)):
            continue
        crowded = living.size > 1 and households[living].sum() > most
        if side > widest or (crowded and side > _SMALLEST_M):
            squares += _quarters(x, y, side / 2, places, living)
        elif living.size:
            weights = np.maximum(households[living], 1)
            found.append(np.average(places[living], axis=0, weights=weights))
        elif shapely.intersects_xy(ground, x + side / 2, y + side / 2):
            found.append(np.array([x + side / 2, y + side / 2]))
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def _quarters(
    x: float, y: float, half: float, places: NDArray[np.float64], living: NDArray[np.int64]
) -> list[tuple[float, float, float, NDArray[np.int64]]]:
    east, north = (places[living] >= (x + half, y + half)).T
    return [
        (x + half * right, y + half * up, half, living[(east == right) & (north == up)])
        for right in (False, True)
        for up in (False, True)
    ]
