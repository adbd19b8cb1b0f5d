"""Where webhooks may go: to bodies on the public internet, by https, on the ports of the city; refused is all else.

Owns the reading of an address (one reading for saving and for sending) and the list of what may be connected to. The
list speaks of the addresses that a name resolves to, never of the name, and whoever sends connects to an address that
was found here, so that a name cannot lead elsewhere a moment later. Knows no database and sends nothing.

Sources: IANA's IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890) and RFC 4291 (2000::/3 is all unicast that
is given out). IPv6 addresses that stand for IPv4 ones (mapped, NAT64, 6to4, Teredo) are refused whatever they hold.
"""

import ipaddress
import queue
import re
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from server.cases.errors import InvalidEndpoint

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

HTTPS_PORT = 443
_HTTP_PORT = 80
_PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
_GIVEN_OUT = ipaddress.IPv6Network("2000::/3")
# Of the addresses that are left, those of a special purpose: this network, shared space of carriers, link-local,
# protocols, documentation, AS 112, multicast relays, 6to4 relays and addresses, benchmarks, multicast, reserved.
_SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24",
            "192.52.193.0/24", "192.88.99.0/24", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
            "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
        ),
    )
)  # fmt: skip
# RFC 1123 2.1, and the underscore that names of machines have in practice.
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# What a resolver may take for a number: 2130706433, 0x7f.1, 0177.0.0.1 (WHATWG URL, "ends in a number").
_NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")
_LONGEST_NAME = 253


@dataclass(frozen=True, slots=True)
class Guard:
    """Where webhooks may go beside the public internet, and on which ports (loopback: on any).

    ``patience_s`` bounds one attempt from looking the name up to the answer.
    """

    allow_loopback: bool = False
    allow_private: bool = False
    ports: frozenset[int] = frozenset({HTTPS_PORT})
    patience_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Destination:
    """An address that was read: ``host`` in ASCII without brackets, ``target`` the path and question, percent-coded."""

    secure: bool
    host: str
    port: int
    authority: str
    target: str


class AddressRefused(Exception):
    """A host has an address that webhooks may not go to."""


def read_url(url: str) -> Destination:
    """Return where an address points to. Raises ``InvalidEndpoint`` for what is no plain http or https address.

    A host is a name or an address in its one usual form; names in Chinese become their ASCII form (IDNA 2008).
    """
    parts = _parse(url)
    # As written: a parser may pass over an empty user, and turn %31 of a host into 1.
    authority = re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]
    if "@" in authority:
        raise InvalidEndpoint("url", "has-credentials")
    if "%" in authority:
        raise InvalidEndpoint("url", "not-a-host")
    if parts.fragment is not None:
        raise InvalidEndpoint("url", "has-fragment")
    if parts.scheme not in ("http", "https") or not parts.host:
        raise InvalidEndpoint("url", "not-a-url")
    if not _is_host(parts.host):
        raise InvalidEndpoint("url", "not-a-host")
    secure = parts.scheme == "https"
    port = parts.port if parts.port is not None else HTTPS_PORT if secure else _HTTP_PORT
    return Destination(secure, parts.host.strip("[]"), port, parts.netloc or parts.host, parts.request_uri)


def resolve(destination: Destination, guard: Guard) -> Sequence[str]:
    """Return the addresses of a host, all of them allowed. Asks the network: call it outside a transaction.

    Raises ``AddressRefused``, ``InvalidEndpoint`` for plain http to other machines and for other ports, and
    ``OSError`` where the name is not found, or not in time (``TimeoutError``).
    """
    found = [ipaddress.ip_address(each) for each in _look_up(destination, guard.patience_s)]
    for address in found:
        if not is_allowed(address, guard):
            raise AddressRefused(str(address))
        if address.is_loopback:
            continue
        if not destination.secure:
            raise InvalidEndpoint("url", "not-https")
        if destination.port not in guard.ports:
            raise InvalidEndpoint("url", "port-refused", takes=sorted(guard.ports))
    return [str(address) for address in found]


def check_url(url: str, guard: Guard) -> None:
    """Raise ``InvalidEndpoint`` unless webhooks may be sent to this address. Looks the host up once."""
    destination = read_url(url)
    try:
        resolve(destination, guard)
    except AddressRefused:
        raise InvalidEndpoint("url", "address-refused") from None
    except OSError:
        raise InvalidEndpoint("url", "not-found") from None


def is_allowed(address: Address, guard: Guard) -> bool:
    """Return whether webhooks may go to an address: globally reachable unicast, and what the guard allows beside it."""
    if address.is_loopback:
        return guard.allow_loopback
    if _in(address, _PRIVATE):
        return guard.allow_private
    return (address.version == 4 or address in _GIVEN_OUT) and not _in(address, _SPECIAL)  # noqa: PLR2004


def _in(address: Address, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    return any(address in network for network in networks)


def _parse(url: str) -> Url:
    # Readers of addresses differ in what they skip (tabs, line ends, blanks) and in what a backslash is.
    if "\\" in url or any(each.isspace() or not each.isprintable() for each in url):
        raise InvalidEndpoint("url", "not-a-url")
    try:
        return parse_url(url)
    except (LocationParseError, UnicodeError):
        raise InvalidEndpoint("url", "not-a-url") from None


def _is_host(host: str) -> bool:
    """Return whether a host is a name, an IPv4 address of four decimal parts, or an IPv6 address without a zone."""
    if host.startswith("["):
        return _is_address(host.strip("[]"))
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _is_address(host)
    return len(host) <= _LONGEST_NAME and all(_LABEL.fullmatch(label) for label in labels)


def _is_address(host: str) -> bool:
    try:
        return "%" not in host and bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def _look_up(destination: Destination, patience_s: float) -> list[str]:
    """Return the addresses of a host; the resolver of the system has no deadline of its own that could be set."""
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(destination.host, destination.port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(each[4][0]) for each in found)))
        except Exception as error:  # noqa: BLE001  # handed over to who waits
            answers.put(error)

    threading.Thread(target=ask, name="webhook-lookup", daemon=True).start()
    try:
        answer = answers.get(timeout=patience_s)
    except queue.Empty:
        raise TimeoutError(f"the name was not found within {patience_s:g} s") from None
    if isinstance(answer, OSError):
        raise answer
    if isinstance(answer, Exception):
        raise OSError(str(answer)) from answer
    return answer
