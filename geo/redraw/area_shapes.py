"""Areas by their codes, kept in such a way that a change costs by what it changes, and not by how many areas there are.

Owns that and finding areas by box and by parent. What never changes lies below and is looked through once; what came
since lies above it. Must not know what redraws are. Polygons are in lon, lat EPSG:4326.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

Ground = Polygon | MultiPolygon
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class AreaShape:
    """One area as a layer has it: ground (lon, lat EPSG:4326), name, and the code of what it lies in, if any."""

    polygon: Ground
    name: str = ""
    parent_code: str | None = None


@dataclass(frozen=True, eq=False)
class Bed:
    """Areas that stay as they are, and what is known of them all together."""

    tracts: Mapping[str, AreaShape]

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """In the order of the areas."""
        return tuple(self.tracts)

    @cached_property
    def boxes(self) -> NDArray[np.float64]:
        """West, south, east, north, shape (n, 4)."""
        return shapely.bounds([each.polygon for each in self.tracts.values()]).reshape(-1, 4)

    @cached_property
    def under(self) -> Mapping[str | None, tuple[str, ...]]:
        """The codes of the areas under each parent."""
        found: dict[str | None, list[str]] = {}
        for code, tract in self.tracts.items():
            found.setdefault(tract.parent_code, []).append(code)
        return {parent: tuple(codes) for parent, codes in found.items()}


@dataclass(frozen=True, eq=False)
class AreaShapes(Mapping[str, AreaShape]):
    """A bed, the areas that are new or changed since, and the codes of the bed that are no more."""

    bed: Bed
    put: Mapping[str, AreaShape]
    gone: frozenset[str]

    @classmethod
    def of(cls, tracts: Mapping[str, AreaShape]) -> "AreaShapes":
        """Areas as they are; what came over the bed of others stays apart from it."""
        return tracts if isinstance(tracts, AreaShapes) else cls(Bed(tracts), {}, frozenset())

    def with_changes(self, put: Mapping[str, AreaShape], dropped: Iterable[str]) -> "AreaShapes":
        """With some areas new or changed and some gone."""
        away = set(dropped)
        over = {code: tract for code, tract in {**self.put, **put}.items() if code not in away}
        gone = {code for code in {*self.gone, *away} if code in self.bed.tracts}
        return AreaShapes(self.bed, over, frozenset(gone - over.keys()))

    def __getitem__(self, code: str) -> AreaShape:
        """The area of a code. Raises KeyError."""
        found = self.put.get(code)
        if found is not None:
            return found
        if code in self.gone:
            raise KeyError(code)
        return self.bed.tracts[code]

    def __contains__(self, code: object) -> bool:
        """Whether there is an area of that code."""
        return code in self.put or (code in self.bed.tracts and code not in self.gone)

    def __iter__(self) -> Iterator[str]:
        """The codes in the order of the bed, then those that are new."""
        yield from (code for code in self.bed.tracts if code not in self.gone)
        yield from (code for code in self.put if code not in self.bed.tracts)

    def __len__(self) -> int:
        """How many areas there are."""
        return len(self.bed.tracts) - len(self.gone) + sum(code not in self.bed.tracts for code in self.put)

    def meeting(self, box: Box) -> list[str]:
        """The codes of areas whose box meets a box (west, south, east, north)."""
        below = [self.bed.codes[n] for n in _meeting(self.bed.boxes, box) if self.bed.codes[n] not in self.covered]
        codes, boxes = self._above
        return below + [codes[n] for n in _meeting(boxes, box)]

    def under(self, parents: Iterable[str | None]) -> dict[str, AreaShape]:
        """The areas that have one of these parents, by code."""
        asked = set(parents)
        codes = (code for parent in asked for code in self.bed.under.get(parent, ()) if code not in self.covered)
        found = {code: self.bed.tracts[code] for code in codes}
        return found | {code: tract for code, tract in self.put.items() if tract.parent_code in asked}

    def any_under(self, parent: str | None) -> str | None:
        """The code of some area that has this parent; None where there is none."""
        below = (code for code in self.bed.under.get(parent, ()) if code not in self.covered)
        above = (code for code, tract in self.put.items() if tract.parent_code == parent)
        return next(chain(below, above), None)

    def differing(self, other: "AreaShapes") -> set[str]:
        """The codes under which two have not the very same area."""
        suspects = {*self.covered, *other.covered} if self.bed is other.bed else {*self, *other}
        return {code for code in suspects if self.get(code) is not other.get(code)}

    @cached_property
    def covered(self) -> frozenset[str]:
        """The codes for which the bed does not speak."""
        return self.gone.union(self.put)

    @cached_property
    def _above(self) -> tuple[tuple[str, ...], NDArray[np.float64]]:
        return tuple(self.put), shapely.bounds([each.polygon for each in self.put.values()]).reshape(-1, 4)


def _meeting(boxes: NDArray[np.float64], box: Box) -> list[int]:
    west, south, east, north = box
    meets = (boxes[:, 0] <= east) & (boxes[:, 2] >= west) & (boxes[:, 1] <= north) & (boxes[:, 3] >= south)
    found: list[int] = np.flatnonzero(meets).tolist()
    return found
