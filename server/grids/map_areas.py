"""The ground as staff pages draw it: kinds, areas with their bounds, and which of them somebody is in charge of.

Reads the edition in force; knows no issues and no requests.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from geo.editions.tables import Area, AreaKind, AreaVersion, Edition
from server.accounts.charge import area_in_charge
from sync.sql.statements import Reader, Statement
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


@dataclass(frozen=True, slots=True)
class Widths:
    """How wide areas of a kind are, in degrees, as if they were squares: the quarter-smallest, and the middle one."""

    small: float
    middle: float


@dataclass(frozen=True)
class Frame:
    """An edition, and the kinds of area that it has, uppermost first. ``widths``: by the code of a kind."""

    edition: int
    name: str
    kinds: Sequence[AreaKind]
    widths: Mapping[str, Widths]


# Of so many areas of a kind: what is drawn at which zoom does not hang on each.
_MEASURED: Final = 400
_widths: WeakKeyDictionary[Ground, Mapping[str, Widths]] = WeakKeyDictionary()


def read_frame(session: Session, ground: Ground) -> Frame:
    """Return what is told of an edition beside its areas."""
    kinds = session.scalars(select(AreaKind).order_by(AreaKind.rank, AreaKind.code)).all()
    name = session.scalar(select(Edition.name).where(Edition.number == ground.number)) or ""
    widths = _widths.get(ground)
    if widths is None:
        widths = _widths[ground] = _measure(session, ground)
    return Frame(ground.number, name, [kind for kind in kinds if kind.code in ground.kinds], widths)


def _measure(session: Session, ground: Ground) -> Mapping[str, Widths]:
    """Return how wide the areas of each kind are, from an even sample of them: the same one each time."""
    turn = func.row_number().over(partition_by=Area.kind, order_by=func.hashint4(Area.id)).label("turn")
    drawn = (
        select(Area.kind, AreaVersion.polygon, turn)
        .join(AreaVersion, AreaVersion.area_id == Area.id)
        .where(AreaVersion.editions.contains(ground.number))
        .subquery()
    )
    across = func.ST_XMax(drawn.c.polygon) - func.ST_XMin(drawn.c.polygon)
    upward = func.ST_YMax(drawn.c.polygon) - func.ST_YMin(drawn.c.polygon)
    width = func.sqrt(across * upward)
    rows = session.execute(
        select(
            drawn.c.kind,
            func.percentile_disc(0.25).within_group(width.asc()),
            func.percentile_disc(0.5).within_group(width.asc()),
        )
        .where(drawn.c.turn <= _MEASURED)
        .group_by(drawn.c.kind)
    )
    return {kind: Widths(round(small, 7), round(middle, 7)) for kind, small, middle in rows}


def read_territory(session: Session, ground: Ground, tops: frozenset[int]) -> tuple[Frame, Sequence[Piece]]:
    """Return an edition and its areas down to the locating level; ``tops``: area ids that are in charge.

    Areas below the locating level are drawn from tiles, and found by searching.
    """
    lowest = select(func.max(AreaKind.rank)).where(AreaKind.is_locating).scalar_subquery()
    shape = AreaVersion.polygon
    rows = session.execute(
        select(Area.id, func.ST_XMin(shape), func.ST_YMin(shape), func.ST_XMax(shape), func.ST_YMax(shape))
        .join(AreaVersion, AreaVersion.area_id == Area.id)
        .join(AreaKind, AreaKind.code == Area.kind)
        .where(AreaVersion.editions.contains(ground.number), AreaKind.rank <= lowest)
        .order_by(Area.code)
    )
    pieces = [_piece(ground, area_id, bounds, tops) for area_id, *bounds in rows if area_id in ground.areas]
    return read_frame(session, ground), pieces


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
