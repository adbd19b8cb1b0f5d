"""Parents follow the areas below them: whoever gained or lost ground to another parent's areas is drawn anew.

Owns that alone. A parent that at no time, before the draft or within it, was exactly what lies in it is left to the
gate: somebody drew it otherwise on purpose.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.coverage.nesting import uneven
from geo.coverage.plane import polygons_of, width
from geo.errors import GeoError
from geo.redraw import lay_all
from geo.redraw.layer import AreaShape, Layer, to_degrees, to_units
from server.grids.draft_ground import DraftGround

Waiting = Mapping[str, Mapping[str, Sequence[AreaShape]]]
_APART_UNITS: Final = 9.0
"""A centimetre, in units of 1e-8 degree: what nesting lets pass."""


def with_parents(
    before: DraftGround, steps: Sequence[DraftGround], waiting: Waiting = MappingProxyType({})
) -> DraftGround:
    """The city that the last of some steps leaves, in which parents are what lies in them, from the lowest up.

    ``waiting``: ground that lies in them too, though in no area yet, by the kind of area it is for, and by parent.
    """
    after = steps[-1] if steps else before
    for kind in sorted(after.ranks, key=lambda each: -after.ranks[each]):
        held = waiting.get(kind, {})
        uneven = _uneven(before.sheets[kind], after.sheets[kind], held)
        now = _below(after.sheets[kind], uneven)
        for code in uneven & held.keys():
            now[code] = [*now[code], *held[code]]
        followed = _followed(kind, [before, *reversed(steps)], after, now) if uneven else {}
        for upper, sheet in after.sheets.items():
            put = {code: tract for code, tract in followed.items() if code in sheet.tracts}
            if put:
                after = after.with_sheet(upper, _laid(sheet, put))
    return after


def _laid(sheet: Layer, put: dict[str, AreaShape]) -> Layer:
    """The sheet with areas drawn anew; whoever shares a border of theirs that got a node receives it."""
    try:
        return sheet.with_changes(lay_all(sheet, put).put)
    except GeoError:
        # They do not fit to their neighbours: the gate tells where.
        return sheet.with_changes(put)


def _uneven(old: Layer, new: Layer, held: Mapping[str, Sequence[AreaShape]]) -> set[str]:
    """The parents whose areas hold other ground together than they did; ``held`` lies in them too by now."""
    lost: dict[str | None, list[AreaShape]] = defaultdict(list)
    gained: dict[str | None, list[AreaShape]] = defaultdict(list, {code: list(ground) for code, ground in held.items()})
    for code in old.differing(new):
        for sheet, side in ((old, lost), (new, gained)):
            if code in sheet.tracts:
                side[sheet[code].parent_code].append(sheet[code])
    concerned = {code for code in {*lost, *gained} if code is not None}
    return {code for code in concerned if not _is_same(_united(lost[code]), _united(gained[code]))}


def _followed(
    kind: str, past: Sequence[DraftGround], after: DraftGround, now: Mapping[str, list[AreaShape]]
) -> dict[str, AreaShape]:
    """The parents that were what lay in them at one of the past states, and are not what lies in them now."""
    parents = {code: parent for code, held in now.items() if held and (parent := after.find(code)) is not None}
    found: dict[str, AreaShape] = {}
    waiting = set(parents)
    own = dict(zip(sorted(waiting), to_units(parents[code].polygon for code in sorted(waiting)), strict=True))
    for city in past:
        if not waiting:
            break
        then = _below(city.sheets[kind], waiting)
        for code in sorted(waiting):
            if not then[code]:
                continue
            if _is_filled(own[code], then[code]):
                ground = _exchanged(own[code], then[code], now[code])
            elif _is_same(own[code], _united(then[code])):
                ground = _united(now[code])
            else:
                continue
            waiting.discard(code)
            if not _is_same(own[code], ground):
                found[code] = replace(parents[code], polygon=to_degrees(ground))
    return found


def _below(sheet: Layer, parents: set[str]) -> dict[str, list[AreaShape]]:
    found: dict[str, list[AreaShape]] = defaultdict(list)
    for tract in sheet.under(parents).values():
        found[str(tract.parent_code)].append(tract)
    return found


def _is_filled(parent: BaseGeometry, tracts: Sequence[AreaShape]) -> bool:
    """Whether a parent (units) is what lies in it to the last unit; asked first, as it costs so little."""
    below = np.array(to_units(each.polygon for each in tracts), dtype=object)
    return not uneven(below, np.array([parent], dtype=object), np.zeros(len(below), dtype=np.int64)).size


def _exchanged(parent: BaseGeometry, then: Sequence[AreaShape], now: Sequence[AreaShape]) -> BaseGeometry:
    """A parent (units) that some areas fill, when others do: what is in both is not looked at."""
    kept = {id(tract) for tract in then} & {id(tract) for tract in now}
    lost, gained = (_united(each for each in tracts if id(each) not in kept) for tracts in (then, now))
    left = shapely.difference(parent, lost, grid_size=1.0)
    return shapely.union(left, gained, grid_size=1.0)


def _united(tracts: Iterable[AreaShape]) -> BaseGeometry:
    return shapely.union_all(np.array(to_units(each.polygon for each in tracts), dtype=object), grid_size=1.0)


def _is_same(one: BaseGeometry, other: BaseGeometry) -> bool:
    apart = shapely.symmetric_difference(one, other, grid_size=1.0)
    return all(width(part) < _APART_UNITS for part in polygons_of(apart))
