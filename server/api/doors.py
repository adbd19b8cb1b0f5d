"""/v1/doors: workers take doors for some days, and give them back. Parses, calls one service, renders."""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from server.cases.calendars.calendar import SHANGHAI
from server.database.ground_cache import ground_now
from server.database.transaction import Transaction, transaction
from server.http.auth import calling_device, device_required
from sync.access.claims import LONGEST_DAYS, MOST_DOORS, Door, give_back, take
from sync.access.devices import CallingDevice
from sync.access.scope import Scope, current_scope
from sync.collections.fields import Id, Listed

blueprint = Blueprint("doors", __name__, url_prefix="/v1/doors", description="认领门牌 · doors taken for some days")


class DoorsSchema(Schema):
    """Households by their ids."""

    households = Listed(Id(), required=True, validate=validate.Length(1, MOST_DOORS))


class TakenSchema(DoorsSchema):
    """Households, and for how many days of the city, today among them: they end at midnight."""

    days = fields.Integer(required=True, strict=True, validate=validate.Range(1, LONGEST_DAYS))


class DoorSchema(Schema):
    """How a door stands after it was asked for."""

    household_id = fields.UUID(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("yours", "taken", "free", "unknown")))
    by = fields.String(required=True, allow_none=True, metadata={"description": "The name of who has it"})
    until = fields.AwareDateTime(required=True, allow_none=True)


class StandingSchema(Schema):
    """One answer for each household, in the order asked; ``unknown``: not in the scope of the device."""

    server_time = fields.AwareDateTime(required=True)
    doors = fields.List(fields.Nested(DoorSchema), required=True)


@blueprint.post("/claims")
@device_required()
@blueprint.arguments(TakenSchema)
@blueprint.doc(security=[{"device": []}])
@blueprint.response(200, StandingSchema)
def take_doors(sent: dict[str, Any]) -> dict[str, Any]:
    """Take doors, so that nobody else knocks; those that a colleague has stay theirs, and it is told until when."""

    def work(tx: Transaction, device: CallingDevice, scope: Scope) -> list[Door]:
        last = tx.now.astimezone(SHANGHAI).date() + dt.timedelta(days=sent["days"])
        until = dt.datetime.combine(last, dt.time(), SHANGHAI)
        return take(tx.session, device, scope, _ids(sent), until=until, now=tx.now)

    return _answered(work)


@blueprint.post("/claims/return")
@device_required()
@blueprint.arguments(DoorsSchema)
@blueprint.doc(security=[{"device": []}])
@blueprint.response(200, StandingSchema)
def give_doors_back(sent: dict[str, Any]) -> dict[str, Any]:
    """Give back doors before their time; what one does not have changes nothing."""
    return _answered(lambda tx, device, scope: give_back(tx.session, device, scope, _ids(sent), now=tx.now))


def _ids(sent: dict[str, Any]) -> list[uuid.UUID]:
    return [uuid.UUID(each) for each in sent["households"]]


def _answered(work: Callable[[Transaction, CallingDevice, Scope], list[Door]]) -> dict[str, Any]:
    device = calling_device()
    with transaction() as tx:
        scope = current_scope(tx.session, device, ground_now(tx.session, device.ground_serial), tx.now)
        doors = work(tx, device, scope)
    return {"server_time": tx.now, "doors": [asdict(each) for each in doors]}
