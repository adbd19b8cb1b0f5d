"""Charge: what a person is in charge of, from the assignments in force, and what that reaches on a ground.

Owns the meaning of roles for seeing; must not know sessions, requests or issues. An assignment to an area
puts all areas below it in charge. A handler's assignment puts in charge what is given to the handler's body,
wherever it lies, and no ground.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.editions import Ground
from sync.tables import Assignment

HANDLER = "handler"
# Who sees what is private (disputes, public order) in their areas.
PRIVATE_DUTY = frozenset({"supervisor", "dispatcher", "admin"})
# Who may hand out enrolment codes in their areas.
ENROLLING = frozenset({"supervisor", "dispatcher", "admin", "grid_head"})


@dataclass(frozen=True, slots=True)
class Charge:
    """What the assignments in force say. Area ids are the tops; what lies below follows from the ground."""

    person_id: int
    roles: frozenset[str]
    area_ids: frozenset[int]
    duty_area_ids: frozenset[int]
    enrolling_area_ids: frozenset[int]
    organisation_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class Reach:
    """A charge on one ground. ``everywhere``: the root is in charge, and with it what lies in no grid.

    Grid ids ascend. ``duty`` is the part where private issues are seen whole.
    """

    person_id: int
    grid_ids: tuple[int, ...]
    everywhere: bool
    duty_grid_ids: tuple[int, ...]
    duty_everywhere: bool
    organisation_ids: tuple[int, ...]


def read_charge(session: Session, person_id: int, *, now: dt.datetime) -> Charge:
    """Return the charge of a person at a moment (aware UTC)."""
    rows = session.execute(
        select(Assignment.role, Assignment.area_id, Assignment.organisation_id).where(
            Assignment.person_id == person_id, Assignment.during.contains(now)
        )
    ).all()
    return _charge(person_id, [(role, area, body) for role, area, body in rows])


def areas_of_role(session: Session, person_id: int, role: str, *, now: dt.datetime) -> frozenset[int]:
    """Return the areas that a person holds one role in at a moment (aware UTC)."""
    held = select(Assignment.area_id).where(
        Assignment.person_id == person_id, Assignment.role == role, Assignment.during.contains(now)
    )
    return frozenset(area for area in session.scalars(held) if area is not None)


def _charge(person_id: int, rows: Iterable[tuple[str, int | None, int | None]]) -> Charge:
    held = list(rows)

    def areas(roles: frozenset[str] | None = None) -> frozenset[int]:
        return frozenset(
            area for role, area, _ in held if area is not None and role != HANDLER and (roles is None or role in roles)
        )

    return Charge(
        person_id=person_id,
        roles=frozenset(role for role, _, _ in held),
        area_ids=areas(),
        duty_area_ids=areas(PRIVATE_DUTY),
        enrolling_area_ids=areas(ENROLLING),
        organisation_ids=frozenset(body for role, _, body in held if role == HANDLER and body is not None),
    )


def reach(charge: Charge, ground: Ground | None) -> Reach:
    """Return what a charge reaches on a ground; without a ground nothing has a place yet."""
    if ground is None:
        return Reach(charge.person_id, (), False, (), False, tuple(sorted(charge.organisation_ids)))  # noqa: FBT003  # a row of facts
    return Reach(
        person_id=charge.person_id,
        grid_ids=ground.grids_of(charge.area_ids),
        everywhere=_whole(ground, charge.area_ids),
        duty_grid_ids=ground.grids_of(charge.duty_area_ids),
        duty_everywhere=_whole(ground, charge.duty_area_ids),
        organisation_ids=tuple(sorted(charge.organisation_ids)),
    )


def _whole(ground: Ground, area_ids: frozenset[int]) -> bool:
    return bool(ground.root_ids) and ground.root_ids <= area_ids


def area_in_charge(ground: Ground, area_id: int, tops: frozenset[int]) -> bool:
    """Return whether an area is one of ``tops`` or lies below one."""
    return not tops.isdisjoint(ground.ancestors(area_id))
