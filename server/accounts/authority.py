"""Authority: what a caller may do to the accounts of others, by the assignments of today.

An administrator gives and ends roles in their areas, and tends the accounts of people who hold nothing outside them. A
supervisor tends field workers who hold nothing else. So nobody gives, or comes by a password, more than they hold. The
operator of the machine may everything. Must not know requests; writes nothing.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.accounts.charge import area_in_charge, is_whole_city, read_charge
from server.accounts.errors import BeyondAuthority, OutsideCharge
from server.accounts.tables import Organisation
from sync.access.charge import FIELD_ROLES
from sync.tables import Assignment, Person

ADMIN, SUPERVISOR = "admin", "supervisor"
COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts on accounts, and from where. ``person_id`` is None for the operator.

    ``admin_ids`` and ``supervisor_ids``: the tops of the areas in which the caller is either today, on ``ground``.
    """

    person_id: int | None
    source: str
    ground: Ground | None = None
    admin_ids: frozenset[int] = frozenset()
    supervisor_ids: frozenset[int] = frozenset()

    @classmethod
    def operator(cls) -> "Actor":
        """Return whoever has the machine's command line."""
        return cls(None, COMMAND)

    @classmethod
    def caller(cls, session: Session, person_id: int, source: str, ground: Ground, *, now: dt.datetime) -> "Actor":
        """Return a signed-in person with what they hold at a moment (aware UTC)."""
        charge = read_charge(session, person_id, now=now)
        return cls(person_id, source, ground, charge.areas(ADMIN), charge.areas(SUPERVISOR))

    @property
    def is_everywhere(self) -> bool:
        """Whether nothing of the city is beyond this actor."""
        if self.person_id is None:
            return True
        return self.ground is not None and is_whole_city(self.ground, self.admin_ids)

    def administers(self, area_id: int | None) -> bool:
        """Return whether roles at an area are this actor's to give; None: at a body that lies in no area."""
        return self.is_everywhere or self._holds(area_id, self.admin_ids)

    def supervises(self, area_id: int | None) -> bool:
        """Return whether an area lies in those that this actor supervises."""
        return self._holds(area_id, self.supervisor_ids)

    def _holds(self, area_id: int | None, tops: frozenset[int]) -> bool:
        return area_id is not None and self.ground is not None and area_in_charge(self.ground, area_id, tops)


@dataclass(frozen=True, slots=True)
class HeldRole:
    """A role that somebody holds or will hold. ``area_id``: where it lies, for a handler where the body does."""

    id: int
    role: str
    area_id: int | None


def require_administration(actor: Actor, area_id: int | None, *, what: str) -> None:
    """Raise ``BeyondAuthority`` where an actor may not give or end roles at a place named ``what``."""
    if not actor.administers(area_id):
        raise BeyondAuthority(what=what)


def require_tending(session: Session, actor: Actor, person: Person, *, now: dt.datetime) -> None:
    """Raise where an actor may not block a person, set their password or sign them out.

    ``OutsideCharge`` for somebody whom the actor does not even see, else ``BeyondAuthority``.
    """
    held = roles_from(session, person.id, now=now)
    if may_tend(actor, held):
        return
    if sees(actor, held):
        raise BeyondAuthority(what=person.login)
    raise OutsideCharge(what=person.login)


def require_giving(session: Session, actor: Actor, person: Person, *, now: dt.datetime) -> None:
    """Raise as ``require_tending`` does where a person who holds roles holds any beyond an actor.

    Whoever administers all areas of somebody's roles may give a further one. A role changes whom the phones, the codes
    and the rights of a person depend on, everywhere. Who holds no role yet, or the actor, depends on nobody elsewhere.
    """
    if actor.person_id != person.id and roles_from(session, person.id, now=now):
        require_tending(session, actor, person, now=now)


def may_tend(actor: Actor, held: Sequence[HeldRole]) -> bool:
    """Return whether somebody with these roles, today and to come, holds nothing beyond an actor."""
    if actor.is_everywhere:
        return True
    if not held:
        return False
    return all(actor.administers(each.area_id) for each in held) or all(
        each.role in FIELD_ROLES and actor.supervises(each.area_id) for each in held
    )


def sees(actor: Actor, held: Sequence[HeldRole]) -> bool:
    """Return whether somebody with these roles is on an actor's list."""
    return actor.is_everywhere or any(is_seen(actor, each) for each in held)


def is_seen(actor: Actor, held: HeldRole) -> bool:
    """Return whether one role of somebody is this actor's to see."""
    return actor.administers(held.area_id) or (held.role in FIELD_ROLES and actor.supervises(held.area_id))


def roles_from(session: Session, person_id: int, *, now: dt.datetime) -> list[HeldRole]:
    """Return the roles that a person holds at a moment or later."""
    rows = session.execute(
        select(Assignment.id, Assignment.role, func.coalesce(Assignment.area_id, Organisation.area_id))
        .outerjoin(Organisation, Organisation.id == Assignment.organisation_id)
        .where(
            Assignment.person_id == person_id,
            or_(func.upper_inf(Assignment.during), func.upper(Assignment.during) > now),
        )
        .order_by(Assignment.id)
    )
    return [HeldRole(*row) for row in rows]
