"""What a redraw changes on the ground: which pieces pass from one area to another, and what became of the areas.

Owns comparing areas before and after, and the words of the lineage. Pure: must not know editions or the database.
Polygons are in lon, lat EPSG:4326 on the integer grid of 1e-8 degree; overlays keep to that grid.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import shapely
from pyproj import Geod
from shapely import MultiPolygon
from shapely.geometry.base import BaseGeometry

from geo.coverage.plane import polygons_of

How = Literal["split", "merged", "became"]

_GRID: Final = 1e-8
_ALL: Final = 0.999
"""Of an area's ground; less than the rest is what drawing by hand leaves behind."""
_SOME: Final = 0.001
_EARTH: Final = Geod(ellps="WGS84")


@dataclass(frozen=True, slots=True)
class Fragment:
    """Ground that passes from one area to another; ``None``: from, or to, no area at all."""

    source: str | None
    target: str | None
    polygon: MultiPolygon

    @property
    def area_m2(self) -> float:
        """Its size on the ellipsoid."""
        return area_m2(self.polygon)


@dataclass(frozen=True, slots=True, order=True)
class Descent:
    """What became of an area: it was split into, merged into, or became (under another code) the target."""

    source: str
    target: str
    how: How


def area_m2(geometry: BaseGeometry) -> float:
    """Size on the ellipsoid, in square metres."""
    return abs(float(_EARTH.geometry_area_perimeter(shapely.orient_polygons(geometry))[0]))


def fragments(before: Mapping[str, BaseGeometry], after: Mapping[str, BaseGeometry]) -> list[Fragment]:
    """List the pieces that pass from area to area, by code.

    ``before`` and ``after`` hold what differs: an area that is in only one of them is gone, or new. Ground that stays
    with its area is left out; so are pieces without any area, which rounding leaves.
    """
    found: list[Fragment] = []
    codes = list(after)
    tree = shapely.STRtree([after[code] for code in codes])
    gained: dict[str, list[BaseGeometry]] = defaultdict(list)
    for source in sorted(before):
        lost = _minus(before[source], after.get(source))
        rest = lost
        for number in sorted(tree.query(lost)) if not lost.is_empty else ():
            target = codes[number]
            piece = _whole(shapely.intersection(lost, after[target], grid_size=_GRID))
            if target != source and not piece.is_empty:
                found.append(Fragment(source, target, piece))
                gained[target].append(piece)
                rest = _minus(rest, piece)
        if not rest.is_empty:
            found.append(Fragment(source, None, _whole(rest)))
    for target in sorted(after):
        new = _minus(_minus(after[target], before.get(target)), shapely.union_all(gained[target], grid_size=_GRID))
        if not new.is_empty:
            found.append(Fragment(None, target, _whole(new)))
    return found


def descents(
    found: Sequence[Fragment], before: Mapping[str, BaseGeometry], after: Mapping[str, BaseGeometry]
) -> list[Descent]:
    """Say what became of the areas that are gone, and where those come from that are new; in order.

    A border that merely moved between two areas that stay is no descent.
    """
    shares = [
        (each.source, each.target, each.polygon.area / before[each.source].area)
        for each in found
        if each.source is not None and each.target is not None
    ]
    givers: dict[str, int] = defaultdict(int)
    for _, target, share in shares:
        givers[target] += share > _SOME
    told = []
    for source, target, share in shares:
        if share <= _SOME or (source in after and target in before):
            continue
        several = givers[target] > 1 or target in before
        how: How = "split" if share < _ALL else "merged" if several else "became"
        told.append(Descent(source, target, how))
    return sorted(told)


def _minus(one: BaseGeometry, other: BaseGeometry | None) -> BaseGeometry:
    if other is None or other.is_empty:
        return one
    return _whole(shapely.difference(one, other, grid_size=_GRID))


def _whole(geometry: BaseGeometry) -> MultiPolygon:
    """Only the ground of it: lines and points that an overlay leaves are no piece."""
    return MultiPolygon([part for part in polygons_of(geometry) if part.area > 0])
