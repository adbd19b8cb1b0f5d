"""The gate before a draft: what is wrong with what it changes.

Owns choosing what to look at: of each kind of area, what changed, what lies beside it, and what lies where a parent
changed; so a small change of a large city costs what the change does. What was wrong before and is no worse does not
stand in a draft's way. Must not know drafts; what is found is ``geo.coverage.gate``'s.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from geo.coverage.findings import FINDING_CODES
from geo.coverage.gate import Gate, GateArea, GateFinding, GateRules
from geo.redraw import AreaShape, Redrawn
from geo.redraw.layer import compare
from server.grids.draft_ground import DraftGround
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


def check_draft(before: DraftGround, after: DraftGround, homes: Homes | None = None) -> Checked:
    """Look at the areas that a draft changes, the lowest kinds first, and at the parents of those."""
    done = {kind: compare(sheet, after.sheets[kind]) for kind, sheet in before.sheets.items()}
    moved = _moved(done)
    kinds = sorted(done, key=lambda kind: -after.ranks[kind])
    counted = {after.locating: homes}
    found = {kind: [*_of_kind((before, after), kind, done[kind], moved, counted.get(kind))] for kind in kinds}
    lost = [*ground_lost(after.grids, done[after.locating])]
    found[after.locating] = [*without(found[after.locating], lost), *lost]
    for kind in kinds:
        found[kind] += _under_none(after, kind, done[kind])
    return Checked(tuple(_weighed(after, kind, finding) for kind in kinds for finding in found[kind]))


def _under_none(city: DraftGround, kind: str, done: Redrawn) -> _Findings:
    """The areas that a draft puts under none, though there are areas of higher kinds."""
    above = [each for each, sheet in city.sheets.items() if city.ranks[each] < city.ranks[kind] and len(sheet.tracts)]
    for code, tract in done.put.items() if above else ():
        before = done.before.get(code)
        if tract.parent_code is None and (before is None or before.parent_code is not None):
            yield GateFinding("no-parent", "error", (code,), tract.polygon)


def _weighed(city: DraftGround, kind: str, finding: GateFinding) -> GateFinding:
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
    cities: tuple[DraftGround, DraftGround],
    kind: str,
    done: Redrawn,
    moved: Mapping[str, BaseGeometry],
    homes: Homes | None,
) -> _Findings:
    """What is wrong with areas of one kind that changed, or of whose parents the ground did, and was not before."""
    before, after = cities
    tracts = (*done.before.values(), *done.put.values())
    left = {code for code in moved if after.sheets[kind].any_under(code) is not None}
    grounds = [*(tract.polygon for tract in tracts), *(moved[code] for code in left if not moved[code].is_empty)]
    if not grounds and not left:
        return
    places = [shapely.box(*shape.buffer(_BESIDE_DEG).bounds) for shape in grounds]
    concerned = frozenset({*(tract.parent_code for tract in tracts), *left})
    tree = shapely.STRtree(places)
    found = [
        finding
        for finding in _found(after, kind, places, concerned, homes)
        if (finding.code in FINDING_CODES and tree.query(finding.geometry, predicate="intersects").size)
        or finding.code == "unknown-parent"
        or (set(finding.areas) & set(done.put) and not _follows(after, kind, finding, done))
    ]
    if found:
        yield from _fresh(found, _found(before, kind, places, concerned))


def _follows(city: DraftGround, kind: str, finding: GateFinding, done: Redrawn) -> bool:
    """Whether it is told of a part of a grid that its code begins with another grid's: it went with its ground.

    A code is for life, and who cut the grid did not choose the parents of what lies in it.
    """
    is_part = city.ranks[kind] > city.ranks[city.locating]
    return is_part and finding.code == "code-prefix" and set(finding.areas) <= set(done.before)


@dataclass(frozen=True)
class _Surroundings:
    """The areas of one kind that are looked at, and the parents of all of them that the city has, by code."""

    areas: Mapping[str, AreaShape]
    parents: Mapping[str, BaseGeometry]


def _surroundings(
    city: DraftGround, kind: str, places: Sequence[Polygon], concerned: frozenset[str | None]
) -> _Surroundings:
    """What is looked at of a kind: the areas at some places, those whose parent is missing, and all their parents.

    `concerned` are parents that are looked at wherever their areas lie. Each parent has one of its areas among those
    looked at, since a parent without any is not asked for being filled.
    """
    sheet = city.sheets[kind]
    beside = {code for place in places for code in sheet.near(place, _BESIDE_DEG)}
    above = {*concerned, *(sheet[code].parent_code for code in beside)} - {None}
    parents = {code: tract.polygon for code in above if code is not None and (tract := city.find(code)) is not None}
    some = {code for parent in parents if (code := sheet.any_under(parent)) is not None}
    orphans = sheet.under(above - parents.keys())
    return _Surroundings({code: sheet[code] for code in sorted({*beside, *some, *orphans})}, parents)


def _found(
    city: DraftGround,
    kind: str,
    places: Sequence[Polygon],
    concerned: frozenset[str | None],
    homes: Homes | None = None,
) -> Sequence[GateFinding]:
    """What the gate finds of the areas of a kind at some places and under the parents concerned."""
    counts = {} if homes is None else homes.counts
    rules = GateRules(households=None if homes is None else homes.norm)
    around = _surroundings(city, kind, places, concerned)
    areas = [GateArea(code, each.polygon, each.parent_code, counts.get(code)) for code, each in around.areas.items()]
    if not areas:
        return ()
    within = shapely.union_all(places)
    return Gate.of(areas, around.parents or _uppermost(city), rules, within).findings


def _fresh(found: Sequence[GateFinding], known: Sequence[GateFinding]) -> _Findings:
    """The findings that were not known: faults of ground that lie within no known one, and what is new of an area."""
    told = {_told_of(each) for each in known}
    for finding in found:
        if finding.code in FINDING_CODES:
            alike = [each.geometry for each in known if (each.code, each.parent) == (finding.code, finding.parent)]
            is_known = any(
                shapely.covers(shapely.buffer(ground, _SAME_PLACE_DEG), finding.geometry) for ground in alike
            )
        else:
            is_known = _told_of(finding) in told
        if not is_known:
            yield finding


def _told_of(finding: GateFinding) -> tuple[object, ...]:
    return finding.code, finding.areas, finding.parent, tuple(sorted(finding.detail.items()))


def _uppermost(city: DraftGround) -> dict[str, BaseGeometry]:
    """Some area, so that areas of which all parents are gone are asked for theirs."""
    first = min((kind for kind, sheet in city.sheets.items() if sheet.tracts), key=city.ranks.__getitem__)
    code, tract = next(iter(city.sheets[first].tracts.items()))
    return {code: tract.polygon}
