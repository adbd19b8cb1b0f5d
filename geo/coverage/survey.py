"""What keeps polygons from being a coverage; kept in such a way that a change asks only about what it touches.

Owns finding invalid and thin polygons, overlaps, gaps, holes and borders that do not match. Must not know what the
polygons are for, nor mend anything (`geo.coverage.coverage`).

**How.** An edge that exactly one polygon has on its left and one on its right is no border of anything wrong. All that
is wrong lies along the *single* edges: the outline of a coverage, and next to faults. So each polygon is looked at with
its neighbours alone, once for its single edges, and if it has any, by GEOS for what they miss. Overlaps spread from
single edges: where a sheet of polygons lies over another, their inner edges all match, so whatever overlaps is asked
whether its own neighbours do. The ground that polygons enclose and none holds is a face between single edges, which
hold the outline of the union whole. A survey after a change therefore equals a fresh one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Self, TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from geo.coverage.findings import Finding, FindingCode
from geo.coverage.plane import Geometries, Plane, polygons_of, require_polygons, width
from geo.geometry.shapes import validity_fault
from geo.locate.borders import edges_between

Key = int | str
Positions = NDArray[np.int64]
Pair = tuple[Key, Key]
_Fact = TypeVar("_Fact")

_MENDABLE: Final = frozenset({"invalid", "overlap", "sliver", "gap", "unmatched"})
_NOTHING: Final[Positions] = np.array([], dtype=np.int64)


@dataclass(frozen=True)
class _Facts:
    """What is known of polygons, by key; those of which nothing is wrong or open have no entry.

    `single`: edges (ax, ay, bx, by; shape (4, n)) that no neighbour shares; `unmatched` and `facing`: what GEOS misses
    with no gap width and with one. All but `invalid` on the plane.
    """

    invalid: Mapping[Key, BaseGeometry]
    thin: Mapping[Key, tuple[Polygon, ...]]
    single: Mapping[Key, NDArray[np.int64]]
    unmatched: Mapping[Key, BaseGeometry]
    facing: Mapping[Key, BaseGeometry]
    common: Mapping[Pair, tuple[Polygon, ...]]


@dataclass(frozen=True, eq=False)
class Survey:
    """Polygons in the order of their keys, in degrees and `laid` on the plane, and what was found of them."""

    keys: tuple[Key, ...]
    polygons: Geometries
    gap_width_m: float
    plane: Plane
    laid: Geometries
    _tree: shapely.STRtree
    _facts: _Facts

    @classmethod
    def of(cls, polygons: Mapping[Any, BaseGeometry], gap_width_m: float) -> Self:
        """Survey polygons (lon, lat EPSG:4326) by their keys, which are all numbers or all texts.

        Raises InvalidCoverage for what is not a polygon or has no vertex, with its place in the order of keys.
        """
        keys = tuple(sorted(polygons))
        array = _array([polygons[key] for key in keys])
        plane = Plane.under(array)
        laid = _lay(plane, array)
        tree = shapely.STRtree(laid)
        everything = np.arange(len(keys))
        sight = _Sight(keys, laid, tree, gap_width_m / plane.metre)
        invalid, thin = sight.own(array, everything)
        single, unmatched, facing = sight.open_edges(everything, everything)
        suspects = np.array([n for n, key in enumerate(keys) if key in unmatched], dtype=np.int64)
        facts = _Facts(invalid, thin, single, unmatched, facing, sight.common(suspects))
        return cls(keys, array, gap_width_m, plane, laid, tree, facts)

    def with_changes(self, put: Mapping[Any, BaseGeometry], dropped: Iterable[Key] = ()) -> Self:
        """The survey with some polygons new or changed and some gone; errors as `of`. Equals a fresh one.

        Costs by what is touched; all is looked at anew only if the plane under the polygons changes.
        """
        require_polygons(list(put.values()))
        gone = {*dropped, *put}
        keep = np.array([key not in gone for key in self.keys], dtype=bool)
        keys = sorted([*(key for key, kept in zip(self.keys, keep.tolist(), strict=True) if kept), *put])
        fresh = np.array([key in put for key in keys], dtype=bool)
        array = np.empty(len(keys), dtype=object)
        array[~fresh], array[fresh] = self.polygons[keep], _array([put[key] for key in keys if key in put])
        _, south, _, north = shapely.total_bounds(array)
        if Plane.around(float(south), float(north)) != self.plane:
            return type(self).of(dict(zip(keys, array, strict=True)), self.gap_width_m)
        laid = np.empty(len(keys), dtype=object)
        laid[~fresh], laid[fresh] = self.laid[keep], _lay(self.plane, array[fresh])
        tree = shapely.STRtree(laid)
        sight = _Sight(tuple(keys), laid, tree, self.gap_width_m / self.plane.metre)
        changed = np.flatnonzero(fresh)
        touched = np.union1d(sight.around(self.laid[~keep]), sight.around(laid[changed]))
        facts = self._facts_after(sight, array, (changed, np.union1d(touched, changed)), gone)
        return replace(self, keys=tuple(keys), polygons=array, laid=laid, _tree=tree, _facts=facts)

    def _facts_after(
        self, sight: "_Sight", array: Geometries, moved: tuple[Positions, Positions], gone: set[Key]
    ) -> _Facts:
        """The facts with those of what changed, and of what is beside it, told anew."""
        changed, touched = moved
        beside = {sight.keys[n] for n in touched.tolist()} | gone
        before = self._facts
        invalid, thin = sight.own(array, changed)
        single, unmatched, facing = sight.open_edges(touched, sight.around(sight.laid[touched]))
        return _Facts(
            _without(before.invalid, gone) | invalid,
            _without(before.thin, gone) | thin,
            _without(before.single, beside) | single,
            _without(before.unmatched, beside) | unmatched,
            _without(before.facing, beside) | facing,
            {pair: parts for pair, parts in before.common.items() if gone.isdisjoint(pair)} | sight.common(changed),
        )

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong; `members` are positions in `keys`. None says that the polygons are a coverage."""
        plane, facts, at = self.plane, self._facts, self._positions
        gap_width = self.gap_width_m / plane.metre
        single = [Finding("invalid", (at[key],), point) for key, point in facts.invalid.items()]
        single += [plane.finding("thin-part", (at[key],), part) for key, parts in facts.thin.items() for part in parts]
        areas = _in_order(self._overlaps(gap_width)) + _in_order(self._enclosed(gap_width))
        lines = _in_order(self._clusters("unmatched", facts.unmatched, areas, gap_width))
        gaps = _in_order(self._clusters("gap", facts.facing, areas + lines, gap_width))
        return (*_in_order(single), *areas, *lines, *gaps)

    @cached_property
    def around_faults(self) -> Positions:
        """Where the polygons stand that cleaning may have to change, and two rings of neighbours around them."""
        faulty = {n for finding in self.findings if finding.code in _MENDABLE for n in finding.members}
        found = np.array(sorted(faulty), dtype=np.int64)
        for _ in range(2 if faulty else 0):
            near = self._tree.query(self.laid[found], predicate="dwithin", distance=self.gap_width_m / self.plane.metre)
            found = np.unique(near[1]).astype(np.int64)
        return found

    @cached_property
    def _positions(self) -> Mapping[Key, int]:
        """Where the keys stand that facts are about."""
        facts = self._facts
        told = {
            *facts.invalid,
            *facts.thin,
            *facts.unmatched,
            *facts.facing,
            *(key for pair in facts.common for key in pair),
        }
        return {key: n for n, key in enumerate(self.keys) if key in told}

    def _overlaps(self, gap_width: float) -> Iterator[Finding]:
        for (first, second), parts in self._facts.common.items():
            for part in parts:
                code: FindingCode = "sliver" if width(part) < gap_width else "overlap"
                members = sorted((self._positions[first], self._positions[second]))
                yield self.plane.finding(code, tuple(members), part)

    def _enclosed(self, gap_width: float) -> Iterator[Finding]:
        """Ground that polygons enclose and none holds."""
        facts = self._facts
        crossing = [edges for key, edges in facts.single.items() if key in facts.unmatched]
        clear = [edges for key, edges in facts.single.items() if key not in facts.unmatched]
        lines = [*_lines(clear), *shapely.get_parts(shapely.union_all(_lines(crossing)))]
        faces = shapely.get_parts(shapely.polygonize(lines))
        held, _ = self._tree.query(shapely.point_on_surface(faces), predicate="intersects")
        for face in np.delete(faces, np.unique(held)):
            members = tuple(sorted(self._tree.query(face, predicate="intersects").tolist()))
            yield self.plane.finding("gap" if width(face) < gap_width else "hole", members, face)

    def _clusters(
        self, code: FindingCode, edges: Mapping[Key, BaseGeometry], explained: Sequence[Finding], gap_width: float
    ) -> Iterator[Finding]:
        """One finding for all edges within a gap width of each other, but for those that other findings explain."""
        keys = sorted(edges, key=self._positions.__getitem__)
        lines, owner = shapely.get_parts(_array([edges[key] for key in keys]), return_index=True)
        known = self.plane.lay([finding.geometry for finding in explained])
        explained_lines, _ = shapely.STRtree(known).query(lines, predicate="dwithin", distance=gap_width)
        rest = np.setdiff1d(np.arange(len(lines)), explained_lines)
        lines, owner = lines[rest], owner[rest]
        groups = shapely.get_parts(shapely.union_all(shapely.buffer(lines, gap_width / 2)))
        group, line = shapely.STRtree(lines).query(groups, predicate="intersects")
        for number in range(len(groups)):
            of_group = line[group == number]
            members = tuple(sorted({self._positions[keys[n]] for n in owner[of_group].tolist()}))
            # One edge alone faces nobody: its border ends where others meet.
            if code != "gap" or len(members) > 1:
                yield self.plane.finding(code, members, shapely.union_all(lines[np.sort(of_group)]))


