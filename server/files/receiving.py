"""The bytes of a request on their way into the store: read in blocks, stored in parts, acknowledged part by part.

A part is durable in the store before the offset in PostgreSQL passes it; no transaction is open while a phone is
waited for. When the connection breaks, what came is kept. With a checksum nothing is acknowledged before all of the
request has come and is right. Knows neither routes nor who is calling.
"""

import datetime as dt
import hashlib
import uuid
from collections.abc import Callable, Iterator
from typing import IO, Any

from werkzeug.exceptions import ClientDisconnected

from server.attachments.errors import AttachmentError, ChecksumMismatch, TooMuchSent
from server.attachments.finishing import Transaction
from server.attachments.store import Store
from server.attachments.uploads import PART_BYTES, Limits, Part, UploadStanding, append, part_key
from server.files.errors import Interrupted
from server.files.headers import Checksum

BLOCK_BYTES = 64 * 1024


class Receiver:
    """Takes the bytes of one request for one upload, of which it is the writer.

    ``clock`` returns the time, aware UTC.
    """

    def __init__(
        self,
        standing: UploadStanding,
        writer: uuid.UUID,
        *,
        store: Store,
        transaction: Transaction,
        limits: Limits,
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._standing = standing
        self._writer = writer
        self._store = store
        self._transaction = transaction
        self._limits = limits
        self._clock = clock

    def take(self, blocks: Iterator[bytes], checksum: Checksum | None) -> UploadStanding:
        """Take all blocks; return how far the upload is then.

        Raises ``TooMuchSent``, ``ChecksumMismatch`` (nothing is taken), ``UploadTaken``, or ``Interrupted`` where the
        body broke off (what came is taken, unless it had a checksum).
        """
        if checksum is not None:
            return self._take_checked(blocks, checksum)
        broken: AttachmentError | None = None
        buffer = bytearray()
        try:
            for block in blocks:
                self._require_room(len(buffer) + len(block))
                buffer += block
                if len(buffer) >= PART_BYTES:
                    self._keep(bytes(buffer))
                    buffer.clear()
        except (Interrupted, TooMuchSent) as error:
            broken = error
        if buffer:
            self._keep(bytes(buffer))
        if broken is not None:
            raise broken
        return self._standing

    def _keep(self, content: bytes) -> None:
        self._acknowledge([self._stored(self._standing.offset, content, self._standing.tail)])

    def _take_checked(self, blocks: Iterator[bytes], checksum: Checksum) -> UploadStanding:
        seen = hashlib.new(checksum.algorithm, usedforsecurity=False)
        buffer, parts, at = bytearray(), list[Part](), self._standing.offset
        for block in blocks:
            self._require_room(at - self._standing.offset + len(buffer) + len(block))
            seen.update(block)
            buffer += block
            if len(buffer) >= PART_BYTES:
                parts.append(self._stored(at, bytes(buffer), None))
                at += len(buffer)
                buffer.clear()
        if seen.digest() != checksum.digest:
            raise ChecksumMismatch(of="part")
        if buffer:
            parts.append(self._stored(at, bytes(buffer), None if parts else self._standing.tail))
        if parts:
            self._acknowledge(parts)
        return self._standing

    def _require_room(self, more: int) -> None:
        if self._standing.offset + more > self._standing.length:
            raise TooMuchSent(length=self._standing.length)

    def _stored(self, at: int, content: bytes, tail: Part | None) -> Part:
        """Store bytes that begin at an offset, joined to the tail where both together are small."""
        if tail is not None and tail.size + len(content) <= PART_BYTES:
            at, content = tail.position, self._store.get(tail.key) + content
        part = Part(at, len(content), part_key(self._standing.folder, at))
        self._store.put(part.key, content)
        return part

    def _acknowledge(self, parts: list[Part]) -> None:
        with self._transaction() as session:
            self._standing = append(
                session, self._standing, parts, self._limits, self._clock(), writer=self._writer
            )  # fmt: skip


def blocks_of(stream: IO[bytes], connection: Any, patience: dt.timedelta) -> Iterator[bytes]:
    """Yield the body of a request in blocks. Raises ``Interrupted`` where it breaks off or stalls.

    ``connection``: the socket below, where the server tells it; a phone that vanished in a tunnel sends nothing more,
    and must not hold a thread for ever.
    """
    before = connection.gettimeout() if connection is not None else None
    try:
        if connection is not None:
            connection.settimeout(patience.total_seconds())
        while block := stream.read(BLOCK_BYTES):
            yield block
    except (ClientDisconnected, OSError) as error:
        raise Interrupted from error
    finally:
        if connection is not None:
            connection.settimeout(before)
