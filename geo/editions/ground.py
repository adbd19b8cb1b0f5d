"""The ground of an edition as processes hold it: areas, their tree, and the Locator over the grids.

Owns loading and caching of editions; knows nothing of records, people or devices. A ``Ground`` is
immutable. ``Grounds`` keeps the newest few, so that records captured under an older edition are
located in the grids of their time.
"""

import datetime as dt
import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import shapely
from cachetools import LRUCache
from numpy.typing import NDArray
from sqlalchemy import case, or_, select, text
from sqlalchemy.orm import Session

from geo.editions.tables import Area, AreaKind, AreaVersion, Edition
from geo.locate.locator import Locator


@dataclass(frozen=True, slots=True)
class AreaFacts:
    """One area as an edition has it. ``parent_id`` is None for the root."""

    id: int
    uid: uuid.UUID
    code: str
    name: str
    kind: str
    parent_id: int | None


@dataclass(frozen=True, eq=False)
class Ground:
    """One edition in memory. ``locator`` answers with area ids of the locating kind (the grids)."""

    number: int
    areas: Mapping[int, AreaFacts]
    locating_kind: str
    locator: Locator
    outline: shapely.Geometry

    def ancestors(self, area_id: int) -> tuple[int, ...]:
        """Return the area and what it lies in, itself first, the root last."""
        line = []
        facts = self.areas.get(area_id)
        while facts is not None:
            line.append(facts.id)
            facts = None if facts.parent_id is None else self.areas.get(facts.parent_id)
        return tuple(line)

    @cached_property
    def _lines(self) -> Mapping[int, frozenset[int]]:
        return {grid: frozenset(self.ancestors(grid)) for grid in self.grid_ids}

    @cached_property
    def _below(self) -> Mapping[int, Sequence[int]]:
        found: dict[int, list[int]] = {}
        for grid, line in self._lines.items():
            for area in line:
                found.setdefault(area, []).append(grid)
        return found

    @cached_property
    def grid_ids(self) -> tuple[int, ...]:
        """Ids of all areas of the locating kind, ascending."""
        return tuple(sorted(facts.id for facts in self.areas.values() if facts.kind == self.locating_kind))

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The codes of the kinds of area that there are."""
        return frozenset(facts.kind for facts in self.areas.values())

    @cached_property
    def root_ids(self) -> frozenset[int]:
        """Areas with no parent."""
        return frozenset(facts.id for facts in self.areas.values() if facts.parent_id is None)

    def lies_in(self, grid_id: int, area_ids: frozenset[int]) -> bool:
        """Return whether a grid is one of the areas or lies below one."""
        line = self._lines.get(grid_id)
        return line is not None and not line.isdisjoint(area_ids)

    def grids_below(self, area_ids: Iterable[int]) -> tuple[int, ...]:
        """Return the grids that are among these areas or lie below one, ascending."""
        return tuple(sorted({grid for area in area_ids for grid in self._below.get(area, ())}))

    def grids_of(self, area_ids: frozenset[int]) -> tuple[int, ...]:
        """Return the grids of these areas, ascending: those below, or the one that a lower area lies in."""
        below = set(self.grids_below(area_ids))
        above = {
            upper for area in area_ids for upper in self.ancestors(area) if self.areas[upper].kind == self.locating_kind
        }
        return tuple(sorted(below | above))

    def holds(self, lon: NDArray, lat: NDArray) -> NDArray:  # type: ignore[type-arg]  # float64 in, bool out
        """Return which points lie in the city at all. lon, lat: float64 degrees, EPSG:4326, same shape."""
        return shapely.intersects_xy(self.outline, lon, lat)


def load_ground(session: Session, number: int) -> Ground:
    """Read one edition. Geometries come as WKB in EPSG:4326, lon-lat order."""
    # Of ten times as many micro-grids and houses as there are grids, no polygon is wanted.
    laid = case((or_(AreaKind.is_locating, AreaVersion.parent_id.is_(None)), AreaVersion.polygon.ST_AsBinary()))
    rows = session.execute(
        select(
            Area.id, Area.uid, Area.code, AreaVersion.name, Area.kind, AreaVersion.parent_id,
            AreaKind.is_locating, laid,
        )
        .join(AreaVersion, AreaVersion.area_id == Area.id)
        .join(AreaKind, AreaKind.code == Area.kind)
        .where(AreaVersion.editions.contains(number))
        .order_by(Area.id)
    ).all()  # fmt: skip
    areas = {row[0]: AreaFacts(*row[:6]) for row in rows}
    grids = [(row[0], shapely.from_wkb(bytes(row[7]))) for row in rows if row[6]]
    roots = [shapely.from_wkb(bytes(row[7])) for row in rows if row[5] is None]
    outline = shapely.union_all(roots)
    shapely.prepare(outline)
    kind = session.scalar(select(AreaKind.code).where(AreaKind.is_locating)) or ""
    return Ground(number, areas, kind, Locator.build(grids), outline)


_FROM_VERSIONS = text("""
    SELECT area.id, area.uid, area.code, version.name, area.kind, version.parent_id, is_locating,
           CASE WHEN is_locating OR version.parent_id IS NULL THEN ST_AsBinary(version.polygon) END,
           version.editions @> CAST(:wanted AS int)
    FROM area_version AS version
    JOIN area ON area.id = version.area_id
    JOIN area_kind ON area_kind.code = area.kind
    WHERE (lower(version.editions) > :lower AND lower(version.editions) <= :higher)
       OR (upper(version.editions) > :lower AND upper(version.editions) <= :higher)
