"""/v1/review: what a person decides — disputes between two authors, and operations in quarantine. Knows no SQL."""

import base64
import datetime as dt
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from server import clock
from server.accounts.charge import RULING
from server.api.moments import moment_field
from server.database.extensions import settings
from server.database.ground_cache import ground_at, ground_now
from server.database.transaction import transaction
from server.http.auth import staff_required
from server.http.in_charge import in_charge, named
from server.http.paths import MOST_OF_MANY
from server.http.problems import language
from server.jobs.queues import wake
from sync.collections.fields import Text
from sync.protocol.forms import fields_of_collections
from sync.resolution import review
from sync.resolution.effect import Settling
from sync.resolution.review import Decision, Mended, Wanted
from sync.wording.staff import retold_to_staff, title_to_staff

_PLAIN = [validate.Length(max=100), validate.ContainsNoneOf("\0")]

blueprint = Blueprint("review", __name__, url_prefix="/v1/review", description="待裁决 · disputes and quarantine")


class PagingSchema(Schema):
    """Where a list goes on: after the last id seen; and which part of it. ``kind``: field, delete, or a reason."""

    after = fields.Integer(load_default=0, validate=validate.Range(0, 2**62))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))
    area = Text(load_default="", validate=validate.Length(max=40))
    collection = Text(load_default="", validate=_PLAIN)
    kind = Text(load_default="", validate=_PLAIN)
    q = Text(load_default="", validate=_PLAIN)
    older_than_h = fields.Integer(load_default=0, validate=validate.Range(0, 100_000))


def _make_public() -> fields.Boolean:
    told = "that a private issue becomes public by it; without this it is refused with /problems/becomes-public"
    return fields.Boolean(load_default=False, metadata={"description": told})


class DecisionSchema(Schema):
    """A decision: the value that a field shall have; of a deletion, whether to delete."""

    value = fields.Raw(load_default=None, allow_none=True)
    delete = fields.Boolean(load_default=False)
    make_public = _make_public()


class MendedSchema(Schema):
    """What was mended of an operation; what is left out stays as it was sent."""

    collection = fields.String(validate=validate.Length(max=60))
    record_id = fields.UUID(data_key="id")
    action = fields.String(validate=validate.OneOf(("put", "patch", "delete")))
    data = fields.Dict(keys=fields.String())
    captured_at = moment_field()
    make_public = _make_public()
    note = fields.String(load_default="", validate=validate.Length(max=500))


class DismissalSchema(Schema):
    """Why an operation is not applied; the worker reads it."""

    reason = fields.String(required=True, validate=validate.Length(min=1, max=500))


@blueprint.get("/fields")
@staff_required(*RULING, over="what anybody may know: the protocol's fields")
@blueprint.response(200, description="The fields that devices write, for each collection: kind, choices, required")
def form_fields() -> dict[str, Any]:
    """Return what a form to mend or to decide needs to know of the fields."""
    return {"collections": fields_of_collections()}


@blueprint.get("/conflicts")
@staff_required(*RULING, over="records that lie in their areas")
@blueprint.arguments(PagingSchema, location="query")
@blueprint.response(200, description="Open disputes, the oldest first; how many of each collection")
def open_conflicts(query: dict[str, Any]) -> dict[str, Any]:
    """Return open disputes: both values, authors, times, the base, and the record as it stands."""
    now = clock.now()
    wanted = _wanted(query, now)
    with transaction() as tx:
        charge = in_charge(tx, within=query["area"])
        found = review.disputes(tx.session, charge, wanted, after=query["after"], limit=query["limit"])
        counts = review.disputes_counted(tx.session, charge, wanted)
        ground = ground_now(tx.session)
    for each in found:
        each["grid"] = named(ground, each.pop("grid_now"))
    return {"conflicts": found, "counts": counts} | _on(found, query)


@blueprint.post(f"/conflicts/<int(max={MOST_OF_MANY}):conflict_id>/decision")
@staff_required(*RULING, over="records that lie in their areas")
@blueprint.arguments(DecisionSchema)
@blueprint.response(204)
def decide_conflict(sent: dict[str, Any], conflict_id: int) -> None:
    """Decide a dispute; every device hears of it."""
    with transaction() as tx:
        charge = in_charge(tx)
        review.decide(tx.session, charge, conflict_id, Decision(**sent), now=tx.now)
        tx.then(wake, "routing")


@blueprint.get("/quarantine")
@staff_required(*RULING, over="operations of workers assigned to their areas")
@blueprint.arguments(PagingSchema, location="query")
@blueprint.response(200, description="Quarantined operations, the oldest first")
def quarantined_operations(query: dict[str, Any]) -> dict[str, Any]:
    """Return quarantined operations with what was sent and why it was not applied."""
    now = clock.now()
    wanted = _wanted(query, now)
    with transaction() as tx:
        charge = in_charge(tx, within=query["area"])
        found = review.quarantined(tx.session, charge, wanted, after=query["after"], limit=query["limit"])
        counts = review.quarantine_counted(tx.session, charge, wanted)
        ground = ground_now(tx.session)
    for each in found:
        each["raw"] = None if each["raw"] is None else base64.b64encode(each["raw"]).decode()
        each["problem"] = retold_to_staff(each["problem"], language())
        worked = (named(ground, area) for area in each.pop("area_ids") or ())
        each["areas"] = [area for area in worked if area is not None]
    reasons = [
        {"code": code, "title": title_to_staff(code, language()), "number": counts[code]} for code in sorted(counts)
    ]
    return {"operations": found, "reasons": reasons} | _on(found, query)


@blueprint.post(f"/quarantine/<int(max={MOST_OF_MANY}):operation_id>/release")
@staff_required(*RULING, over="operations of workers assigned to their areas")
@blueprint.arguments(MendedSchema)
@blueprint.response(204)
def release_operation(sent: dict[str, Any], operation_id: int) -> None:
    """Let an operation go on, mended where it was wrong; the worker is told."""
    note = sent.pop("note")
    with transaction() as tx:
        charge = in_charge(tx)
        settling = Settling(tx.now, ground_at(tx.session), settings().near_m, settings().late_for)
        review.release(tx.session, charge, operation_id, Mended(**sent), settling, note=note)
        tx.then(wake, "merge")


@blueprint.post(f"/quarantine/<int(max={MOST_OF_MANY}):operation_id>/dismiss")
@staff_required(*RULING, over="operations of workers assigned to their areas")
@blueprint.arguments(DismissalSchema)
@blueprint.response(204)
def dismiss_operation(sent: dict[str, Any], operation_id: int) -> None:
    """Close an operation without applying it, with a reason that the worker is told; it stays in the log."""
    with transaction() as tx:
        review.dismiss(tx.session, in_charge(tx), operation_id, reason=sent["reason"], now=tx.now)


def _wanted(query: dict[str, Any], now: dt.datetime) -> Wanted:
    hours = query["older_than_h"]
    before = now - dt.timedelta(hours=hours) if hours else None
    return Wanted(query["collection"], query["kind"], query["q"], before)


def _on(found: list[dict[str, Any]], query: dict[str, Any]) -> dict[str, Any]:
    return {"after": found[-1]["id"] if found else query["after"], "has_more": len(found) == query["limit"]}
