"""Moving cells between areas until all are within a norm.

Owns the moves: along chains of neighbours from where there are too many to where there is room, and exchanges where
nothing else is left. Every move leaves each area in one piece, and takes away some of what is out of the norm. Must not
know how many households were moved before, nor geometry.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from random import Random
from typing import Final

from geo.balance.dwellings import Norm
from geo.balance.holding import Holding

Step = tuple[int, int]
"""From area to area."""
_JITTER: Final = 0.5
_MOST_EXCHANGES: Final = 20_000


def bring_within(holding: Holding, norm: Norm, chance: Random) -> None:
    """Move cells until all areas are within a norm, or nothing helps any more."""
    while _shift_somewhere(holding, norm, chance) or _exchange_somewhere(holding, norm):
        pass


def _shift_somewhere(holding: Holding, norm: Norm, chance: Random) -> bool:
    """Help one area that is out of the norm along a chain; whether any could be helped."""
    out = [area for area, load in enumerate(holding.load) if norm.excess(load)]
    chance.shuffle(out)
    barred: set[Step] = set()
    while out:
        chain = _chain(holding, norm, out[-1], barred, chance)
        if chain is None:
            out.pop()
            continue
        mark, before = holding.mark, holding.excess(norm)
        stuck = _shift(holding, norm, chain, chance)
        if holding.excess(norm) < before:
            return True
        holding.back_to(mark)
        barred.add(stuck or (chain[0], chain[1]))
    return False


def _chain(holding: Holding, norm: Norm, start: int, barred: set[Step], chance: Random) -> list[int] | None:
    """The shortest way from who has too many to who has room, which of the two ``start`` may be; None where none is."""
    giving = holding.load[start] > norm.most
    came: dict[int, int] = {start: start}
    ahead = [start]
    while ahead:
        following: list[int] = []
        for area in ahead:
            for each in holding.beside(area):
                if each not in came and ((area, each) if giving else (each, area)) not in barred:
                    came[each] = area
                    following.append(each)
        room = {each: _room(holding.load[each], norm, giving=giving) for each in following}
        ends = [each for each in following if room[each] > 0]
        if ends:
            needing = [each for each in ends if norm.excess(holding.load[each])] or ends
            end = max(needing, key=lambda each: room[each] * (1 - _JITTER * chance.random()))
            chain = list(_back(came, end))
            return chain[::-1] if giving else chain
        ahead = following
    return None


def _room(load: int, norm: Norm, *, giving: bool) -> int:
    """How many more an area could take, or (not giving) spare."""
    return norm.most - load if giving else load - norm.least


def _back(came: dict[int, int], end: int) -> Iterator[int]:
    while came[end] != end:
        yield end
        end = came[end]
    yield end


def _shift(holding: Holding, norm: Norm, chain: Sequence[int], chance: Random) -> Step | None:
    """Move households along a chain, the last step first; the step at which nothing could be moved, if any."""
    first, last = chain[0], chain[-1]
    load = holding.load
    least, most = max(load[first] - norm.most, norm.least - load[last], 0), norm.most - load[last]
    amount = max(1, min(least, load[first] - norm.least, most))
    limit = max(amount, min(load[first] - norm.least, most))
    for giver, taker in reversed(list(pairwise(chain))):
        moved = _pass_on(holding, (giver, taker), amount, limit, chance)
        if not moved:
            return giver, taker
        amount, limit = moved, max(moved, norm.most - load[giver])
    return None


def _pass_on(holding: Holding, step: Step, amount: int, limit: int, chance: Random) -> int:
    """Pass cells on until an amount of households is reached, never beyond a limit; how many were moved."""
    giver, taker = step
    keys = {cell: _turn(holding, cell, taker, chance) for cell in holding.edge_of(giver, taker)}
    moved = 0
    while moved < amount:
        cell = _next(holding, keys, taker, amount - moved, limit - moved)
        if cell is None:
            break
        holding.give(cell, taker)
        moved += holding.weights[cell]
        del keys[cell]
        for each, _ in holding.borders[cell]:
            if holding.owner[each] == giver and each not in holding.fixed:
                keys[each] = _turn(holding, each, taker, chance)
    return moved


def _turn(holding: Holding, cell: int, taker: int, chance: Random) -> float:
    """What tells which of several cells goes first (the lowest): borders that get shorter, and some chance."""
    around = sum(cost for _, cost in holding.borders[cell]) or 1.0
    return _JITTER * chance.random() - holding.gain(cell, taker) / around + (holding.weights[cell] == 0)


def _next(holding: Holding, keys: dict[int, float], taker: int, amount: int, limit: int) -> int | None:
    """The first cell that may go: one by which the amount is not passed if it can be, else the smallest.

    Those that may not are taken out of ``keys``: they may only once a cell beside them has gone.
    """
    weights = holding.weights

    def order(cell: int) -> tuple[float, ...]:
        return (1, weights[cell], keys[cell]) if weights[cell] > amount else (0, keys[cell])

    while fitting := [cell for cell in keys if weights[cell] <= limit]:
        cell = min(fitting, key=order)
        if holding.can_go(cell, taker):
            return cell
        del keys[cell]
    return None


def _exchange_somewhere(holding: Holding, norm: Norm) -> bool:
    """Exchange two cells of neighbours so that less is out of the norm; whether any could be."""
    for area, load in enumerate(holding.load):
        if norm.excess(load) and any(_exchange(holding, norm, area, other) for other in holding.beside(area)):
            return True
    return False


def _exchange(holding: Holding, norm: Norm, area: int, other: int) -> bool:
    before = holding.excess(norm)
    return exchange_first(holding, (area, other), lambda: holding.excess(norm) < before)


def exchange_first(holding: Holding, step: Step, is_better: Callable[[], bool]) -> bool:
    """Make the first exchange of a cell of each of two areas after which it is better; whether there was any."""
    tried = 0
    area, other = step
    for cell in holding.edge_of(area, other):
        mark = holding.mark
        if not holding.can_go(cell, other):
            continue
        holding.give(cell, other)
        for back in holding.edge_of(other, area):
            tried += 1
            if tried > _MOST_EXCHANGES:
                break
            if back == cell or not holding.can_go(back, area):
                continue
            inner = holding.mark
            holding.give(back, area)
            if is_better():
                return True
            holding.back_to(inner)
        holding.back_to(mark)
    return False
