"""The gate before an edition: may these areas be put into force, and if not, why and where.

Owns joining what is found of polygons (`geo.coverage.survey`), of parents (`geo.coverage.nesting`), of codes and of
households into findings that people can read and maps can show, and a repair that tells all it does. Must not know
drafts, editions or the database. A `Gate` is immutable; after a change only what the change touches is looked at.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geo.coverage.coverage import Change, MergeStrategy, clean
from geo.coverage.findings import Finding
from geo.coverage.gate_words import texts_of
from geo.coverage.nesting import breaches
from geo.coverage.survey import Survey
from geo.geometry.shapes import Severity

_SEVERITIES: Mapping[str, Severity] = MappingProxyType(
    {
        "many-parts": "warning",
        "code-format": "error",
        "code-repeated": "error",
        # A code is for life: an area that came under another parent keeps its own.
        "code-prefix": "warning",
        "unknown-parent": "error",
        "households-out-of-norm": "warning",
    }
)
_NUMBERING = "\t"
"""Between a code and the number of its repetition, so that areas of one code stay apart. Sorts before all of codes."""


@dataclass(frozen=True, slots=True)
class GateArea:
    """An area as it is to be: `polygon` in lon, lat EPSG:4326; `households` None where they were not counted."""

    code: str
    polygon: Polygon | MultiPolygon
    parent_code: str | None = None
    households: int | None = None


@dataclass(frozen=True, slots=True)
class GateRules:
    """What is asked of areas. `code_form` is a regular expression; `households` the norm, from - to, both allowed."""

    gap_width_m: float = 1.0
    nesting_tolerance_m: float = 0.01
    code_form: str = r"\d{6}(\d{3}){0,3}(\d{2})?"
    households: tuple[int, int] | None = None


@dataclass(frozen=True)
class GateFinding:
    """One thing that is wrong: a stable code, how bad, the codes of the areas, and the place in lon, lat.

    `area_m2` and `width_m` describe the place where it is ground; `detail` holds counts and norms.
    """

    code: str
    severity: Severity
    areas: tuple[str, ...]
    geometry: BaseGeometry
    parent: str | None = None
    area_m2: float = 0.0
    width_m: float = 0.0
    detail: Mapping[str, int] = field(default_factory=dict)

    @property
    def text(self) -> dict[str, str]:
        """What it says to people, `zh` and `en`."""
        rounded = {"area_m2": f"{self.area_m2:,.1f}", "width_m": f"{self.width_m:.2f}"}
        facts = {"areas": ", ".join(self.areas), "parent": self.parent or "—", **rounded, **self.detail}
        return texts_of(self.code, facts)

    def as_feature(self) -> dict[str, Any]:
        """A GeoJSON feature."""
        properties = {
            "code": self.code,
            "severity": self.severity,
            "areas": list(self.areas),
            "parent": self.parent,
            "area_m2": round(self.area_m2, 2),
            "width_m": round(self.width_m, 3),
            **self.detail,
            "text": self.text,
        }
        return {"type": "Feature", "geometry": shapely.geometry.mapping(self.geometry), "properties": properties}


@dataclass(frozen=True, eq=False)
class Gate:
    """Areas of one kind, the parents above them (by code), and all that is wrong with them."""

    areas: Mapping[str, GateArea]
    parents: Mapping[str, BaseGeometry]
    rules: GateRules
    _survey: Survey
    _nested: Mapping[str, tuple[GateFinding, ...]]
    _alone: Mapping[str, tuple[GateFinding, ...]]
    _within: BaseGeometry | None = None

    @classmethod
    def of(
        cls,
        areas: Sequence[GateArea],
        parents: Mapping[str, BaseGeometry],
        rules: GateRules | None = None,
        within: BaseGeometry | None = None,
    ) -> Self:
        """Look at areas from the beginning. Where there are no parents at all, nesting is not looked at.

        `within` (lon, lat): ground of parents in no area is looked for there alone; farther off areas may miss.
        Raises InvalidCoverage for what is not a polygon or has no vertex; `index` is its place by code.
        """
        rules, keyed, parents = rules or GateRules(), _keyed(areas), dict(parents)
        survey = Survey.of({key: area.polygon for key, area in keyed.items()}, rules.gap_width_m)
        nested = _nesting(survey, keyed, parents, rules.nesting_tolerance_m, within)
        return cls(keyed, parents, rules, survey, nested, _alone(keyed, parents, rules), within)

    def with_changes(
        self, put: Sequence[GateArea], dropped: Iterable[str] = (), parents: Mapping[str, BaseGeometry] | None = None
    ) -> Self:
        """The gate with areas new or changed, areas gone (by code), and parents new or changed; equals a fresh one."""
        fresh, moved = _keyed(put), dict(parents or {})
        codes = {*dropped, *(area.code for area in put)}
        gone = {key for key, area in self.areas.items() if area.code in codes}
        areas = {key: area for key, area in self.areas.items() if key not in gone} | fresh
        above = {**self.parents, **moved}
        survey = self._survey.with_changes({key: area.polygon for key, area in fresh.items()}, gone)
        touched = {area.parent_code for area in put} | {self.areas[key].parent_code for key in gone} | set(moved)
        if survey.plane != self._survey.plane or bool(above) != bool(self.parents):
            touched = set(above)
        # An area whose parent was unknown may have one now.
        asked = {key: area for key, area in areas.items() if area.parent_code in moved} | fresh
        asked_above = {code: above[code] for code in touched if code is not None and code in above}
        return replace(
            self,
            areas=areas,
            parents=above,
            _survey=survey,
            _nested=_without(self._nested, touched)
            | _nesting(survey, areas, asked_above, self.rules.nesting_tolerance_m, self._within),
            _alone=_without(self._alone, gone | asked.keys())
            | _alone(asked if self.parents else areas, above, self.rules),
        )

    @property
    def is_open(self) -> bool:
        """Whether nothing is so wrong that the areas must not be put into force."""
        return all(finding.severity != "error" for finding in self.findings)

    @cached_property
    def findings(self) -> tuple[GateFinding, ...]:
        """All that is wrong: ground, nesting, then area by area."""
        ground = [_told(each, self._codes(each.members), None) for each in self._survey.findings]
        nested = [finding for code in sorted(self._nested) for finding in self._nested[code]]
        by_area = [finding for key in sorted(self._alone) for finding in self._alone[key]]
        return (*ground, *nested, *by_area, *self._repeated())

    def as_geojson(self) -> dict[str, Any]:
        """The findings as a GeoJSON FeatureCollection."""
        return {"type": "FeatureCollection", "features": [finding.as_feature() for finding in self.findings]}

    def repair(self, strategy: MergeStrategy = "longest_border") -> "Repair":
        """Propose polygons without overlaps, slivers, gaps and unmatched borders; changes nothing by itself.

        Raises InvalidCoverage as `geo.coverage.coverage.clean`. Codes, parents, holes and households are left
        to people.
        """
        near = self._mended(self._survey.around_faults, strategy)
        if near.after.is_clean:
            return near
        # Where the part met the rest, one may have vertices now that the other has not: mend all together.
        return self._mended(np.arange(len(self._survey.keys)), strategy)

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing that a repair would mend."""
        return not self._survey.around_faults.size

    def _mended(self, positions: NDArray[np.int64], strategy: MergeStrategy) -> "Repair":
        """The repair of some areas by themselves."""
        if not positions.size:
            return Repair((), (), self)
        keys = [str(self._survey.keys[n]) for n in positions.tolist()]
        before = self._survey.polygons[positions].tolist()
        cleaned = clean(before, self.rules.gap_width_m, strategy)
        after = cleaned.polygons
        changes = tuple(_repaired(self.areas[keys[each.index]], after[each.index], each) for each in cleaned.changes)
        moved = {
            key: replace(self.areas[key], polygon=new)
            for key, new, old in zip(keys, after, before, strict=True)
            if not _is_same(new, old)
        }
        if any(_NUMBERING in key for key in self.areas):
            return Repair(changes, tuple(moved.values()), self._again(moved))
        return Repair(changes, tuple(moved.values()), self.with_changes(list(moved.values())))

    def _again(self, moved: Mapping[str, GateArea]) -> Self:
        """With areas changed by key, all looked at anew: those that share a code can only be put together."""
        areas = [moved.get(key, area) for key, area in self.areas.items()]
        return type(self).of(areas, self.parents, self.rules, self._within)

    def _codes(self, members: Iterable[int]) -> tuple[str, ...]:
        return tuple(self.areas[str(self._survey.keys[n])].code for n in members)

    def _repeated(self) -> Iterator[GateFinding]:
        again = {key.partition(_NUMBERING)[0] for key in self.areas if _NUMBERING in key}
        counts = Counter(area.code for area in self.areas.values() if area.code in again)
        for code in sorted(again):
            yield _about(self.areas[code], "code-repeated", count=counts[code])


