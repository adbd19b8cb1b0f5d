"""/v1/deliveries and the endpoints of organisations: what was told to whom, and where. Knows no SQL."""

import datetime as dt
import time
import uuid
from dataclasses import asdict
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from server import clock
from server.accounts.charge import reach
from server.api.issue_schemas import Listed
from server.cases.delivery import endpoints
from server.cases.delivery.webhook import send
from server.cases.lists.delivery_log import list_deliveries, retry_in_reach
from server.cases.tables import CHANNELS, DELIVERY_KINDS, DELIVERY_STATES
from server.database.extensions import limited, settings
from server.database.transaction import Transaction, transaction
from server.http.auth import calling_charge, staff_required
from server.http.fresh import fresh_json
from server.http.in_charge import require_city
from server.jobs.queues import wake
from sync.collections.fields import Flag, Text

blueprint = Blueprint("deliveries", __name__, url_prefix="/v1", description="送达 · deliveries and endpoints")

WATCHING = ("dispatcher", "admin")
# Each of them connects to somebody else's machine.
TRIALS = "20 per minute"


class DeliveriesQuerySchema(Schema):
    """Which deliveries to see; by default those that a person should know of."""

    state = Listed(validate.OneOf(DELIVERY_STATES), load_default=lambda: ["given_up"])
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))
    after = fields.UUID(load_default=None, metadata={"description": "id of the last delivery of the page before"})


class DeliverySchema(Schema):
    """One notice of one decision to one organisation by one channel."""

    id = fields.UUID(required=True, metadata={"description": "idempotency key; webhook-id"})
    issue_id = fields.UUID(required=True)
    organisation = fields.String(required=True)
    organisation_name = fields.String(required=True)
    channel = fields.String(required=True, validate=validate.OneOf(CHANNELS))
    kind = fields.String(required=True, validate=validate.OneOf(DELIVERY_KINDS))
    step = fields.String(required=True, allow_none=True, metadata={"description": "of which step it tells, if of one"})
    state = fields.String(required=True, validate=validate.OneOf(DELIVERY_STATES))
    attempts = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
    next_attempt_at = fields.AwareDateTime(required=True, allow_none=True)
    delivered_at = fields.AwareDateTime(required=True, allow_none=True)
    last_error = fields.String(required=True, allow_none=True)
    endpoint_active = fields.Boolean(required=True, allow_none=True)


class DeliveriesSchema(Schema):
    """A page of deliveries, newest first; ``after`` is null on the last."""

    deliveries = fields.List(fields.Nested(DeliverySchema), required=True)
    after = fields.UUID(required=True, allow_none=True)


class EndpointChangeSchema(Schema):
    """Where an organisation takes its webhooks. A secret is made where none is given and none is there.

    The secret before a new one signs beside it for a day (as configured), unless ``keep_old_secret`` is false.
    """

    url = Text(required=True, validate=validate.Length(min=1, max=2000))
    secret = Text(load_default=None, validate=validate.Length(max=200))
    rotate_secret = Flag(load_default=False)
    keep_old_secret = Flag(load_default=True)
    active = Flag(load_default=True)


class EndpointSchema(Schema):
    """An endpoint. ``secret`` is told once, when it was just set or made."""

    organisation = fields.String(required=True)
    url = fields.String(required=True)
    active = fields.Boolean(required=True)
    disabled_reason = fields.String(required=True, allow_none=True)
    failures = fields.Integer(required=True, metadata={"description": "attempts that went wrong in a row"})
    resting_until = fields.AwareDateTime(required=True, allow_none=True)
    former_secret_until = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "until when a former secret signs, too"}
    )
    secret = fields.String(required=True, allow_none=True)


class EndpointEntrySchema(Schema):
    """What somebody set an endpoint to."""

    changed_at = fields.AwareDateTime(required=True)
    by = fields.String(required=True, allow_none=True, metadata={"description": "login; null: the server itself"})
    url = fields.String(required=True)
    active = fields.Boolean(required=True)
    secret = fields.String(required=True, validate=validate.OneOf(("kept", "new")))
    former_until = fields.AwareDateTime(required=True, allow_none=True)


class EndpointHistorySchema(Schema):
    """The changes of an endpoint, the newest first."""

    changes = fields.List(fields.Nested(EndpointEntrySchema), required=True)


class TrialSchema(Schema):
    """What came of a letter that was sent to try an endpoint."""

    id = fields.UUID(required=True, metadata={"description": "webhook-id of the letter"})
    url = fields.String(required=True)
    delivered = fields.Boolean(required=True)
    status_code = fields.Integer(required=True, allow_none=True, metadata={"description": "null: no answer came"})
    error = fields.String(required=True, allow_none=True, metadata={"description": "null where it was delivered"})
    excerpt = fields.String(required=True, metadata={"description": "how the answer began, as plain text"})
    took_ms = fields.Integer(required=True)


