"""Where households live, how many there should be in an area, and how many there are.

Owns counting. Must not know how ground is cut or divided.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.locate.locator import Locator
from geo.redraw.layer import Ground


@dataclass(frozen=True, eq=False)
class Dwellings:
    """Places (lon, lat EPSG:4326; shape (n, 2)) and how many households live at each (shape (n,))."""

    positions: NDArray[np.float64]
    households: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[tuple[float, float, int]]) -> Self:
        """From (lon, lat, households); what is at one place is added up."""
        table = np.array(rows, dtype=np.float64).reshape(-1, 3)
        places, number = np.unique(np.round(table[:, :2], 8), axis=0, return_inverse=True)
        counts = np.bincount(number.ravel(), weights=table[:, 2], minlength=len(places))
        return cls(places, counts.astype(np.int64))

    @property
    def total(self) -> int:
        """All households."""
        return int(self.households.sum())

    def within(self, grounds: Sequence[Ground]) -> list[int]:
        """How many live in each of these areas (lon, lat), as records are located; those in none, in the nearest."""
        counts: list[int] = (
            np.bincount(self.places_in(grounds), self.households, len(grounds)).astype(np.int64).tolist()
        )
        return counts

    def places_in(self, grounds: Sequence[Ground]) -> NDArray[np.int64]:
        """The number of the area that each place is in, or nearest to."""
        if not len(self.positions):
            return np.zeros(0, dtype=np.int64)
        locator = Locator.build(list(enumerate(grounds)))
        found = locator.locate(self.positions[:, 0], self.positions[:, 1])
        lost = np.flatnonzero(found < 0)
        if lost.size:
            tree = shapely.STRtree(list(grounds))
            found[lost] = tree.nearest(np.asarray(shapely.points(self.positions[lost]), dtype=object))
        return found


@dataclass(frozen=True, slots=True)
class Norm:
    """How many households an area should have: from ``least`` to ``most``, both allowed."""

    least: int
    most: int

    def excess(self, households: int) -> int:
        """How many there are too many; below zero: too few; 0 within."""
        return max(households - self.most, 0) + min(households - self.least, 0)


@dataclass(frozen=True, slots=True)
class OutOfNorm:
    """An area that is not within the norm, and by how much: above zero too many, below too few."""

    code: str
    households: int
    by: int


def out_of_norm(loads: Mapping[str, int], norm: Norm) -> tuple[OutOfNorm, ...]:
    """The areas that are not within a norm, by code."""
    return tuple(
        OutOfNorm(code, load, norm.excess(load)) for code, load in sorted(loads.items()) if norm.excess(load) != 0
    )
