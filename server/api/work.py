"""/v1/work: how many cases wait for the caller; /v1/work/events: hints that it is another.

A hint has only an id: the page asks then. Who is in charge of ground hears of their grids, whose body handles cases of
these, wherever they lie. Holds no connection. Knows no SQL.
"""

from collections.abc import Collection
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from sqlalchemy import Connection

from server import clock
from server.accounts.charge import reach
from server.accounts.signin import session_digest, sessions_in_force
from server.cases.lists.waiting import Waiting, at_desk, on_duty
from server.database.transaction import transaction
from server.events.hub import Audience, event
from server.events.streams import STREAM, can_stream, stream
from server.http.auth import calling_charge, session_token, staff_required
from server.http.fresh import fresh_json
from sync.store import feed

blueprint = Blueprint("work", __name__, url_prefix="/v1/work", description="待办 · what waits for staff")

_DUTY = ("supervisor", "dispatcher")

# Each look at the feed asks for every channel that somebody listens to: who has more grids hears of the city's cases.
MOST_GRIDS = 600


def _signed_in(connection: Connection, shown: Collection[bytes]) -> frozenset[bytes]:
    return sessions_in_force(connection, shown, now=clock.now())


_WORK = event("work")
_OF_STAFF = Audience(
    hello=b"retry: 5000\n\n",
    beat=event("here"),
    ground=_WORK,
    scope=_WORK,
    epoch=_WORK,
    touched=_WORK,
    in_force=_signed_in,
    proved_s=3.0,
)


class WaitingSchema(Schema):
    """Open cases, by light and by state; what is none is left out. How many of them ask for more time."""

    lights = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    states = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    asking = fields.Integer(required=True)


class WorkSchema(Schema):
    """What waits: on duty in the caller's areas, and at the desk of their bodies; null for who has neither."""

    duty = fields.Nested(WaitingSchema, required=True, allow_none=True)
    desk = fields.Nested(WaitingSchema, required=True, allow_none=True)


@blueprint.get("")
@staff_required()
@blueprint.response(200, WorkSchema)
def work() -> Response:
    """Return how many open cases wait for the caller."""
    now, charge = clock.now(), calling_charge()
    on, bodies = charge.in_roles(_DUTY), sorted(charge.organisation_ids)
    with transaction() as tx:
        duty = on_duty(tx.session, reach(on, tx.ground()), now) if on.held else None
        desk = at_desk(tx.session, bodies, now) if bodies else None
    return fresh_json({"duty": _json(duty), "desk": _json(desk)})


def _json(waiting: Waiting | None) -> dict[str, Any] | None:
    if waiting is None:
        return None
    return {"lights": dict(waiting.lights), "states": dict(waiting.states), "asking": waiting.asking}


@blueprint.get("/events")
@staff_required()
@blueprint.response(200, {"type": "string"}, content_type=STREAM, description="event: work, event: here")
@blueprint.alt_response(204, description="No hints are to be had: ask every fifteen seconds")
def events() -> Response:
    """Listen for hints: ``work`` when the caller's work changed, ``here`` every 20 seconds.

    It is that of their grids; of who has very many, the cases of the whole city; and the cases of their bodies.
    """
    with transaction() as tx:
        grids = reach(calling_charge(), tx.ground()).grid_ids
    channels = {feed.work_channel(body) for body in calling_charge().organisation_ids}
    channels |= {feed.work_channel(None)} if len(grids) > MOST_GRIDS else {feed.grid_channel(grid) for grid in grids}
    if not can_stream() or not channels:
        return Response(status=204)
    session = session_digest(session_token())
    return stream(_OF_STAFF, session, caller=session, channels=frozenset(channels))
