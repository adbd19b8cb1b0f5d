"""/v1/support: how each device fares, who is silent, and the life of one record. Knows no SQL."""

import datetime as dt
import uuid
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from geo.editions.ground import Ground
from server import clock
from server.accounts.charge import RULING
from server.cases.calendars.calendar import SHANGHAI
from server.database.ground_cache import ground_now
from server.database.transaction import transaction
from server.http.auth import staff_required
from server.http.in_charge import in_charge, named
from server.http.problems import language
from server.jobs.queues import JOBS, wake
from sync.collections.fields import Text
from sync.errors import NotFoundInCharge
from sync.oversight import adrift, silent, support
from sync.oversight.silent import Silence
from sync.oversight.support import Search
from sync.store import dead_letters
from sync.wording.staff import retold_to_staff

blueprint = Blueprint("support", __name__, url_prefix="/v1/support", description="设备同步 · devices and their sync")
_EPOCH, _TICK = dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.timedelta(microseconds=1)


class AreaSchema(Schema):
    """Within which area of the caller's."""

    area = Text(load_default="", validate=validate.Length(max=40))


class DevicesSchema(AreaSchema):
    """Which part of the list. ``only``: devices that give cause for one sort of concern."""

    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))
    offset = fields.Integer(load_default=0, validate=validate.Range(0, 1_000_000))
    concern = Text(load_default="", data_key="only", validate=validate.OneOf(("", *support.CONCERNS)))
    q = Text(load_default="", validate=[validate.Length(max=100), validate.ContainsNoneOf("\0")])


class AdriftSchema(AreaSchema):
    """Which part of the list of visits that lie in no grid."""

    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))
    offset = fields.Integer(load_default=0, validate=validate.Range(0, 1_000_000))


class CodesSchema(AreaSchema):
    """Where a list of codes goes on: before the last id seen."""

    before = fields.Integer(load_default=None, validate=validate.Range(1, 2**31 - 1))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class SilentSchema(AreaSchema):
    """Which part of the list. ``days``: silent for so many before today; ``phone``: what they have of phones."""

    q = Text(load_default="", validate=[validate.Length(max=100), validate.ContainsNoneOf("\0")])
    phone = Text(load_default="", validate=validate.OneOf(("", *silent.PHONES)))
    days = fields.Integer(load_default=0, validate=validate.Range(0, 3650))
    after = Text(
        load_default="",
        validate=validate.Regexp(r"^(?:|(?:[0-9]{1,17})?-[0-9]{1,9})(?!\n)$"),
        metadata={"description": "Where the list goes on: the `after` of the page before"},
    )
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class GoingOnSchema(Schema):
    """Where a list goes on: after the last id seen."""

    after = fields.Integer(load_default=0, validate=validate.Range(0, 2**62))
    limit = fields.Integer(load_default=200, validate=validate.Range(1, 500))


@blueprint.get("/devices")
@staff_required(*RULING, over="devices of those who work in their areas today")
@blueprint.arguments(DevicesSchema, location="query")
@blueprint.response(200, description="Devices, those not heard of for longest first; how many of each concern")
def devices(query: dict[str, Any]) -> dict[str, Any]:
    """Return each device's last exchange, backlog, skew, gaps, what is held or quarantined, and app version."""
    now = clock.now()
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
    now = clock.now()
    with transaction() as tx:
        found = support.device(tx.session, in_charge(tx), Search(since=_midnight(now), now=now, uid=device_uid))
        waiting = support.in_doubt(tx.session, device_uid, **query)
        ground = ground_now(tx.session)
    return {"device": _placed(ground, found), "operations": _told(waiting), "server_time": now} | _on(waiting, query)


@blueprint.get("/enrolments")
@staff_required(*RULING, over="codes for those who work in their areas today")
@blueprint.arguments(CodesSchema, location="query")
@blueprint.response(200, description="Enrolment codes, the newest first; ``areas``: over which their makers might then")
def enrolments(query: dict[str, Any]) -> dict[str, Any]:
    """Return who made which code for whom, with what, and which device came of it. The codes are not told."""
    with transaction() as tx:
        charge = in_charge(tx, within=query["area"])
        found = support.codes(tx.session, charge, before=query["before"], limit=query["limit"])
        ground = ground_now(tx.session)
    before = found[-1]["id"] if len(found) == query["limit"] else None
    return {"enrolments": [_placed(ground, each) for each in found], "before": before}


