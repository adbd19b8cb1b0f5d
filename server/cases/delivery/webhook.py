"""One webhook by Standard Webhooks: signed, sent once, its answer told. No database.

Owns the signature, the connection to an address that was checked, and the limits of patience: one deadline for all of
an attempt, however the other side spreads its bytes. Must not know cases or retries. Redirects are refused: the
address was checked, and where it points to was not. Proxies of the environment are passed by: they would do the
looking up. What the other side says is shown as short plain text.
"""

import base64
import contextlib
import re
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse

import certifi
from standardwebhooks import Webhook

from server.cases.delivery.destinations import AddressRefused, Destination, Guard, read_url, resolve
from server.cases.errors import InvalidEndpoint

GONE = 410
_SECRET_BYTES = range(24, 65)
_OK = range(200, 300)
_REDIRECT = range(300, 400)
_LONGEST_REST = timedelta(hours=6)
_SECONDS = re.compile(r"[0-9]+")
_EXCERPT_BYTES = 1000
_ERROR_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Letter:
    """One message, ready to be signed and sent. ``id`` is the same at every attempt; ``body`` is UTF-8 JSON.

    ``secrets``: the one in use, then those that it took the place of a little while ago.
    """

    id: uuid.UUID
    url: str
    secrets: tuple[str, ...] = field(repr=False)
    body: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt. ``error`` is None if and only if it was delivered; ``rest``: as the body asked.

    ``excerpt``: how a body began what it said beside its status, as plain text.
    """

    status_code: int | None = None
    error: str | None = None
    rest: timedelta | None = None
    excerpt: str = ""


def check_secret(secret: str) -> None:
    """Raise ``InvalidEndpoint`` unless it is ``whsec_`` and 24 to 64 bytes in base64, as Standard Webhooks has it."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith("whsec_") or len(key) not in _SECRET_BYTES:
        raise InvalidEndpoint("secret", "not-a-secret")


def send(letter: Letter, guard: Guard, now: datetime) -> Answer:
    """Send a letter once and return what came of it; never raises for what the other side does.

    The address is looked up and checked anew, and the connection goes to the very address that was checked, so a
    name cannot point elsewhere a moment later. ``now`` (aware) goes into the signature.
    """
    began = time.monotonic()
    try:
        destination = read_url(letter.url)
        addresses = resolve(destination, guard)
    except InvalidEndpoint as error:
        return Answer(error=f"url {error.reason}")
    except AddressRefused as refused:
        return Answer(error=f"address refused: {refused}")
    except OSError as error:
        return Answer(error=_told(error))
    with _deadline(guard.patience_s - (time.monotonic() - began)) as deadline:
        try:
            return _post(destination, addresses, letter, deadline, now)
        except (HTTPException, OSError, ValueError) as error:
            # Whatever a cut connection looks like from inside, the reason is ours.
            cut = deadline.is_over or isinstance(error, TimeoutError)
            return Answer(error=f"no answer within {guard.patience_s:g} s" if cut else _told(error))


