"""Which area holds which cells: passing cells on, and whether areas stay in one piece.

Owns the state that balancing changes, and taking changes back. Must not know what it is changed for.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Self

from geo.balance.dwellings import Norm

Borders = Sequence[Sequence[tuple[int, float]]]
_NOBODY: Final = -1


class Holding:
    """Cells and their holders, both numbered from 0. ``origin`` is who held each at the beginning."""

    def __init__(
        self, borders: Borders, weights: Sequence[int], owners: Sequence[int], count: int, fixed: Iterable[int] = ()
    ) -> None:
        """``weights`` are the households of cells; ``fixed`` cells never change hands."""
        self.borders = borders
        self.weights = weights
        self.origin = tuple(owners)
        self.owner = list(owners)
        self.fixed = frozenset(fixed)
        self.load = [0] * count
        self.members: list[set[int]] = [set() for _ in range(count)]
        self._log: list[tuple[int, int]] = []
        for cell, owner in enumerate(owners):
            self.load[owner] += weights[cell]
            self.members[owner].add(cell)

    def held_by(self, owners: Sequence[int]) -> Self:
        """The same, with cells passed on to those who shall hold them."""
        for cell, owner in enumerate(owners):
            if self.owner[cell] != owner:
                self.give(cell, owner)
        return self

    def give(self, cell: int, taker: int) -> None:
        """Pass a cell on."""
        giver = self.owner[cell]
        self._log.append((cell, giver))
        self._put(cell, taker)

    @property
    def mark(self) -> int:
        """Where the changes stand; for ``back_to``."""
        return len(self._log)

    def back_to(self, mark: int) -> None:
        """Take back all that was changed since a mark."""
        while len(self._log) > mark:
            self._put(*self._log.pop())

    def can_go(self, cell: int, taker: int) -> bool:
        """Whether a cell may pass to an area: it lies beside it, and leaves its own in one piece, and not empty."""
        if cell in self.fixed or not any(self.owner[each] == taker for each, _ in self.borders[cell]):
            return False
        own = self.owner[cell]
        beside = {each for each, _ in self.borders[cell] if self.owner[each] == own}
        return bool(beside) and hang_together(self.borders, self.owner, sorted(beside), cell)

    def edge_of(self, giver: int, taker: int) -> list[int]:
        """The cells of one area that lie beside another, in order."""
        owner, borders = self.owner, self.borders
        return sorted(
            cell
            for cell in self.members[giver]
            if cell not in self.fixed and any(owner[each] == taker for each, _ in borders[cell])
        )

    def beside(self, area: int) -> list[int]:
        """The areas that share a border with one, in order."""
        return sorted({self.owner[each] for cell in self.members[area] for each, _ in self.borders[cell]} - {area})

    def gain(self, cell: int, taker: int) -> float:
        """By how much the borders between areas cost less if a cell passes on; below zero: more."""
        own = self.owner[cell]
        return sum(
            cost if self.owner[each] == taker else -cost if self.owner[each] == own else 0.0
            for each, cost in self.borders[cell]
        )

    def excess(self, norm: Norm) -> int:
        """By how many households, altogether, areas are out of a norm."""
        return sum(abs(norm.excess(load)) for load in self.load)

    @property
    def moved(self) -> int:
        """How many households are elsewhere than at the beginning."""
        changed = zip(self.owner, self.origin, self.weights, strict=True)
        return sum(weight for now, before, weight in changed if now != before)

    @property
    def border_cost(self) -> float:
        """What the borders between areas cost, in metres as the mosaic counts them."""
        owner = self.owner
        return sum(
            cost
            for cell, beside in enumerate(self.borders)
            for each, cost in beside
            if each > cell and owner[each] != owner[cell]
        )

    def _put(self, cell: int, taker: int) -> None:
        giver, weight = self.owner[cell], self.weights[cell]
        self.members[giver].discard(cell)
        self.members[taker].add(cell)
        self.load[giver] -= weight
        self.load[taker] += weight
        self.owner[cell] = taker


def hang_together(borders: Borders, owners: Sequence[int], starts: Iterable[int], without: int) -> bool:
    """Whether cells of one area are joined within it, without one cell.

    The search goes out from all of them by turns: where one is cut off, little more than its side is searched.
    """
    ahead = {cell: [cell] for cell in starts}
    leader = {cell: cell for cell in ahead}
    of = {without: _NOBODY} | leader
    while len(ahead) > 1:
        for start in list(ahead):
            if start not in ahead:
                continue
            following: list[int] = []
            for each in _around(borders, owners, ahead[start]):
                if each not in of:
                    of[each] = start
                    following.append(each)
                elif each != without:
                    other = of[each]
                    while leader[other] != other:
                        other = leader[other]
                    if other != start:
                        leader[other] = start
                        following += ahead.pop(other)
            if not following and len(ahead) > 1:
                return False
            ahead[start] = following
    return True


def _around(borders: Borders, owners: Sequence[int], cells: Iterable[int]) -> Iterator[int]:
    """The cells beside these that are of the same area."""
    return (each for cell in cells for each, _ in borders[cell] if owners[each] == owners[cell])


def pieces(borders: Borders, owners: Sequence[int], count: int) -> list[list[list[int]]]:
    """The connected pieces of each area, as lists of cells."""
    found: list[list[list[int]]] = [[] for _ in range(count)]
    seen = [False] * len(owners)
    for start in range(len(owners)):
        if seen[start] or owners[start] == _NOBODY:
            continue
        piece, seen[start] = [start], True
        for cell in piece:
            for each, _ in borders[cell]:
                if not seen[each] and owners[each] == owners[start]:
                    seen[each] = True
                    piece.append(each)
        found[owners[start]].append(piece)
    return found
