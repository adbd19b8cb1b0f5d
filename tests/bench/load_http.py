"""A load generator that costs little: requests encoded beforehand, raw sockets that stay open, one thread."""

import datetime as dt
import selectors
import socket
import time
from collections.abc import Callable, Sequence

from tests.bench.batches import Device, batch_of

# More than any round needs; what is left over is thrown away.
_MOST_RECORDS_PER_S = 40_000


def push(
    address: tuple[str, int], devices: Sequence[Device], seconds: float, batch: int, begin: Callable[[], object]
) -> tuple[int, float, list[float], list[int]]:
    """Push from all devices at once, one batch in flight each, for so many seconds from `begin` on.

    Returns records, seconds, the milliseconds of each push, and the last number of each device.
    """
    each = int(seconds * _MOST_RECORDS_PER_S / batch / len(devices)) + 1
    now = dt.datetime.now(dt.UTC)
    lanes = [_Lane(address, device, [batch_of(device, batch, now) for _ in range(each)], batch) for device in devices]
    selector = selectors.DefaultSelector()
    begin()
    began = time.perf_counter()
    for lane in lanes:
        selector.register(lane.socket, selectors.EVENT_READ, lane)
        lane.send()
    left = len(lanes)
    while left:
        for key, _ in selector.select():
            lane = key.data
            if not lane.receive():
                continue
            if time.perf_counter() - began < seconds and lane.bodies:
                lane.send()
            else:
                selector.unregister(lane.socket)
                lane.socket.close()
                left -= 1
    took = time.perf_counter() - began
    pushes = [ms for lane in lanes for ms in lane.took_ms]
    return len(pushes) * batch, took, pushes, [lane.device.seq - len(lane.bodies) * batch for lane in lanes]


class _Lane:
    """One connection of one device."""

    def __init__(self, address: tuple[str, int], device: Device, bodies: list[bytes], batch: int) -> None:
        self.device = device
        self._batch = batch
        self.bodies = bodies[::-1]
        self.took_ms: list[float] = []
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = (
            f"POST /v1/sync/push HTTP/1.1\r\nHost: {address[0]}\r\nAuthorization: Bearer {device.token}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()
        self._sent = 0.0
        self._got = b""
        self._missing = -1

    def send(self) -> None:
        body = self.bodies.pop()
        self._got, self._missing = b"", -1
        self._sent = time.perf_counter()
        self.socket.sendall(self._head + str(len(body)).encode() + b"\r\n\r\n" + body)

    def receive(self) -> bool:
        """Take what has come; True when the answer is whole. Raises for an answer that is not a good one."""
        part = self.socket.recv(262144)
        if not part:
            raise RuntimeError("the server hung up")
        if self._missing < 0:
            self._got += part
            head, found, rest = self._got.partition(b"\r\n\r\n")
            if not found:
                return False
            self._missing = _length(head) - len(rest)
        else:
            self._got += part
            self._missing -= len(part)
        if self._missing > 0:
            return False
        self.took_ms.append((time.perf_counter() - self._sent) * 1000)
        if self._got.count(b'"status":"applied"') != self._batch:
            raise RuntimeError(self._got[-600:].decode())
        return True


def _length(head: bytes) -> int:
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode("latin-1"))
    name = b"content-length:"
    line = next(line for line in head.split(b"\r\n") if line.lower().startswith(name))
    return int(line[len(name) :])