@dataclass(frozen=True)
class RepairedArea:
    """What a repair does to one area: the polygons before and after, and the ground gained and lost (may be empty)."""

    code: str
    before: Polygon | MultiPolygon
    after: Polygon | MultiPolygon
    gained: BaseGeometry
    lost: BaseGeometry
    gained_m2: float
    lost_m2: float

    def as_feature(self) -> dict[str, Any]:
        """A GeoJSON feature of the polygon after, with the rest in its properties."""
        shapes = {name: shapely.geometry.mapping(getattr(self, name)) for name in ("before", "gained", "lost")}
        sizes = {"gained_m2": round(self.gained_m2, 2), "lost_m2": round(self.lost_m2, 2)}
        properties = {"code": self.code, **sizes, **shapes}
        return {"type": "Feature", "geometry": shapely.geometry.mapping(self.after), "properties": properties}


@dataclass(frozen=True, eq=False)
class Repair:
    """A proposal: whose ground would change and how, all areas with another polygon, and the gate after it.

    An area in `areas` but not in `changes` only gets vertices of its neighbours.
    """

    changes: tuple[RepairedArea, ...]
    areas: tuple[GateArea, ...]
    after: Gate

    @property
    def moved_m2(self) -> float:
        """All the ground that areas would lose or gain; what goes from one to another counts once."""
        return max(sum(each.gained_m2 for each in self.changes), sum(each.lost_m2 for each in self.changes))

    def as_geojson(self) -> dict[str, Any]:
        """The changes as a GeoJSON FeatureCollection."""
        return {"type": "FeatureCollection", "features": [change.as_feature() for change in self.changes]}


