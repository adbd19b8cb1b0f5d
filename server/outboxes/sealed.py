"""The encrypted outbox file: opened block by block, so that nothing of it is believed before it was proven whole.

    GPOUTBOX | version 1 | id of the city's key, 8 | the file's own public key, 32 | chunks

The file's own X25519 key and the city's agree on a secret (RFC 7748); HKDF-SHA256 of it, bound to the head and the
city's public key, is the key of AES-256-GCM. Every chunk holds 64 KiB but the last, which holds what is left. Its nonce
is its number and whether it is the last (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015), so
chunks can neither change places nor be missing at the end. Written by ``server/web/src/sync/carry.ts``.
"""

from collections.abc import Iterable
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from server.outboxes.errors import NoOutbox, OutboxDamaged, OutboxKeyForeign, OutboxTooLarge
from server.outboxes.keys import ID_BYTES, Keys

MAGIC: Final = b"GPOUTBOX"
VERSION: Final = 1
CHUNK_BYTES: Final = 64 * 1024
TAG_BYTES: Final = 16
POINT_BYTES: Final = 32
_VERSION_AT: Final = len(MAGIC)
_KEY_AT: Final = _VERSION_AT + 1
_POINT_AT: Final = _KEY_AT + ID_BYTES
HEAD_BYTES: Final = _POINT_AT + POINT_BYTES


def unseal(blocks: Iterable[bytes], keys: Keys, into: BinaryIO, limit_bytes: int) -> bytes:
    """Write what a file holds; return the file's head. ``blocks``: the file as it comes, cut anywhere.

    What was written before an error is not to be used. Raises ``NoOutbox``, ``OutboxKeyForeign``, ``OutboxDamaged`` or
    ``OutboxTooLarge``.
    """
    held, seen, number = bytearray(), 0, 0
    head, cipher = b"", None
    for block in blocks:
        seen += len(block)
        if seen > limit_bytes:
            raise OutboxTooLarge(limit_bytes=limit_bytes)
        held += block
        if cipher is None and len(held) >= HEAD_BYTES:
            head, held = bytes(held[:HEAD_BYTES]), held[HEAD_BYTES:]
            cipher = _cipher(head, keys)
        # One chunk is held back: only the end of the file tells which is the last.
        while cipher is not None and len(held) > CHUNK_BYTES + TAG_BYTES:
            into.write(_opened(cipher, bytes(held[: CHUNK_BYTES + TAG_BYTES]), number, is_last=False))
            del held[: CHUNK_BYTES + TAG_BYTES]
            number += 1
    if cipher is None:
        _look_at_head(bytes(held))
        raise OutboxDamaged
    into.write(_opened(cipher, bytes(held), number, is_last=True))
    return head


def _opened(cipher: AESGCM, chunk: bytes, number: int, *, is_last: bool) -> bytes:
    try:
        return cipher.decrypt(nonce(number, is_last=is_last), chunk, None)
    except InvalidTag:
        raise OutboxDamaged from None


def nonce(number: int, *, is_last: bool) -> bytes:
    """Return the nonce of a chunk, 12 bytes; the key is the file's own, so no two chunks share one."""
    return number.to_bytes(11) + (b"\1" if is_last else b"\0")


def _cipher(head: bytes, keys: Keys) -> AESGCM:
    """Return the cipher of a file. Raises ``NoOutbox``, ``OutboxKeyForeign`` or ``OutboxDamaged``."""
    _look_at_head(head)
    if (named := head[_KEY_AT:_POINT_AT]) != keys.id:
        raise OutboxKeyForeign(key=named.hex())
    try:
        shared = keys.private.exchange(X25519PublicKey.from_public_bytes(head[_POINT_AT:]))
    except ValueError:
        raise OutboxDamaged from None
    return AESGCM(file_key(shared, head, keys.public))


def file_key(shared: bytes, head: bytes, public: bytes) -> bytes:
    """Return the AES key of a file from the secret that both keys agree on."""
    return HKDF(SHA256(), 32, None, b"gridpatrol outbox v1" + head + public).derive(shared)


def _look_at_head(head: bytes) -> None:
    if not head.startswith(MAGIC):
        raise NoOutbox(reason="file")
    if head[_VERSION_AT:_KEY_AT] not in (b"", bytes([VERSION])):
        raise NoOutbox(reason="version", takes=[VERSION])
