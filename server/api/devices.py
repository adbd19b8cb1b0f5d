"""/v1/devices: a code from the staff turns a phone into a device; staff revoke it. Knows no SQL."""

import datetime as dt
import uuid
from http import HTTPStatus
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from server.api.in_charge import RULING, in_charge
from server.auth import access, calling_device, device_required, staff_required
from server.extensions import limited, settings
from server.grounds import ground_now
from server.transaction import transaction
from sync.collections.fields import Text
from sync.devices import authenticate, belongs, enrol, revoke, wiped
from sync.errors import NotFoundInCharge
from sync.scope import current_scope

blueprint = Blueprint("devices", __name__, url_prefix="/v1/devices", description="设备登记 · enrolment of devices")
PROTOCOL = {"min": 1, "current": 1}


class DescribedSchema(Schema):
    """What a phone says of itself."""

    name = Text(required=True, validate=validate.Length(min=1, max=100))
    platform = Text(required=True, validate=validate.Length(min=1, max=100))
    app_version = Text(required=True, validate=validate.Length(min=1, max=60))
    public_info = fields.Dict(allow_none=True)


class EnrolmentSchema(Schema):
    """A code and the phone that takes it."""

    code = Text(required=True, validate=validate.Length(min=1, max=60))
    device = fields.Nested(DescribedSchema, required=True)


@blueprint.post("")
@access("public: whoever holds a code that the staff gave out, once")
# Only refusals count: a whole city's phones may be enrolled behind one address in one morning.
@limited(lambda: settings().sign_in_rate, deduct_when=lambda answer: answer.status_code >= HTTPStatus.BAD_REQUEST)
@blueprint.arguments(EnrolmentSchema)
@blueprint.response(201, description="The device, its token (shown once), its worker and scope")
def enrol_device(sent: dict[str, Any]) -> dict[str, Any]:
    """Enrol a device."""
    now = dt.datetime.now(dt.UTC)
    with transaction() as tx:
        enrolled = enrol(tx.session, sent["code"], sent["device"], now=now)
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
        "server_time": now.isoformat(),
    }


@blueprint.post("/wiped")
@device_required(revoked_may=True)
@blueprint.doc(security=[{"device": []}])
@blueprint.response(204)
def acknowledge_wipe() -> None:
    """Say that the device has wiped itself, as it was ordered."""
    with transaction() as tx:
        wiped(tx.session, calling_device().id, now=dt.datetime.now(dt.UTC))


class RevocationSchema(Schema):
    """Whether the phone shall also wipe itself."""

    wipe = fields.Boolean(load_default=False)


@blueprint.post("/<uuid:device_uid>/revoke")
@staff_required(*RULING, over="devices of workers assigned to their areas")
@blueprint.arguments(RevocationSchema)
@blueprint.response(204)
def revoke_device(sent: dict[str, Any], device_uid: uuid.UUID) -> None:
    """Revoke a device; what it still pushes is kept in quarantine for a while."""
    now = dt.datetime.now(dt.UTC)
    with transaction() as tx:
        charge = in_charge(tx)
        if not belongs(tx.session, device_uid, None if charge.everywhere else charge.area_ids):
            raise NotFoundInCharge
        revoke(tx.session, device_uid, wipe=sent["wipe"], now=now)
