"""/v1/session: staff sign in, ask who they are, sign out. Parses, calls ``accounts.signin``, renders."""

import datetime as dt
from typing import Any

from flask import Response, jsonify, make_response, request
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate
from sqlalchemy.orm import Session

from server import clock
from server.accounts import people
from server.accounts.authority import Actor
from server.accounts.charge import Charge, reach, read_charge
from server.accounts.service import organisations
from server.accounts.signin import SignedIn, Staff, csrf_token, sign_in, sign_out
from server.database.ground_cache import ground_at
from server.database.transaction import transaction
from server.http.attempts import password_attempt, remember_browser
from server.http.auth import (
    access,
    calling_charge,
    calling_staff,
    clear_session_cookie,
    require_same_site,
    session_token,
    set_session_cookie,
    staff_required,
)
from sync.collections.fields import Text

blueprint = Blueprint("session", __name__, url_prefix="/v1/session", description="登录 · staff sign-in")
# An argon2 check costs tens of milliseconds whatever the password's length, up to here.
LONGEST_PASSWORD = 200


class CredentialsSchema(Schema):
    """Login and password."""

    login = Text(required=True, validate=validate.Length(min=1, max=100))
    password = Text(required=True, validate=validate.Length(min=1, max=LONGEST_PASSWORD))


class ChangeSchema(Schema):
    """One's present password, and the one to come."""

    current = Text(required=True, validate=validate.Length(min=1, max=LONGEST_PASSWORD))
    new = Text(required=True, validate=validate.Length(min=1, max=LONGEST_PASSWORD))


class NamedSchema(Schema):
    """Something with a code and a name."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class PersonSchema(Schema):
    """Who is signed in."""

    login = fields.String(required=True)
    name = fields.String(required=True)


class ChargeSchema(Schema):
    """What they are in charge of. ``everywhere``: the whole city, and what lies outside every grid."""

    everywhere = fields.Boolean(required=True)
    areas = fields.List(fields.Nested(NamedSchema), required=True)
    organisations = fields.List(fields.Nested(NamedSchema), required=True)


class SessionSchema(Schema):
    """A session. ``csrf`` goes into the header X-CSRF-Token of every request that changes something."""

    person = fields.Nested(PersonSchema, required=True)
    roles = fields.List(fields.String(), required=True)
    charge = fields.Nested(ChargeSchema, required=True)
    csrf = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)


@blueprint.post("")
@access("public: whoever knows a login and its password")
@blueprint.arguments(CredentialsSchema)
@blueprint.response(200, SessionSchema)
def open_session(sent: dict[str, Any]) -> Response:
    """Sign in; the session's cookie comes with the answer."""
    require_same_site()
    now = clock.now()
    with password_attempt(sent["login"]), transaction() as tx:
        signed_in = sign_in(tx.session, sent["login"], sent["password"], now=now)
        charge = read_charge(tx.session, signed_in.staff.person_id, now=now)
        told = _told(tx.session, signed_in.staff, charge, signed_in.token, now)
    return _opened(signed_in, told)


@blueprint.get("")
@staff_required(over="their own session")
@blueprint.response(200, SessionSchema)
def read_session() -> Response:
    """Tell who is signed in, with what charge, until when."""
    now = clock.now()
    with transaction() as tx:
        told = _told(tx.session, calling_staff(), calling_charge(), session_token(), now)
    response = jsonify(told)
    # The cookie's end moves on with the session's.
    set_session_cookie(response, session_token(), calling_staff().expires_at)
    return response


@blueprint.post("/password")
@staff_required(over="their own password")
@blueprint.arguments(ChangeSchema)
@blueprint.response(200, SessionSchema)
def change_password(sent: dict[str, Any]) -> Response:
    """Change one's own password: all other sessions and all application passwords end, this one goes on anew."""
    now = clock.now()
    staff = calling_staff()
    with password_attempt(staff.login), transaction() as tx:
        actor = Actor(staff.person_id, request.remote_addr or "")
        signed_in = people.change_password(tx.session, actor, sent["current"], sent["new"], now=now)
        charge = read_charge(tx.session, staff.person_id, now=now)
        told = _told(tx.session, signed_in.staff, charge, signed_in.token, now)
    return _opened(signed_in, told)


@blueprint.post("/sign-out-everywhere")
@staff_required(over="their own sessions")
@blueprint.response(204)
def close_every_session() -> Response:
    """End all of one's own sessions, application passwords and unused codes: a browser was lost."""
    now = clock.now()
    staff = calling_staff()
    with transaction() as tx:
        actor = Actor(staff.person_id, request.remote_addr or "")
        people.sign_out_everywhere(tx.session, actor, people.known_person(tx.session, staff.login), now=now)
    response = make_response("", 204)
    clear_session_cookie(response)
    return response


@blueprint.delete("")
@staff_required(over="their own session")
@blueprint.response(204)
def close_session() -> Response:
    """Sign out."""
    with transaction() as tx:
        sign_out(tx.session, session_token())
    response = make_response("", 204)
    clear_session_cookie(response)
    return response


def _opened(signed_in: SignedIn, told: dict[str, Any]) -> Response:
    response = jsonify(told)
    set_session_cookie(response, signed_in.token, signed_in.staff.expires_at)
    remember_browser(response, signed_in.staff.login)
    return response


def _told(session: Session, staff: Staff, charge: Charge, token: str, now: dt.datetime) -> dict[str, Any]:
    ground = ground_at(session)(now)
    areas = [ground.areas[area] for area in sorted(charge.area_ids) if area in ground.areas] if ground else []
    bodies = organisations(session, charge.organisation_ids)
    document = {
        "person": {"login": staff.login, "name": staff.name},
        "roles": sorted(charge.roles),
        "charge": {
            "everywhere": reach(charge, ground).everywhere,
            "areas": [_named(area) for area in areas],
            "organisations": [_named(body) for body in bodies],
        },
        "csrf": csrf_token(token),
        "expires_at": staff.expires_at,
    }
    return SessionSchema().dump(document)  # type: ignore[no-any-return]  # a dict, by marshmallow's contract


def _named(thing: Any) -> dict[str, str]:
    return {"code": thing.code, "name": thing.name}
