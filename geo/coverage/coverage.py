"""Is this set of polygons a coverage, and if not, where not; and how to make it one.

Owns asking about one set of polygons once (`geo.coverage.survey` finds what is wrong), nesting, and mending with a
diff. Must not know areas, editions or files: polygons are numbered from 0 as they come.

Polygons come and go in lon, lat EPSG:4326. Inside, they lie on a plane of exact integers (`geo.coverage.plane`): units
of 1e-8 degree times a whole factor for each axis, so chosen that the plane is isometric at the middle latitude (to 0.1
%; a degree further north, east-west lengths come out 1 % too long). Vertices that are equal stay equal, and come back
unchanged.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geo.coverage.findings import FINDING_CODES, Finding, FindingCode
from geo.coverage.nesting import breaches
from geo.coverage.plane import AXIS_FACTOR, Geometries, Plane, polygons_of, require_polygons
from geo.coverage.survey import Survey
from geo.errors import InvalidCoverage

__all__ = [
    "FINDING_CODES",
    "Change",
    "Cleaned",
    "Finding",
    "FindingCode",
    "MergeStrategy",
    "check",
    "check_nesting",
    "clean",
]

MergeStrategy = Literal["longest_border", "max_area", "min_area", "min_index"]

_CLEANING_ROUNDS: Final = 4
_SNAPPING: Final = 2.0 * AXIS_FACTOR
"""Vertices within 2 units (2 mm) of each other become one: rounding new nodes may part them by one."""


@dataclass(frozen=True)
class Change:
    """What cleaning did to one polygon: the ground that it gained and lost (either may be empty)."""

    index: int
    gained: BaseGeometry
    lost: BaseGeometry
    gained_m2: float
    lost_m2: float


@dataclass(frozen=True)
class Cleaned:
    """A coverage, polygon by polygon as they came, and the difference. Added vertices alone are no change."""

    polygons: tuple[Polygon | MultiPolygon, ...]
    changes: tuple[Change, ...]


def check(polygons: Sequence[BaseGeometry], gap_width_m: float) -> list[Finding]:
    """List what keeps polygons from being a coverage; an empty list says that they are one.

    Ground between polygons, or in two of them, that is thinner than `gap_width_m` (above 0) counts as a gap or a
    sliver. Raises InvalidCoverage for what is not a polygon or has no vertex.
    """
    require_polygons(polygons)
    return list(Survey.of(dict(enumerate(polygons)), gap_width_m).findings)


def check_nesting(
    children: Sequence[BaseGeometry],
    parents: Sequence[BaseGeometry],
    parent_of: Sequence[int],
    tolerance_m: float = 0.01,
) -> list[Finding]:
    """List where children leave their parents, and where parents have ground that is in none of their children.

    `parent_of[i]` is the number of the parent of child i. Ground thinner than `tolerance_m` is let pass. A parent
    without any child is not looked at.
    """
    plane = Plane.under([*children, *parents])
    inner, outer = (shapely.orient_polygons(plane.lay(polygons)) for polygons in (children, parents))
    return breaches(plane, inner, outer, np.asarray(parent_of, dtype=np.int64), tolerance_m)


def clean(polygons: Sequence[BaseGeometry], gap_width_m: float, strategy: MergeStrategy = "longest_border") -> Cleaned:
    """Make polygons a coverage, and say what that changed.

    Overlaps, and gaps thinner than `gap_width_m`, go to the neighbour that `strategy` names; gaps that are open at an
    end go to the neighbour with the longer border on them; borders get each other's vertices. Wider holes stay. Raises
    InvalidCoverage for what is not a polygon, for a polygon of which nothing would be left (the index says which), and
    where no coverage can be made.
    """
    plane = Plane.under(polygons)
    before = plane.lay(polygons)
    gap_width = gap_width_m / plane.metre
    after, open_gaps = before, True
    for _ in range(_CLEANING_ROUNDS):
        if open_gaps or not shapely.coverage_is_valid(after, 0.0):
            after = _clean_once(plane, after, gap_width, strategy)
            strips = list(_open_gaps(after, gap_width))
            open_gaps = bool(strips)
            for taker, strip in strips:
                after[taker] = MultiPolygon(polygons_of(shapely.union(after[taker], strip, grid_size=1.0)))
    if not shapely.coverage_is_valid(after, 0.0):
        raise InvalidCoverage("cannot-be-cleaned")
    ground = shapely.orient_polygons(plane.raise_all(after))
    return Cleaned(tuple(ground.tolist()), tuple(_changes(plane, before, after)))


def _clean_once(plane: Plane, laid: Geometries, gap_width: float, strategy: MergeStrategy) -> Geometries:
    """Clean, with the new nodes on the integer grid; that may break what they joined, and want another round."""
    cleaned = shapely.coverage_clean(  # type: ignore[attr-defined]  # newer than its types
        laid, gap_width=gap_width, merge_strategy=strategy, snapping_distance=_SNAPPING
    )
    require_polygons(cleaned)
    return plane.lay(plane.raise_all(cleaned))


def _open_gaps(laid: Geometries, gap_width: float) -> Iterator[tuple[int, Polygon]]:
    """The strips between edges that face each other, and which of the two has more of its border on them."""
    facing = shapely.coverage_invalid_edges(laid, gap_width)
    reach = shapely.buffer(facing, gap_width, cap_style="flat", join_style="mitre")
    tree = shapely.STRtree(laid)
    first, second = shapely.STRtree(reach).query(reach, predicate="intersects")
    for pair in np.stack([first, second], axis=1)[first < second].tolist():
        both = shapely.intersection(*reach[pair])
        for strip in polygons_of(shapely.difference(both, shapely.union_all(laid[tree.query(both)]))):
            # The strip's corners on the borders are rounded, so that it shares no line with them exactly.
            beside = shapely.intersection(shapely.boundary(laid[pair]), shapely.buffer(strip, _SNAPPING))
            yield pair[int(np.argmax(shapely.length(beside)))], strip


def _changes(plane: Plane, before: Geometries, after: Geometries) -> Iterator[Change]:
    for index in np.flatnonzero(~shapely.equals(before, after)).tolist():
        both = [shapely.difference(after[index], before[index]), shapely.difference(before[index], after[index])]
        gained, lost = (plane.to_ground(ground) for ground in both)
        yield Change(index, gained, lost, both[0].area * plane.metre**2, both[1].area * plane.metre**2)
