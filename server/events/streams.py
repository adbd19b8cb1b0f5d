"""Gives the connection of a request to the hub: a listener would hold a worker's thread for hours.

The socket is duplicated for the hub, and the descriptor that gunicorn goes on to answer and close is turned into one
end of a dead pair. Knows no rights and not what is listened for.
"""

import os
import socket
from collections.abc import Hashable
from http import HTTPStatus

from flask import Response, abort, current_app, request

from server.database.extensions import db
from server.events.hub import Audience, Hub, Listener
from server.http.origins import origin_headers

STREAM = "text/event-stream"


def can_stream() -> bool:
    """Whether the server that this request came to lends its sockets; a development server does not."""
    return "gunicorn.socket" in request.environ and request.method == "GET"


def stream(
    audience: Audience, right: Hashable, *, caller: Hashable, channels: frozenset[int] = frozenset()
) -> Response:
    """Have the hub answer this request from now on; the response returned is never seen. 503 where there is no room.

    ``caller``: whose stream it is, a device or a session; one that opens many keeps the newest.
    """
    hub, address = _hub(), request.remote_addr or ""
    if not hub.has_room_for(address):
        abort(HTTPStatus.SERVICE_UNAVAILABLE)
    connection = _take_over(request.environ["gunicorn.socket"])
    heard = request.headers.get("Last-Event-ID", "")
    hub.add(Listener(connection, audience, right, channels, heard, origin_headers(), caller, address))
    return Response(status=HTTPStatus.NO_CONTENT)


def _take_over(held: socket.socket) -> socket.socket:
    """Return the caller's connection as a socket of our own; the worker keeps a dead one under its descriptor."""
    connection = held.dup()
    connection.setblocking(False)  # noqa: FBT003  # the socket library
    dead, other = socket.socketpair()
    os.dup2(dead.fileno(), held.fileno(), inheritable=False)
    # With its other end closed, what the worker writes meets a broken pipe: a client that went away.
    dead.close()
    other.close()
    return connection


def _hub() -> Hub:
    hubs: dict[int, Hub] = current_app.extensions.setdefault("patrol-events", {})
    pid = os.getpid()
    if pid not in hubs:
        hubs.setdefault(pid, Hub(db.engine.execution_options(isolation_level="AUTOCOMMIT")))
    return hubs[pid]
