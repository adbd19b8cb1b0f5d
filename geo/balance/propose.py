"""Proposing a division of one ground: into so many areas, or into areas within a norm.

Owns choosing how many, and what of several tries is best. Must not know codes or drafts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from random import Random
from typing import Final

import shapely
from shapely import LineString

from geo.balance.dwellings import Dwellings, Norm
from geo.balance.holding import Holding
from geo.balance.mosaic import Mosaic, cut
from geo.balance.partition import Try, divided
from geo.balance.shifting import bring_within
from geo.balance.sites import Fineness
from geo.redraw.drawing import lines_in_units
from geo.redraw.errors import CannotDivide
from geo.redraw.layer import Ground, place, to_degrees, to_units

MOST_PARTS: Final = 100
"""At once: a request waits for it, and what it takes of a processor stays within seconds."""
_MOST_TRIED: Final = 36_000
"""Cells in all tries together; of more and larger tries fewer are made."""
_CELLS_EACH: Final = 60
_FEWEST_CELLS: Final = 400
_EVEN: Final = 0.02
_NEARLY_EVEN: Final = 0.1
"""Areas that differ by no more from the mean are even; within a norm, short borders count for more."""
_SPARSE: Final = 4
"""With fewer households than this for each area, ground is divided by size."""
_SHARES: Final = 1e6
_FINE: Final = 100
_SIZE: Final = 0.02
_ROUNDS: Final = 4
_UNEVEN: Final = (20, 30, 60)
_SEEDS: Final = 2


@dataclass(frozen=True)
class Proposal:
    """Areas (lon, lat), from north to south, and the households of each."""

    polygons: tuple[Ground, ...]
    households: tuple[int, ...]


def propose(
    ground: Ground,
    dwellings: Dwellings,
    *,
    count: int | None = None,
    norm: Norm | None = None,
    lines: Sequence[LineString] = (),
    seed: int = 0,
) -> Proposal:
    """Divide a ground (lon, lat) into ``count`` areas of as many households each, or into areas within a norm.

    With both, the norm is what is aimed at. Borders run along ``lines`` (lon, lat) where that costs little. Each area
    is one polygon, and together they are the ground. Areas that cannot be within the norm are as near as was found.
    Raises CannotDivide: "in-parts" (the ground is several polygons), "too-many", "too-few"; InvalidShape,
    LineCrossesItself for lines.
    """
    whole, *others = sorted(shapely.get_parts(to_units([ground])), key=lambda part: -part.area)
    if others:
        raise CannotDivide("in-parts", *place(others[-1]))
    counts = _counts(dwellings.total, count, norm)
    if not 0 < counts[0] <= MOST_PARTS:
        raise CannotDivide("too-many", *place(whole))
    fineness = Fineness(dwellings.total // (counts[0] * _CELLS_EACH), max(_FEWEST_CELLS, counts[0] * _CELLS_EACH))
    mosaic = cut([whole], dwellings, lines_in_units(lines, [whole]), fineness)
    if len(mosaic.households) < counts[0]:
        raise CannotDivide("too-many", *place(whole))
    ways = [Try(seed + turn, uneven) for turn in range(_SEEDS) for uneven in _UNEVEN]
    numbers = [each for each in counts if each <= len(mosaic.households)]
    numbers = numbers[: max(1, _MOST_TRIED // len(mosaic.households))]
    each_way = max(1, _MOST_TRIED // (len(mosaic.households) * len(numbers)))
    tried = [_tried(mosaic, number, norm, way) for number in numbers for way in ways[:each_way]]
    _, best = min(tried, key=lambda each: (each[0], each[1].border_cost))
    polygons = _from_the_north([to_degrees(part) for part in mosaic.united(best.owner, len(best.load))])
    return Proposal(tuple(polygons), tuple(dwellings.within(polygons)))


def _counts(total: int, count: int | None, norm: Norm | None) -> list[int]:
    """Into how many areas ground may be divided, the likeliest first."""
    if count is not None:
        return [count]
    if norm is None:
        raise CannotDivide("too-few")
    fewest, most = -(-total // norm.most), total // max(norm.least, 1)
    likely = max(1, round(2 * total / (norm.least + norm.most)))
    if fewest > most:
        # No number of areas is right; either neighbour may be nearer.
        return [max(1, each) for each in dict.fromkeys((fewest, most))]
    likely = min(max(likely, fewest, 1), max(most, 1))
    return [each for each in (likely, likely + 1, likely - 1) if each == likely or max(fewest, 1) <= each <= most]


def _tried(mosaic: Mosaic, count: int, norm: Norm | None, way: Try) -> tuple[int, Holding]:
    """A division of the cells into so many areas, and how far it is from what is aimed at."""
    sparse = sum(mosaic.households) < _SPARSE * count
    share = _SHARES / sum(mosaic.size_m2)
    weights = [round(size * share) for size in mosaic.size_m2] if sparse else list(mosaic.households)
    owners = divided(mosaic.borders, _with_size(mosaic, weights), count, way) if count > 1 else [0] * len(weights)
    holding = Holding(mosaic.borders, weights, owners, count)
    aims = [_even(weights, count, norm)] if norm is None or sparse else [_even(weights, count, norm), norm]
    for aim in aims:
        _straighten(holding, aim)
        _bring_near(holding, aim, way.seed)
        _straighten(holding, aim)
    return holding.excess(aims[-1]), Holding(mosaic.borders, mosaic.households, holding.owner, count)


def _bring_near(holding: Holding, aim: Norm, seed: int) -> None:
    for turn in range(_ROUNDS):
        before = holding.excess(aim)
        bring_within(holding, aim, Random(seed + turn))  # noqa: S311 - repeatable, not secret
        if holding.excess(aim) in (0, before):
            break


def _with_size(mosaic: Mosaic, weights: Sequence[int]) -> list[int]:
    """Weights in which size counts a little: where nobody lives METIS would have nothing to go by."""
    share = _SIZE * _FINE * sum(weights) / sum(mosaic.size_m2)
    return [1 + _FINE * weight + round(share * size) for weight, size in zip(weights, mosaic.size_m2, strict=True)]


def _even(weights: Sequence[int], count: int, norm: Norm | None) -> Norm:
    """What is aimed at: the mean, give or take a little, and no finer than the cells are."""
    mean = sum(weights) / count
    heavy = sorted(weight for weight in weights if weight)[-len(weights) // 4 :]
    lump = sum(heavy) / max(len(heavy), 1)
    away = mean * _NEARLY_EVEN if norm else max(mean * _EVEN, min(lump, mean * _NEARLY_EVEN))
    return Norm(min(ceil(mean - away), floor(mean)), max(floor(mean + away), ceil(mean)))


def _straighten(holding: Holding, norm: Norm) -> None:
    """Pass on cells by which borders become shorter, as long as no area gets further from the norm by it."""
    for _ in range(_ROUNDS):
        is_straight = True
        for cell, beside in enumerate(holding.borders):
            own = holding.owner[cell]
            others = {holding.owner[each] for each, _ in beside} - {own}
            if not others:
                continue
            gains = {other: holding.gain(cell, other) for other in sorted(others)}
            taker = max(gains, key=gains.__getitem__)
            if gains[taker] <= 0 or not holding.can_go(cell, taker):
                continue
            mark, before = holding.mark, holding.excess(norm)
            holding.give(cell, taker)
            if holding.excess(norm) > before:
                holding.back_to(mark)
            else:
                is_straight = False
        if is_straight:
            break


def _from_the_north(polygons: Sequence[Ground]) -> list[Ground]:
    middles = [(-at.y, at.x) for at in shapely.centroid(list(polygons))]
    return [polygons[n] for n in sorted(range(len(polygons)), key=lambda each: middles[each])]
