"""Accounts: adding people with a role somewhere, and enrolment codes for the phones of workers.

Owns writing ``person`` and ``assignment``; the codes themselves belong to ``sync.devices``. Must not know
requests, cookies or where a code is shown.
"""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Integer, any_, cast, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.ranges import Range
from sqlalchemy.orm import Session

from geo.editions import Ground
from geo.tables import Area
from server.accounts.charge import HANDLER, Charge, area_in_charge
from server.accounts.errors import OutsideCharge, UnknownArea, UnknownRole
from server.accounts.signin import hash_password
from server.accounts.tables import Organisation
from sync.devices import issue_code
from sync.tables import ROLES, Assignment, Person

WORKER_ROLES = ("grid_worker", "grid_head", "building_head", "unit_head")


@dataclass(frozen=True, slots=True)
class Code:
    """An enrolment code, shown once, and when it expires (aware UTC)."""

    text: str
    expires_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Named:
    """An area or organisation by code and name."""

    code: str
    name: str


def add_person(
    session: Session, login: str, *, role: str, place: str, password: str | None, name: str = "", now: dt.datetime
) -> Person:
    """Add a person, or give one who exists a further role; a password that is given replaces the old one.

    ``place`` is the code of an area, or of an organisation for a handler. Raises ``UnknownRole``,
    ``UnknownArea`` or ``PasswordTooShort``. Adding the same twice changes nothing.
    """
    if role not in ROLES:
        raise UnknownRole(role=role, known=list(ROLES))
    area_id, organisation_id = _place(session, role, place)
    person = session.scalars(select(Person).where(Person.login == login)).one_or_none()
    if person is None:
        person = Person(login=login, name=name or login)
        session.add(person)
    if password is not None:
        person.password_hash = hash_password(password)
    session.flush()
    held = session.scalar(
        select(Assignment.id).where(
            Assignment.person_id == person.id,
            Assignment.role == role,
            Assignment.area_id.is_not_distinct_from(area_id),
            Assignment.organisation_id.is_not_distinct_from(organisation_id),
            Assignment.during.contains(now),
        )
    )
    if held is None:
        during = Range(now, None)
        session.add(
            Assignment(person_id=person.id, role=role, area_id=area_id, organisation_id=organisation_id, during=during)
        )
    session.flush()
    return person


def _place(session: Session, role: str, code: str) -> tuple[int | None, int | None]:
    if role == HANDLER:
        organisation_id = session.scalar(select(Organisation.id).where(Organisation.code == code))
        if organisation_id is not None:
            return None, organisation_id
    else:
        area_id = session.scalar(select(Area.id).where(Area.code == code))
        if area_id is not None:
            return area_id, None
    raise UnknownArea(area=code)


def enrol_worker(
    session: Session,
    login: str,
    *,
    now: dt.datetime,
    ttl: dt.timedelta,
    ground: Ground | None = None,
    by: Charge | None = None,
) -> Code:
    """Return a new code for a worker's phone.

    ``by``: whose charge must hold one of the worker's areas; None for the command line. Raises
    ``OutsideCharge`` when there is no such worker there.
    """
    person = session.scalars(select(Person).where(Person.login == login, Person.is_active)).one_or_none()
    if person is None:
        raise OutsideCharge(what=login)
    if by is not None:
        areas = _worker_areas(session, person.id, now)
        tops = by.enrolling_area_ids
        if ground is None or not any(area_in_charge(ground, area, tops) for area in areas):
            raise OutsideCharge(what=login)
    text, expires_at = issue_code(session, person.id, now=now, ttl=ttl)
    return Code(text, expires_at)


def _worker_areas(session: Session, person_id: int, now: dt.datetime) -> list[int]:
    rows = session.scalars(
        select(Assignment.area_id).where(
            Assignment.person_id == person_id, Assignment.role.in_(WORKER_ROLES), Assignment.during.contains(now)
        )
    )
    return [area for area in rows if area is not None]


def organisations(session: Session, ids: frozenset[int]) -> list[Named]:
    """Return these organisations by name."""
    rows = session.execute(
        select(Organisation.code, Organisation.name).where(Organisation.id.in_(ids)).order_by(Organisation.name)
    )
    return [Named(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Worker:
    """A grid worker as staff see them."""

    login: str
    name: str


def grid_workers(session: Session, area_ids: list[int], *, now: dt.datetime) -> dict[int, list[Worker]]:
    """Return who works in these areas now, by area id, in the order of their names."""
    rows = session.execute(
        select(Assignment.area_id, Person.login, Person.name)
        .join(Person, Person.id == Assignment.person_id)
        .where(
            Assignment.role == "grid_worker",
            Assignment.area_id == any_(cast(area_ids, ARRAY(Integer))),
            Assignment.during.contains(now),
            Person.is_active,
        )
        .order_by(Person.name, Person.login)
    )
    found: dict[int, list[Worker]] = {}
    for area_id, login, name in rows:
        if area_id is not None:
            found.setdefault(area_id, []).append(Worker(login, name))
    return found
