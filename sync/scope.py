"""Scope: which grids a person's devices see now, and where a worker was assigned at a moment.

Owns the reading of assignments and the numbered snapshots that cursors name. Knows no Flask.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from geo.editions import Ground
from sync.devices import CallingDevice
from sync.statements import Statement
from sync.tables import ScopeSnapshot


@dataclass(frozen=True, slots=True)
class Assigned:
    """One assignment to an area: from when to when (None: open), aware UTC."""

    area_id: int
    begins: dt.datetime | None
    ends: dt.datetime | None

    def holds_at(self, moment: dt.datetime) -> bool:
        """Return whether it is in force at a moment."""
        return (self.begins is None or self.begins <= moment) and (self.ends is None or moment < self.ends)


@dataclass(frozen=True, slots=True)
class Scope:
    """The grids that a person's devices see. ``grid_ids`` ascend."""

    version: int
    grid_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """The grids whose records a phone may hold, and those of which it holds them all."""

    perhaps: frozenset[int]
    surely: frozenset[int]


EMPTY = 0
"""The version of the scope of a phone that holds nothing."""

_ASSIGNMENTS = Statement("""
    SELECT area_id, lower(during), upper(during) FROM assignment WHERE person_id = :person AND area_id IS NOT NULL
""")


def assignments(session: Session, person_id: int) -> tuple[Assigned, ...]:
    """Return all assignments of a person to areas, past and to come."""
    return tuple(Assigned(*row) for row in _ASSIGNMENTS.run(session, person=person_id))


def areas_at(assigned: Sequence[Assigned], moment: dt.datetime) -> frozenset[int]:
    """Return the areas somebody was assigned to at a moment."""
    return frozenset(each.area_id for each in assigned if each.holds_at(moment))


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
    return Scope(last.version, last.grid_ids)


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
    assigned = assignments(session, device.person_id)
    grids = ground.grids_of(areas_at(assigned, now))
    bounds = [bound for each in assigned for bound in (each.begins, each.ends) if bound is not None and bound > now]
    unchanged = newest is not None and tuple(newest.grid_ids) == grids
    version = 1 if newest is None else newest.version + (0 if unchanged else 1)
    written = {"grid_ids": list(grids), "serials": serials, "holds_until": min(bounds, default=None), "since": now}
    row = upsert(ScopeSnapshot).values(person_id=device.person_id, version=version, **written)
    kept = {"serials": row.excluded.serials, "holds_until": row.excluded.holds_until}
    # Two pulls at once may compute the same version; grids never change under a number that was given out,
    # and a number whose grids are others keeps its serials, so that the next pull computes anew.
    same = ScopeSnapshot.grid_ids == row.excluded.grid_ids
    session.execute(row.on_conflict_do_update(index_elements=["person_id", "version"], set_=kept, where=same))
    stored = session.scalars(
        select(ScopeSnapshot.grid_ids).where(
            ScopeSnapshot.person_id == device.person_id, ScopeSnapshot.version == version
        )
    ).one()
    return Scope(version, tuple(stored))


def held(session: Session, person_id: int, version: int, through: Sequence[int]) -> Held | None:
    """Return what a phone holds that left a scope for others and arrived at none; None where one is unknown.

    ``version``: the last it held whole; ``through``: those it began to move to.
    """
    wanted = {version, *through} - {EMPTY}
    rows = session.execute(
        select(ScopeSnapshot.version, ScopeSnapshot.grid_ids).where(
            ScopeSnapshot.person_id == person_id, ScopeSnapshot.version.in_(wanted)
        )
    ).all()
    if len(rows) != len(wanted):
        return None
    scopes = [frozenset(row.grid_ids) for row in rows] + [frozenset[int]()] * (version == EMPTY)
    return Held(frozenset.union(*scopes), frozenset.intersection(*scopes))
