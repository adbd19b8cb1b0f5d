"""Point to area, exactly, in this process, over the areas of one edition.

Owns the rule that gives every point one area or none, and how near a point is to the borders. Must not know the
database, editions, or what an area is for.

**The rule.** Degrees become integers of 1e-8 degree (`rint(degrees * 1e8)`, ties to even), vertices and points alike.
A point then belongs to the area that it would lie in if it were moved east by less than anything, and north by less
than that. So a point on a west border is inside, on an east border outside; on a level border, it belongs to the area
north of it; on a vertex, to the area that the direction just north of east leads into. As every point moved so lies on
no border at all, the areas of a coverage divide all points among them: none has two areas, and none that is not outside
has none.

The same as a sum: point X, Y is in a polygon if the number of its edges (a, b), over all rings, each directed so that
ay < by, for which

    ay <= Y and Y < by and (bx - ax) * (Y - ay) <= (by - ay) * (X - ax)

is odd. In PostgreSQL this is exact when the integers are taken as numeric: `round(ST_X(point)::numeric * 100000000)`
and the edges of `ST_DumpSegments`. (For degrees with at most 8 decimals, both ways to round agree.) Away from borders
it is what `ST_Contains` says. Where areas overlap, against what a coverage is, the lowest id has the point.

A `Locator` is immutable and safe to share among threads.
"""

import ctypes
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from geo.errors import InvalidCoverage
from geo.geometry.datum import UNITS_PER_DEGREE, Floats, Integers
from geo.locate.borders import Borders, Numbers, borders_of
from geo.locate.lattice import Lattice, build_lattice
from geo.locate.lattice_update import redrawn, relaid
from geo.locate.nearby import Nearby

