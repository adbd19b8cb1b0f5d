"""Where the patrol day is walked: some grids of the city that the database holds, their workers and their heads.

Owns choosing them. The sample city 崇义 is walked as a whole, as it was drawn; of a larger one, the first grid by code
and those next to it. Must not know what is written down on the day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import shapely
from shapely import MultiPolygon
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.demo import chongyi
from server.demo.ground import COUNTY_CODE, GroundArea, SampleGround
from server.demo.people import worker_of

_GRIDS: Final = 25


@dataclass(frozen=True)
class Beat:
    """The ground to walk, the login of the worker of each of its grids (by code), and the heads of its communities."""

    ground: SampleGround
    workers: Mapping[str, str]
    heads: tuple[str, ...]


def beat_of(session: Session) -> Beat:
    """Return where to walk in this database. Raises LookupError where nobody works in any grid."""
    if session.scalar(text("SELECT EXISTS (SELECT FROM area WHERE code = :code)"), {"code": COUNTY_CODE}):
        ground = chongyi.draw()
        workers = {grid.code: worker_of(grid.code) for grid in ground.of_level("grid")}
        return Beat(ground, workers, tuple(f"head{area.code[-2:]}" for area in ground.of_level("community")))
    rows = session.execute(_GRIDS_STAFFED, {"most": _GRIDS}).all()
    if not rows:
        raise LookupError("grids with workers")
    areas = [_around(session, rows[0].code[:6])]
    for row in rows:
        polygon = _read(row.polygon)
        # Each grid is a zone of its own: zones are where people live.
        areas += [GroundArea(level, row.code, row.name, None, polygon, 1) for level in ("grid", "zone")]
    heads = session.scalars(_HEADS, {"codes": sorted({row.community for row in rows})})
    return Beat(SampleGround(tuple(areas), ()), {row.code: row.login for row in rows}, tuple(heads))


def _around(session: Session, county: str) -> GroundArea:
    row = session.execute(_COUNTY, {"code": county}).one()
    return GroundArea("county", county, row.name, None, _read(row.polygon), 0)


def _read(column: bytes) -> MultiPolygon:
    polygon = shapely.from_wkb(bytes(column))
    if not isinstance(polygon, MultiPolygon):
        raise TypeError(polygon.geom_type)
    return polygon


_GRIDS_STAFFED = text("""
    WITH staffed AS (
        SELECT area.code, version.name, version.polygon, min(person.login) AS login
        FROM area JOIN area_kind ON area_kind.code = area.kind AND area_kind.is_locating
        JOIN area_version AS version ON version.area_id = area.id AND upper_inf(version.editions)
        JOIN assignment ON assignment.area_id = area.id AND assignment.role = 'grid_worker'
        JOIN person ON person.id = assignment.person_id
        GROUP BY area.code, version.id
    ), first AS (SELECT * FROM staffed ORDER BY code LIMIT 1)
    SELECT staffed.code, staffed.name, staffed.login, substr(staffed.code, 1, 12) AS community,
           ST_AsBinary(staffed.polygon) AS polygon
    FROM staffed, first WHERE left(staffed.code, 6) = left(first.code, 6)
    ORDER BY staffed.polygon <-> first.polygon, staffed.code LIMIT :most
""")
_COUNTY = text("""
    SELECT name, ST_AsBinary(polygon) AS polygon FROM area_version JOIN area ON area.id = area_id
    WHERE area.code = :code AND upper_inf(editions)
""")
_HEADS = text("""
    SELECT min(person.login) FROM area JOIN assignment ON assignment.area_id = area.id AND role = 'grid_head'
    JOIN person ON person.id = assignment.person_id
    WHERE area.code = ANY (CAST(:codes AS text[])) GROUP BY area.code ORDER BY 1
""")
