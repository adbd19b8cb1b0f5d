"""The connections that hints are sent on: any number of them, of phones and of open maps, on one thread a process.

Owns the sockets that were taken over, and who is told what when. A hint carries no data: whoever hears one asks. The
thread looks at the city's serials four times a second, so that a redraw is known at once, and at the feed once a
second; only while somebody listens. PostgreSQL may go away and come back: what changed meanwhile is told then.

A stream is begun by the thread, after a look: what changed before it, its listener finds by asking when the stream is
open; what changes later is told. Every hint has an id that says up to where its listener was told; who names the last
one heard is hinted at once where anything changed since, so a hint that a break swallowed is made up. Knows no request,
no route and no record.
"""

import re
import resource
import selectors
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

TICK_S = 0.25
FEED_S = 1.0
HEARTBEAT_S = 20.0
MAX_LISTENERS = 20_000
# One caller, over all its tabs: the oldest of its streams gives way, as that of a phone that lost its network.
MAX_OF_CALLER = 8
# An office behind one address.
MAX_OF_ADDRESS = 4_000
# Files that the process needs besides: connections to PostgreSQL and Redis, requests under way, the store.
FILES_KEPT = 512
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
    b"X-Accel-Buffering: no\r\nConnection: close\r\n"
)
_ID = re.compile(r"([0-9a-f]{32})\.(\d{1,18})\.(\d{1,18})\.(\d{1,18})", re.ASCII)

log = structlog.get_logger()
_STATE = text("""
    SELECT feed_counter.position, city_state.epoch, city_state.ground_serial, city_state.scope_serial
    FROM feed_counter, city_state
""")
_TOUCHED = text("""
    SELECT listened.channel FROM unnest(CAST(:channels AS bigint[])) AS listened (channel)
    WHERE EXISTS (SELECT FROM feed WHERE feed.channel = listened.channel AND position > :after AND position <= :head)
""")


def event(name: str) -> bytes:
    """Return a server-sent event that says no more than its name."""
    return f"event: {name}\ndata: {{}}\n\n".encode()


InForce = Callable[[Connection, Collection[Any]], Collection[Any]]


@dataclass(frozen=True, eq=False, slots=True)
class Audience:
    """Listeners of one sort, and what they are told, as it goes over the wire; nothing where it is empty.

    ``hello`` begins the stream, ``beat`` says that it lives; the rest is told when another edition is in force, when
    somebody's assignments changed, when a restore began a new life of the city, and when a channel was touched.
    ``in_force``: which of the rights that listeners showed still hold, looked at every ``proved_s`` seconds; the stream
    of any other ends, and its caller may ask for a new one.
    """

    hello: bytes
    beat: bytes
    ground: bytes
    scope: bytes
    epoch: bytes
    touched: bytes
    in_force: InForce
    proved_s: float


@dataclass(frozen=True, eq=False, slots=True)
class Listener:
    """One connection, the right that it was given by, and the channels of the feed that it listens to.

    ``heard``: the id of the last hint that its caller heard on a stream before, empty where it heard none.
    ``headers``: what its answer's head carries besides, by name. ``caller``: whose it is, a device or a session.
    """

    connection: socket.socket
    audience: Audience
    right: Hashable
    channels: frozenset[int] = frozenset()
    heard: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    caller: Hashable = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class _State:
    position: int
    epoch: uuid.UUID
    ground: int
    scope: int


