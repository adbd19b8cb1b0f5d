"""/v1/session/passwords: what a person's GIS programs sign in with. Parses, calls ``accounts.passwords``, renders."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from server import clock
from server.accounts import passwords
from server.database.transaction import transaction
from server.http.auth import calling_staff, session_token, staff_required
from sync.collections.fields import Text

blueprint = Blueprint(
    "passwords", __name__, url_prefix="/v1/session/passwords", description="应用密码 · passwords for GIS programs"
)


class NameSchema(Schema):
    """What the password is for, as "QGIS on my laptop"."""

    name = Text(required=True, validate=validate.Length(min=1, max=100))


class PasswordSchema(Schema):
    """An application password. ``secret`` is told when it is made, and never again."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    last_used_at = fields.AwareDateTime(required=True, allow_none=True)
    secret = fields.String()


class PasswordsSchema(Schema):
    """Those in use, the newest first."""

    passwords = fields.List(fields.Nested(PasswordSchema), required=True)


@blueprint.get("")
@staff_required(over="their own")
@blueprint.response(200, PasswordsSchema)
def listed() -> dict[str, Any]:
    """Return the caller's application passwords, without their secrets."""
    with transaction() as tx:
        return {"passwords": passwords.held_by(tx.session, calling_staff().person_id)}


@blueprint.post("")
@staff_required(over="their own")
@blueprint.arguments(NameSchema)
@blueprint.response(201, PasswordSchema)
def make(sent: dict[str, Any]) -> dict[str, Any]:
    """Make an application password: user name is the login, and the secret is shown this once."""
    with transaction() as tx:
        owner, now = calling_staff().person_id, clock.now()
        made = passwords.make(tx.session, owner, sent["name"], token=session_token(), now=now)
    each = made.password
    return {
        "id": each.id,
        "name": each.name,
        "created_at": each.created_at,
        "last_used_at": None,
        "secret": made.secret,
    }


@blueprint.delete("/<int:password_id>")
@staff_required(over="their own")
@blueprint.response(204)
def revoke(password_id: int) -> None:
    """Take a password out of use at once."""
    with transaction() as tx:
        passwords.revoke(tx.session, calling_staff().person_id, password_id, now=clock.now())
