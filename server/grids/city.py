"""A city as a draft has it: a sheet for each kind of area; and reading an edition as one.

Owns finding an area's kind, and which codes and parents may be. Must not know operations or drafts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import shapely
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geo.errors import CodeTaken, UnknownTract
from geo.redraw import Sheet, Tract
from geo.tables import AreaKind
from server.grids.errors import OperationRefused


@dataclass(frozen=True, eq=False)
class City:
    """Sheets by kind. ``ranks``: larger is lower; ``locating`` is the kind that records are located in (the grids)."""

    ranks: Mapping[str, int]
    locating: str
    sheets: Mapping[str, Sheet]

    @property
    def grids(self) -> Sheet:
        """The sheet that records are located in."""
        return self.sheets[self.locating]

    def kind_of(self, *codes: str) -> str:
        """The kind that all these areas are of. Raises UnknownTract, OperationRefused."""
        kinds = [self._kind_of(code) for code in codes]
        if len(set(kinds)) > 1:
            raise OperationRefused("codes", "other-kind")
        return kinds[0]

    def find(self, code: str) -> Tract | None:
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

    def with_sheet(self, kind: str, sheet: Sheet) -> "City":
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


def read_city(session: Session, number: int) -> City:
    """Read an edition."""
    kinds = list(session.scalars(select(AreaKind)))
    rows = session.execute(_AREAS, {"number": number}).all()
    polygons = shapely.from_wkb([bytes(row[4]) for row in rows])
    tracts: dict[str, dict[str, Tract]] = {kind.code: {} for kind in kinds}
    for (code, kind, parent, name, _), polygon in zip(rows, polygons, strict=True):
        tracts[kind][code] = Tract(polygon, name, parent)
    return City(
        {kind.code: kind.rank for kind in kinds},
        next(kind.code for kind in kinds if kind.is_locating),
        {kind: Sheet(found) for kind, found in tracts.items()},
    )
