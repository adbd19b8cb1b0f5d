"""Charge: what a person is in charge of, from the assignments in force, and what that reaches on a ground.

Owns the meaning of roles for seeing; must not know sessions, requests or issues. An assignment to an area
puts all areas below it in charge. A handler's assignment puts in charge what is given to the handler's body,
wherever it lies, and no ground. A role is held over the areas that it was given for and over no others: whoever asks
for a role asks for its areas too.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from sync.access.privacy import DUTY_ROLES as PRIVATE_DUTY
from sync.tables import Assignment, Person

HANDLER = "handler"
# Who looks after what is pushed in their areas.
RULING = ("supervisor", "dispatcher", "admin")
# Who may hand out enrolment codes in their areas.
ENROLLING = frozenset({"supervisor", "dispatcher", "admin", "grid_head"})


@dataclass(frozen=True, slots=True)
class Held:
    """One assignment in force: a role, and the area or the organisation that it is held for."""

    role: str
    area_id: int | None
    organisation_id: int | None


@dataclass(frozen=True, slots=True)
class Charge:
    """What the assignments in force say. Area ids are the tops; what lies below follows from the ground."""

    person_id: int
    held: frozenset[Held]

    def in_roles(self, roles: Iterable[str]) -> "Charge":
        """Return the part of it that is held in one of these roles."""
        wanted = frozenset(roles)
        return Charge(self.person_id, frozenset(each for each in self.held if each.role in wanted))

    def areas(self, *roles: str) -> frozenset[int]:
        """Return the areas that one of these roles is held for; of any role but a handler's, where none is named."""
        return frozenset(
            each.area_id
            for each in self.held
            if each.area_id is not None and each.role != HANDLER and (not roles or each.role in roles)
        )

    @property
    def roles(self) -> frozenset[str]:
        """The roles that are held somewhere."""
        return frozenset(each.role for each in self.held)

    @property
    def area_ids(self) -> frozenset[int]:
        """The areas that any role is held for."""
        return self.areas()

    @property
    def duty_area_ids(self) -> frozenset[int]:
        """The areas in which private issues are seen whole."""
        return self.areas(*PRIVATE_DUTY)

    @property
    def organisation_ids(self) -> frozenset[int]:
        """The bodies that somebody handles cases for."""
        return frozenset(
            each.organisation_id for each in self.held if each.role == HANDLER and each.organisation_id is not None
        )


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
    """Return the charge of a person at a moment (aware UTC); of one who is no longer active, nothing."""
    rows = session.execute(
        select(Assignment.role, Assignment.area_id, Assignment.organisation_id)
        .join(Person, Person.id == Assignment.person_id)
        .where(Assignment.person_id == person_id, Assignment.during.contains(now), Person.is_active)
    )
    return Charge(person_id, frozenset(Held(*row) for row in rows))


def read_charges(session: Session, person_ids: Iterable[int], *, now: dt.datetime) -> dict[int, Charge]:
    """Return the charges of people at a moment, in one statement; of who holds nothing, an empty one."""
    wanted = sorted(set(person_ids))
    held: dict[int, set[Held]] = {person_id: set() for person_id in wanted}
    rows = session.execute(
        select(Assignment.person_id, Assignment.role, Assignment.area_id, Assignment.organisation_id)
        .join(Person, Person.id == Assignment.person_id)
        .where(Assignment.person_id.in_(wanted), Assignment.during.contains(now), Person.is_active)
    )
    for person_id, role, area_id, organisation_id in rows:
        held[person_id].add(Held(role, area_id, organisation_id))
    return {person_id: Charge(person_id, frozenset(each)) for person_id, each in held.items()}


def reach(charge: Charge, ground: Ground | None) -> Reach:
    """Return what a charge reaches on a ground; without a ground nothing has a place yet."""
    if ground is None:
        return Reach(charge.person_id, (), False, (), False, tuple(sorted(charge.organisation_ids)))  # noqa: FBT003  # a row of facts
    return Reach(
        person_id=charge.person_id,
        grid_ids=_grids(ground, charge.area_ids),
        everywhere=is_whole_city(ground, charge.area_ids),
        duty_grid_ids=_grids(ground, charge.duty_area_ids),
        duty_everywhere=is_whole_city(ground, charge.duty_area_ids),
        organisation_ids=tuple(sorted(charge.organisation_ids)),
    )


def is_whole_city(ground: Ground, tops: frozenset[int]) -> bool:
    """Return whether every root is among these areas."""
    return bool(ground.root_ids) and ground.root_ids <= tops


def _grids(ground: Ground, tops: frozenset[int]) -> tuple[int, ...]:
    """Return the grids in these areas, ascending. Who holds a zone or a building does not hold the grid around it."""
    return ground.grids_below(tops)


def area_in_charge(ground: Ground, area_id: int, tops: frozenset[int]) -> bool:
    """Return whether an area is one of ``tops`` or lies below one."""
    return not tops.isdisjoint(ground.ancestors(area_id))
