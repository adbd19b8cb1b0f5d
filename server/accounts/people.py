"""What is done to accounts: added, given roles, blocked, signed out; each with its row in the book of events.

Owns writing ``person``, ``assignment`` and ``account_event``. Every function asks by itself whether its actor may
(``server.accounts.authority``). Must not know requests, or where a password is shown.
"""

import datetime as dt
import secrets
import unicodedata
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, exists, func, select, update
from sqlalchemy.dialects.postgresql.ranges import Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from geo.editions.tables import Area, AreaVersion
from server.accounts import passwords
from server.accounts.authority import ADMIN, Actor, require_administration, require_giving, require_tending, roles_from
from server.accounts.charge import HANDLER
from server.accounts.errors import (
    CurrentPasswordWrong,
    LastAdministrator,
    LoginTaken,
    NameUnusable,
    OutsideCharge,
    RoleNotHeld,
    SignInRefused,
    UnknownArea,
    UnknownRole,
)
from server.accounts.logins import normal_form, require_unlike_others
from server.accounts.signin import (
    SignedIn,
    end_sessions,
    hash_password,
    open_session,
    person_of,
    set_password_hash,
    verify,
)
from server.accounts.tables import AccountEvent, Organisation
from sync.access.devices import revoke_all, void_codes
from sync.tables import ROLES, Assignment, Person

LONGEST_NAME = 100
_PASSWORD_BYTES = 12


@dataclass(frozen=True, slots=True)
class Place:
    """Where a role is held: an area, or for a handler an organisation. ``within``: the area that either lies in."""

    code: str
    area_id: int | None
    organisation_id: int | None
    within: int | None


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who is to be added; without a name the login stands for it, without a password nobody signs in."""

    login: str
    name: str = ""
    password: str | None = None


def new_password() -> str:
    """Return a password that nobody guesses and a person can type."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def known_person(session: Session, login: str) -> Person:
    """Return who has a login, however it is spelt. Raises ``OutsideCharge`` where nobody has."""
    person = person_of(session, login)
    if person is None:
        raise OutsideCharge(what=login)
    return person


def add(session: Session, actor: Actor, newcomer: Newcomer, *, role: str, place: str, now: dt.datetime) -> Person:
    """Add a person with a first role. Raises ``LoginUnusable``, ``LoginTaken``, and as ``give_role`` does."""
    known_as = normal_form(newcomer.login)
    require_unlike_others(known_as)
    where = _place(session, role, place)
    require_administration(actor, where.within, what=place)
    hashed = None if newcomer.password is None else hash_password(newcomer.password)
    person = Person(login=known_as, name=_name(newcomer.name or known_as), password_hash=hashed)
    try:
        with session.begin_nested():
            session.add(person)
            session.flush()
    except IntegrityError:
        raise LoginTaken(login=known_as) from None
    session.refresh(person)
    _note(session, actor, person.id, "added", now)
    give_role(session, actor, person, role=role, place=place, now=now)
    return person


def give_role(session: Session, actor: Actor, person: Person, *, role: str, place: str, now: dt.datetime) -> None:
    """Give a person a role from now on; one that is held already changes nothing.

    ``place``: the code of an area, or of an organisation for a handler. Raises ``UnknownRole``, ``UnknownArea``, and
    ``BeyondAuthority`` where the actor is no administrator of the place; and as ``require_giving`` does.
    """
    where = _place(session, role, place)
    require_administration(actor, where.within, what=place)
    # One at a time: who gives the same role at the same moment finds it given.
    session.execute(select(Person.id).where(Person.id == person.id).with_for_update())
    require_giving(session, actor, person, now=now)
    of_place = _at(person.id, role, where)
    if session.scalar(select(Assignment.id).where(*of_place, Assignment.during.contains(now))) is not None:
        return
    coming = session.scalar(
        select(func.min(func.lower(Assignment.during))).where(*of_place, func.lower(Assignment.during) > now)
    )
    session.add(
        Assignment(
            person_id=person.id,
            role=role,
            area_id=where.area_id,
            organisation_id=where.organisation_id,
            during=Range(now, coming),
        )
    )
    session.flush()
    _note(session, actor, person.id, "role_given", now, role=role, place=place)


def end_role(session: Session, actor: Actor, person: Person, *, role: str, place: str, now: dt.datetime) -> None:
    """End a role now, and take back what of it was to come. Raises ``RoleNotHeld``, else as ``give_role`` does.

    Who holds no role any more is signed out.
    """
    where = _place(session, role, place, retired_too=True)
    require_administration(actor, where.within, what=place)
    is_governed = _hold_administrators(session, now)
    of_place = _at(person.id, role, where)
    mine = session.scalars(select(Assignment).where(*of_place).with_for_update()).all()
    live = [each for each in mine if each.during.upper is None or each.during.upper > now]
    if not live:
        raise RoleNotHeld(role=role, area=place)
    for each in live:
        if each.during.lower is not None and each.during.lower >= now:
            session.delete(each)
        else:
            each.during = Range(each.during.lower, now)
    session.flush()
    _note(session, actor, person.id, "role_ended", now, role=role, place=place)
    if is_governed:
        _require_administrator(session, actor, person, now)
    if not roles_from(session, person.id, now=now):
        _end_access(session, person.id, now)


def reset_password(
    session: Session, actor: Actor, person: Person, password: str, *, devices: bool = False, now: dt.datetime
) -> None:
    """Give a person another password; sessions, application passwords and codes end, with ``devices`` phones too."""
    require_tending(session, actor, person, now=now)
    set_password_hash(session, person.id, hash_password(password))
    _end_access(session, person.id, now, devices=devices)
    _note(session, actor, person.id, "password_set", now, devices=devices)


