"""/v1/sync/events: server-sent hints that something changed. The phone pulls; a hint has nothing but an id.

Holds no connection.
"""

from flask import Response
from flask_smorest import Blueprint

from server import clock
from server.database.ground_cache import ground_now
from server.database.transaction import transaction
from server.events.hub import Audience, event
from server.events.streams import STREAM, can_stream, stream
from server.http.auth import calling_device, device_required
from sync.access.scope import current_scope, still_listening
from sync.store import feed

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
    """Listen for hints; reconnect with the last id as Last-Event-ID, and what was missed meanwhile is told."""
    device, now = calling_device(), clock.now()
    with transaction() as tx:
        ground = ground_now(tx.session, device.ground_serial)
        scope = current_scope(tx.session, device, ground, now)
    channels = {feed.grid_channel(grid) for grid in scope.grid_ids}
    channels |= {feed.person_channel(device.person_id), feed.device_channel(device.id)}
    if not can_stream():
        # The phone asks again after the time given.
        return Response(_OF_PHONES.hello, content_type=STREAM)
    return stream(_OF_PHONES, (device.id, scope.version), caller=("device", device.id), channels=frozenset(channels))