@dataclass(frozen=True, eq=False)
class _Sight:
    """Polygons on the plane, and what can be seen of some of them from their neighbours."""

    keys: tuple[Key, ...]
    laid: Geometries
    tree: shapely.STRtree
    gap_width: float

    def around(self, shapes: Geometries) -> Positions:
        """Where the polygons stand that are within the gap width of shapes, the shapes themselves among them."""
        if len(shapes) == len(self.laid):
            return np.arange(len(self.laid))
        found = self.tree.query(shapes, predicate="dwithin", distance=self.gap_width)[1]
        return np.unique(found).astype(np.int64)

    def own(
        self, polygons: Geometries, targets: Positions
    ) -> tuple[dict[Key, BaseGeometry], dict[Key, tuple[Polygon, ...]]]:
        """What needs no neighbour: where polygons are invalid, and their parts that are too thin."""
        invalid = {
            self.keys[n]: _fault_place(polygons[n]) for n in targets[~shapely.is_valid(polygons[targets])].tolist()
        }
        parts, owner = shapely.get_parts(self.laid[targets], return_index=True)
        # No circle within is less wide than this mean width, which costs much less.
        mean_widths = 2 * shapely.area(parts) / shapely.length(parts)
        thin: dict[Key, tuple[Polygon, ...]] = {}
        for n in np.flatnonzero(mean_widths < self.gap_width).tolist():
            if width(parts[n]) < self.gap_width:
                key = self.keys[targets[owner[n]]]
                thin[key] = (*thin.get(key, ()), parts[n])
        return invalid, thin

    def open_edges(
        self, targets: Positions, among: Positions
    ) -> tuple[dict[Key, NDArray[np.int64]], dict[Key, BaseGeometry], dict[Key, BaseGeometry]]:
        """The single edges of targets, and what GEOS misses along them; `among` holds targets and their neighbours."""
        edges, owner = edges_between(self.laid[among]).single()
        owner = among[owner]
        wanted = np.isin(owner, targets)
        edges, owner = edges[:, wanted], owner[wanted]
        order = np.argsort(owner, kind="stable")
        suspects, start = np.unique(owner[order], return_index=True)
        if not suspects.size:
            return {}, {}, {}
        names = [self.keys[n] for n in suspects.tolist()]
        single = dict(zip(names, np.split(edges[:, order], start[1:], axis=1), strict=True))
        among = self.around(self.laid[suspects])
        at = np.searchsorted(among, suspects)
        unmatched = shapely.coverage_invalid_edges(self.laid[among], 0.0)[at]
        facing = shapely.coverage_invalid_edges(self.laid[among], self.gap_width)[at]
        return single, _not_empty(names, unmatched), _not_empty(names, facing)

    def common(self, suspects: Positions) -> dict[Pair, tuple[Polygon, ...]]:
        """The ground that is in two polygons, from suspects on along whatever overlaps."""
        known: dict[Pair, tuple[Polygon, ...]] = {}
        asked = _NOTHING
        while suspects.size:
            asked = np.union1d(asked, suspects)
            suspect, other = self.tree.query(self.laid[suspects], predicate="intersects")
            pairs = np.sort(np.stack([suspects[suspect], other]), axis=0)
            first, second = np.unique(pairs[:, pairs[0] < pairs[1]], axis=1)
            overlapping = []
            for one, two, ground in zip(
                first.tolist(), second.tolist(), shapely.intersection(self.laid[first], self.laid[second]), strict=True
            ):
                if parts := tuple(polygons_of(ground)):
                    known[self.keys[one], self.keys[two]] = parts
                    overlapping += [one, two]
            suspects = np.setdiff1d(np.array(overlapping, dtype=np.int64), asked)
        return known


