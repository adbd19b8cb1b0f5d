"""Is this set of polygons a coverage, and if not, where not; and how to make it one.

Owns finding gaps, overlaps, slivers, holes, unmatched borders and breaches of nesting, and mending with a diff. Must
not know areas, editions or files: polygons are numbered from 0 as they come.

Polygons come and go in lon, lat EPSG:4326. Inside, they lie on a plane of exact integers: units of 1e-8 degree times a
whole factor for each axis, so chosen that the plane is isometric at the middle latitude (to 0.1 %; a degree further
north, east-west lengths come out 1 % too long). Vertices that are equal stay equal, and come back unchanged.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Self, get_args

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geo.datum import UNITS_PER_DEGREE
from geo.errors import InvalidCoverage
from geo.nearby import metres_per_unit
from geo.shapes import Severity, in_degrees, in_units, validity_fault

FindingCode = Literal[
    "invalid", "overlap", "sliver", "thin-part", "gap", "hole", "unmatched", "outside-parent", "uncovered"
]
MergeStrategy = Literal["longest_border", "max_area", "min_area", "min_index"]
Geometries = NDArray[np.object_]

FINDING_CODES: Final[tuple[FindingCode, ...]] = get_args(FindingCode)

_SEVERITIES: Final[dict[FindingCode, Severity]] = {
    "invalid": "error",
    "overlap": "error",
    "sliver": "error",
    "thin-part": "warning",
    "gap": "error",
    "hole": "warning",
    "unmatched": "warning",
    "outside-parent": "error",
    "uncovered": "error",
}
_AXIS_FACTOR: Final = 1024
_CLEANING_ROUNDS: Final = 4
_SNAPPING: Final = 2.0 * _AXIS_FACTOR
"""Vertices within 2 units (2 mm) of each other become one: rounding new nodes may part them by one."""


@dataclass(frozen=True)
class Finding:
    """Something that a coverage must not have.

    - invalid: a polygon is not one (`geometry` is the point)
    - overlap: ground in two polygons; sliver: the same, thinner than the gap width
    - thin-part: a part of one polygon thinner than the gap width
    - gap: ground between polygons in none, thinner than the gap width (lines where it is open at an end)
    - hole: wider ground enclosed by polygons and in none; a lake perhaps
    - unmatched: polygons run along each other without sharing their vertices
    - outside-parent: ground of a polygon that is not its parent's; uncovered: ground of a parent in no child

    `members` are the polygons concerned, `parent` the parent. `width_m` is the diameter of the widest circle within.
    """

    code: FindingCode
    members: tuple[int, ...]
    geometry: BaseGeometry
    area_m2: float = 0.0
    width_m: float = 0.0
    parent: int | None = None

    @property
    def severity(self) -> Severity:
        """An error keeps a set of polygons from being a coverage; a warning wants to be looked at."""
        return _SEVERITIES[self.code]


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
    plane = _Plane.around(polygons)
    laid = plane.lay(polygons)
    findings = list(_invalid(polygons))
    gap_width = gap_width_m / plane.metre
    unmatched = shapely.coverage_invalid_edges(laid, 0.0)
    suspects = np.flatnonzero(~shapely.is_empty(unmatched))
    findings += _thin_parts(plane, laid, gap_width)
    areas = [*_overlaps(plane, laid, suspects, gap_width), *_uncovered_ground(plane, laid, suspects, gap_width)]
    lines = list(_clusters(plane, "unmatched", unmatched, areas, gap_width))
    facing = shapely.coverage_invalid_edges(laid, gap_width)
    return [*findings, *areas, *lines, *_clusters(plane, "gap", facing, areas + lines, gap_width)]


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
    plane = _Plane.around([*children, *parents])
    inner, outer, owner = plane.lay(children), plane.lay(parents), np.asarray(parent_of, dtype=np.int64)
    tolerance = tolerance_m / plane.metre
    findings = []
    for child, outside in enumerate(shapely.difference(inner, outer[owner])):
        wide = [part for part in _polygons(outside) if _width(part) > tolerance]
        findings += [plane.finding("outside-parent", (child,), part, parent=int(owner[child])) for part in wide]
    for parent in np.unique(owner).tolist():
        left = shapely.difference(outer[parent], shapely.union_all(inner[owner == parent]))
        wide = [part for part in _polygons(left) if _width(part) > tolerance]
        findings += [plane.finding("uncovered", (), part, parent=parent) for part in wide]
    return findings


def clean(polygons: Sequence[BaseGeometry], gap_width_m: float, strategy: MergeStrategy = "longest_border") -> Cleaned:
    """Make polygons a coverage, and say what that changed.

    Overlaps, and gaps thinner than `gap_width_m`, go to the neighbour that `strategy` names; gaps that are open at an
    end go to the neighbour with the longer border on them; borders get each other's vertices. Wider holes stay. Raises
    InvalidCoverage for what is not a polygon, for a polygon of which nothing would be left (the index says which), and
    where no coverage can be made.
    """
    plane = _Plane.around(polygons)
    before = plane.lay(polygons)
    gap_width = gap_width_m / plane.metre
    after, open_gaps = before, True
    for _ in range(_CLEANING_ROUNDS):
        if open_gaps or not shapely.coverage_is_valid(after, 0.0):
            after = _clean_once(plane, after, gap_width, strategy)
            strips = list(_open_gaps(after, gap_width))
            open_gaps = bool(strips)
            for taker, strip in strips:
                after[taker] = MultiPolygon(_polygons(shapely.union(after[taker], strip, grid_size=1.0)))
    if not shapely.coverage_is_valid(after, 0.0):
        raise InvalidCoverage("cannot-be-cleaned")
    ground = shapely.orient_polygons(plane.raise_all(after))
    return Cleaned(tuple(ground.tolist()), tuple(_changes(plane, before, after)))


def _clean_once(plane: "_Plane", laid: Geometries, gap_width: float, strategy: MergeStrategy) -> Geometries:
    """Clean, with the new nodes on the integer grid; that may break what they joined, and want another round."""
    cleaned = shapely.coverage_clean(  # type: ignore[attr-defined]  # newer than its types
        laid, gap_width=gap_width, merge_strategy=strategy, snapping_distance=_SNAPPING
    )
    _require_polygons(cleaned)
    return plane.lay(plane.raise_all(cleaned))


@dataclass(frozen=True)
class _Plane:
    """Integers of 1e-8 degree times whole factors; `metre` is the length of one unit of the plane."""

    factors: NDArray[np.float64]
    metre: float

    @classmethod
    def around(cls, polygons: Sequence[BaseGeometry]) -> Self:
        array = np.asarray(list(polygons), dtype=object)
        _require_polygons(array)
        _, south, _, north = shapely.bounds(shapely.geometrycollections(array))
        middle = np.nan_to_num((south + north) / 2 * UNITS_PER_DEGREE)
        across_m, along_m = (float(scale) for scale in metres_per_unit(middle))
        return cls(np.array([max(1, round(_AXIS_FACTOR * across_m / along_m)), _AXIS_FACTOR]), along_m / _AXIS_FACTOR)

    def lay(self, geometries: Sequence[BaseGeometry] | Geometries) -> Geometries:
        """From degrees to the plane."""
        units = in_units(np.asarray(list(geometries), dtype=object))
        return np.asarray(shapely.transform(units, lambda units: units * self.factors), dtype=object)

    def raise_all(self, geometries: Geometries) -> Geometries:
        """From the plane to degrees, vertices rounded to units, and valid there."""
        return in_degrees(np.asarray(shapely.transform(geometries, lambda plane: plane / self.factors), dtype=object))

    def finding(
        self, code: FindingCode, members: tuple[int, ...], geometry: BaseGeometry, parent: int | None = None
    ) -> Finding:
        """A finding about a geometry on the plane."""
        area_m2, width_m = geometry.area * self.metre**2, _width(geometry) * self.metre
        return Finding(code, members, self.to_ground(geometry), area_m2, width_m, parent)

    def to_ground(self, geometry: BaseGeometry) -> BaseGeometry:
        """From the plane to degrees, as it is."""
        return shapely.transform(geometry, lambda plane: plane / self.factors / UNITS_PER_DEGREE)


def _require_polygons(geometries: Geometries) -> None:
    for index, geometry in enumerate(geometries):
        if not isinstance(geometry, Polygon | MultiPolygon):
            raise InvalidCoverage("not-a-polygon", index)
        if geometry.is_empty:
            raise InvalidCoverage("empty", index)


def _polygons(geometry: BaseGeometry) -> list[Polygon]:
    return [part for part in shapely.get_parts(geometry) if isinstance(part, Polygon) and part.area > 0]


def _width(geometry: BaseGeometry) -> float:
    """Diameter of the widest circle within, as GEOS measures gaps; 0 for lines."""
    if not isinstance(geometry, Polygon | MultiPolygon):
        return 0.0
    return 2 * float(shapely.maximum_inscribed_circle(geometry).length)


def _invalid(polygons: Sequence[BaseGeometry]) -> Iterator[Finding]:
    for index in np.flatnonzero(~shapely.is_valid(np.asarray(polygons, dtype=object))).tolist():
        polygon = polygons[index]
        fault = validity_fault(polygon)
        if fault is not None:
            _, lon, lat = fault
            somewhere = shapely.Point(shapely.get_coordinates(polygon)[0])
            yield Finding("invalid", (index,), somewhere if lon is None or lat is None else shapely.Point(lon, lat))


def _thin_parts(plane: _Plane, laid: Geometries, gap_width: float) -> Iterator[Finding]:
    parts, owner = shapely.get_parts(laid, return_index=True)
    # No circle within is less wide than this mean width, which costs much less.
    mean_widths = 2 * shapely.area(parts) / shapely.length(parts)
    for index in np.flatnonzero(mean_widths < gap_width).tolist():
        if _width(parts[index]) < gap_width:
            yield plane.finding("thin-part", (int(owner[index]),), parts[index])


def _overlaps(plane: _Plane, laid: Geometries, suspects: NDArray[np.int64], gap_width: float) -> Iterator[Finding]:
    """Ground in two polygons. Of two that overlap, one at least has an unmatched edge."""
    suspect, second = shapely.STRtree(laid).query(laid[suspects], predicate="intersects")
    pairs = np.sort(np.stack([suspects[suspect], second]), axis=0)
    first, second = np.unique(pairs[:, pairs[0] < pairs[1]], axis=1)
    common = shapely.intersection(laid[first], laid[second])
    for members, ground in zip(np.stack([first, second], axis=1).tolist(), common, strict=True):
        for part in _polygons(ground):
            code: FindingCode = "sliver" if _width(part) < gap_width else "overlap"
            yield plane.finding(code, tuple(members), part)


def _uncovered_ground(
    plane: _Plane, laid: Geometries, suspects: NDArray[np.int64], gap_width: float
) -> Iterator[Finding]:
    """Ground that polygons enclose and none holds: the interior rings of their union."""
    sound = np.delete(laid, suspects)
    whole = shapely.union_all([shapely.coverage_union_all(sound), shapely.union_all(laid[suspects])])
    holes = [Polygon(ring) for part in _polygons(whole) for ring in part.interiors]
    tree = shapely.STRtree(laid)
    for hole in holes:
        members = tuple(sorted(tree.query(hole, predicate="intersects").tolist()))
        yield plane.finding("gap" if _width(hole) < gap_width else "hole", members, hole)


def _clusters(
    plane: _Plane, code: FindingCode, edges: Geometries, explained: Sequence[Finding], gap_width: float
) -> Iterator[Finding]:
    """One finding for all edges within a gap width of each other, but for those that other findings explain."""
    lines, owner = shapely.get_parts(edges, return_index=True)
    known = plane.lay([finding.geometry for finding in explained])
    explained_lines, _ = shapely.STRtree(known).query(lines, predicate="dwithin", distance=gap_width)
    rest = np.setdiff1d(np.arange(len(lines)), explained_lines)
    lines, owner = lines[rest], owner[rest]
    groups = shapely.get_parts(shapely.union_all(shapely.buffer(lines, gap_width / 2)))
    group, line = shapely.STRtree(lines).query(groups, predicate="intersects")
    for number in range(len(groups)):
        of_group = line[group == number]
        members = tuple(sorted(set(owner[of_group].tolist())))
        # One edge alone faces nobody: its border ends where others meet.
        if code != "gap" or len(members) > 1:
            yield plane.finding(code, members, shapely.union_all(lines[of_group]))


def _open_gaps(laid: Geometries, gap_width: float) -> Iterator[tuple[int, Polygon]]:
    """The strips between edges that face each other, and which of the two has more of its border on them."""
    facing = shapely.coverage_invalid_edges(laid, gap_width)
    reach = shapely.buffer(facing, gap_width, cap_style="flat", join_style="mitre")
    tree = shapely.STRtree(laid)
    first, second = shapely.STRtree(reach).query(reach, predicate="intersects")
    for pair in np.stack([first, second], axis=1)[first < second].tolist():
        both = shapely.intersection(*reach[pair])
        for strip in _polygons(shapely.difference(both, shapely.union_all(laid[tree.query(both)]))):
            # The strip's corners on the borders are rounded, so that it shares no line with them exactly.
            beside = shapely.intersection(shapely.boundary(laid[pair]), shapely.buffer(strip, _SNAPPING))
            yield pair[int(np.argmax(shapely.length(beside)))], strip


def _changes(plane: _Plane, before: Geometries, after: Geometries) -> Iterator[Change]:
    for index in np.flatnonzero(~shapely.equals(before, after)).tolist():
        both = [shapely.difference(after[index], before[index]), shapely.difference(before[index], after[index])]
        gained, lost = (plane.to_ground(ground) for ground in both)
        yield Change(index, gained, lost, both[0].area * plane.metre**2, both[1].area * plane.metre**2)
