"""The grids around a phone's own: their outlines and names, without anything that lies in them.

A phone draws them and names them where a report is put beyond its borders; their records it never gets.
"""

from dataclasses import dataclass

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from sync.access.scope import Scope

NEAR_M = 300
"""How far from the grids in scope a neighbour may begin, in metres; a little less from west to east."""
_M_A_DEGREE = 111_320

_AROUND = text("""
    SELECT near.area_id, ST_AsGeoJSON(near.polygon, 8, 0) AS polygon
    FROM area_version AS near
    WHERE near.editions @> CAST(:edition AS int) AND near.area_id = ANY (CAST(:others AS int[])) AND EXISTS (
        SELECT FROM area_version AS own
        WHERE own.editions @> CAST(:edition AS int) AND own.area_id = ANY (CAST(:own AS int[]))
          AND ST_DWithin(own.polygon, near.polygon, :near_degrees)
    )
    ORDER BY near.area_id
""")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One grid; ``geometry``: GeoJSON in WGS-84, longitude first, with the 8 decimals that grids in scope come with."""

    code: str
    name: str
    geometry: msgspec.Raw


def neighbours(session: Session, ground: Ground, scope: Scope) -> list[Neighbour]:
    """Return the grids of today that begin within ``NEAR_M`` of those in scope and are not among them."""
    own = set(scope.grid_ids)
    asked = {
        "edition": ground.number,
        "own": sorted(own),
        "others": [grid for grid in ground.grid_ids if grid not in own],
        "near_degrees": NEAR_M / _M_A_DEGREE,
    }
    facts = ground.areas
    return [
        Neighbour(facts[row.area_id].code, facts[row.area_id].name, msgspec.Raw(row.polygon.encode()))
        for row in session.execute(_AROUND, asked)
    ]