@blueprint.get("/deliveries")
@staff_required(*WATCHING, over="deliveries of issues in their charge")
@blueprint.arguments(DeliveriesQuerySchema, location="query")
@blueprint.response(200, DeliveriesSchema)
def page_of_deliveries(query: dict[str, Any]) -> Response:
    """Return what was, or could not be, delivered."""
    with transaction() as tx:
        ground = tx.ground()
        found, after = list_deliveries(
            tx.session, reach(calling_charge(), ground), query["state"], after=query["after"], limit=query["limit"]
        )
    return fresh_json({"deliveries": [asdict(each) for each in found], "after": after})


@blueprint.post("/deliveries/<uuid:delivery_id>/retry")
@staff_required(*WATCHING, over="deliveries of issues in their charge")
@blueprint.response(202)
def retry_delivery(delivery_id: uuid.UUID) -> None:
    """Have a failed or given-up delivery tried again now, under the same id."""
    with transaction() as tx:
        ground = tx.ground()
        retry_in_reach(tx.session, delivery_id, reach(calling_charge(), ground), tx.now)
        tx.then(wake, "delivery")


@blueprint.get("/organisations/<code>/endpoint")
@staff_required("admin", over="the whole city")
@blueprint.response(200, EndpointSchema)
def endpoint(code: str) -> dict[str, Any]:
    """Return where an organisation takes its webhooks, and how its line is doing."""
    with transaction() as tx:
        require_city(tx, what="organisation")
        return _endpoint_json(tx, code)


@blueprint.get("/organisations/<code>/endpoint/changes")
@staff_required("admin", over="the whole city")
@blueprint.response(200, EndpointHistorySchema)
def endpoint_changes(code: str) -> dict[str, Any]:
    """Return who set where an organisation takes its webhooks, when, and to what; secrets are not told."""
    with transaction() as tx:
        require_city(tx, what="organisation")
        return {"changes": [asdict(each) for each in endpoints.changes(tx.session, code)]}


@blueprint.put("/organisations/<code>/endpoint")
@staff_required("admin", over="the whole city")
@blueprint.arguments(EndpointChangeSchema)
@blueprint.response(200, EndpointSchema)
def set_endpoint(sent: dict[str, Any], code: str) -> dict[str, Any]:
    """Set where an organisation takes its webhooks; what waits for it is sent there."""
    config = settings()
    # Before the address is looked up: whoever may not set it must not have the server ask the network either.
    with transaction() as tx:
        require_city(tx, what="organisation")
    endpoints.check(sent["url"], sent["secret"], config.webhook_guard)
    with transaction() as tx:
        require_city(tx, what="organisation")
        saved = endpoints.save(
            tx.session,
            code,
            sent["url"],
            seal_with=endpoints.seal(config.secret_key),
            now=clock.now(),
            secret=sent["secret"],
            rotate=sent["rotate_secret"],
            active=sent["active"],
            author_id=calling_charge().person_id,
            overlap=config.webhook_overlap if sent["keep_old_secret"] else dt.timedelta(),
        )
        answer = _endpoint_json(tx, code, secret=saved.secret)
        tx.then(wake, "delivery")
    return answer


@blueprint.post("/organisations/<code>/endpoint/test")
@staff_required("admin", over="the whole city")
@limited(lambda: TRIALS)
@blueprint.response(200, TrialSchema)
def try_endpoint(code: str) -> dict[str, Any]:
    """Send a letter of type ``endpoint.test`` to the endpoint of an organisation now, once, and tell what it answers.

    It is signed as every other is. Nothing else is sent, counted or switched on or off by it.
    """
    config, now = settings(), clock.now()
    with transaction() as tx:
        require_city(tx, what="organisation")
        letter = endpoints.trial_letter(tx.session, code, seal_with=endpoints.seal(config.secret_key), now=now)
    began = time.monotonic()
    answer = send(letter, config.webhook_guard, now)
    return {
        "id": letter.id,
        "url": letter.url,
        "delivered": answer.error is None,
        "took_ms": round((time.monotonic() - began) * 1000),
        **asdict(answer),
    }


def _endpoint_json(tx: Transaction, code: str, *, secret: str | None = None) -> dict[str, Any]:
    found = endpoints.read(tx.session, code)
    return {
        "organisation": code,
        "url": found.url,
        "active": found.active,
        "disabled_reason": found.disabled_reason,
        "failures": found.failures,
        "resting_until": found.resting_until,
        "former_secret_until": endpoints.former_until(tx.session, found, clock.now()),
        "secret": secret,
    }