def change_password(session: Session, actor: Actor, current: str, new: str, *, now: dt.datetime) -> SignedIn:
    """Change one's own password and return a new session: every other, and every application password, ends.

    Raises ``CurrentPasswordWrong`` or ``PasswordTooShort``.
    """
    person = session.get_one(Person, actor.person_id)
    # First: who types a new one that is too short has not guessed at the present one.
    hashed = hash_password(new)
    try:
        verify(session, person, current)
    except SignInRefused:
        raise CurrentPasswordWrong(field="current") from None
    set_password_hash(session, person.id, hashed)
    _end_access(session, person.id, now)
    _note(session, actor, person.id, "password_changed", now)
    return open_session(session, person, now=now)


def block(session: Session, actor: Actor, person: Person, *, reason: str = "", now: dt.datetime) -> None:
    """Let a person in nowhere any more; phones count as revoked. Raises ``LastAdministrator``."""
    require_tending(session, actor, person, now=now)
    is_governed = _hold_administrators(session, now)
    changed = update(Person).where(Person.id == person.id, Person.is_active).values(is_active=False)
    if session.scalar(changed.returning(Person.id)) is None:
        return
    if is_governed:
        _require_administrator(session, actor, person, now)
    _end_access(session, person.id, now)
    _note(session, actor, person.id, "blocked", now, **({"reason": reason} if reason else {}))


def unblock(session: Session, actor: Actor, person: Person, *, now: dt.datetime) -> None:
    """Let a blocked person in again, with the password and the phones they had; sessions stay ended."""
    require_tending(session, actor, person, now=now)
    changed = update(Person).where(Person.id == person.id, ~Person.is_active).values(is_active=True)
    if session.scalar(changed.returning(Person.id)) is not None:
        _note(session, actor, person.id, "unblocked", now)


def sign_out_everywhere(
    session: Session, actor: Actor, person: Person, *, devices: bool = False, now: dt.datetime
) -> None:
    """End whatever a person is signed in with: sessions, application passwords, codes; with ``devices`` phones too."""
    if actor.person_id != person.id:
        require_tending(session, actor, person, now=now)
    session.execute(select(Person.id).where(Person.id == person.id).with_for_update())
    _end_access(session, person.id, now, devices=devices)
    _note(session, actor, person.id, "signed_out", now, devices=devices)


def _end_access(session: Session, person_id: int, now: dt.datetime, *, devices: bool = False) -> None:
    """End all that lets somebody in without the password. The row of the person is locked by the caller's write."""
    end_sessions(session, person_id)
    passwords.revoke_all(session, person_id, now=now)
    void_codes(session, person_id, now=now)
    if devices:
        revoke_all(session, person_id, now=now)


def _place(session: Session, role: str, code: str, *, retired_too: bool = False) -> Place:
    """Return the place of a role. Raises ``UnknownRole`` or ``UnknownArea``, as for an area that is no more."""
    if role not in ROLES:
        raise UnknownRole(role=role, known=list(ROLES))
    if role == HANDLER:
        body = session.execute(
            select(Organisation.id, Organisation.area_id).where(Organisation.code == code)
        ).one_or_none()
        if body is not None:
            return Place(code, None, body.id, body.area_id)
        raise UnknownArea(area=code)
    in_force = exists().where(AreaVersion.area_id == Area.id, func.upper_inf(AreaVersion.editions))
    found = select(Area.id).where(Area.code == code)
    area_id = session.scalar(found if retired_too else found.where(in_force))
    if area_id is None:
        raise UnknownArea(area=code)
    return Place(code, area_id, None, area_id)


def _at(person_id: int, role: str, place: Place) -> tuple[ColumnElement[bool], ...]:
    return (
        Assignment.person_id == person_id,
        Assignment.role == role,
        Assignment.area_id.is_not_distinct_from(place.area_id),
        Assignment.organisation_id.is_not_distinct_from(place.organisation_id),
    )


def _administrators(now: dt.datetime) -> Select[int]:
    """Select who can give rights over the whole city at a moment: active, with a password, at an area above all."""
    above_all = select(AreaVersion.area_id).where(func.upper_inf(AreaVersion.editions), AreaVersion.parent_id.is_(None))
    admins = select(Assignment.person_id).where(
        Assignment.role == ADMIN, Assignment.area_id.in_(above_all), Assignment.during.contains(now)
    )
    return (
        select(Person.id)
        .where(Person.id.in_(admins), Person.is_active, Person.password_hash.is_not(None))
        .order_by(Person.id)
    )


def _hold_administrators(session: Session, now: dt.datetime) -> bool:
    """Lock them in one order: two who take each other's rights at the same moment see what the other did.

    Return whether there is any.
    """
    return session.scalars(_administrators(now).with_for_update()).first() is not None


def _require_administrator(session: Session, actor: Actor, person: Person, now: dt.datetime) -> None:
    """Raise ``LastAdministrator`` where a caller took the last one away; the operator can always make another."""
    if actor.person_id is not None and session.scalars(_administrators(now)).first() is None:
        raise LastAdministrator(login=person.login)


def _name(name: str) -> str:
    told = " ".join(unicodedata.normalize("NFC", name).split())
    if not 0 < len(told) <= LONGEST_NAME or any(unicodedata.category(char)[0] == "C" for char in told):
        raise NameUnusable(field="name", most=LONGEST_NAME)
    return told


def _note(session: Session, actor: Actor, person_id: int, what: str, now: dt.datetime, **detail: object) -> None:
    session.add(
        AccountEvent(
            person_id=person_id, actor_id=actor.person_id, what=what, at=now, source=actor.source, detail=detail
        )
    )
    session.flush()