def _array(geometries: Sequence[BaseGeometry]) -> Geometries:
    array = np.empty(len(geometries), dtype=object)
    array[:] = geometries
    return array


def _lay(plane: Plane, polygons: Geometries) -> Geometries:
    """On the plane, shells counter-clockwise, so that neighbours run their common edges against each other."""
    return np.asarray(shapely.orient_polygons(plane.lay(polygons)), dtype=object)


def _fault_place(polygon: BaseGeometry) -> BaseGeometry:
    fault = validity_fault(polygon)
    if fault is None or fault[1] is None or fault[2] is None:
        return shapely.Point(shapely.get_coordinates(polygon)[0])
    return shapely.Point(fault[1], fault[2])


def _lines(edges: Sequence[NDArray[np.int64]]) -> Geometries:
    if not edges:
        return _array([])
    ends = np.concatenate(edges, axis=1).T.reshape(-1, 2, 2)
    return np.asarray(shapely.linestrings(ends.astype(np.float64)), dtype=object)


def _not_empty(keys: Sequence[Key], geometries: Geometries) -> dict[Key, BaseGeometry]:
    return {keys[n]: geometries[n] for n in np.flatnonzero(~shapely.is_empty(geometries)).tolist()}


def _without(facts: Mapping[Key, _Fact], keys: set[Key]) -> dict[Key, _Fact]:
    return {key: fact for key, fact in facts.items() if key not in keys}


def _in_order(findings: Iterable[Finding]) -> list[Finding]:
    """By members, then by place, so that the same findings come in the same order however they were found."""
    return sorted(findings, key=lambda finding: (finding.members, finding.geometry.bounds, finding.area_m2))
