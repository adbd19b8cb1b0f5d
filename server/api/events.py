"""/v1/sync/events: server-sent hints that something changed. They may be lost: the phone pulls. Holds no connection."""

import datetime as dt

from flask import Response
from flask_smorest import Blueprint

from server.api.streams import STREAM, can_stream, stream
from server.auth import calling_device, device_required
from server.grounds import ground_now
from server.hub import Audience, event
from server.transaction import transaction
from sync import feed
from sync.scope import current_scope, still_listening

blueprint = Blueprint("events", __name__, url_prefix="/v1/sync", description="提示 · hints that something changed")

_CHANGED = event("changed")
_OF_PHONES = Audience(
    hello=b"retry: 15000\n\n",
    beat=b": \n\n",
    ground=_CHANGED,
    scope=_CHANGED,
    epoch=event("resync"),
    touched=_CHANGED,
    # A phone that has another scope now must listen to other channels: it asks anew.
    in_force=still_listening,
    proved_s=5.0,
)


@blueprint.get("/events")
@device_required()
@blueprint.doc(security=[{"device": []}])
@blueprint.response(200, {"type": "string"}, content_type=STREAM, description="event: changed, event: resync")
def events() -> Response:
    """Listen for hints; reconnect when the connection ends."""
    device, now = calling_device(), dt.datetime.now(dt.UTC)
    with transaction() as tx:
        ground = ground_now(tx.session, device.ground_serial)
        scope = current_scope(tx.session, device, ground, now)
    channels = {feed.grid_channel(grid) for grid in scope.grid_ids}
    channels |= {feed.person_channel(device.person_id), feed.device_channel(device.id)}
    if not can_stream():
        # The phone asks again after the time given.
        return Response(_OF_PHONES.hello, content_type=STREAM)
    return stream(_OF_PHONES, (device.id, scope.version), frozenset(channels))
