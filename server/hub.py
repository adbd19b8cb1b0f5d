"""The connections that hints are sent on: any number of them, of phones and of open maps, on one thread a process.

Owns the sockets that were taken over, and who is told what when. A hint carries no data: whoever hears one asks. The
thread looks at the city's serials four times a second, so that a redraw is known at once, and at the feed once a
second; only while somebody listens. PostgreSQL may go away and come back: what changed meanwhile is told then.

A stream is begun by the thread, after a look: what changed before it, its listener finds by asking when the stream is
open; what changes later is told. Knows no request, no route and no record.
"""

import datetime as dt
import selectors
import socket
import threading
import time
import uuid
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from server.accounts.signin import sessions_in_force

TICK_S = 0.25
FEED_S = 1.0
RIGHTS_S = 3.0
HEARTBEAT_S = 20.0
MAX_LISTENERS = 20_000
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
    b"X-Accel-Buffering: no\r\nConnection: close\r\n\r\n"
)

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


@dataclass(frozen=True, slots=True)
class Words:
    """What listeners of one sort are told, as it goes over the wire; nothing where it is empty.

    ``hello`` begins the stream, ``beat`` says that it lives; the rest is told when another edition is in force, when
    somebody's assignments changed, when a restore began a new life of the city, and when a channel was touched.
    """

    hello: bytes
    beat: bytes
    ground: bytes
    scope: bytes
    epoch: bytes
    touched: bytes


@dataclass(frozen=True, eq=False, slots=True)
class Listener:
    """One connection, the channels of the feed that it listens to, and the staff session that it ends with, if any."""

    connection: socket.socket
    words: Words
    channels: frozenset[int] = frozenset()
    session: bytes | None = None


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
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _awake: threading.Event = field(default_factory=threading.Event)
    _closing: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _thread: threading.Thread | None = None
    _known: _State | None = None
    _told: int = 0
    _fed_at: float = 0.0
    _proved_at: float = 0.0
    _beaten_at: float = 0.0
    _is_away: bool = False

    @property
    def has_room(self) -> bool:
        """Whether another listener may come."""
        return len(self._listeners) + len(self._arriving) < MAX_LISTENERS

    def add(self, listener: Listener) -> None:
        """Take over a connection, on which nothing was answered yet. Its socket does not block."""
        with self._lock:
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
                if moment - self._proved_at > RIGHTS_S:
                    self._proved_at = moment
                    self._part_with_ended(connection)
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
                self._send(listener, listener.words.beat)

    def _tell(self, connection: Connection, moment: float) -> None:
        state = _State(*connection.execute(_STATE).one())
        known, self._known = self._known, state
        listeners = list(self._listeners.values())
        if known is None or state.epoch != known.epoch:
            self._told = state.position
        if known is None:
            return
        for listener in listeners:
            words = listener.words
            if state.epoch != known.epoch:
                self._send(listener, words.epoch)
            elif state.ground != known.ground:
                self._send(listener, words.ground)
            elif state.scope != known.scope:
                self._send(listener, words.scope)
        if state.position != self._told and moment - self._fed_at > FEED_S:
            self._tell_touched(connection, listeners, state.position)
            self._fed_at = moment

    def _tell_touched(self, connection: Connection, listeners: list[Listener], head: int) -> None:
        channels = sorted({channel for each in listeners for channel in each.channels})
        if channels:
            wanted = {"channels": channels, "after": self._told, "head": head}
            touched = {row[0] for row in connection.execute(_TOUCHED, wanted)}
            for each in listeners:
                if not touched.isdisjoint(each.channels):
                    self._send(each, each.words.touched)
        self._told = head

    def _part_with_ended(self, connection: Connection) -> None:
        """End the streams of staff who signed out, whose session ended, or who may not sign in any more."""
        shown = {each.session for each in self._listeners.values() if each.session is not None}
        if not shown:
            return
        good = sessions_in_force(connection, shown, now=dt.datetime.now(dt.UTC))
        for each in list(self._listeners.values()):
            if each.session is not None and each.session not in good:
                self._forget(each)

    def _welcome(self) -> None:
        with self._lock:
            arrived, self._arriving = self._arriving, []
        for listener in arrived:
            self._listeners[listener.connection.fileno()] = listener
            self._closing.register(listener.connection, selectors.EVENT_READ, listener)
            self._send(listener, _HEAD + listener.words.hello)

    def _send(self, listener: Listener, message: bytes) -> None:
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
        listener.connection.close()


def _is_open(connection: socket.socket) -> bool:
    try:
        return connection.recv(4096) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
