"""Parents follow the areas below them: whoever gained or lost ground to another parent's areas is drawn anew.

Owns that alone. A parent that was not exactly what lies in it, or that the draft itself drew, is left to the gate.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.plane import polygons_of, width
from geo.redraw.sheet import Sheet, Tract, to_degrees, to_units
from server.grids.city import City

_APART_UNITS: Final = 9.0
"""A centimetre, in units of 1e-8 degree: what nesting lets pass."""


def with_parents(before: City, after: City) -> City:
    """The city in which parents are what lies in them, from the lowest up."""
    for kind in sorted(after.ranks, key=lambda each: -after.ranks[each]):
        old, new = before.sheets[kind], after.sheets[kind]
        concerned = _concerned(old, new)
        if not concerned:
            continue
        below = _below(old, concerned), _below(new, concerned)
        for upper, sheet in after.sheets.items():
            put: dict[str, Tract] = {}
            for code in concerned & set(sheet.tracts):
                if before.sheets[upper].tracts.get(code) is sheet.tracts[code]:
                    put |= _redrawn(code, sheet.tracts[code], below[0][code], below[1][code])
            if put:
                after = after.with_sheet(upper, sheet.with_changes(put))
    return after


def _concerned(old: Sheet, new: Sheet) -> set[str]:
    """The parents of whatever differs, as they were and as they are."""
    if old is new:
        return set()
    differing = {code for code in {*old.tracts, *new.tracts} if old.tracts.get(code) is not new.tracts.get(code)}
    both = [sheet.tracts.get(code) for sheet in (old, new) for code in differing]
    return {each.parent_code for each in both if each is not None and each.parent_code is not None}


def _below(sheet: Sheet, parents: set[str]) -> dict[str, list[Tract]]:
    found: dict[str, list[Tract]] = defaultdict(list)
    for tract in sheet.tracts.values():
        if tract.parent_code in parents:
            found[str(tract.parent_code)].append(tract)
    return found


def _redrawn(code: str, parent: Tract, before: list[Tract], after: list[Tract]) -> dict[str, Tract]:
    if not before or not after:
        return {}
    kept = {id(tract) for tract in before} & {id(tract) for tract in after}
    lost, gained = ([tract for tract in tracts if id(tract) not in kept] for tracts in (before, after))
    if _is_same(_united(lost), _united(gained)):
        return {}
    (own,) = to_units([parent.polygon])
    if not _is_same(own, _united(before)):
        return {}
    ground = _united(after)
    return {} if _is_same(own, ground) else {code: replace(parent, polygon=to_degrees(ground))}


def _united(tracts: Iterable[Tract]) -> BaseGeometry:
    return shapely.union_all(np.array(to_units(each.polygon for each in tracts), dtype=object), grid_size=1.0)


def _is_same(one: BaseGeometry, other: BaseGeometry) -> bool:
    apart = shapely.symmetric_difference(one, other, grid_size=1.0)
    return all(width(part) < _APART_UNITS for part in polygons_of(apart))
