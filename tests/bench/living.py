"""Phones that live: each over a connection of its own pushes what it captured, pulls what changed, and rests a while.

Owns what a phone holds and when it came or left; all times are seconds of this machine's clock. Knows no database.
"""

import asyncio
import datetime as dt
import json
import os
import time
from dataclasses import dataclass, field
from typing import Any

from tests.bench import load_http
from tests.bench.batches import Device, batch_of

BATCH = 10
REST_S = float(os.environ.get("TIMELINE_REST_S", "1"))
"""From one exchange of a phone to its next."""
_PULL = "/v1/sync/pull?collections=visits,issues&limit=2000"
_CUT = (ConnectionError, asyncio.IncompleteReadError)


@dataclass
class Phone:
    """One phone of one worker. ``part``: what it is there to show; ``held``: record -> code of its grid."""

    device: Device
    person_id: int
    part: str
    address: tuple[str, int]
    pushes: bool = True
    held: dict[str, str | None] = field(default_factory=dict)
    came: dict[str, float] = field(default_factory=dict)
    left: dict[str, float] = field(default_factory=dict)
    pushed: list[tuple[float, float]] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    editions: dict[int, tuple[float, int]] = field(default_factory=dict)
    _cursor: str = ""
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @property
    def port(self) -> int:
        """The port of its connection on this side."""
        return self._streams[1].get_extra_info("sockname")[1]

    async def live(self, over: asyncio.Event, wait_s: float) -> None:
        """Push, pull and rest until it is over; ``wait_s`` first, so that not all speak at once."""
        await asyncio.sleep(wait_s)
        while not over.is_set():
            began = time.time()
            if self.pushes:
                await self.push()
            await self.pull()
            await asyncio.sleep(max(0.0, REST_S - (time.time() - began)))

    async def push(self) -> None:
        """Push new records, and note the ground that they were answered by."""
        body = batch_of(self.device, BATCH, dt.datetime.now(dt.UTC))
        began = time.time()
        answer = await self._ask(load_http.push_request(self.device, body))
        ended = time.time()
        self.pushed.append((ended, ended - began))
        for result in answer["results"]:
            self.statuses[result["status"]] = self.statuses.get(result["status"], 0) + 1
            edition = result.get("grid", {}).get("edition")
            if edition is not None:
                self.editions.setdefault(edition, (ended, self.port))

    async def pull(self) -> None:
        """Pull to the end."""
        more = True
        while more:
            path = _PULL + (f"&cursor={self._cursor}" if self._cursor else "")
            page = await self._ask(load_http.get_request(path, self.device.token))
            self._take(page, time.time())
            self._cursor, more = page["cursor"], page["has_more"]

    def _take(self, page: dict[str, Any], moment: float) -> None:
        for change in page["changes"]:
            record = change["id"]
            if change["action"] == "put":
                if record not in self.held:
                    self.came[record] = moment
                self.held[record] = (change.get("grid") or {}).get("code")
            elif self.held.pop(record, None) is not None:
                self.left[record] = moment

    def hang_up(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()

    async def _ask(self, request: bytes) -> dict[str, Any]:
        """Send a request and return its answer; where the connection was cut, once more over another."""
        try:
            return await self._exchange(request)
        except _CUT:
            self._streams = None
            return await self._exchange(request)

    async def _exchange(self, request: bytes) -> dict[str, Any]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self.address, limit=1 << 24)
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(load_http.length(head))
        return json.loads(body)
