"""The households that visits name: whose they are and where their doors lie.

Owns reading them, all of a batch in one statement. Decides nothing: who may name which is ``sync.access.rights``.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from sync.sql import arrays
from sync.sql.statements import Statement
from sync.store.located import Located, at_door, in_household, locate

_DOORS = Statement("""
    SELECT id, grid_now, ST_X(position), ST_Y(position), author_id,
           ARRAY(SELECT person_id FROM task WHERE household_id = household.id AND deleted_at IS NULL)
    FROM household WHERE id = ANY (CAST(:ids AS uuid[])) AND grid_now IS NOT NULL
""")


@dataclass(frozen=True, slots=True)
class Door:
    """One household: its grid today, its WGS-84 degrees (None: no position), its author, and who has a task there."""

    grid_now: int
    lon: float | None
    lat: float | None
    author_id: int | None
    holders: Sequence[int]

    def at(self, then: Ground, ground: Ground, near_m: float) -> tuple[Located, Ground]:
        """Return where it lay by the edition ``then``, and the edition that says so; ``ground`` is the newest.

        Not simply its grid: a redraw may have moved it since ``then``, or not have moved it yet.
        """
        if self.lon is not None and self.lat is not None:
            place = locate(then, [{"lon": self.lon, "lat": self.lat}], near_m=near_m)[0]
            if place.grid is not None:
                return at_door(place), then
        return in_household(self.grid_now, ground.number), ground


def household_of(data: Mapping[str, Any]) -> uuid.UUID | None:
    """Return the household that the fields of a record name."""
    named = data.get("household_id")
    return uuid.UUID(named) if named else None


def read_doors(session: Session, datas: Iterable[Mapping[str, Any]]) -> dict[uuid.UUID, Door]:
    """Return those of the households named that lie in a grid; without any named, nothing is asked."""
    named = sorted({home for data in datas if (home := household_of(data)) is not None})
    if not named:
        return {}
    return {row[0]: Door(*row[1:]) for row in _DOORS.run(session, ids=arrays.uuids(named))}