@blueprint.get("/silent-workers")
@staff_required(*RULING, over="grid workers assigned to their areas")
@blueprint.arguments(SilentSchema, location="query")
@blueprint.response(200, description="Grid workers none of whose phones was heard of, page by page; how many there are")
def silent_workers(query: dict[str, Any]) -> dict[str, Any]:
    """Return the workers who have not synced since midnight in the city, or for longer; the longest silent first.

    ``phone``: enrolled (one is in use), stopped (all were revoked), never (none was ever enrolled).
    """
    now = clock.now()
    since = _midnight(now) - dt.timedelta(days=query["days"])
    silence = Silence(since, now, query["q"], query["phone"], _place_in_list(query["after"]))
    with transaction() as tx:
        charge = in_charge(tx, within=query["area"])
        found = silent.silent_workers(tx.session, charge, silence, limit=query["limit"])
        counts = silent.silent_counted(tx.session, charge, silence)
        ground = ground_now(tx.session)
    after = _after(found[-1]) if len(found) == query["limit"] else None
    workers = [_placed(ground, {name: value for name, value in each.items() if name != "id"}) for each in found]
    return {"workers": workers, "counts": counts, "after": after, "since": since, "server_time": now}


@blueprint.get("/adrift")
@staff_required(*RULING, over="visits in no grid by those who work in their areas today")
@blueprint.arguments(AdriftSchema, location="query")
@blueprint.response(200, description="Visits that lie in no grid, what came last first; how many there are")
def visits_adrift(query: dict[str, Any]) -> dict[str, Any]:
    """Return the visits that name an address and no place, or a place outside all grids, with their authors."""
    with transaction() as tx:
        charge = in_charge(tx, within=query.pop("area"))
        found = adrift.adrift(tx.session, charge, **query)
        count = adrift.adrift_counted(tx.session, charge)
    return {"visits": found, "count": count, "server_time": clock.now()}


@blueprint.get("/records/<collection>/<uuid:record_id>")
@staff_required(
    *RULING, over="records in their areas, their workers' visits in no grid, and what never came to be a record"
)
@blueprint.arguments(GoingOnSchema, location="query")
@blueprint.response(200, description="The operations of one record, in the order in which they came")
def record_history(query: dict[str, Any], collection: str, record_id: uuid.UUID) -> dict[str, Any]:
    """Return the life of one record, operation by operation."""
    with transaction() as tx:
        found = support.history(tx.session, in_charge(tx), collection, record_id, **query)
    return {"operations": _told(found)} | _on(found, query)


class SetAsideSchema(Schema):
    """Which item to try again."""

    queue = Text(required=True, validate=validate.OneOf(tuple(JOBS)))
    item = Text(required=True, validate=[validate.Length(1, 200), validate.ContainsNoneOf("\0")])


@blueprint.get("/set-aside")
@staff_required(*RULING, over="the jobs of the whole city: told to those in charge of all of it")
@blueprint.response(200, description="What jobs failed on and set aside, what failed last first; at most 200")
def set_aside() -> dict[str, Any]:
    """Return the items that could not be merged, routed, sent, moved, tended to or drawn, with the reason of each."""
    now = clock.now()
    with transaction() as tx:
        letters = dead_letters.listed(tx.session, limit=200) if in_charge(tx).everywhere else ()
        told = [{name: getattr(letter, name) for name in _LETTER} for letter in letters]
    return {"items": told, "server_time": now}


@blueprint.post("/set-aside/retry")
@staff_required(*RULING, over="the jobs of the whole city: for those in charge of all of it")
@blueprint.arguments(SetAsideSchema)
@blueprint.response(204)
def retry_set_aside(sent: dict[str, Any]) -> None:
    """Have one item tried again now."""
    with transaction() as tx:
        now = clock.now()
        if not in_charge(tx).everywhere or not dead_letters.has(tx.session, sent["queue"], sent["item"]):
            raise NotFoundInCharge
        dead_letters.try_again(tx.session, now, queue=sent["queue"], item=sent["item"])
        tx.then(wake, sent["queue"])


_LETTER = ("queue", "item", "since", "last_at", "attempts", "next_attempt_at", "reason")


def _midnight(now: dt.datetime) -> dt.datetime:
    return now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)


def _after(worker: dict[str, Any]) -> str:
    """Return where a list goes on after a worker: microseconds of when they were last heard of, and their number."""
    heard = worker["last_exchange_at"]
    since_epoch = "" if heard is None else str((heard - _EPOCH) // _TICK)
    return f"{since_epoch}-{worker['id']}"


def _place_in_list(after: str) -> tuple[dt.datetime | None, int] | None:
    if not after:
        return None
    ticks, _, person = after.partition("-")
    return (None if not ticks else _EPOCH + int(ticks) * _TICK, int(person))


def _placed(ground: Ground, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the areas named that its worker has today."""
    areas = [named(ground, area) for area in row.pop("area_ids") or ()]
    return row | {"areas": [each for each in areas if each is not None]}


def _told(operations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each | {"problem": retold_to_staff(each["problem"], language())} for each in operations]


def _on(found: list[dict[str, Any]], query: dict[str, Any]) -> dict[str, Any]:
    return {"after": found[-1]["id"] if found else query["after"], "has_more": len(found) == query["limit"]}
