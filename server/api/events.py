"""/v1/sync/events: server-sent hints that something changed, for any number of phones on one thread.

A listener would hold a worker's thread for hours. So the connection is taken out of the worker: its socket is
duplicated for the hub, and the descriptor that gunicorn goes on to answer and close is turned into one end of a
dead pair. The hub is one thread a process; it asks the feed once a second, and only while somebody listens.
Hints carry no data and may be lost: the phone pulls.
"""

import contextlib
import datetime as dt
import os
import selectors
import socket
import threading
import time
import uuid
from dataclasses import dataclass, field

import structlog
from flask import Response, current_app, request
from flask_smorest import Blueprint
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from server.auth import calling_device, device_required
from server.extensions import db
from server.grounds import ground_now
from server.transaction import transaction
from sync import feed
from sync.scope import current_scope

blueprint = Blueprint("events", __name__, url_prefix="/v1/sync", description="提示 · hints that something changed")

TICK_S = 1.0
HEARTBEAT_S = 20.0
RETRY_MS = 15_000
MAX_LISTENERS = 20_000
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
    b"X-Accel-Buffering: no\r\nConnection: close\r\n\r\n"
)
_CHANGED, _RESYNC, _BEAT = b"event: changed\ndata: {}\n\n", b"event: resync\ndata: {}\n\n", b": \n\n"

log = structlog.get_logger()
_STATE = text("""
    SELECT feed_counter.position, city_state.epoch, city_state.ground_serial, city_state.scope_serial
    FROM feed_counter, city_state
""")
_TOUCHED = text("""
    SELECT listened.channel FROM unnest(CAST(:channels AS bigint[])) AS listened (channel)
    WHERE EXISTS (SELECT FROM feed WHERE feed.channel = listened.channel AND position > :after AND position <= :head)
""")


@dataclass(eq=False, slots=True)
class Listener:
    """One phone's connection and the channels that it listens to."""

    connection: socket.socket
    channels: frozenset[int]


@dataclass(frozen=True, slots=True)
class _State:
    position: int
    epoch: uuid.UUID
    serials: tuple[int, int]


@dataclass(eq=False)
class Hub:
    """Holds the listeners of one process and tells them when one of their channels was touched."""

    engine: Engine
    _listeners: dict[int, Listener] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _awake: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def add(self, listener: Listener) -> bool:
        """Take over a connection; return whether there was room for it."""
        with self._lock:
            if len(self._listeners) >= MAX_LISTENERS:
                return False
            self._listeners[listener.connection.fileno()] = listener
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="events", daemon=True)
                self._thread.start()
        self._awake.set()
        return True

    def _run(self) -> None:
        known: _State | None = None
        beaten = time.monotonic()
        while True:
            if not self._listeners:
                self._awake.clear()
                known = None
                self._awake.wait()
            try:
                known = self._tell(known)
            except SQLAlchemyError as error:
                log.warning("events: the database is away", error=str(error))
            if time.monotonic() - beaten > HEARTBEAT_S:
                beaten = time.monotonic()
                self._send(list(self._listeners.values()), _BEAT)
            self._drop_closed(TICK_S)

    def _tell(self, known: _State | None) -> _State:
        with self.engine.connect() as connection:
            position, epoch, *serials = connection.execute(_STATE).one()
            state = _State(position, epoch, (serials[0], serials[1]))
            if known is None or state == known:
                return state
            listeners = list(self._listeners.values())
            if state.epoch != known.epoch:
                self._send(listeners, _RESYNC)
            elif state.serials != known.serials:
                self._send(listeners, _CHANGED)
            else:
                channels = sorted({channel for each in listeners for channel in each.channels})
                wanted = {"channels": channels, "after": known.position, "head": state.position}
                touched = {row[0] for row in connection.execute(_TOUCHED, wanted)}
                self._send([each for each in listeners if not touched.isdisjoint(each.channels)], _CHANGED)
        return state

    def _send(self, listeners: list[Listener], message: bytes) -> None:
        for listener in listeners:
            try:
                listener.connection.send(message)
            except BlockingIOError:
                continue  # it reads too slowly, and another hint is on its way
            except OSError:
                self._forget(listener)

    def _drop_closed(self, patience_s: float) -> None:
        """Wait a tick, and forget the connections that their phones closed meanwhile."""
        with selectors.DefaultSelector() as waiting:
            for listener in list(self._listeners.values()):
                waiting.register(listener.connection, selectors.EVENT_READ, listener)
            until = time.monotonic() + patience_s
            for key, _ in waiting.select(patience_s):
                with contextlib.suppress(BlockingIOError):
                    if not _still_open(key.data.connection):
                        self._forget(key.data)
            time.sleep(max(0.0, until - time.monotonic()))

    def _forget(self, listener: Listener) -> None:
        with self._lock:
            self._listeners.pop(listener.connection.fileno(), None)
        listener.connection.close()


def _still_open(connection: socket.socket) -> bool:
    try:
        return connection.recv(4096) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


@blueprint.get("/events")
@device_required()
@blueprint.doc(security=[{"device": []}])
@blueprint.response(
    200, {"type": "string"}, content_type="text/event-stream", description="event: changed, event: resync"
)
def events() -> Response:
    """Listen for hints; reconnect when the connection ends."""
    device, now = calling_device(), dt.datetime.now(dt.UTC)
    with transaction() as tx:
        ground = ground_now(tx.session, device.ground_serial)
        scope = current_scope(tx.session, device, ground, now)
    channels = {feed.grid_channel(grid) for grid in scope.grid_ids}
    channels |= {feed.person_channel(device.person_id), feed.device_channel(device.id)}
    hello = f"retry: {RETRY_MS}\n\n".encode()
    held = request.environ.get("gunicorn.socket")
    if held is None:
        # A server whose sockets cannot be taken: the phone asks again after the time given.
        return Response(hello, content_type="text/event-stream")
    connection = _take_over(held)
    connection.send(_HEAD + hello)
    if not _hub().add(Listener(connection, frozenset(channels))):
        connection.close()
    return Response(status=204)


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
        hubs[pid] = Hub(db.engine)
    return hubs[pid]
