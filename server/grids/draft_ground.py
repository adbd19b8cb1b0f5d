"""A city as a draft has it: a sheet for each kind of area; and reading an edition as one.

Owns finding an area's kind, and which codes and parents may be. Must not know operations or drafts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import shapely
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geo.editions.tables import AreaKind
from geo.redraw import AreaShape, Layer
from geo.redraw.errors import CodeTaken, UnknownTract
from server.grids.errors import OperationRefused


@dataclass(frozen=True, eq=False)
class DraftGround:
    """Sheets by kind. ``ranks``: larger is lower; ``locating`` is the kind that records are located in (the grids)."""

    ranks: Mapping[str, int]
    locating: str
    sheets: Mapping[str, Layer]

    @property
    def grids(self) -> Layer:
        """The sheet that records are located in."""
        return self.sheets[self.locating]

    def kind_of(self, *codes: str) -> str:
        """The kind that all these areas are of. Raises UnknownTract, OperationRefused."""
        kinds = [self._kind_of(code) for code in codes]
        if len(set(kinds)) > 1:
            raise OperationRefused("codes", "other-kind")
        return kinds[0]

    def find(self, code: str) -> AreaShape | None:
        """The area of a code, of whatever kind."""
        return next((sheet.tracts[code] for sheet in self.sheets.values() if code in sheet.tracts), None)

    def require_free(self, *codes: str) -> None:
        """Raise CodeTaken where an area of any kind has one of these codes."""
        for code in codes:
            if self.find(code) is not None:
                raise CodeTaken(code)

    def require_parent(self, kind: str, parent_code: str | None) -> None:
        """Raise OperationRefused unless an area of a kind may be under another (None: under none)."""
        if parent_code is None:
            return
        above = next((each for each, sheet in self.sheets.items() if parent_code in sheet.tracts), None)
        if above is None:
            raise OperationRefused("parent", "unknown-parent")
        if self.ranks[above] >= self.ranks[kind]:
            raise OperationRefused("parent", "parent-not-above")

    def with_sheet(self, kind: str, sheet: Layer) -> "DraftGround":
        """The city with another sheet for a kind."""
        return replace(self, sheets={**self.sheets, kind: sheet})

    def _kind_of(self, code: str) -> str:
        for kind, sheet in self.sheets.items():
            if code in sheet.tracts:
                return kind
        raise UnknownTract(code)


_AREAS = text("""
    SELECT area.code, area.kind, upper.code, version.name, ST_AsBinary(version.polygon)
    FROM area_version AS version
    JOIN area ON area.id = version.area_id
    LEFT JOIN area AS upper ON upper.id = version.parent_id
    WHERE version.editions @> CAST(:number AS int)
    ORDER BY area.code
""")


_FROM_VERSIONS = text("""
    SELECT area.code, area.kind, upper.code, version.name, ST_AsBinary(version.polygon)
    FROM area_version AS version
    JOIN area ON area.id = version.area_id
    LEFT JOIN area AS upper ON upper.id = version.parent_id
    WHERE version.editions @> CAST(:wanted AS int) AND NOT version.editions @> CAST(:known AS int) AND (
        (lower(version.editions) > :lower AND lower(version.editions) <= :higher)
        OR (upper(version.editions) > :lower AND upper(version.editions) <= :higher))
""")
_GONE = text("""
    SELECT area.code FROM area_version AS version JOIN area ON area.id = version.area_id
    WHERE version.editions @> CAST(:known AS int) AND NOT version.editions @> CAST(:wanted AS int) AND (
        (lower(version.editions) > :lower AND lower(version.editions) <= :higher)
        OR (upper(version.editions) > :lower AND upper(version.editions) <= :higher))
""")
_MOST_APART: Final = 2000
"""Areas that may differ for a city to be read from another: more than that costs as much as all of them."""


def read_city_after(session: Session, known: DraftGround, known_number: int, number: int) -> DraftGround:
    """Read an edition from another, whichever is the later: only what differs between the two is read."""
    span = {"known": known_number, "wanted": number}
    span |= {"lower": min(span.values()), "higher": max(span.values())}
    kinds = {kind.code: kind.rank for kind in session.scalars(select(AreaKind))}
    rows = session.execute(_FROM_VERSIONS, span).all()
    gone = set(session.scalars(_GONE, span)) - {row[0] for row in rows}
    apart = sum(len(sheet.kept.put) + len(sheet.kept.gone) for sheet in known.sheets.values())
    if kinds != known.ranks or apart + len(rows) + len(gone) > _MOST_APART:
        return read_city(session, number)
    put: dict[str, dict[str, AreaShape]] = {kind: {} for kind in kinds}
    polygons = shapely.from_wkb([bytes(row[4]) for row in rows])
    for (code, kind, parent, name, _), polygon in zip(rows, polygons, strict=True):
        put[kind][code] = AreaShape(polygon, name, parent)
    sheets = {
        kind: sheet.with_changes(put[kind], [code for code in gone if code in sheet.tracts])
        if put[kind] or any(code in sheet.tracts for code in gone)
        else sheet
        for kind, sheet in known.sheets.items()
    }
    return DraftGround(known.ranks, known.locating, sheets)


def read_city(session: Session, number: int) -> DraftGround:
    """Read an edition."""
    kinds = list(session.scalars(select(AreaKind)))
    rows = session.execute(_AREAS, {"number": number}).all()
    polygons = shapely.from_wkb([bytes(row[4]) for row in rows])
    tracts: dict[str, dict[str, AreaShape]] = {kind.code: {} for kind in kinds}
    for (code, kind, parent, name, _), polygon in zip(rows, polygons, strict=True):
        tracts[kind][code] = AreaShape(polygon, name, parent)
    return DraftGround(
        {kind.code: kind.rank for kind in kinds},
        next(kind.code for kind in kinds if kind.is_locating),
        {kind: Layer(found) for kind, found in tracts.items()},
    )