""")


def ground_after(session: Session, known: Ground, number: int) -> Ground:
    """Read one edition from another, whichever is the later: only what differs between the two is read and laid.

    Its Locator answers as that of ``load_ground``.
    """
    span = {"wanted": number, "lower": min(known.number, number), "higher": max(known.number, number)}
    rows = session.execute(_FROM_VERSIONS, span).all()
    here = {row[0]: row for row in rows if row[8]}
    gone = {row[0] for row in rows} - set(here)
    areas = {area: facts for area, facts in known.areas.items() if area not in gone}
    areas |= {area: AreaFacts(*row[:6]) for area, row in here.items()}
    put = [(area, shapely.from_wkb(bytes(row[7]))) for area, row in sorted(here.items()) if row[6]]
    locator = known.locator.with_changes(put, sorted(gone)) if put or gone else known.locator
    of_roots = any(row[5] is None for row in rows)
    outline = _outline(session, number) if of_roots else known.outline
    return Ground(number, areas, known.locating_kind, locator, outline)


def _outline(session: Session, number: int) -> shapely.Geometry:
    roots = session.scalars(
        select(AreaVersion.polygon.ST_AsBinary()).where(
            AreaVersion.editions.contains(number), AreaVersion.parent_id.is_(None)
        )
    )
    outline = shapely.union_all([shapely.from_wkb(bytes(each)) for each in roots])
    shapely.prepare(outline)
    return outline


NEWEST: Final = dt.datetime.max.replace(tzinfo=dt.UTC)
"""A moment after all: the edition in force today. None is published ahead of its time, so clocks need not agree."""


_Stamp = tuple[int, dt.datetime]
"""An edition by number and publication: after a restore another one may have the number."""


class Grounds:
    """The editions of one process, read anew when the city's ground serial moves. Safe for threads."""

    def __init__(self, keep: int = 4) -> None:
        self._lock = threading.Lock()
        self._serial: int | None = None
        self._periods: Sequence[tuple[_Stamp, dt.datetime | None]] = ()
        self._loaded: LRUCache[_Stamp, Ground] = LRUCache(keep)

    def at(self, session: Session, serial: int, moment: dt.datetime) -> Ground | None:
        """Return the ground in force at ``moment`` (aware UTC); the first edition serves all times before it."""
        with self._lock:
            if serial != self._serial:
                self._periods = _periods(session)
                self._serial = serial
                for gone in set(self._loaded) - {each for each, _begins in self._periods}:
                    del self._loaded[gone]
            stamp = self._stamp_at(moment)
            if stamp is None:
                return None
            ground = self._loaded.get(stamp)
            if ground is None:
                ground = self._loaded[stamp] = self._read(session, stamp[0])
            return ground

    def _read(self, session: Session, number: int) -> Ground:
        """Read an edition by way of the nearest one that is known."""
        known = sorted(self._loaded, key=lambda other: abs(other[0] - number))
        # Where there was no kind of grids yet, there is nothing to go on from.
        near = next((self._loaded[other] for other in known if self._loaded[other].locating_kind), None)
        return load_ground(session, number) if near is None else ground_after(session, near, number)

    def in_memory(self, serial: int, moment: dt.datetime) -> Ground | None:
        """Return the ground in force at ``moment`` if nothing has to be read for it, else None."""
        with self._lock:
            stamp = self._stamp_at(moment) if serial == self._serial else None
            return None if stamp is None else self._loaded.get(stamp)

    def _stamp_at(self, moment: dt.datetime) -> _Stamp | None:
        found = None
        for stamp, begins in self._periods:
            if found is not None and begins is not None and begins > moment:
                break
            found = stamp
        return found


def _periods(session: Session) -> list[tuple[_Stamp, dt.datetime | None]]:
    rows = session.execute(
        select(Edition.number, Edition.published_at, Edition.in_force).order_by(Edition.in_force)
    ).all()
    return [((number, published_at), period.lower) for number, published_at, period in rows]
