"""/v1/support: how each device fares, who has not synced today, and the life of one record. Knows no SQL."""

import datetime as dt
import uuid
from typing import Any
from zoneinfo import ZoneInfo

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from geo.editions import Ground
from server.api.in_charge import RULING, in_charge, named
from server.auth import staff_required
from server.grounds import ground_now
from server.problems import language
from server.transaction import transaction
from sync import support
from sync.collections.fields import Text
from sync.support import Search
from sync.wording import retold

blueprint = Blueprint("support", __name__, url_prefix="/v1/support", description="诊断 · diagnostics")
CITY_TIME = ZoneInfo("Asia/Shanghai")


class AreaSchema(Schema):
    """Within which area of the caller's."""

    area = Text(load_default="", validate=validate.Length(max=40))


class DevicesSchema(AreaSchema):
    """Which part of the list. ``only``: devices that give cause for one sort of concern."""

    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))
    offset = fields.Integer(load_default=0, validate=validate.Range(0, 1_000_000))
    concern = Text(load_default="", data_key="only", validate=validate.OneOf(("", *support.CONCERNS)))
    q = Text(load_default="", validate=[validate.Length(max=100), validate.ContainsNoneOf("\0")])


class GoingOnSchema(Schema):
    """Where a list goes on: after the last id seen."""

    after = fields.Integer(load_default=0, validate=validate.Range(0, 2**62))
    limit = fields.Integer(load_default=200, validate=validate.Range(1, 500))


@blueprint.get("/devices")
@staff_required(*RULING, over="devices of workers assigned to their areas")
@blueprint.arguments(DevicesSchema, location="query")
@blueprint.response(200, description="Devices, those not heard of for longest first; how many of each concern")
def devices(query: dict[str, Any]) -> dict[str, Any]:
    """Return each device's last exchange, backlog, skew, gaps, what is held or quarantined, and app version."""
    now = dt.datetime.now(dt.UTC)
    search = Search(since=_midnight(now), now=now, concern=query["concern"], words=query["q"])
    with transaction() as tx:
        charge = in_charge(tx, within=query["area"])
        ground = ground_now(tx.session)
        found = support.devices(tx.session, charge, search, limit=query["limit"], offset=query["offset"])
        counts = support.concerns(tx.session, charge, search)
    return {"devices": [_placed(ground, each) for each in found], "counts": counts, "server_time": now}


@blueprint.get("/devices/<uuid:device_uid>")
@staff_required(*RULING, over="devices of workers assigned to their areas")
@blueprint.arguments(GoingOnSchema, location="query")
@blueprint.response(200, description="One device, and what of it waits, in the order in which it came")
def device(query: dict[str, Any], device_uid: uuid.UUID) -> dict[str, Any]:
    """Return one device with its pending, held, quarantined and disputed operations and their reasons."""
    now = dt.datetime.now(dt.UTC)
    with transaction() as tx:
        found = support.device(tx.session, in_charge(tx), Search(since=_midnight(now), now=now, uid=device_uid))
        waiting = support.in_doubt(tx.session, device_uid, **query)
        ground = ground_now(tx.session)
    return {"device": _placed(ground, found), "operations": _told(waiting), "server_time": now} | _on(waiting, query)


@blueprint.get("/silent-workers")
@staff_required(*RULING, over="grid workers assigned to their areas")
@blueprint.arguments(AreaSchema, location="query")
@blueprint.response(200, description="Grid workers none of whose devices was heard of today")
def silent_workers(query: dict[str, Any]) -> dict[str, Any]:
    """Return the workers who have not synced since midnight in the city."""
    now = dt.datetime.now(dt.UTC)
    since = _midnight(now)
    with transaction() as tx:
        found = support.silent_workers(tx.session, in_charge(tx, within=query["area"]), since=since, now=now)
        ground = ground_now(tx.session)
    return {"workers": [_placed(ground, each) for each in found], "since": since, "server_time": now}


@blueprint.get("/records/<collection>/<uuid:record_id>")
@staff_required(
    *RULING, over="records that lie in their areas, and what their workers sent of others that never came to be"
)
@blueprint.arguments(GoingOnSchema, location="query")
@blueprint.response(200, description="The operations of one record, in the order in which they came")
def record_history(query: dict[str, Any], collection: str, record_id: uuid.UUID) -> dict[str, Any]:
    """Return the life of one record, operation by operation."""
    with transaction() as tx:
        found = support.history(tx.session, in_charge(tx), collection, record_id, **query)
    return {"operations": _told(found)} | _on(found, query)


def _midnight(now: dt.datetime) -> dt.datetime:
    return now.astimezone(CITY_TIME).replace(hour=0, minute=0, second=0, microsecond=0)


def _placed(ground: Ground, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the areas named that its worker has today."""
    areas = [named(ground, area) for area in row.pop("area_ids") or ()]
    return row | {"areas": [each for each in areas if each is not None]}


def _told(operations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each | {"problem": retold(each["problem"], language())} for each in operations]


def _on(found: list[dict[str, Any]], query: dict[str, Any]) -> dict[str, Any]:
    return {"after": found[-1]["id"] if found else query["after"], "has_more": len(found) == query["limit"]}
