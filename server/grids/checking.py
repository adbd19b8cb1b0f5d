"""The gate before a draft: what is wrong with what it changes.

Owns choosing what to look at: of each kind of area, what changed, what lies beside it, and what lies where a parent
changed; so a small change of a large city costs what the change does. What was wrong before and is no worse does not
stand in a draft's way. Must not know drafts; what is found is ``geo.gate``'s.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from geo.findings import FINDING_CODES
from geo.gate import Gate, GateArea, GateFinding, GateRules
from geo.redraw import Redrawn, Sheet
from geo.redraw.sheet import compare
from server.grids.city import City
from server.grids.holes import ground_lost, without

_BESIDE_DEG: Final = 1e-4
_NESTING: Final = frozenset({"outside-parent", "uncovered"})
_SAME_PLACE_DEG: Final = 1e-7
_Findings = Iterator[GateFinding]


@dataclass(frozen=True)
class Homes:
    """``counts``: the households that grids would have, by code; ``norm``: from - to how many they should.

    Both ends are allowed. Grids that are not counted are not asked for the norm.
    """

    norm: tuple[int, int]
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Checked:
    """What the gate finds of a draft."""

    findings: tuple[GateFinding, ...]

    @property
    def is_open(self) -> bool:
        """Whether nothing is so wrong that the draft must not be published."""
        return not self.errors

    @property
    def errors(self) -> tuple[GateFinding, ...]:
        """What keeps it shut."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    def as_geojson(self) -> dict[str, Any]:
        """The findings as a GeoJSON FeatureCollection, with ``open``."""
        features = [finding.as_feature() for finding in self.findings]
        return {"type": "FeatureCollection", "open": self.is_open, "features": features}


def check_draft(before: City, after: City, homes: Homes | None = None) -> Checked:
    """Look at the areas that a draft changes, the lowest kinds first, and at the parents of those."""
    done = {kind: compare(sheet, after.sheets[kind]) for kind, sheet in before.sheets.items()}
    moved = _moved(done)
    kinds = sorted(done, key=lambda kind: -after.ranks[kind])
    counted = {after.locating: homes}
    found = {kind: [*_of_kind((before, after), kind, done[kind], moved, counted.get(kind))] for kind in kinds}
    lost = [*ground_lost(after.grids, done[after.locating])]
    found[after.locating] = [*without(found[after.locating], lost), *lost]
    return Checked(tuple(_weighed(after, kind, finding) for kind in kinds for finding in found[kind]))


def _weighed(city: City, kind: str, finding: GateFinding) -> GateFinding:
    """A finding as it weighs: parts of grids may lag behind a grid that is cut, as no record is located in them."""
    lags = city.ranks[kind] > city.ranks[city.locating] and finding.code in _NESTING
    return replace(finding, severity="warning") if lags else finding


def _moved(done: Mapping[str, Redrawn]) -> dict[str, BaseGeometry]:
    """The ground that areas gained or lost, by code; all of it, for those that are new or gone."""
    moved = {}
    for redrawn in done.values():
        for code in {*redrawn.put, *redrawn.gone}:
            pair = redrawn.before.get(code), redrawn.put.get(code)
            one, other = (shapely.Polygon() if each is None else each.polygon for each in pair)
            if one is not other:
                moved[code] = shapely.symmetric_difference(one, other, grid_size=1e-8)
    return moved


def _of_kind(
    cities: tuple[City, City], kind: str, done: Redrawn, moved: Mapping[str, BaseGeometry], homes: Homes | None
) -> _Findings:
    """What is wrong with areas of one kind that changed, or of whose parents the ground did, and was not before."""
    before, after = cities
    sheet = after.sheets[kind]
    tracts = (*done.before.values(), *done.put.values())
    touched = [tract.polygon for tract in tracts]
    left = {code for code in moved if sheet.any_under(code) is not None}
    grounds = [*touched, *(moved[code] for code in left if not moved[code].is_empty)]
    near = {*done.put, *_beside(sheet, grounds)}
    above = {*(sheet[code].parent_code for code in near), *(tract.parent_code for tract in tracts), *left}
    if not near and not left:
        return
    places = [shapely.box(*shape.buffer(_BESIDE_DEG).bounds) for shape in grounds]
    tree = shapely.STRtree(places)
    faults = []
    for finding in _found(after, kind, above, places, homes):
        if finding.code in FINDING_CODES and tree.query(finding.geometry, predicate="intersects").size:
            faults.append(finding)
        elif finding.code == "unknown-parent" or set(finding.areas) & _answerable(finding, done):
            yield finding
    if faults:
        yield from _fresh(faults, _found(before, kind, above, places))


def _beside(sheet: Sheet, grounds: Sequence[BaseGeometry]) -> set[str]:
    return {code for shape in grounds for code in sheet.near(shape, _BESIDE_DEG)}


def _found(
    city: City, kind: str, above: set[str | None], places: Sequence[Polygon], homes: Homes | None = None
) -> Sequence[GateFinding]:
    """What the gate finds of the areas of a kind at some places, and of all of whose parents there are none.

    Of each parent one area is among them wherever it lies: what has none below it is not asked for being filled.
    """
    counts = {} if homes is None else homes.counts
    rules = GateRules(households=None if homes is None else homes.norm)
    sheet = city.sheets[kind]
    parents = {code: tract.polygon for code in above if code is not None and (tract := city.find(code)) is not None}
    some = {code for parent in parents if (code := sheet.any_under(parent)) is not None}
    wanted = {*_beside(sheet, places), *some, *sheet.under(above - parents.keys() - {None})}
    tracts = {code: sheet[code] for code in sorted(wanted)}
    areas = [GateArea(code, each.polygon, each.parent_code, counts.get(code)) for code, each in tracts.items()]
    if not areas:
        return ()
    within = shapely.union_all(places)
    return Gate.of(areas, parents or _uppermost(city), rules, within).findings


def _answerable(finding: GateFinding, done: Redrawn) -> set[str]:
    """The areas for which the draft answers: what one that was there is called is no fault of it."""
    return set(done.put) - set(done.before) if finding.code == "code-format" else set(done.put)


def _fresh(faults: Sequence[GateFinding], known: Sequence[GateFinding]) -> _Findings:
    """The faults that are not, and do not lie within, one of those that were known."""
    for fault in faults:
        alike = [each.geometry for each in known if (each.code, each.parent) == (fault.code, fault.parent)]
        if not any(shapely.covers(shapely.buffer(ground, _SAME_PLACE_DEG), fault.geometry) for ground in alike):
            yield fault


def _uppermost(city: City) -> dict[str, BaseGeometry]:
    """Some area, so that areas of which all parents are gone are asked for theirs."""
    first = min((kind for kind, sheet in city.sheets.items() if sheet.tracts), key=city.ranks.__getitem__)
    code, tract = next(iter(city.sheets[first].tracts.items()))
    return {code: tract.polygon}
