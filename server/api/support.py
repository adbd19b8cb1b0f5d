"""/v1/support: how each device fares, who has not synced today, and the life of one record. Knows no SQL."""

import datetime as dt
import uuid
from typing import Any
from zoneinfo import ZoneInfo

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from server.api.in_charge import RULING, in_charge
from server.auth import staff_required
from server.transaction import transaction
from sync import support

blueprint = Blueprint("support", __name__, url_prefix="/v1/support", description="诊断 · diagnostics")
CITY_TIME = ZoneInfo("Asia/Shanghai")


class DevicesSchema(Schema):
    """Which part of the list."""

    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))
    offset = fields.Integer(load_default=0, validate=validate.Range(0, 1_000_000))


@blueprint.get("/devices")
@staff_required(*RULING, over="devices of workers assigned to their areas")
@blueprint.arguments(DevicesSchema, location="query")
@blueprint.response(200, description="Devices, those not heard of for longest first")
def devices(query: dict[str, Any]) -> dict[str, Any]:
    """Return each device's last exchange, backlog, skew, gaps, what is held or quarantined, and app version."""
    now = dt.datetime.now(dt.UTC)
    with transaction() as tx:
        return {"devices": support.devices(tx.session, in_charge(tx, now), **query), "server_time": now}


@blueprint.get("/silent-workers")
@staff_required(*RULING, over="grid workers assigned to their areas")
@blueprint.response(200, description="Grid workers none of whose devices was heard of today")
def silent_workers() -> dict[str, Any]:
    """Return the workers who have not synced since midnight in the city."""
    now = dt.datetime.now(dt.UTC)
    midnight = now.astimezone(CITY_TIME).replace(hour=0, minute=0, second=0, microsecond=0)
    with transaction() as tx:
        found = support.silent_workers(tx.session, in_charge(tx, now), since=midnight, now=now)
    return {"workers": found, "since": midnight, "server_time": now}


@blueprint.get("/records/<collection>/<uuid:record_id>")
@staff_required(*RULING, over="records that lie in their areas")
@blueprint.response(200, description="The operations of one record, in the order in which they came")
def record_history(collection: str, record_id: uuid.UUID) -> dict[str, Any]:
    """Return the life of one record, operation by operation."""
    now = dt.datetime.now(dt.UTC)
    with transaction() as tx:
        return {"operations": support.history(tx.session, in_charge(tx, now), collection, record_id)}
