"""Dividing cells among a number of areas, compact and in one piece each: multilevel graph partitioning (METIS).

Owns the call, and what METIS leaves undone: areas in several pieces, or without any cell. Must not know geometry.
METIS: Karypis and Kumar, A Fast and High Quality Multilevel Scheme for Partitioning Irregular Graphs, 1998.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pymetis

from geo.balance.holding import Borders, pieces

_MOST_COST: Final = 1e8
"""Of all borders: METIS takes whole numbers, and adds them up in 32 bits."""
_CUTS: Final = 4
_TWO: Final = 2


@dataclass(frozen=True, slots=True)
class Try:
    """One of several ways to ask: the seed, and how many thousandths above the mean an area may come out.

    Held too closely to the mean, areas come out ragged.
    """

    seed: int
    uneven: int


def divided(borders: Borders, weights: Sequence[int], count: int, how: Try) -> list[int]:
    """The area (from 0) of each cell; there are at least ``count`` cells, and they hang together."""
    owners = _partition(borders, weights, count, how)
    for _ in range(count):
        _join_pieces(borders, owners, weights, count)
        missing = sorted(set(range(count)) - set(owners))
        if not missing:
            break
        _halve_the_largest(borders, owners, weights, missing[0], how)
    return owners


def _partition(borders: Borders, weights: Sequence[int], count: int, how: Try) -> list[int]:
    starts = [0]
    for beside in borders:
        starts.append(starts[-1] + len(beside))
    scale = _MOST_COST / (sum(cost for beside in borders for _, cost in beside) or 1.0)
    options = pymetis.Options(
        seed=how.seed, ncuts=_CUTS, niter=20, ufactor=how.uneven, contig=int(count > _TWO), minconn=0
    )
    found = pymetis.part_graph(
        count,
        pymetis.CSRAdjacency(starts, [each for beside in borders for each, _ in beside]),
        vweights=list(weights),
        eweights=[max(1, round(cost * scale)) for beside in borders for _, cost in beside],
        recursive=False,
        options=options,
    )
    return [int(owner) for owner in found.vertex_part]


def _join_pieces(borders: Borders, owners: list[int], weights: Sequence[int], count: int) -> None:
    """Give all but the largest piece of each area to the neighbour with the longest border on it."""
    for area, found in enumerate(pieces(borders, owners, count)):
        for piece in sorted(found, key=lambda cells: (-sum(weights[cell] for cell in cells), -len(cells)))[1:]:
            costs: dict[int, float] = {}
            for cell in piece:
                for each, cost in borders[cell]:
                    if owners[each] != area:
                        costs[owners[each]] = costs.get(owners[each], 0.0) + cost
            taker = max(sorted(costs), key=lambda each: costs[each])
            for cell in piece:
                owners[cell] = taker


def _halve_the_largest(borders: Borders, owners: list[int], weights: Sequence[int], missing: int, how: Try) -> None:
    """Give a part of the area with the most households, among those of several cells, to one that has no cell."""
    cells: dict[int, list[int]] = {}
    for cell, owner in enumerate(owners):
        cells.setdefault(owner, []).append(cell)
    several = [area for area in sorted(cells) if len(cells[area]) > 1]
    largest = cells[max(several, key=lambda area: (sum(weights[cell] for cell in cells[area]), len(cells[area])))]
    number = {cell: n for n, cell in enumerate(largest)}
    inner = [[(number[each], cost) for each, cost in borders[cell] if each in number] for cell in largest]
    halves = _partition(inner, [weights[cell] for cell in largest], 2, how)
    if len(set(halves)) < _TWO:
        halves = [int(n == 0) for n in range(len(largest))]
    for cell, half in zip(largest, halves, strict=True):
        if half:
            owners[cell] = missing
