"""The ground as staff pages draw it: kinds, areas with their bounds, and which of them somebody is in charge of.

Reads the edition in force; knows no issues and no requests.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.editions import Ground
from geo.tables import Area, AreaKind, AreaVersion, Edition
from server.accounts.charge import area_in_charge
from sync.statements import Reader, Statement
from sync.tables import CityState


@dataclass(frozen=True, slots=True)
class Piece:
    """One area. ``bounds``: west, south, east, north in degrees, EPSG:4326. ``parent``: a code."""

    id: int
    code: str
    name: str
    kind: str
    parent: str | None
    bounds: tuple[float, float, float, float]
    in_charge: bool


@dataclass(frozen=True)
class Territory:
    """An edition as drawn. Areas below the locating level are drawn from tiles alone and not listed."""

    edition: int
    name: str
    kinds: Sequence[AreaKind]
    pieces: Sequence[Piece]


def read_territory(session: Session, ground: Ground, tops: frozenset[int]) -> Territory:
    """Return the areas of an edition down to the locating level; ``tops``: area ids that are in charge."""
    kinds = session.scalars(select(AreaKind).order_by(AreaKind.rank, AreaKind.code)).all()
    lowest = max((kind.rank for kind in kinds if kind.is_locating), default=0)
    shape = AreaVersion.polygon
    rows = session.execute(
        select(Area.id, func.ST_XMin(shape), func.ST_YMin(shape), func.ST_XMax(shape), func.ST_YMax(shape))
        .join(AreaVersion, AreaVersion.area_id == Area.id)
        .join(AreaKind, AreaKind.code == Area.kind)
        .where(AreaVersion.editions.contains(ground.number), AreaKind.rank <= lowest)
        .order_by(Area.code)
    )
    pieces = [_piece(ground, area_id, bounds, tops) for area_id, *bounds in rows if area_id in ground.areas]
    drawn = {facts.kind for facts in ground.areas.values()}
    name = session.scalar(select(Edition.name).where(Edition.number == ground.number)) or ""
    return Territory(ground.number, name, [kind for kind in kinds if kind.code in drawn], pieces)


def _piece(ground: Ground, area_id: int, bounds: Sequence[float], tops: frozenset[int]) -> Piece:
    facts = ground.areas[area_id]
    parent = ground.areas.get(facts.parent_id) if facts.parent_id is not None else None
    west, south, east, north = (round(bound, 7) for bound in bounds)
    return Piece(
        id=area_id,
        code=facts.code,
        name=facts.name,
        kind=facts.kind,
        parent=parent.code if parent else None,
        bounds=(west, south, east, north),
        in_charge=area_in_charge(ground, area_id, tops),
    )


def city_epoch(session: Session) -> uuid.UUID:
    """Return which life of the database this is: another after a restore, or in another city."""
    return session.execute(select(CityState.epoch)).scalar_one()


_NEWEST = Statement("""
    SELECT (SELECT number FROM edition ORDER BY in_force DESC LIMIT 1), epoch FROM city_state
""")


def newest(reader: Reader) -> tuple[int | None, uuid.UUID]:
    """Return the edition in force, None before the first, and the life of the database, as of one moment.

    By the editions themselves, not by a clock: none is published ahead of its time.
    """
    ((number, epoch),) = _NEWEST.read(reader)
    return number, epoch
