"""Dividing the cells of areas into so many parts each, all of one piece and about as big as one another.

Owns the shares (how many parts each area gets) and which cell goes to which part. Pure. Must not know what the parts
are called, nor how cells look: a cell is a place, a parent, and its neighbours.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.random import Generator
from numpy.typing import NDArray

from server.demo.terrain import GroundNotDrawn

Positions = NDArray[np.float64]
Numbers = NDArray[np.int64]
Masses = NDArray[np.float64]

_ROUNDS: Final = 3
# Units of 1e-8 degree: from 20 km down to 300 m.
_LONGEST_WAVE: Final = 2e7
_SHORTEST_WAVE: Final = 3e5
_WAVES: Final = 3
_AMPLITUDE: Final = 0.06


def shares(total: int, masses: Masses, cells: Numbers, most: int) -> Numbers:
    """Divide a number of parts among areas by their masses: at least 1 each, at most `most` and as many as its cells.

    Raises GroundNotDrawn where the total cannot be reached.
    """
    limit = np.minimum(cells, most)
    if not len(masses) <= total <= limit.sum():
        raise GroundNotDrawn(f"{total} parts do not go into {len(masses)} areas")
    parts = np.clip(np.floor(total * masses / masses.sum()).astype(np.int64), 1, limit)
    while (left := total - int(parts.sum())) != 0:
        # Whoever is furthest below (or above) the average is next, as far as the limits allow.
        need = masses / parts
        able = parts < limit if left > 0 else parts > 1
        order = np.argsort(np.where(able, -need if left > 0 else need, np.inf), kind="stable")
        chosen = order[: min(abs(left), int(able.sum()))]
        parts[chosen] += 1 if left > 0 else -1
    return np.asarray(parts)


@dataclass(frozen=True, eq=False)
class Cells:
    """What division knows of cells: places `at` (c, 2), `mass` (c,): how many live there, `near` (n, 2): neighbours."""

    at: Positions
    mass: Masses
    near: Numbers


def divided(chance: Generator, cells: Cells, parent: Numbers, parts: Numbers) -> Numbers:
    """Return the part of each cell, numbered from 0 through all parents, in each from the north-west.

    `parent` (c,) from 0, `parts` (p,) how many each parent gets. The parts of a parent have about the same mass.
    """
    at, near = cells.at, cells.near
    inner = near[parent[near[:, 0]] == parent[near[:, 1]]]
    # Far apart, no parent's cells are ever nearest to another's middle.
    span = float(np.ptp(at, axis=0).max()) * 4 + 1
    spread = at + np.stack([parent * span, np.zeros(len(parent))], axis=1)
    middles = _first(chance, cells.mass, parent, parts)
    for _ in range(_ROUNDS):
        middles = _most_central(spread, cells.mass, _nearest(spread, middles), len(middles))
    part = _connected(_nearest(spread, middles), middles, inner)
    order = np.lexsort((at[middles, 0] - at[middles, 1], parent[middles]))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[part]


def _first(chance: Generator, mass: Masses, parent: Numbers, parts: Numbers) -> Numbers:
    """So many cells of each parent, by chance, each as likely as its mass."""
    order = np.lexsort((chance.exponential(size=len(parent)) / mass, parent))
    begins = np.searchsorted(parent[order], np.arange(len(parts)))
    rank = np.arange(len(order)) - begins[parent[order]]
    return order[rank < parts[parent[order]]]


def _nearest(at: Positions, middles: Numbers) -> Numbers:
    tree = shapely.STRtree(np.asarray(shapely.points(at[middles])))
    return np.asarray(tree.nearest(np.asarray(shapely.points(at))), dtype=np.int64)


def _most_central(at: Positions, mass: Masses, part: Numbers, count: int) -> Numbers:
    """The cell of each part that is nearest to where the middle of its mass is."""
    whole = np.bincount(part, mass, count)
    middle = np.stack([np.bincount(part, at[:, axis] * mass, count) / whole for axis in (0, 1)], axis=1)
    away = ((at - middle[part]) ** 2).sum(axis=1)
    order = np.lexsort((away, part))
    return order[np.searchsorted(part[order], np.arange(count))]


def _connected(part: Numbers, middles: Numbers, near: Numbers) -> Numbers:
    """Cells cut off from the middle of their part go to a neighbour that is not; on islands they stay."""
    held = np.zeros(len(part), dtype=bool)
    held[middles] = True
    part = part.copy()
    # First what each part holds together, then what is left over beside it.
    for beside in (near[part[near[:, 0]] == part[near[:, 1]]], near):
        both = np.concatenate([beside, beside[:, ::-1]])
        while True:
            both = both[~held[both[:, 1]]]
            reached = both[held[both[:, 0]]]
            if not len(reached):
                break
            part[reached[:, 1]] = part[reached[:, 0]]
            held[reached[:, 1]] = True
    return part


def warped(chance: Generator, at: Positions) -> Positions:
    """Places moved by waves of all lengths, so that what is nearest to what has winding borders."""
    moved = at.copy()
    low = at.min(axis=0)
    length = _LONGEST_WAVE
    while length > _SHORTEST_WAVE:
        for _ in range(_WAVES):
            turn, phase, aside = chance.uniform(0, 2 * np.pi, 3)
            wave = np.sin((at - low) @ np.array([np.cos(turn), np.sin(turn)]) * (2 * np.pi / length) + phase)
            moved += np.outer(wave * length * _AMPLITUDE, [np.cos(aside), np.sin(aside)])
        length /= 2
    return moved
