"""POST /v1/devices: a code from the staff turns a phone into a device. Knows no SQL."""

import datetime as dt
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from server.auth import access
from server.extensions import limiter, settings
from server.grounds import ground_now
from server.transaction import transaction
from sync.collections.fields import Text
from sync.devices import authenticate, enrol
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
@limiter.limit(lambda: settings().sign_in_rate)
@blueprint.arguments(EnrolmentSchema)
@blueprint.response(201, description="The device, its token (shown once), its worker and scope")
def enrol_device(sent: dict[str, Any]) -> dict[str, Any]:
    """Enrol a device."""
    now = dt.datetime.now(dt.UTC)
    with transaction() as tx:
        enrolled = enrol(tx.session, sent["code"], sent["device"], now=now)
        person = enrolled.person
        device = authenticate(tx.session, enrolled.token)
        ground = ground_now(tx.session, now, device.ground_serial)
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
