"""Accounts: people added by the operator, enrolment codes for the phones of workers, and who works where.

What is done to accounts belongs to ``server.accounts.people``, the codes themselves to ``sync.access.devices``. Must
not know requests, cookies or where a code is shown.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Integer, any_, cast, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.accounts import people
from server.accounts.authority import Actor
from server.accounts.charge import ENROLLING, Charge, area_in_charge, is_whole_city, read_charge
from server.accounts.errors import OfficeElsewhere, OutsideCharge, WorksElsewhere
from server.accounts.people import Newcomer
from server.accounts.signin import person_of
from server.accounts.tables import Organisation
from sync.access.charge import FIELD_ROLES
from sync.access.devices import Maker, issue_code
from sync.tables import Assignment, Enrolment, Person


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
    """Add a person with a role as the operator of the machine does, or give one who exists a further role.

    ``place`` is the code of an area, or of an organisation for a handler. Raises ``UnknownRole``, ``UnknownArea``,
    ``PasswordTooShort``, ``LoginUnusable``, or ``LoginTaken`` for a password of somebody who exists. Adding the same
    twice changes nothing.
    """
    operator = Actor.operator()
    known = person_of(session, login)
    if known is None or password is not None:
        return people.add(session, operator, Newcomer(login, name, password), role=role, place=place, now=now)
    people.give_role(session, operator, known, role=role, place=place, now=now)
    return known


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

    ``by``: who makes it; their charge must hold all areas that the worker does field work in, for that is what the
    phone will see, and all that the worker holds an office over: a phone brings whatever is given to its worker, from
    wherever, writes in their name and takes the steps of their body. None for the command line. Raises
    ``OutsideCharge`` when there is no such worker there, ``WorksElsewhere`` or ``OfficeElsewhere``.
    """
    person = person_of(session, login)
    if person is None or not person.is_active:
        raise OutsideCharge(what=login)
    maker = None
    if by is not None:
        maker = Maker(by.person_id, by.areas(*ENROLLING))
        worker = read_charge(session, person.id, now=now)
        held = _held_by(maker.area_ids, worker.areas(*FIELD_ROLES), ground)
        if not any(held):
            raise OutsideCharge(what=login)
        if not all(held):
            raise WorksElsewhere(worker=login)
        if not _holds_offices(maker.area_ids, worker, ground):
            raise OfficeElsewhere(worker=login)
    text, expires_at = issue_code(session, person.id, now=now, ttl=ttl, by=maker)
    return Code(text, expires_at)


def code_stands(session: Session, code: Enrolment, ground: Ground | None, *, now: dt.datetime) -> bool:
    """Return whether whoever made a code might make it today; what the command line made always stands."""
    if code.made_by is None:
        return True
    tops = read_charge(session, code.made_by, now=now).areas(*ENROLLING)
    worker = read_charge(session, code.person_id, now=now)
    held = _held_by(tops, worker.areas(*FIELD_ROLES), ground)
    return bool(held) and all(held) and _holds_offices(tops, worker, ground)


def private_over(session: Session, code: Enrolment, *, now: dt.datetime) -> frozenset[int] | None:
    """Return the areas (ids of the tops) where a code's maker has a duty in what is private; None: the command line."""
    return None if code.made_by is None else read_charge(session, code.made_by, now=now).duty_area_ids


def _held_by(tops: frozenset[int], areas: Iterable[int], ground: Ground | None) -> list[bool]:
    """Return of each area that is in force whether one of ``tops`` holds it; one given up gives a phone nothing."""
    if ground is None:
        return []
    return [area_in_charge(ground, area, tops) for area in areas if area in ground.areas]


def _holds_offices(tops: frozenset[int], worker: Charge, ground: Ground | None) -> bool:
    """Return whether ``tops`` hold all that somebody has beside field work. A body's cases lie all over the city."""
    if ground is None or (worker.organisation_ids and not is_whole_city(ground, tops)):
        return False
    offices = {each.area_id for each in worker.held if each.role not in FIELD_ROLES and each.area_id is not None}
    return all(_held_by(tops, offices, ground))


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