def headers(letter: Letter, now: datetime) -> Mapping[str, str]:
    """Return the headers of an attempt at ``now`` (aware): type, id, time and signatures."""
    # The library takes the wall time of the datetime for UTC, whatever its zone.
    moment = now.astimezone(UTC)
    # Standard Webhooks: a signature for each secret, with spaces between; one that holds is enough.
    signatures = [Webhook(each).sign(str(letter.id), moment, letter.body) for each in letter.secrets]
    return {
        "Content-Type": "application/json",
        "User-Agent": "GridPatrol-Webhooks/1",
        "webhook-id": str(letter.id),
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def plain(said: str, most: int) -> str:
    """Return what a stranger said as text of one line: what is invisible or turns the line around becomes a dot."""
    return "".join(each if each.isprintable() else "·" for each in said[:most])


class _Deadline:
    """Ends an attempt in time: a body that answers one byte at a time never exceeds the patience of a single read."""

    def __init__(self, patience_s: float) -> None:
        self._ends = time.monotonic() + patience_s
        self._lock = threading.Lock()
        self._watched: socket.socket | None = None
        self.is_over = False

    def left_s(self) -> float:
        """Return the seconds that are left. Raises ``TimeoutError`` when there are none."""
        left = self._ends - time.monotonic()
        if self.is_over or left <= 0:
            raise TimeoutError
        return left

    def watch(self, connected: socket.socket) -> None:
        """Cut this connection when the time is over, also where it is over already."""
        with self._lock:
            self._watched = connected
            if self.is_over:
                _cut(connected)

    def end(self) -> None:
        """Cut what is watched now, and whatever will be."""
        with self._lock:
            self.is_over = True
            if self._watched is not None:
                _cut(self._watched)


@contextlib.contextmanager
def _deadline(patience_s: float) -> Iterator[_Deadline]:
    deadline = _Deadline(patience_s)
    timer = threading.Timer(patience_s, deadline.end)
    timer.daemon = True
    timer.start()
    try:
        yield deadline
    finally:
        timer.cancel()


def _cut(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # Not by the method of a TLS socket: that one would go on in the clear.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _post(
    destination: Destination, addresses: Sequence[str], letter: Letter, deadline: _Deadline, now: datetime
) -> Answer:
    with contextlib.ExitStack() as held:
        connected = held.enter_context(_connect(addresses, destination.port, deadline))
        if destination.secure:
            connected = held.enter_context(
                _trust().wrap_socket(connected, server_hostname=destination.host, do_handshake_on_connect=False)
            )
            deadline.watch(connected)
            connected.do_handshake()
        connection = held.enter_context(contextlib.closing(HTTPConnection(destination.host, destination.port)))
        connection.sock = connected
        connection.request(
            "POST",
            destination.target,
            body=letter.body.encode(),
            headers={"Host": destination.authority, "Connection": "close", **headers(letter, now)},
        )
        response = held.enter_context(contextlib.closing(connection.getresponse()))
        # Headers that were cut off look like headers that are at their end.
        deadline.left_s()
        return _answer(response, now)


def _connect(addresses: Sequence[str], port: int, deadline: _Deadline) -> socket.socket:
    """Return a connection to the first of the addresses that takes one."""
    trouble: OSError | None = None
    for address in addresses:
        try:
            connected = socket.create_connection((address, port), timeout=deadline.left_s())
        except OSError as error:
            trouble = error
            continue
        deadline.watch(connected)
        return connected
    raise trouble or OSError("the host has no address")


@cache
def _trust() -> ssl.SSLContext:
    """Trust what the machine trusts (a city's own authority), and the public authorities."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _answer(response: HTTPResponse, now: datetime) -> Answer:
    status = response.status
    if status in _OK:
        return Answer(status)
    excerpt = _excerpt(response)
    if status in _REDIRECT:
        return Answer(status, f"HTTP {status}: redirects are not followed", excerpt=excerpt)
    return Answer(status, f"HTTP {status}", _rest(response.headers, now), excerpt)


def _excerpt(response: HTTPResponse) -> str:
    """Return how an answer begins. No more of it is read, however much there is."""
    try:
        return plain(response.read1(_EXCERPT_BYTES).decode(errors="replace"), _EXCERPT_BYTES)
    except (HTTPException, OSError, ValueError):
        return ""


def _rest(said: Message, now: datetime) -> timedelta | None:
    """Return for how long the body asks to be left alone (RFC 9110 10.2.3), None where it does not.

    A time of day is counted from the time that the body itself has, where it tells it.
    """
    asked = said.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(asked):
        # More digits than these are years anyway.
        rest = timedelta(seconds=int(asked[:9]))
    else:
        until = _moment(asked)
        rest = timedelta() if until is None else until - (_moment(said.get("Date", "")) or now)
    return min(rest, _LONGEST_REST) if rest > timedelta() else None


def _moment(said: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(said)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _told(error: Exception) -> str:
    """Return an error as text that may be kept and shown; part of it may be what the other side sent."""
    return plain(f"{type(error).__name__}: {error}", _ERROR_CHARACTERS)
