"""Ground that a draft takes from areas, gives to none, and that areas enclose still: records there would be in none.

Owns that alone. A hole that was there before, or that no area ever had (a lake that a file leaves out), is none of it;
nor is ground at the outer border, or at a wide lake: what lies beyond is not known to be anybody's.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from geo.coverage.changes import Fragment
from geo.coverage.gate import GateFinding
from geo.coverage.plane import Plane, polygons_of, width
from geo.redraw import Layer, Redrawn
from geo.redraw.layer import GAP_UNITS, to_units

Near = Callable[[BaseGeometry], Mapping[str, BaseGeometry]]
_AT_EDGE_DEG: Final = 1e-7
_TIMES: Final = 4
"""How often it is looked twice as far for areas all round; at last eight times as far as the ground is long."""


def ground_lost(after: Layer, done: Redrawn) -> Iterator[GateFinding]:
    """One finding for each hole, whole, of which a draft took something wider than the gap width from areas."""

    def near(window: BaseGeometry) -> Mapping[str, BaseGeometry]:
        return {code: after[code].polygon for code in after.near(window)}

    return holes_made(near, done.moved)


def holes_made(near: Near, moved: Iterable[Fragment]) -> Iterator[GateFinding]:
    """One finding for each hole, whole, that areas enclose and of which something was taken from an area.

    ``near``: the areas afterwards whose boxes meet the box of a geometry (degrees), by code.
    """
    found: list[BaseGeometry] = []
    for ground in (each.polygon for each in moved if each.target is None):
        if width(to_units([ground])[0]) < GAP_UNITS or any(shapely.covers(hole, ground) for hole in found):
            continue
        for hole in _enclosed(near, ground):
            found.append(hole)
            yield _told(near, hole)


def without(findings: Sequence[GateFinding], lost: Sequence[GateFinding]) -> Iterator[GateFinding]:
    """The findings but for holes that are told as lost."""
    for finding in findings:
        same = finding.code == "hole" and any(finding.geometry.intersection(each.geometry).area > 0 for each in lost)
        if not same:
            yield finding


def _enclosed(near: Near, ground: BaseGeometry) -> list[Polygon]:
    """The parts of nobody's ground around some of it, if areas enclose them."""
    west, south, east, north = ground.bounds
    reach = max(east - west, north - south)
    for _ in range(_TIMES):
        window = shapely.box(west - reach, south - reach, east + reach, north + reach)
        held = shapely.union_all(list(near(window).values()), grid_size=1e-8)
        free = polygons_of(shapely.difference(window, held, grid_size=1e-8))
        parts = [part for part in free if shapely.intersects(part, ground) and not shapely.touches(part, ground)]
        if not any(shapely.dwithin(part, window.exterior, _AT_EDGE_DEG) for part in parts):
            return parts
        reach *= 2
    return []


def _told(near: Near, hole: Polygon) -> GateFinding:
    around = sorted(code for code, shape in near(hole).items() if shapely.intersects(shape, hole))
    plane = Plane.under([hole])
    measured = plane.finding("hole", (), plane.lay([hole])[0])
    return GateFinding("ground-lost", "error", tuple(around), hole, None, measured.area_m2, measured.width_m)