How = Literal["inside", "near", "outside"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a point is.

    `area` is None outside; `distance_m` is 0 inside, otherwise that to the nearest area (infinite where there is none
    at all). `candidates` are the areas within the accuracy of the fix, the one it was given first, then the nearest.
    """

    area: int | None
    how: How
    distance_m: float
    candidates: tuple[int, ...]

    @property
    def ambiguous(self) -> bool:
        """Whether the accuracy of the fix leaves more than one area."""
        return len(self.candidates) > 1


class Locator:
    """Exact point to area over one set of areas."""

    def __init__(self, ids: NDArray[np.int64], lattice: Lattice) -> None:
        """`ids[n]` is the id of area n of the lattice; `ids[0]` is -1."""
        self._ids = ids
        self._names: list[int] = ids.tolist()
        self._lattice = lattice
        self._nearby = Nearby(lattice)
        self._inside: dict[int, Place] = {}

    @classmethod
    def build(cls, areas: Sequence[tuple[int, BaseGeometry]]) -> Self:
        """Take (id, Polygon or MultiPolygon in lon, lat EPSG:4326); ids are unique and not negative.

        Raises InvalidShape for what is not polygonal or not on earth, InvalidCoverage for ids that are not as said.
        """
        ordered = sorted(areas, key=lambda area: area[0])
        ids = np.array([-1, *(area_id for area_id, _ in ordered)], dtype=np.int64)
        repeated = ids[1:] <= ids[:-1]
        if repeated.any():
            raise InvalidCoverage("repeated-area-id", index=int(np.argmax(repeated)))
        built = cls(ids, build_lattice(borders_of([geometry for _, geometry in ordered])))
        _give_back()
        return built

    def with_changes(self, put: Sequence[tuple[int, BaseGeometry]], dropped: Iterable[int] = ()) -> Self:
        """The Locator with areas new or changed, and areas gone: it answers as one built afresh.

        Only the cells that these touch are laid anew, unless they are many, or a new id is lower than one before.
        Errors as `build`; to drop what is not there does nothing.
        """
        outlines: dict[int, BaseGeometry | None] = dict.fromkeys(dropped)
        if len({area_id for area_id, _ in put}) != len(put):
            raise InvalidCoverage("repeated-area-id")
        outlines |= dict(put)
        new = sorted(area_id for area_id, _ in put if area_id not in self._numbers_of)
        numbers = self._numbers_of | {area_id: len(self._names) + n for n, area_id in enumerate(new)}
        ids = np.array(self._names + new, dtype=np.int64)
        by_number = {numbers[area_id]: outline for area_id, outline in outlines.items() if area_id in numbers}
        if (ids[1:] > ids[:-1]).all():
            return type(self)(ids, relaid(self._lattice, by_number))
        order = np.argsort(ids)
        place = np.argsort(order)
        return type(self)(ids[order], build_lattice(redrawn(self.borders, by_number, place)))

    @cached_property
    def _numbers_of(self) -> dict[int, int]:
        return {area_id: number for number, area_id in enumerate(self._names) if number}

    @property
    def borders(self) -> Borders:
        """The borders, as integers."""
        return self._lattice.borders

    def locate(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.int64]:
        """Area id of each point (degrees, shape (n,)), or -1: outside, not finite, or not on earth."""
        return self._ids.take(self._numbers(np.array([lon, lat], dtype=np.float64)))

    def locate_one(self, lon: float, lat: float) -> int | None:
        """Area id of a point, or None."""
        try:
            # As `rint` does, this takes the even of two that are equally near.
            x, y = round(lon * UNITS_PER_DEGREE), round(lat * UNITS_PER_DEGREE)
        except (ValueError, OverflowError):
            return None
        number = self._lattice.area_at(x, y)
        if number < 0:
            number = self._nearby.areas_around(np.array([[x], [y]]))[0]
        return self._names[number] if number else None

    def places(self, lon: ArrayLike, lat: ArrayLike, accuracy_m: ArrayLike, near_m: float) -> list[Place]:
        """Where each point is (degrees, shape (n,)).

        A point outside all areas, but within `near_m` of one, is *near* it: it is given to that area. `accuracy_m` (one
        for all, or shape (n,); not-a-number for unknown) never changes the area; it only adds candidates, up to
        `geo.locate.nearby.FURTHEST_M`.
        """
        degrees = np.array([lon, lat], dtype=np.float64)
        numbers = self._numbers(degrees).tolist()
        points = _units(degrees)
        accuracies = np.broadcast_to(np.asarray(accuracy_m, dtype=np.float64), points.shape[1:])
        around = self._nearby.areas_within(points, accuracies)
        places = []
        for i, number in enumerate(numbers):
            if number and i not in around:
                places.append(self._inside.get(number) or self._remember(number))
            else:
                places.append(self._place(number, points[:, i : i + 1], around.get(i, []), near_m))
        return places

    def margins_m(self, lon: ArrayLike, lat: ArrayLike) -> Floats:
        """Distance in metres of each point (degrees, shape (n,)) to the nearest border of its area, or of any, outside.

        Infinite where there is no area at all, or no place on earth.
        """
        degrees = np.array([lon, lat], dtype=np.float64)
        numbers, points = self._numbers(degrees), _units(degrees)
        margins = self._nearby.margins(points, numbers)
        for n in (numbers == 0).nonzero()[0].tolist():
            margins[n] = self._nearby.nearest(points[:, n : n + 1])[1]
        return margins

    def _numbers(self, degrees: Floats) -> Numbers:
        numbers, several = self._lattice.areas_at(degrees)
        for n in several:
            numbers[n] = self._nearby.areas_around(_units(degrees[:, n : n + 1]))[0]
        return numbers

    def _remember(self, number: int) -> Place:
        """The one Place of everything that is inside an area without doubt."""
        name = self._names[number]
        return self._inside.setdefault(number, Place(name, "inside", 0.0, (name,)))

    def _place(self, number: int, point: Integers, around: list[int], near_m: float) -> Place:
        how: How = "inside"
        distance_m = 0.0
        if not number:
            nearest, distance_m = self._nearby.nearest(point)
            how = "near" if distance_m <= near_m else "outside"
            number = nearest if how == "near" else 0
        others = [self._names[other] for other in around if other != number]
        area = self._names[number] if number else None
        return Place(area, how, distance_m, tuple(others if area is None else [area, *others]))


def _give_back() -> None:
    """Give what building took, some times the size of what stays, back to the system, where the C library can."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def _units(degrees: Floats) -> Integers:
    """Units of degrees, shape (2, n). What is not finite comes out far from earth."""
    with np.errstate(all="ignore"):
        return np.rint(degrees * UNITS_PER_DEGREE).astype(np.int64)
