"""Ground that waits: areas that were drawn alone gave it up, and the neighbours were not drawn there yet.

Owns finding it. Its parents keep it, so that the gate shows it as ground of theirs in no area, and keeps the draft from
being published until somebody takes it, or the parent is drawn without it.
"""

from collections.abc import Sequence

import shapely

from geo.coverage.plane import polygons_of, width
from geo.redraw import AreaShape
from geo.redraw.layer import GAP_UNITS, Layer, to_degrees, to_units
from server.grids.draft_ground import DraftGround
from server.grids.operations import DraftStep


def waiting_ground(after: DraftGround, steps: Sequence[DraftStep]) -> dict[str, dict[str, list[AreaShape]]]:
    """The ground that waits, by the kind of area that gave it up and by the parent; areas given up whole wait not."""
    found: dict[str, dict[str, list[AreaShape]]] = {}
    for step in steps:
        if not step.operation.leaves_ground:
            continue
        sheet = after.sheets[step.kind]
        for code in step.operation.areas:
            before, put = step.redrawn.before.get(code), step.redrawn.put.get(code)
            if before is None or put is None or before.parent_code is None or code not in sheet.tracts:
                continue
            below = found.setdefault(step.kind, {}).setdefault(before.parent_code, [])
            below += _untaken(sheet, before, put)
    return found


def _untaken(sheet: Layer, before: AreaShape, after: AreaShape) -> list[AreaShape]:
    one, other = to_units([before.polygon, after.polygon])
    lost = shapely.difference(one, other, grid_size=1.0)
    if lost.is_empty:
        return []
    taken = to_units(sheet[code].polygon for code in sheet.near(before.polygon))
    rest = shapely.difference(lost, shapely.union_all(taken, grid_size=1.0), grid_size=1.0)
    return [AreaShape(to_degrees(part)) for part in polygons_of(rest) if width(part) >= GAP_UNITS]
