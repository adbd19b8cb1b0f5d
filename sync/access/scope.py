"""Scope: which grids a person's devices see now, and where a worker was assigned at a moment.

Owns the reading of assignments and the numbered snapshots that cursors name. Knows no Flask.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, and_, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from sync.access.charge import FIELD_ROLES
from sync.access.devices import CallingDevice
from sync.access.privacy import DUTY_ROLES
from sync.access.zones import read_zones
from sync.sql import arrays
from sync.sql.statements import Statement
from sync.tables import ScopeSnapshot


@dataclass(frozen=True, slots=True)
class Assigned:
    """One assignment to an area: in which role, from when to when (None: open), aware UTC."""

    area_id: int
    role: str
    begins: dt.datetime | None
    ends: dt.datetime | None

    def holds_at(self, moment: dt.datetime) -> bool:
        """Return whether it is in force at a moment."""
        return (self.begins is None or self.begins <= moment) and (self.ends is None or moment < self.ends)


class ZoneHeld(NamedTuple):
    """An area below a grid that somebody holds: drawn as it is since an edition; ``grid_id`` is the grid around it."""

    area_id: int
    since: int
    grid_id: int


Token = int | ZoneHeld
"""A grid that is seen whole, or a zone."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The grids that a person's devices see; of the grids of ``zones`` only what lies in these. ``grid_ids`` ascend."""

    version: int
    grid_ids: tuple[int, ...]
    zones: tuple[ZoneHeld, ...] = ()

    @property
    def tokens(self) -> frozenset[Token]:
        """Whole grids, and zones."""
        return _tokens(self.grid_ids, self.zones)


@dataclass(frozen=True, slots=True)
class Held:
    """What a phone may hold the records of, and that of which it holds them all."""

    perhaps: frozenset[Token]
    surely: frozenset[Token]

    @property
    def grid_ids(self) -> frozenset[int]:
        """The grids that the feed has to be read for."""
        return frozenset(token.grid_id if isinstance(token, ZoneHeld) else token for token in self.perhaps)


def _tokens(grid_ids: Iterable[int], zones: Iterable[ZoneHeld]) -> frozenset[Token]:
    around = {zone.grid_id for zone in zones}
    return frozenset([*(grid for grid in grid_ids if grid not in around), *zones])


EMPTY = 0
"""The version of the scope of a phone that holds nothing."""

_ASSIGNMENTS = Statement("""
    SELECT person_id, area_id, role, lower(during), upper(during) FROM assignment
    JOIN person ON person.id = person_id AND is_active
    WHERE person_id = ANY (CAST(:people AS int[])) AND area_id IS NOT NULL
""")


def assignments(session: Session, person_id: int) -> tuple[Assigned, ...]:
    """Return all assignments of a person to areas, past and to come; none of somebody who has left."""
    return assignments_of(session, [person_id]).get(person_id, ())


def assignments_of(session: Session, person_ids: Sequence[int]) -> dict[int, tuple[Assigned, ...]]:
    """Return the same for several people, by person; who has none is left out."""
    found: dict[int, list[Assigned]] = {}
    if person_ids:
        for person, *each in _ASSIGNMENTS.run(session, people=arrays.numbers(sorted(set(person_ids)))):
            found.setdefault(person, []).append(Assigned(*each))
    return {person: tuple(each) for person, each in found.items()}


def worked_areas(assigned: Sequence[Assigned], moment: dt.datetime) -> frozenset[int]:
    """Return the areas that somebody held a field role in at a moment."""
    return frozenset(each.area_id for each in assigned if each.role in FIELD_ROLES and each.holds_at(moment))


def ruled_areas(assigned: Sequence[Assigned], moment: dt.datetime) -> frozenset[int]:
    """Return the areas that somebody ruled over at a moment: released, decided, and saw what is private."""
    return frozenset(each.area_id for each in assigned if each.role in DUTY_ROLES and each.holds_at(moment))


_LISTENING = text("""
    SELECT device.id, scope.version FROM unnest(CAST(:devices AS int[])) AS shown (id)
    JOIN device ON device.id = shown.id AND device.revoked_at IS NULL
    JOIN person ON person.id = device.person_id AND person.is_active
    JOIN LATERAL (
        SELECT version FROM scope_snapshot WHERE person_id = device.person_id ORDER BY version DESC LIMIT 1
    ) AS scope ON true
""")


