"""Areas below go with their ground: where areas are redrawn, what was under them is under whoever holds most of it.

Owns that alone. None is cut: a building cannot be, and where a zone shall be its people know better than a line does.
The gate names those that reach over a border.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import shapely

from geo.redraw import AreaShape, Layer, Redrawn
from server.grids.draft_ground import DraftGround

_MORE: Final = 1 + 1e-6
"""Of two that hold all but the same, the one that had it keeps it."""


def with_areas_below(before: DraftGround, after: DraftGround, kind: str, redrawn: Redrawn) -> DraftGround:
    """The city after areas of a kind were redrawn, in which what was under them followed its ground.

    What was under one that is gone, and lies in none, is under the one that it became; where it became none, nothing
    changes, and the gate says so.
    """
    heirs = {
        each.source: each.target
        for each in redrawn.lineage
        if each.source in redrawn.gone and each.target not in redrawn.gone
    }
    for lower, sheet in after.sheets.items():
        if after.ranks[lower] > after.ranks[kind]:
            concerned = sorted(_concerned(before, kind, sheet, redrawn))
            holders = {code: _holder(after.sheets[kind], sheet[code], heirs) for code in concerned}
            put = {
                code: replace(sheet[code], parent_code=holder)
                for code, holder in holders.items()
                if holder != sheet[code].parent_code
            }
            after = after.with_sheet(lower, sheet.with_changes(put)) if put else after
    return after


def _concerned(before: DraftGround, kind: str, sheet: Layer, redrawn: Redrawn) -> set[str]:
    """The areas under areas that go, and on ground that changed hands those under others of the kind, or long gone."""
    upper = before.sheets[kind].tracts
    found = set(sheet.under(redrawn.gone))
    for each in redrawn.moved:
        shapely.prepare(each.polygon)
        for code in sheet.near(each.polygon):
            tract = sheet[code]
            parent = tract.parent_code
            is_below = parent in upper or (parent is not None and before.find(parent) is None)
            if code not in found and is_below and _shares_ground(each.polygon, tract.polygon):
                found.add(code)
    return found


def _shares_ground(one: shapely.Geometry, other: shapely.Geometry) -> bool:
    return bool(shapely.intersects(one, other) and not shapely.touches(one, other))


def _holder(upper: Layer, tract: AreaShape, heirs: Mapping[str, str]) -> str | None:
    """The code of the area that holds most of another; its parent, or what became of that, where none holds more."""
    own = tract.parent_code
    near = sorted(upper.near(tract.polygon))
    if own in near and shapely.covers(upper[own].polygon, tract.polygon):
        return own
    shares = {code: shapely.intersection(upper[code].polygon, tract.polygon, grid_size=1e-8).area for code in near}
    most = max(near, key=shares.__getitem__, default=None)
    if most is not None and shares[most] > shares.get(own or "", 0.0) * _MORE:
        return most
    return own if own is None else heirs.get(own, own)
