"""Gives the connection of a request to the hub: a listener would hold a worker's thread for hours.

The socket is duplicated for the hub, and the descriptor that gunicorn goes on to answer and close is turned into one
end of a dead pair. Knows no rights and not what is listened for.
"""

import os
import socket
from collections.abc import Hashable
from http import HTTPStatus

from flask import Response, abort, current_app, request

from server.extensions import db
from server.hub import Audience, Hub, Listener

STREAM = "text/event-stream"


def can_stream() -> bool:
    """Whether the server that this request came to lends its sockets; a development server does not."""
    return "gunicorn.socket" in request.environ and request.method == "GET"


def stream(audience: Audience, right: Hashable, channels: frozenset[int] = frozenset()) -> Response:
    """Have the hub answer this request from now on; the response returned is never seen. 503 where there is no room."""
    hub = _hub()
    if not hub.has_room:
        abort(HTTPStatus.SERVICE_UNAVAILABLE)
    hub.add(Listener(_take_over(request.environ["gunicorn.socket"]), audience, right, channels))
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
