"""The sheet that is redrawn: areas of one kind by their codes; and what a redraw made of it.

Owns finding areas by place, and the check that every redraw ends in. Must not know what the redraws are, nor editions,
drafts or the database. Polygons are in lon, lat EPSG:4326 on the grid of 1e-8 degree; redraws work in its whole units.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon
from shapely.geometry.base import BaseGeometry

from geo.coverage.changes import Fragment, descents, fragments
from geo.coverage.coverage import check
from geo.coverage.findings import Finding
from geo.errors import BrokenCoverage
from geo.geometry.datum import UNITS_PER_DEGREE
from geo.geometry.shapes import in_degrees, in_units
from geo.redraw.area_shapes import AreaShape, AreaShapes, Ground
from geo.redraw.errors import UnknownTract

__all__ = [
    "GAP_UNITS",
    "GAP_WIDTH_M",
    "AreaShape",
    "Edge",
    "Entry",
    "Ground",
    "Layer",
    "Redrawn",
    "compare",
    "place",
    "settle",
    "to_degrees",
    "to_units",
]

GAP_WIDTH_M: Final = 1.0
"""Thinner ground between two areas, or in both, is a fault of drawing."""
GAP_UNITS: Final = 900.0
"""The same in units of 1e-8 degree of latitude."""

How = Literal["reshaped", "renamed", "moved", "split", "merged", "became", "added", "retired"]
Edge = tuple[float, float, float, float]

_BESIDE_DEG: Final = 1e-4
_SAME_PLACE_DEG: Final = 1e-7
# A node that is rounded to a whole unit draws the border at most so far aside: two millimetres.
_NODED_DEG: Final = 1.5e-8


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """A line of the lineage: what became of `source` (an added area's own code; its own for reshaped and the like)."""

    source: str
    target: str
    how: How


@dataclass(frozen=True, eq=False)
class Layer:
    """Areas of one kind by code. Immutable."""

    tracts: Mapping[str, AreaShape]

    def __getitem__(self, code: str) -> AreaShape:
        """The area of a code. Raises UnknownTract."""
        if code not in self.tracts:
            raise UnknownTract(code)
        return self.tracts[code]

    def with_changes(self, put: Mapping[str, AreaShape], gone: Iterable[str] = ()) -> "Layer":
        """The sheet with some areas new or changed and some gone."""
        return Layer(self.kept.with_changes(put, gone))

    def units(self, codes: Iterable[str]) -> dict[str, Ground]:
        """Polygons in whole units, by code in order."""
        wanted = sorted(codes)
        return dict(zip(wanted, to_units([self[code].polygon for code in wanted]), strict=True))

    def near(self, shape: BaseGeometry, margin_deg: float = 0.0) -> list[str]:
        """The codes of areas whose box meets the box of a shape (degrees)."""
        if shape.is_empty:
            return []
        west, south, east, north = shape.bounds
        margin = (west - margin_deg, south - margin_deg, east + margin_deg, north + margin_deg)
        return self.kept.meeting(margin)

    def under(self, parents: Iterable[str | None]) -> dict[str, AreaShape]:
        """The areas that have one of these parents, by code."""
        return self.kept.under(parents)

    def any_under(self, parent: str | None) -> str | None:
        """The code of some area that has this parent; None where there is none."""
        return self.kept.any_under(parent)

    def differing(self, other: "Layer") -> set[str]:
        """The codes under which two sheets have not the very same area; quick where one came of the other."""
        return self.kept.differing(other.kept)

    @cached_property
    def kept(self) -> AreaShapes:
        """The areas as they are kept, beside what the first of these sheets had."""
        return AreaShapes.of(self.tracts)


@dataclass(frozen=True, eq=False)
class Redrawn:
    """What a redraw came to.

    `sheet` is the whole; `put` the areas that are new or changed (neighbours with a new node among them), `gone` the
    codes that are no more. `moved` is the ground that changed hands, `lineage` what became of the areas.
    """

    sheet: Layer
    before: Mapping[str, AreaShape]
    put: Mapping[str, AreaShape]
    gone: tuple[str, ...]
    moved: tuple[Fragment, ...]
    lineage: tuple[Entry, ...]

    @property
    def codes_before(self) -> tuple[str, ...]:
        """The codes concerned, as they were."""
        return tuple(sorted(self.before))

    @property
    def codes_after(self) -> tuple[str, ...]:
        """The codes concerned, as they are now."""
        return tuple(sorted(self.put))

    def only_noded(self, code: str | None) -> bool:
        """Whether an area has the ground it had, and nodes where the lines of others now end on its border."""
        before, after = self.before.get(code or ""), self.put.get(code or "")
        if before is None or after is None or (after.name, after.parent_code) != (before.name, before.parent_code):
            return False
        borders = _array([shapely.boundary(each.polygon) for each in (before, after)])
        corners = [shapely.points(shapely.get_coordinates(border)) for border in borders]
        apart = [np.max(shapely.distance(corners[0], borders[1])), np.max(shapely.distance(corners[1], borders[0]))]
        return bool(max(apart) <= _NODED_DEG)


def to_units(polygons: Iterable[BaseGeometry]) -> list[Any]:
    """Polygons in degrees to whole units, shells counter-clockwise."""
    return list(shapely.orient_polygons(in_units(_array(list(polygons)))))


def to_degrees(units: BaseGeometry) -> Any:
    """A geometry in whole units to degrees, shells counter-clockwise."""
    return shapely.orient_polygons(in_degrees(_array([units])))[0]


def place(units: BaseGeometry) -> tuple[float, float]:
    """A place on (or in) a geometry in units: lon, lat."""
    point = units.representative_point()
    return round(point.x / UNITS_PER_DEGREE, 8), round(point.y / UNITS_PER_DEGREE, 8)


def settle(sheet: Layer, put: Mapping[str, AreaShape], gone: Iterable[str] = ()) -> Redrawn:
    """End a redraw: leave out what stayed as it was, check that the rest is a coverage, and tell what changed.

    Raises BrokenCoverage for faults that were not there before.
    """
    done = compare(sheet, sheet.with_changes(put, set(gone) - set(put)))
    old = [tract.polygon for code, tract in done.before.items() if not _is_same_ground(done.put.get(code), tract)]
    new = [tract.polygon for code, tract in done.put.items() if not _is_same_ground(done.before.get(code), tract)]
    _require_coverage(sheet, done.sheet, [*old, *new])
    return done


def compare(sheet: Layer, later: Layer) -> Redrawn:
    """Tell what is different in a later sheet, however many redraws are between."""
    suspects = sorted(sheet.differing(later))
    there = {code: later.tracts[code] for code in suspects if code in later.tracts}
    put = {code: tract for code, tract in there.items() if not _is_same(tract, sheet.tracts.get(code))}
    dropped = tuple(code for code in suspects if code not in there)
    before = {code: sheet.tracts[code] for code in sorted({*put, *dropped}) if code in sheet.tracts}
    redrawn = {code for code in {*put, *dropped} if not _is_same_ground(put.get(code), before.get(code))}
    old = {code: before[code].polygon for code in sorted(redrawn & set(before))}
    new = {code: put[code].polygon for code in sorted(redrawn & set(put))}
    moved = tuple(fragments(old, new)) if redrawn else ()
    lineage = [Entry(each.source, each.target, each.how) for each in descents(moved, old, new)]
    lineage += [Entry(code, code, how) for code in put for how in _changes(before.get(code), put[code])]
    lineage += [Entry(code, code, "retired") for code in dropped]
    return Redrawn(later, before, put, dropped, moved, tuple(sorted(lineage)))


def _changes(before: AreaShape | None, after: AreaShape) -> list[How]:
    if before is None:
        return ["added"]
    found: dict[How, bool] = {
        "reshaped": not _is_same_ground(before, after),
        "renamed": before.name != after.name,
        "moved": before.parent_code != after.parent_code,
    }
    return [how for how, differs in found.items() if differs]


def _is_same(after: AreaShape, before: AreaShape | None) -> bool:
    if before is None or after is before:
        return before is not None
    return (after.name, after.parent_code) == (before.name, before.parent_code) and _is_same_ground(before, after)


def _is_same_ground(one: AreaShape | None, other: AreaShape | None) -> bool:
    if one is None or other is None:
        return one is other
    if one.polygon is other.polygon:
        return True
    first, second = shapely.normalize(_array([_multi(one.polygon), _multi(other.polygon)]))
    return bool(shapely.equals_identical(first, second))


def _multi(polygon: Ground) -> MultiPolygon:
    return polygon if isinstance(polygon, MultiPolygon) else MultiPolygon([polygon])


def _require_coverage(before: Layer, after: Layer, touched: list[Ground]) -> None:
    """Require that no fault came about where something was touched, beyond those that were there before."""
    faults = _faults(after, touched)
    if not faults:
        return
    known: dict[str, list[BaseGeometry]] = {}
    for finding, _ in _faults(before, touched):
        known.setdefault(finding.code, []).append(shapely.buffer(finding.geometry, _SAME_PLACE_DEG))
    places = {code: shapely.union_all(found) for code, found in known.items()}
    new = [
        (finding, codes)
        for finding, codes in faults
        if finding.code not in places or not shapely.covers(places[finding.code], finding.geometry)
    ]
    if new:
        raise BrokenCoverage(tuple(_as_data(finding, codes) for finding, codes in new))


def _faults(sheet: Layer, touched: list[Ground]) -> list[tuple[Finding, tuple[str, ...]]]:
    """The errors at what is touched, each with the codes of its areas."""
    codes = sorted({code for shape in touched for code in sheet.near(shape, _BESIDE_DEG)})
    if not codes:
        return []
    near = shapely.STRtree([shapely.box(*shapely.buffer(shape, _BESIDE_DEG).bounds) for shape in touched])
    return [
        (finding, tuple(codes[member] for member in finding.members))
        for finding in check([sheet[code].polygon for code in codes], GAP_WIDTH_M)
        if finding.severity == "error" and near.query(finding.geometry, predicate="intersects").size
    ]


def _as_data(finding: Finding, codes: tuple[str, ...]) -> dict[str, object]:
    point = finding.geometry.representative_point()
    return {
        "code": finding.code,
        "areas": list(codes),
        "lon": round(point.x, 8),
        "lat": round(point.y, 8),
        "area_m2": round(finding.area_m2, 1),
        "width_m": round(finding.width_m, 2),
    }


def _array(geometries: list[Any]) -> NDArray[np.object_]:
    array = np.empty(len(geometries), dtype=object)
    array[:] = geometries
    return array
