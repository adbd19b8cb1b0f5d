"""/v1/people: accounts, for administrators in their areas, and for supervisors those of their field workers.

Parses, calls ``accounts.people`` or ``accounts.roster``, renders.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any

from flask import request
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from server import clock
from server.accounts import people, roster
from server.accounts.authority import ADMIN, SUPERVISOR, Actor, may_tend, roles_from
from server.accounts.errors import OutsideCharge
from server.accounts.logins import looked_up
from server.accounts.tables import ACCOUNT_EVENTS
from server.api.session import LONGEST_PASSWORD
from server.database.ground_cache import ground_now
from server.database.transaction import Transaction, transaction
from server.http.auth import calling_staff, staff_required
from sync.collections.fields import Text
from sync.tables import ROLES, Person

blueprint = Blueprint("people", __name__, url_prefix="/v1/people", description="账号 · accounts")
TENDING = "people who hold nothing outside their areas; a supervisor: field workers"
GIVING = "roles in their areas"
_PLAIN = [validate.Length(max=100), validate.ContainsNoneOf("\0")]


class PeopleQuerySchema(Schema):
    """Which people, and where the list goes on: behind the login ``after``."""

    area = Text(load_default="", validate=_PLAIN)
    role = Text(load_default="", validate=validate.OneOf(("", *ROLES)))
    q = Text(load_default="", validate=_PLAIN)
    state = Text(load_default="", validate=validate.OneOf(("", "active", "blocked")))
    after = Text(load_default="", validate=_PLAIN)
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class RoleSchema(Schema):
    """A role at an area; of a handler, at an organisation."""

    role = Text(required=True, validate=validate.OneOf(ROLES))
    area = Text(required=True, validate=_PLAIN, metadata={"description": "code of an area; of a handler's body"})


class HeldRoleSchema(RoleSchema):
    """A role that is held, or will be."""

    name = fields.String(allow_none=True, required=True)
    since = fields.AwareDateTime(allow_none=True, required=True)
    until = fields.AwareDateTime(allow_none=True, required=True)


class AccountSchema(Schema):
    """An account. ``signs_in``: it has a password. ``sessions``, ``app_passwords``, ``devices``: how many let in."""

    login = fields.String(required=True)
    name = fields.String(required=True)
    active = fields.Boolean(attribute="is_active", required=True)
    blocked_since = fields.AwareDateTime(attribute="inactive_since", allow_none=True, required=True)
    signs_in = fields.Boolean(required=True)
    sessions = fields.Integer(required=True)
    app_passwords = fields.Integer(required=True)
    devices = fields.Integer(required=True)
    last_seen_at = fields.AwareDateTime(allow_none=True, required=True)
    roles = fields.List(fields.Nested(HeldRoleSchema), required=True)


class AccountsSchema(Schema):
    """Accounts by login. ``after``: what to ask for next; null at the end."""

    people = fields.List(fields.Nested(AccountSchema), required=True)
    after = fields.String(allow_none=True, required=True)


class NewAccountSchema(RoleSchema):
    """Who it will be, with a first role. Without a password one is made."""

    login = Text(required=True, validate=validate.Length(min=1, max=100))
    name = Text(load_default="", validate=validate.Length(max=200))
    password = Text(validate=validate.Length(min=1, max=LONGEST_PASSWORD))


class PasswordGivenSchema(Schema):
    """An account's new password, told this once."""

    login = fields.String(required=True)
    password = fields.String(required=True)


class NewPasswordSchema(Schema):
    """Another password; without one, one is made. ``devices``: whether phones are revoked too."""

    password = Text(validate=validate.Length(min=1, max=LONGEST_PASSWORD))
    devices = fields.Boolean(load_default=False)


class BlockingSchema(Schema):
    """Why, for whoever reads the account's history."""

    reason = Text(load_default="", validate=validate.Length(max=500))


class SigningOutSchema(Schema):
    """Whether phones are revoked too."""

    devices = fields.Boolean(load_default=False)


class EventsQuerySchema(Schema):
    """Where the history goes on: before the event of this id."""

    before = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(1, 2**62))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class EventSchema(Schema):
    """Something done to an account. ``by`` is null for what was done on the command line."""

    id = fields.Integer(required=True)
    what = fields.String(required=True, validate=validate.OneOf(ACCOUNT_EVENTS))
    at = fields.AwareDateTime(required=True)
    by = fields.String(allow_none=True, required=True)
    source = fields.String(required=True)
    detail = fields.Dict(keys=fields.String(), required=True)


class EventsSchema(Schema):
    """Events, the newest first."""

    events = fields.List(fields.Nested(EventSchema), required=True)


@blueprint.get("")
@staff_required(ADMIN, SUPERVISOR, over=TENDING)
@blueprint.arguments(PeopleQuerySchema, location="query")
@blueprint.response(200, AccountsSchema)
def listed(query: dict[str, Any]) -> dict[str, Any]:
    """Return accounts in the caller's areas, by login."""
    now, words = _now(), query.pop("q")
    with transaction() as tx:
        found = roster.listed(tx.session, _actor(tx, now), roster.Search(words=words, **query), now=now)
    return {"people": found, "after": found[-1].login if len(found) == query["limit"] else None}