def still_listening(connection: Connection, shown: Collection[tuple[int, int]]) -> frozenset[tuple[int, int]]:
    """Return which of these (device, scope version) are of devices that may exchange and see no other scope since."""
    rows = connection.execute(_LISTENING, {"devices": [device for device, _ in shown]})
    return frozenset((device, version) for device, version in rows).intersection(shown)


def scope_in_force(device: CallingDevice, now: dt.datetime) -> Scope | None:
    """Return the scope that was read with the device, if it still holds: no ground, no assignment has moved since."""
    last = device.scope
    if last is None or last.serials != (device.ground_serial, device.scope_serial):
        return None
    if last.holds_until is not None and now >= last.holds_until:
        return None
    return Scope(last.version, last.grid_ids, tuple(ZoneHeld(*zone) for zone in last.zones))


def current_scope(session: Session, device: CallingDevice, ground: Ground, now: dt.datetime) -> Scope:
    """Return the scope of the device's person, snapshotting a new version when it changed."""
    holding = scope_in_force(device, now)
    if holding is not None:
        return holding
    newest = session.scalars(
        select(ScopeSnapshot)
        .where(ScopeSnapshot.person_id == device.person_id)
        .order_by(ScopeSnapshot.version.desc())
        .limit(1)
    ).one_or_none()
    serials = [device.ground_serial, device.scope_serial]
    assigned = [each for each in assignments(session, device.person_id) if each.role in FIELD_ROLES]
    areas = worked_areas(assigned, now)
    grids = ground.grids_of(areas)
    zones = _zones(session, ground, areas)
    bounds = [bound for each in assigned for bound in (each.begins, each.ends) if bound is not None and bound > now]
    rows = [list(zone) for zone in zones]
    unchanged = newest is not None and tuple(newest.grid_ids) == grids and newest.zones == rows
    version = 1 if newest is None else newest.version + (0 if unchanged else 1)
    written = {
        "grid_ids": list(grids),
        "zones": rows,
        "serials": serials,
        "holds_until": min(bounds, default=None),
        "since": now,
    }
    row = upsert(ScopeSnapshot).values(person_id=device.person_id, version=version, **written)
    kept = {"serials": row.excluded.serials, "holds_until": row.excluded.holds_until}
    # Two pulls at once may compute the same version; grids never change under a number that was given out,
    # and a number whose grids are others keeps its serials, so that the next pull computes anew.
    same = and_(ScopeSnapshot.grid_ids == row.excluded.grid_ids, ScopeSnapshot.zones == row.excluded.zones)
    session.execute(row.on_conflict_do_update(index_elements=["person_id", "version"], set_=kept, where=same))
    stored = session.execute(
        select(ScopeSnapshot.grid_ids, ScopeSnapshot.zones).where(
            ScopeSnapshot.person_id == device.person_id, ScopeSnapshot.version == version
        )
    ).one()
    return Scope(version, tuple(stored.grid_ids), tuple(ZoneHeld(*zone) for zone in stored.zones))


def _zones(session: Session, ground: Ground, areas: frozenset[int]) -> list[ZoneHeld]:
    """Return the zones among some areas, ascending; one in a grid that is held whole adds nothing."""
    found = read_zones(session, ground, areas).known.values()
    return sorted(
        ZoneHeld(zone.area_id, zone.since, zone.grid_id) for zone in found if not ground.lies_in(zone.grid_id, areas)
    )


def held(session: Session, person_id: int, version: int, through: Sequence[int]) -> Held | None:
    """Return what a phone holds that left a scope for others and arrived at none; None where one is unknown.

    ``version``: the last it held whole; ``through``: those it began to move to.
    """
    wanted = {version, *through} - {EMPTY}
    rows = session.execute(
        select(ScopeSnapshot.version, ScopeSnapshot.grid_ids, ScopeSnapshot.zones).where(
            ScopeSnapshot.person_id == person_id, ScopeSnapshot.version.in_(wanted)
        )
    ).all()
    if len(rows) != len(wanted):
        return None
    scopes = [_tokens(row.grid_ids, [ZoneHeld(*zone) for zone in row.zones]) for row in rows]
    scopes += [frozenset[Token]()] * (version == EMPTY)
    return Held(frozenset.union(*scopes), frozenset.intersection(*scopes))