@dataclass(eq=False)
class Hub:
    """Holds the listeners of one process and tells them what they listen for. ``engine``: in autocommit."""

    engine: Engine
    _listeners: dict[int, Listener] = field(default_factory=dict)
    _arriving: list[Listener] = field(default_factory=list)
    _of_caller: dict[Hashable, list[Listener]] = field(default_factory=dict)
    _of_address: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _awake: threading.Event = field(default_factory=threading.Event)
    _closing: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _thread: threading.Thread | None = None
    _known: _State | None = None
    _told: int = 0
    _fed_at: float = 0.0
    _proved_at: dict[Audience, float] = field(default_factory=dict)
    _beaten_at: float = 0.0
    _is_away: bool = False

    def has_room_for(self, address: str) -> bool:
        """Whether another listener may come from an address: neither it nor all together may take every file."""
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        most = min(MAX_LISTENERS, max(0, files - FILES_KEPT))
        everybody = len(self._listeners) + len(self._arriving)
        return everybody < most and self._of_address[address] < MAX_OF_ADDRESS

    def add(self, listener: Listener) -> None:
        """Take over a connection, on which nothing was answered yet. Its socket does not block."""
        with self._lock:
            if listener.caller is not None:
                mine = [each for each in self._arriving if each.caller == listener.caller]
                if len(mine) >= MAX_OF_CALLER:
                    self._arriving.remove(mine[0])
                    self._of_address[mine[0].address] -= 1
                    mine[0].connection.close()
            self._of_address[listener.address] += 1
            self._arriving.append(listener)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="events", daemon=True)
                self._thread.start()
        self._awake.set()

    def _run(self) -> None:
        while True:
            self._rest()
            self._turn(time.monotonic())
            self._drop_closed(TICK_S)

    def _rest(self) -> None:
        """Wait until somebody listens. What was known by then is too old to be compared with."""
        self._awake.clear()
        if not self._listeners and not self._arriving:
            self._known = None
            self._awake.wait()

    def _turn(self, moment: float) -> None:
        try:
            with self.engine.connect() as connection:
                self._tell(connection, moment)
                self._part_with_ended(connection, moment)
        except SQLAlchemyError as error:
            if not self._is_away:
                log.warning("events: the database is away", error=str(error))
            self._is_away = True
        else:
            self._is_away = False
            self._welcome()
        if moment - self._beaten_at > HEARTBEAT_S:
            self._beaten_at = moment
            for listener in list(self._listeners.values()):
                self._send(listener, listener.audience.beat)

    def _tell(self, connection: Connection, moment: float) -> None:
        state = _State(*connection.execute(_STATE).one())
        known, self._known = self._known, state
        listeners = list(self._listeners.values())
        # Also where positions begin anew: a hint's id must not name one that is still to come.
        if known is None or state.epoch != known.epoch or state.position < self._told:
            self._told = state.position
        if known is None:
            return
        for listener in listeners:
            told = listener.audience
            if state.epoch != known.epoch:
                self._send(listener, told.epoch)
            elif state.ground != known.ground:
                self._send(listener, told.ground)
            elif state.scope != known.scope:
                self._send(listener, told.scope)
        if state.position != self._told and moment - self._fed_at > FEED_S:
            self._tell_touched(connection, listeners, state.position)
            self._fed_at = moment

    def _tell_touched(self, connection: Connection, listeners: list[Listener], head: int) -> None:
        channels = sorted({channel for each in listeners for channel in each.channels})
        if channels:
            wanted = {"channels": channels, "after": self._told, "head": head}
            touched = {row[0] for row in connection.execute(_TOUCHED, wanted)}
            self._told = head
            for each in listeners:
                if not touched.isdisjoint(each.channels):
                    self._send(each, each.audience.touched)
        self._told = head

    def _part_with_ended(self, connection: Connection, moment: float) -> None:
        """End the streams of those whose right to listen holds no more."""
        listeners = list(self._listeners.values())
        for audience in {each.audience for each in listeners}:
            if moment - self._proved_at.get(audience, 0.0) > audience.proved_s:
                self._proved_at[audience] = moment
                mine = [each for each in listeners if each.audience is audience]
                good = audience.in_force(connection, {each.right for each in mine})
                for each in mine:
                    if each.right not in good and each.connection.fileno() >= 0:
                        self._forget(each)

    def _welcome(self) -> None:
        with self._lock:
            arrived, self._arriving = self._arriving, []
        for listener in arrived:
            self._give_way(listener)
            self._listeners[listener.connection.fileno()] = listener
            self._closing.register(listener.connection, selectors.EVENT_READ, listener)
            more = "".join(f"{name}: {value}\r\n" for name, value in listener.headers.items()).encode("latin-1")
            hello = self._marked(listener.audience.hello) + self._marked(self._missed(listener))
            self._send_whole(listener, _HEAD + more + b"\r\n" + hello)

    def _missed(self, listener: Listener) -> bytes:
        """Return the hint that makes up for those that a break may have swallowed; nothing where none was."""
        state, audience = self._known, listener.audience
        if not listener.heard or state is None:
            return b""
        heard = _ID.fullmatch(listener.heard)
        if heard is None or heard[1] != state.epoch.hex:
            return audience.epoch
        ground, scope, position = (int(each) for each in heard.groups()[1:])
        missed = ((ground != state.ground, audience.ground), (scope != state.scope, audience.scope))
        return next(
            (hint for is_missed, hint in (*missed, (position < self._told, audience.touched)) if is_missed and hint),
            b"",
        )

    def _marked(self, message: bytes) -> bytes:
        """Return a message under the id of what is told by now; comments and nothing stay as they are."""
        state = self._known
        if state is None or not message or message.startswith(b":"):
            return message
        return f"id: {state.epoch.hex}.{state.ground}.{state.scope}.{self._told}\n".encode() + message

    def _give_way(self, listener: Listener) -> None:
        """Count a listener to its caller's, of which the oldest ends where there are too many."""
        if listener.caller is None:
            return
        mine = self._of_caller.get(listener.caller, [])
        if len(mine) >= MAX_OF_CALLER:
            self._forget(mine[0])
        self._of_caller.setdefault(listener.caller, []).append(listener)

    def _send(self, listener: Listener, message: bytes) -> None:
        self._send_whole(listener, self._marked(message))

    def _send_whole(self, listener: Listener, message: bytes) -> None:
        if not message or listener.connection.fileno() < 0:
            return
        try:
            is_sent = listener.connection.send(message) == len(message)
        except OSError:
            is_sent = False
        if not is_sent:
            # It went away, or does not read: it listens anew when it can, and asks then.
            self._forget(listener)

    def _drop_closed(self, patience_s: float) -> None:
        """Wait a tick, and forget the connections that their callers closed meanwhile."""
        until = time.monotonic() + patience_s
        for key, _ in self._closing.select(patience_s):
            if not _is_open(key.data.connection):
                self._forget(key.data)
        time.sleep(max(0.0, until - time.monotonic()))

    def _forget(self, listener: Listener) -> None:
        self._closing.unregister(listener.connection)
        del self._listeners[listener.connection.fileno()]
        if mine := self._of_caller.get(listener.caller):
            mine.remove(listener)
            if not mine:
                del self._of_caller[listener.caller]
        with self._lock:
            self._of_address[listener.address] -= 1
            if self._of_address[listener.address] <= 0:
                del self._of_address[listener.address]
        listener.connection.close()


def _is_open(connection: socket.socket) -> bool:
    try:
        return connection.recv(4096) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
