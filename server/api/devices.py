"""/v1/devices: a code from the staff turns a phone into a device; staff revoke it. Knows no SQL."""

import base64
import functools
import uuid
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from server import clock
from server.accounts.charge import RULING
from server.accounts.service import code_stands, private_over
from server.database.extensions import settings
from server.database.ground_cache import ground_now
from server.database.transaction import transaction
from server.http.attempts import code_attempt
from server.http.auth import access, calling_device, device_required, forget_device, staff_required
from server.http.in_charge import in_charge
from server.outboxes.keys import keys_of
from sync.access.devices import authenticate, belongs, describe, enrol, in_use, is_of, revoke, wiped
from sync.access.scope import current_scope
from sync.collections.fields import Extra, Text
from sync.errors import NotFoundInCharge

blueprint = Blueprint("devices", __name__, url_prefix="/v1/devices", description="设备登记 · enrolment of devices")
PROTOCOL = {"min": 1, "current": 1}


class DescribedSchema(Schema):
    """What a phone says of itself."""

    name = Text(required=True, validate=validate.Length(min=1, max=100))
    platform = Text(required=True, validate=validate.Length(min=1, max=100))
    app_version = Text(required=True, validate=validate.Length(min=1, max=60))
    public_info = Extra()


class ChangedSchema(Schema):
    """What a phone says of itself anew; what is left out stays."""

    name = Text(validate=validate.Length(min=1, max=100))
    platform = Text(validate=validate.Length(min=1, max=100))
    app_version = Text(validate=validate.Length(min=1, max=60))
    public_info = Extra()


class EnrolmentSchema(Schema):
    """A code and the phone that takes it."""

    code = Text(required=True, validate=validate.Length(min=1, max=60))
    device = fields.Nested(DescribedSchema, required=True)


class OutboxKeySchema(Schema):
    """A public key of X25519. ``public``: 32 bytes, base64; ``id``: the first 8 bytes of its SHA-256."""

    id = Text(required=True)
    public = Text(required=True)


@blueprint.post("")
@access("public: whoever holds a code that the staff gave out, once")
@blueprint.arguments(EnrolmentSchema)
@blueprint.response(201, description="The device, its token (shown once), its worker and scope")
def enrol_device(sent: dict[str, Any]) -> dict[str, Any]:
    """Enrol a device."""
    now = clock.now()
    # Only wrong codes count: a whole city's phones may be enrolled behind one address in one morning.
    with code_attempt(), transaction() as tx:
        stands = functools.partial(code_stands, tx.session, ground=tx.ground(), now=now)
        over = functools.partial(private_over, tx.session, now=now)
        enrolled = enrol(tx.session, sent["code"], sent["device"], now=now, stands=stands, private_over=over)
        person = enrolled.person
        device = authenticate(tx.session, enrolled.token)
        ground = ground_now(tx.session, device.ground_serial)
        scope = current_scope(tx.session, device, ground, now)
        worker = {"login": person.login, "name": person.name}
        codes = [ground.areas[grid].code for grid in scope.grid_ids]
    return {
        "device_id": str(enrolled.device_uid),
        "token": enrolled.token,
        "worker": worker,
        "scope": {"version": scope.version, "grids": codes},
        "protocol": PROTOCOL,
        "outbox_key": _outbox_key(),
        "server_time": now.isoformat(),
    }


@blueprint.get("/outbox-key")
@device_required(revoked_may=True)
@blueprint.doc(security=[{"device": []}])
@blueprint.response(200, OutboxKeySchema)
def outbox_key() -> dict[str, Any]:
    """Return the public key for which a phone encrypts the file of what it could not send."""
    return _outbox_key()


def _outbox_key() -> dict[str, str]:
    keys = keys_of(settings().secret_key)
    return {"id": keys.id.hex(), "public": base64.b64encode(keys.public).decode()}


@blueprint.patch("/self")
@device_required()
@blueprint.arguments(ChangedSchema)
@blueprint.doc(security=[{"device": []}])
@blueprint.response(204)
def describe_device(sent: dict[str, Any]) -> None:
    """Say anew what the phone is, after an update of the app."""
    with transaction() as tx:
        describe(tx.session, calling_device().id, sent)
    forget_device()


@blueprint.post("/wiped")
@device_required(revoked_may=True)
@blueprint.doc(security=[{"device": []}])
@blueprint.response(204)
def acknowledge_wipe() -> None:
    """Say that the device has wiped itself, as it was ordered."""
    with transaction() as tx:
        wiped(tx.session, calling_device().id, now=clock.now())


class OwnDeviceSchema(Schema):
    """One of the worker's devices in use, as it described itself; ``this``: the one that asks."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    platform = fields.String(required=True)
    enrolled_at = fields.AwareDateTime(required=True)
    last_exchange_at = fields.AwareDateTime(required=True, allow_none=True)
    this = fields.Boolean(required=True)


class OwnDevicesSchema(Schema):
    """The worker's devices in use, the newest first."""

    devices = fields.List(fields.Nested(OwnDeviceSchema), required=True)


class RevocationSchema(Schema):
    """Whether the phone shall also wipe itself."""

    wipe = fields.Boolean(load_default=False)


@blueprint.get("/mine")
@device_required()
@blueprint.doc(security=[{"device": []}])
@blueprint.response(200, OwnDevicesSchema)
def own_devices() -> dict[str, Any]:
    """Return which devices the worker has in use."""
    device = calling_device()
    with transaction() as tx:
        found = in_use(tx.session, device.person_id)
    return {
        "devices": [
            {
                "id": each.uid,
                "name": each.name,
                "platform": each.platform,
                "enrolled_at": each.enrolled_at,
                "last_exchange_at": each.last_exchange_at,
                "this": each.uid == device.uid,
            }
            for each in found
        ]
    }


@blueprint.post("/mine/<uuid:device_uid>/revoke")
@device_required()
@blueprint.arguments(RevocationSchema)
@blueprint.doc(security=[{"device": []}])
@blueprint.response(204)
def revoke_own_device(sent: dict[str, Any], device_uid: uuid.UUID) -> None:
    """Revoke a device of one's own: one that was lost, or this one when it is left. What it still pushes is kept."""
    with transaction() as tx:
        if not is_of(tx.session, device_uid, calling_device().person_id):
            raise NotFoundInCharge
        revoke(tx.session, device_uid, wipe=sent["wipe"], now=tx.now)
    forget_device()


@blueprint.post("/<uuid:device_uid>/revoke")
@staff_required(*RULING, over="devices of workers who hold roles in their areas alone")
@blueprint.arguments(RevocationSchema)
@blueprint.response(204)
def revoke_device(sent: dict[str, Any], device_uid: uuid.UUID) -> None:
    """Revoke a device; what it still pushes is kept in quarantine for a while."""
    with transaction() as tx:
        charge = in_charge(tx)
        if not belongs(tx.session, device_uid, charge):
            raise NotFoundInCharge
        revoke(tx.session, device_uid, wipe=sent["wipe"], now=tx.now)
