"""Where one record is and was: the grids that are stored, and the one that it lay in at any time. Reads only."""

import uuid
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from sync.collections import COLLECTIONS
from sync.store.located import locate


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What a record knows of its place: area ids; ``lon``, ``lat`` in EPSG:4326, None where it has no position."""

    grid_at_capture: int | None
    grid_now: int | None
    edition_at_capture: int | None
    lon: float | None
    lat: float | None

    def grid_in(self, ground: Ground, *, near_m: float) -> int | None:
        """Return the grid that the record lay in by an edition; None where it lay in none, or nobody can know.

        Without a position only two are known: that of its capture, and today's where it is of this edition.
        """
        if self.lon is not None and self.lat is not None:
            return locate(ground, [{"lon": self.lon, "lat": self.lat}], near_m=near_m)[0].grid
        if ground.number == self.edition_at_capture:
            return self.grid_at_capture
        return self.grid_now if self.grid_now in ground.areas else None


def whereabouts(session: Session, collection: str, record_id: uuid.UUID) -> Whereabouts | None:
    """Return where a record is; None where there is no such record."""
    table = COLLECTIONS[collection].table
    row = session.execute(
        select(
            table.c.grid_at_capture,
            table.c.grid_now,
            table.c.edition_at_capture,
            func.ST_X(table.c.position),
            func.ST_Y(table.c.position),
        ).where(table.c.id == record_id)
    ).one_or_none()
    return None if row is None else Whereabouts(*row)