def _keyed(areas: Sequence[GateArea]) -> dict[str, GateArea]:
    """Areas by code; of several with one code, the later ones by code and number."""
    seen: Counter[str] = Counter()
    keyed = {}
    for area in areas:
        seen[area.code] += 1
        keyed[area.code if seen[area.code] == 1 else f"{area.code}{_NUMBERING}{seen[area.code]}"] = area
    return keyed


def _repaired(area: GateArea, after: Polygon | MultiPolygon, change: Change) -> RepairedArea:
    ground = (change.gained, change.lost, change.gained_m2, change.lost_m2)
    return RepairedArea(area.code, area.polygon, after, *ground)


def _is_same(one: BaseGeometry, other: BaseGeometry) -> bool:
    """Whether two polygons have the same vertices, wherever their rings begin."""
    return bool(one.normalize().equals_exact(other.normalize(), 0.0))


def _nesting(
    survey: Survey,
    areas: Mapping[str, GateArea],
    parents: Mapping[str, BaseGeometry],
    tolerance_m: float,
    within: BaseGeometry | None,
) -> dict[str, tuple[GateFinding, ...]]:
    """What is wrong between parents and their children, by the parent's code."""
    if not parents:
        return {}
    codes = sorted(parents)
    numbers = {code: n for n, code in enumerate(codes)}
    of_key = ((areas[str(key)], n) for n, key in enumerate(survey.keys))
    own = [(n, numbers[area.parent_code]) for area, n in of_key if area.parent_code in numbers]
    position, owner = np.array(own, dtype=np.int64).reshape(-1, 2).T
    above = np.asarray(shapely.orient_polygons(survey.plane.lay([parents[code] for code in codes])), dtype=object)
    found: dict[str, tuple[GateFinding, ...]] = {}
    ground = None if within is None else survey.plane.lay([within])[0]
    for each in breaches(survey.plane, survey.laid[position], above, owner, tolerance_m, ground):
        code = codes[each.parent or 0]
        members = tuple(areas[str(survey.keys[position[n]])].code for n in each.members)
        found[code] = (*found.get(code, ()), _told(each, members, code))
    return found


def _alone(
    areas: Mapping[str, GateArea], parents: Mapping[str, BaseGeometry], rules: GateRules
) -> dict[str, tuple[GateFinding, ...]]:
    """What is wrong with areas by themselves; those with which nothing is have no entry."""
    form = re.compile(rules.code_form)
    found = {key: tuple(_of_area(area, parents, rules.households, form)) for key, area in areas.items()}
    return {key: each for key, each in found.items() if each}


def _of_area(
    area: GateArea, parents: Mapping[str, BaseGeometry], norm: tuple[int, int] | None, form: re.Pattern[str]
) -> Iterator[GateFinding]:
    if isinstance(area.polygon, MultiPolygon) and len(area.polygon.geoms) > 1:
        yield _about(area, "many-parts", count=len(area.polygon.geoms))
    if form.fullmatch(area.code) is None:
        yield _about(area, "code-format")
    if area.parent_code is not None and not area.code.startswith(area.parent_code):
        yield _about(area, "code-prefix")
    if parents and area.parent_code is not None and area.parent_code not in parents:
        yield _about(area, "unknown-parent")
    if norm is not None and area.households is not None and not norm[0] <= area.households <= norm[1]:
        yield _about(area, "households-out-of-norm", households=area.households, least=norm[0], most=norm[1])


def _without(
    found: Mapping[str, tuple[GateFinding, ...]], keys: Iterable[str | None]
) -> dict[str, tuple[GateFinding, ...]]:
    asked = set(keys)
    return {key: each for key, each in found.items() if key not in asked}


def _told(finding: Finding, areas: tuple[str, ...], parent: str | None) -> GateFinding:
    place = (finding.geometry, parent, finding.area_m2, finding.width_m)
    return GateFinding(finding.code, finding.severity, areas, *place)


def _about(area: GateArea, code: str, **detail: int) -> GateFinding:
    return GateFinding(code, _SEVERITIES[code], (area.code,), area.polygon, area.parent_code, detail=detail)
