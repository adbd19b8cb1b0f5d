"""One webhook by Standard Webhooks: signed, sent once, its answer told. No database.

Owns the signature, the guard against sending into places that no outside body lives at, and the limits of patience.
Must not know cases or retries. Redirects are refused: the address was checked, and where it points to was not.
"""

import base64
import contextlib
import ipaddress
import socket
import ssl
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.client import HTTPException
from urllib.parse import SplitResult, urlsplit

import certifi
from standardwebhooks import Webhook
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from server.cases.errors import InvalidEndpoint

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

GONE = 410
_SECRET_BYTES = range(24, 65)
_OK = range(200, 300)
_REDIRECT = range(300, 400)
_BUSY = frozenset({429, 503})
_LONGEST_REST = timedelta(hours=6)
_PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Guard:
    """Where webhooks may go beside the public internet. ``patience_s`` bounds one attempt from connect to answer."""

    allow_loopback: bool = False
    allow_private: bool = False
    patience_s: float = 10.0


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
    """What came of one attempt. ``error`` is None if and only if it was delivered; ``rest``: as the body asked."""

    status_code: int | None = None
    error: str | None = None
    rest: timedelta | None = None


class _Refused(Exception):
    """The guard refuses an address."""


def check_url(url: str, guard: Guard) -> None:
    """Raise ``InvalidEndpoint`` unless webhooks may be sent to this address. Looks the host up once."""
    parts = _parts(url)
    try:
        _addresses(parts, guard)
    except _Refused:
        raise InvalidEndpoint("url", "address-refused") from None
    except OSError:
        raise InvalidEndpoint("url", "not-found") from None


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
    try:
        parts = _parts(letter.url)
        address = _addresses(parts, guard)[0]
        return _post(parts, address, letter, guard, now)
    except InvalidEndpoint as error:
        return Answer(error=f"url {error.reason}")
    except _Refused as refused:
        return Answer(error=f"address refused: {refused}")
    except (HTTPError, HTTPException, OSError, ValueError) as error:
        return Answer(error=f"{type(error).__name__}: {error}"[:500])


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


def _parts(url: str) -> SplitResult:
    """Return the parts of an address. Raises ``InvalidEndpoint`` for what is no plain http or https address."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise InvalidEndpoint("url", "not-a-url") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidEndpoint("url", "not-a-url")
    if parts.username is not None or parts.password is not None:
        raise InvalidEndpoint("url", "has-credentials")
    if parts.fragment:
        raise InvalidEndpoint("url", "has-fragment")
    return parts


def _addresses(parts: SplitResult, guard: Guard) -> list[str]:
    """Return the addresses of a host, all of them allowed. Plain http is only for this machine itself."""
    found = socket.getaddrinfo(parts.hostname, _port(parts), type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(each[4][0]).split("%", 1)[0]) for each in found]
    for address in addresses:
        if not _is_allowed(address, guard):
            raise _Refused(str(address))
        if parts.scheme == "http" and not address.is_loopback:
            raise InvalidEndpoint("url", "not-https")
    return [str(address) for address in addresses]


def _is_allowed(address: Address, guard: Guard) -> bool:
    inner = _embedded(address)
    if inner is not None:
        return _is_allowed(inner, guard)
    if address.is_loopback:
        return guard.allow_loopback
    if any(address in network for network in _PRIVATE if network.version == address.version):
        return guard.allow_private
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to, where it is of a kind that does."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _post(parts: SplitResult, address: str, letter: Letter, guard: Guard, now: datetime) -> Answer:
    connection = _connection(parts, address, guard)
    # A body that answers one byte at a time never exceeds the patience of a single read.
    was_cut = threading.Event()
    timer = threading.Timer(guard.patience_s, _cut, (connection, was_cut))
    timer.daemon = True
    timer.start()
    try:
        connection.request(
            "POST",
            parts._replace(scheme="", netloc="").geturl() or "/",
            body=letter.body.encode(),
            headers={"Host": parts.netloc, "Connection": "close", **headers(letter, now)},
        )
        answer = connection.getresponse()
        if was_cut.is_set():
            return Answer(error=f"no whole answer within {guard.patience_s:g} s")
        return _answer(answer.status, answer.headers.get("Retry-After"))
    finally:
        timer.cancel()
        connection.close()


def _connection(parts: SplitResult, address: str, guard: Guard) -> HTTPConnection:
    if parts.scheme == "http":
        return HTTPConnection(address, _port(parts), timeout=guard.patience_s)
    return HTTPSConnection(
        address,
        _port(parts),
        timeout=guard.patience_s,
        ssl_context=_trust(),
        server_hostname=parts.hostname,
        assert_hostname=parts.hostname,
    )


@cache
def _trust() -> ssl.SSLContext:
    """Trust what the machine trusts (a city's own authority), and the public authorities."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _cut(connection: HTTPConnection, was_cut: threading.Event) -> None:
    was_cut.set()
    with contextlib.suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def _answer(status: int, retry_after: str | None) -> Answer:
    if status in _OK:
        return Answer(status)
    if status in _REDIRECT:
        return Answer(status, f"{status}: redirects are not followed")
    rest = None
    if status in _BUSY and retry_after is not None and retry_after.isdecimal():
        rest = min(timedelta(seconds=int(retry_after[:9])), _LONGEST_REST)
    return Answer(status, f"HTTP {status}", rest)
