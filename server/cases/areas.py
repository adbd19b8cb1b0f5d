"""The areas that rules are made for: whether a rule for one can ever apply, and which areas took its place.

Owns that alone. An issue is routed by its grid and what that lies in, on the ground of today: a rule for a building, or
for an area that was retired, would be taken and never apply. Must not know requests or what rules say.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

Standing = Literal["in-force", "retired", "below-grids"]

_STANDING = text("""
    SELECT area.id, CASE
        WHEN NOT EXISTS (SELECT FROM area_version WHERE area_id = area.id AND upper_inf(editions)) THEN 'retired'
        WHEN kind.rank > (SELECT rank FROM area_kind WHERE is_locating) THEN 'below-grids'
        ELSE 'in-force' END
    FROM area JOIN area_kind AS kind ON kind.code = area.kind WHERE area.id = ANY (CAST(:ids AS int[]))
""")
_NAMES = text("""
    SELECT DISTINCT ON (area_id) area_id, name FROM area_version
    WHERE area_id = ANY (CAST(:ids AS int[])) ORDER BY area_id, lower(editions) DESC
""")
# Of an area that is no more: who of its kind has a tenth of its last ground or more, the largest part first.
_SUCCESSORS = text("""
    SELECT gone.area_id, area.code, version.name
    FROM (
        SELECT DISTINCT ON (area_id) area_id, kind, polygon FROM area_version JOIN area ON area.id = area_id
        WHERE area_id = ANY (CAST(:ids AS int[])) ORDER BY area_id, upper(editions) DESC
    ) AS gone
    JOIN area_version AS version ON version.polygon && gone.polygon AND upper_inf(version.editions)
    JOIN area ON area.id = version.area_id AND area.kind = gone.kind
    CROSS JOIN LATERAL (
        SELECT ST_Area(ST_Intersection(version.polygon, gone.polygon)) / ST_Area(gone.polygon) AS part
    ) AS shared
    WHERE part >= 0.1 ORDER BY gone.area_id, part DESC, area.code
""")


@dataclass(frozen=True, slots=True)
class Successor:
    """An area that has a part of the ground of one that is no more."""

    code: str
    name: str


def standing_of(session: Session, area_ids: Iterable[int]) -> dict[int, Standing]:
    """Return how areas stand today, by id."""
    ids = sorted(set(area_ids))
    return {row[0]: row[1] for row in session.execute(_STANDING, {"ids": ids})} if ids else {}


def names_of(session: Session, area_ids: Iterable[int]) -> dict[int, str]:
    """Return the names of areas by id; of one that is no more, its last."""
    ids = sorted(set(area_ids))
    return {row[0]: row[1] for row in session.execute(_NAMES, {"ids": ids})} if ids else {}


def successors_of(session: Session, area_ids: Iterable[int]) -> Mapping[int, Sequence[Successor]]:
    """Return by id the areas of today that took the place of areas that are no more, the foremost first."""
    ids = sorted(set(area_ids))
    found: dict[int, list[Successor]] = {}
    for area_id, code, name in session.execute(_SUCCESSORS, {"ids": ids}) if ids else ():
        found.setdefault(area_id, []).append(Successor(code, name))
    return found
