"""Load generators that cost little: requests encoded beforehand, raw sockets that stay open, one thread."""

import datetime as dt
import selectors
import socket
import time
from collections.abc import Callable, Iterator, Sequence

from tests.bench.batches import Device, batch_of

# More than any round needs; what is left over is thrown away.
_MOST_RECORDS_PER_S = 40_000
Begin = Callable[[], object]
# Host and port, or the path of a socket.
Address = tuple[str, int] | str


def push(
    address: Address, devices: Sequence[Device], seconds: float, batch: int, begin: Begin
) -> tuple[int, float, list[float], list[int]]:
    """Push from all devices at once, one batch in flight each, for so many seconds from `begin` on.

    Returns records, seconds, the milliseconds of each push, and the last number of each device.
    """
    each = int(seconds * _MOST_RECORDS_PER_S / batch / len(devices)) + 1
    now = dt.datetime.now(dt.UTC)
    bodies = [[push_request(device, batch_of(device, batch, now)) for _ in range(each)] for device in devices]
    lanes = [Lane(address, iter(mine), applied(batch)) for mine in bodies]
    begin()
    took = run(lanes, seconds)
    sent = [len(lane.took_ms) for lane in lanes]
    seqs = [device.seq - (each - count) * batch for device, count in zip(devices, sent, strict=True)]
    return sum(sent) * batch, took, [ms for lane in lanes for ms in lane.took_ms], seqs


def get(
    address: Address, requests: Sequence[bytes], seconds: float, wanted: bytes, begin: Begin
) -> tuple[int, float, list[float]]:
    """Ask each request again and again over a connection of its own; returns answers, seconds, milliseconds of each.

    ``wanted``: what every answer must hold.
    """
    lanes = [Lane(address, _again(request), lambda body: wanted in body) for request in requests]
    begin()
    took = run(lanes, seconds)
    return sum(len(lane.took_ms) for lane in lanes), took, [ms for lane in lanes for ms in lane.took_ms]


def _again(request: bytes) -> Iterator[bytes]:
    while True:
        yield request


def push_request(device: Device, body: bytes) -> bytes:
    """Return a whole request as it goes over the wire."""
    return (
        f"POST /v1/sync/push HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {device.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def get_request(path: str, token: str | None = None) -> bytes:
    """Return a whole request as it goes over the wire."""
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n{authorization}\r\n".encode()


def applied(batch: int) -> Callable[[bytes], bool]:
    """Return a judge of answers: every operation of the batch was applied."""
    return lambda body: body.count(b'"status":"applied"') == batch


def run(lanes: Sequence["Lane"], seconds: float) -> float:
    """Send over all lanes until the time is over or they have nothing more; returns the seconds it took."""
    selector = selectors.DefaultSelector()
    began = time.perf_counter()
    left = 0
    for lane in lanes:
        if lane.send():
            selector.register(lane.socket, selectors.EVENT_READ, lane)
            left += 1
    while left:
        for key, _ in selector.select():
            lane = key.data
            if not lane.receive():
                continue
            before = lane.socket
            more = time.perf_counter() - began < seconds and lane.send()
            if not more or lane.socket is not before:
                selector.unregister(before)
                before.close()
            if more and lane.socket is not before:
                selector.register(lane.socket, selectors.EVENT_READ, lane)
            left -= not more
    return time.perf_counter() - began


class Lane:
    """One caller with its requests, one in flight. ``anew``: each over a new connection, as from another phone."""

    def __init__(
        self, address: Address, requests: Iterator[bytes], good: Callable[[bytes], bool], *, anew: bool = False
    ) -> None:
        self._address = address
        self._requests = requests
        self._good = good
        self._anew = anew
        self.took_ms: list[float] = []
        self.socket = self._connect()
        self._sent = 0.0
        self._got = bytearray()
        self._whole = -1

    def _connect(self) -> socket.socket:
        if isinstance(self._address, str):
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(self._address)
            return connection
        connection = socket.create_connection(self._address)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def send(self) -> bool:
        """Send the next request; False when there is none."""
        request = next(self._requests, None)
        if request is None:
            return False
        self._got, self._whole = bytearray(), -1
        self._sent = time.perf_counter()
        if self._anew and self.took_ms:
            self.socket = self._connect()
        self.socket.sendall(request)
        return True

    def receive(self) -> bool:
        """Take what has come; True when the answer is whole. Raises for an answer that is not a good one."""
        part = self.socket.recv(262144)
        if not part:
            raise RuntimeError("the server hung up")
        self._got += part
        if self._whole < 0:
            end = self._got.find(b"\r\n\r\n")
            if end < 0:
                return False
            self._whole = end + 4 + length(bytes(self._got[:end]), bytes(self._got[end:]))
        if len(self._got) < self._whole:
            return False
        self.took_ms.append((time.perf_counter() - self._sent) * 1000)
        if not self._good(bytes(self._got)):
            raise RuntimeError(bytes(self._got[-600:]).decode())
        return True


def length(head: bytes, rest: bytes = b"") -> int:
    """Return how long the body of an answer is. Raises for an answer other than 200, with what has come of it."""
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError((head + rest[:600]).decode(errors="replace"))
    name = b"content-length:"
    line = next(line for line in head.split(b"\r\n") if line.lower().startswith(name))
    return int(line[len(name) :])