@blueprint.post("")
@staff_required(ADMIN, over=GIVING)
@blueprint.arguments(NewAccountSchema)
@blueprint.response(201, PasswordGivenSchema)
def add(sent: dict[str, Any]) -> dict[str, Any]:
    """Add an account with a first role."""
    now, password = _now(), sent.get("password") or people.new_password()
    with transaction() as tx:
        newcomer = people.Newcomer(sent["login"], sent["name"], password)
        person = people.add(tx.session, _actor(tx, now), newcomer, role=sent["role"], place=sent["area"], now=now)
        return {"login": person.login, "password": password}


@blueprint.get("/<string:login>")
@staff_required(ADMIN, SUPERVISOR, over=TENDING)
@blueprint.response(200, AccountSchema)
def shown(login: str) -> roster.RosterEntry:
    """Return one account with its roles."""
    with transaction() as tx:
        return _entry(tx, _actor(tx, tx.now), login, tx.now)


@blueprint.get("/<string:login>/events")
@staff_required(ADMIN, SUPERVISOR, over=TENDING)
@blueprint.arguments(EventsQuerySchema, location="query")
@blueprint.response(200, EventsSchema)
def history(query: dict[str, Any], login: str) -> dict[str, Any]:
    """Return who did what to an account, when, and from where."""
    with transaction() as tx:
        actor = _actor(tx, tx.now)
        person = people.known_person(tx.session, login)
        if not may_tend(actor, roles_from(tx.session, person.id, now=tx.now)):
            raise OutsideCharge(what=login)
        return {"events": roster.events(tx.session, person.id, **query)}


@blueprint.post("/<string:login>/roles")
@staff_required(ADMIN, over=GIVING)
@blueprint.arguments(RoleSchema)
@blueprint.response(200, AccountSchema)
def give_role(sent: dict[str, Any], login: str) -> roster.RosterEntry:
    """Give a person a further role; password and sessions stay as they are."""
    return _with_role(people.give_role, sent, login)


@blueprint.post("/<string:login>/roles/end")
@staff_required(ADMIN, over=GIVING)
@blueprint.arguments(RoleSchema)
@blueprint.response(204)
def end_role(sent: dict[str, Any], login: str) -> None:
    """End a role now; who holds none any more is signed out."""
    with transaction() as tx:
        person = people.known_person(tx.session, login)
        people.end_role(tx.session, _actor(tx, tx.now), person, role=sent["role"], place=sent["area"], now=tx.now)


@blueprint.post("/<string:login>/password")
@staff_required(ADMIN, SUPERVISOR, over=TENDING)
@blueprint.arguments(NewPasswordSchema)
@blueprint.response(200, PasswordGivenSchema)
def set_password(sent: dict[str, Any], login: str) -> dict[str, Any]:
    """Give a person another password; their sessions and application passwords end."""
    password = sent.get("password") or people.new_password()
    person = _tended(people.reset_password, login, password=password, devices=sent["devices"])
    return {"login": person.login, "password": password}


@blueprint.post("/<string:login>/block")
@staff_required(ADMIN, SUPERVISOR, over=TENDING)
@blueprint.arguments(BlockingSchema)
@blueprint.response(204)
def block(sent: dict[str, Any], login: str) -> None:
    """Let a person in nowhere any more; their phones count as revoked."""
    _tended(people.block, login, reason=sent["reason"])


@blueprint.post("/<string:login>/unblock")
@staff_required(ADMIN, SUPERVISOR, over=TENDING)
@blueprint.response(204)
def unblock(login: str) -> None:
    """Let a blocked person in again."""
    _tended(people.unblock, login)


@blueprint.post("/<string:login>/sign-out")
@staff_required(ADMIN, SUPERVISOR, over=TENDING)
@blueprint.arguments(SigningOutSchema)
@blueprint.response(204)
def sign_out(sent: dict[str, Any], login: str) -> None:
    """End a person's sessions, application passwords and codes everywhere."""
    _tended(people.sign_out_everywhere, login, devices=sent["devices"])


def _tended(act: Callable[..., None], login: str, **options: Any) -> Person:
    with transaction() as tx:
        person = people.known_person(tx.session, login)
        act(tx.session, _actor(tx, tx.now), person, **options, now=tx.now)
    return person


def _with_role(act: Callable[..., None], sent: dict[str, Any], login: str) -> roster.RosterEntry:
    with transaction() as tx:
        actor, person = _actor(tx, tx.now), people.known_person(tx.session, login)
        act(tx.session, actor, person, role=sent["role"], place=sent["area"], now=tx.now)
        return _entry(tx, actor, person.login, tx.now)


def _entry(tx: Transaction, actor: Actor, login: str, now: dt.datetime) -> roster.RosterEntry:
    known_as = looked_up(login).replace("\0", " ")
    found = roster.listed(tx.session, actor, roster.Search(login=known_as or " ", limit=1), now=now)
    if not found:
        raise OutsideCharge(what=login)
    return found[0]


def _actor(tx: Transaction, now: dt.datetime) -> Actor:
    return Actor.caller(
        tx.session, calling_staff().person_id, request.remote_addr or "", ground_now(tx.session), now=now
    )


def _now() -> dt.datetime:
    return clock.now()
