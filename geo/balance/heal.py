"""Healing a division: areas out of a norm get within it by moving few households between neighbours.

Owns what is kept of several tries, and taking back what need not have moved. Must not know codes to be given or drafts.

**How.** Finding the fewest is a hard problem (it has partition in it). Cells are shifted along the shortest chains from
too many to too few; then every cell that need not have moved goes back, by itself or in exchange for a smaller one.
Several tries with other choices among equals are made, and the best is kept: the least out of the norm, then the fewest
households moved, then the shortest borders.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from shapely import LineString

from geo.balance.dwellings import Dwellings, Norm, OutOfNorm, out_of_norm
from geo.balance.holding import Holding, pieces
from geo.balance.mosaic import Mosaic, cut
from geo.balance.shifting import bring_within
from geo.balance.sites import Fineness
from geo.redraw.drawing import lines_in_units
from geo.redraw.layer import Ground, to_degrees, to_units

_CELLS_EACH: Final = 30
_FINEST: Final = 1
_TRIES: Final = ((60, 20, 240), (1_000, 6, 6), (10_000, 2, 0))
"""Up to so many cells: how many tries from the beginning, and from the best that was found, shaken."""
_SHAKES: Final = 6


@dataclass(frozen=True)
class Healed:
    """The areas that are others now (lon, lat), the households of all before and after, how many moved; what is out."""

    polygons: Mapping[str, Ground]
    before: Mapping[str, int]
    after: Mapping[str, int]
    moved: int
    out: tuple[OutOfNorm, ...]


def heal(
    areas: Mapping[str, Ground],
    dwellings: Dwellings,
    norm: Norm,
    *,
    lines: Sequence[LineString] = (),
    seed: int = 0,
) -> Healed:
    """Bring areas (lon, lat, a coverage) within a norm. Each stays in one piece, and together they stay what they were.

    An area of several parts changes hands only in its largest. Raises InvalidShape, LineCrossesItself for lines.
    """
    codes = sorted(areas)
    grounds = [areas[code] for code in codes]
    before = dwellings.within(grounds)
    units = to_units(grounds)
    fineness = Fineness(_FINEST, _CELLS_EACH * len(codes))
    mosaic = cut(units, dwellings, lines_in_units(lines, units), fineness)
    best = healed(mosaic, len(codes), norm, seed)
    changed = {best.owner[cell] for cell in _moved(best)} | {best.origin[cell] for cell in _moved(best)}
    united = mosaic.united(best.owner, len(codes))
    polygons = [to_degrees(united[n]) if n in changed else ground for n, ground in enumerate(grounds)]
    loads = dict(zip(codes, dwellings.within(polygons), strict=True))
    return Healed(
        {codes[n]: polygons[n] for n in sorted(changed)},
        dict(zip(codes, before, strict=True)),
        loads,
        best.moved,
        out_of_norm(loads, norm),
    )


def healed(mosaic: Mosaic, count: int, norm: Norm, seed: int) -> Holding:
    """The best that was found for cells held as they were cut."""
    fixed = _apart(mosaic, count)
    fresh, shaken = next((each for most, *each in _TRIES if len(mosaic.area) <= most), (1, 0))
    best: tuple[tuple[float, ...], list[int]] | None = None
    for number in range(fresh + shaken):
        chance = Random(seed + number)  # noqa: S311 - repeatable, not secret
        start = Holding(mosaic.borders, mosaic.households, mosaic.area, count, fixed)
        holding = start if number < fresh or best is None else start.held_by(best[1])
        if number >= fresh:
            _shake(holding, chance)
        bring_within(holding, norm, chance)
        take_back(holding, norm)
        rank = (holding.excess(norm), holding.moved, holding.border_cost)
        if best is None or rank < best[0]:
            best = rank, list(holding.owner)
        if not holding.moved:
            break
    start = Holding(mosaic.borders, mosaic.households, mosaic.area, count, fixed)
    return start if best is None else start.held_by(best[1])


def _shake(holding: Holding, chance: Random) -> None:
    """Pass a few cells on at random."""
    for _ in range(chance.randint(1, _SHAKES)):
        cell = chance.randrange(len(holding.owner))
        takers = sorted({holding.owner[each] for each, _ in holding.borders[cell]} - {holding.owner[cell]})
        if takers and holding.can_go(cell, taker := chance.choice(takers)):
            holding.give(cell, taker)


def take_back(holding: Holding, norm: Norm) -> None:
    """Let cells go back that need not have moved, by themselves or in exchange for smaller ones."""
    while _back_alone(holding, norm) or _back_for_less(holding, norm):
        pass


def _back_alone(holding: Holding, norm: Norm) -> bool:
    """Let single cells go back; whether any households did."""
    went = False
    for cell in sorted(_moved(holding), key=lambda each: -holding.weights[each]):
        home, weight = holding.origin[cell], holding.weights[cell]
        if not weight and holding.gain(cell, home) <= 0:
            continue
        if _is_no_worse(holding, norm, (holding.owner[cell], home), weight) and holding.can_go(cell, home):
            holding.give(cell, home)
            went = went or weight > 0
    return went


def _back_for_less(holding: Holding, norm: Norm) -> bool:
    """Let cells go back for smaller ones that go instead; whether any did."""
    went = False
    beside: dict[tuple[int, int], list[int]] = {}
    for cell in sorted(_moved(holding), key=lambda each: -holding.weights[each]):
        home, now, weight = holding.origin[cell], holding.owner[cell], holding.weights[cell]
        if (home, now) not in beside:
            beside[home, now] = sorted(holding.edge_of(home, now), key=lambda each: holding.weights[each])
        for other in dict.fromkeys((*beside[home, now], *(each for each, _ in holding.borders[cell]))):
            less = weight - holding.weights[other]
            if less <= 0 or not holding.owner[other] == holding.origin[other] == home:
                continue
            if _is_no_worse(holding, norm, (now, home), less) and _swap(holding, (cell, home), (other, now)):
                went = True
                break
    return went


def _is_no_worse(holding: Holding, norm: Norm, step: tuple[int, int], households: int) -> bool:
    """Whether areas would be no further out of a norm if so many households went from one to another."""
    giver, taker = (holding.load[area] for area in step)
    before = abs(norm.excess(giver)) + abs(norm.excess(taker))
    return abs(norm.excess(giver - households)) + abs(norm.excess(taker + households)) <= before


def _swap(holding: Holding, one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Pass two cells on to the areas named, in whichever order it can be done; whether it could."""
    mark = holding.mark
    for steps in ((one, other), (other, one)):
        for cell, taker in steps:
            if not holding.can_go(cell, taker):
                break
            holding.give(cell, taker)
        else:
            return True
        holding.back_to(mark)
    return False


def _moved(holding: Holding) -> list[int]:
    """The cells that are elsewhere than at the beginning."""
    return [cell for cell, (now, before) in enumerate(zip(holding.owner, holding.origin, strict=True)) if now != before]


def _apart(mosaic: Mosaic, count: int) -> list[int]:
    """The cells in all but the largest part of each area."""
    found = []
    for each in pieces(mosaic.borders, mosaic.area, count):
        by_size = sorted(each, key=lambda cells: -sum(mosaic.size_m2[cell] for cell in cells))
        found += [cell for piece in by_size[1:] for cell in piece]
    return found
