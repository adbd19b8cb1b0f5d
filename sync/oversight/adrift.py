"""Visits that lie in no grid: an address was named and no place, or a place outside all grids.

Owns finding them for whoever is in charge of their authors today: phones show them to their authors alone. Reads only.
"""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from sync.access.charge import InCharge, person_in_charge

_LIES_NOWHERE = f"""
    FROM visit LEFT JOIN person ON person.id = visit.author_id
    WHERE visit.grid_now IS NULL AND visit.deleted_at IS NULL AND {person_in_charge("visit.author_id")}
"""  # constants of this package
_LISTED = text(f"""
    SELECT visit.id, visit.rev, visit.captured_at, visit.received_at, visit.doc AS data, person.login AS author,
           person.name AS author_name
    {_LIES_NOWHERE}
    ORDER BY visit.received_at DESC, visit.id LIMIT :limit OFFSET :offset
""")  # constants of this package
_COUNTED = text(f"SELECT count(*) {_LIES_NOWHERE}")


def adrift(session: Session, charge: InCharge, *, limit: int, offset: int) -> list[dict[str, Any]]:
    """Return visits in no grid by people in somebody's charge, what came last first. ``data``: their fields."""
    rows = session.execute(_LISTED, charge.asked() | {"limit": limit, "offset": offset}).mappings()
    return [dict(row) for row in rows]


def adrift_counted(session: Session, charge: InCharge) -> int:
    """Return how many of them there are."""
    return int(session.scalar(_COUNTED, charge.asked()) or 0)
