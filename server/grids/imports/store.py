"""The bytes of boundary files between the request that brought them and the job that reads them.

Owns their keys and their size. A folder for each import; what no row names
does not exist. Must not know requests or what is in the files.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from geo.errors import UnsupportedFile
from geo.files.formats import START_BYTES, suffix_of
from server.attachments.store import Store
from server.grids.imports.errors import ImportTooLarge

PART_BYTES: Final = 8 << 20


@dataclass(frozen=True, slots=True)
class Kept:
    """What is in the store of one file."""

    suffix: str
    size: int
    parts: int


def keep(store: Store, import_id: uuid.UUID, blocks: Iterable[bytes], limit_bytes: int) -> Kept:
    """Store a file that comes in blocks. Raises ImportTooLarge, and UnsupportedFile for what is no boundary file."""
    buffer, size, parts, suffix = bytearray(), 0, 0, ""
    for block in blocks:
        size += len(block)
        if size > limit_bytes:
            raise ImportTooLarge(limit_bytes)
        buffer += block
        if len(buffer) >= PART_BYTES:
            suffix = suffix or suffix_of(bytes(buffer[:START_BYTES]))
            store.put(_key(import_id, parts), bytes(buffer))
            parts += 1
            buffer.clear()
    if buffer:
        suffix = suffix or suffix_of(bytes(buffer[:START_BYTES]))
        store.put(_key(import_id, parts), bytes(buffer))
        parts += 1
    if not size:
        raise UnsupportedFile("empty")
    return Kept(suffix, size, parts)


def fetch(store: Store, import_id: uuid.UUID, kept: Kept, folder: Path) -> Path:
    """Put a file together in a folder. Raises UnsupportedFile where its bytes are gone."""
    path = folder / f"boundaries{kept.suffix}"
    try:
        with path.open("wb") as file:
            for number in range(kept.parts):
                file.write(store.get(_key(import_id, number)))
    except FileNotFoundError as error:
        raise UnsupportedFile("missing") from error
    return path


def remove(store: Store, import_id: uuid.UUID) -> None:
    """Take a file out of the store."""
    store.remove(f"imports/{import_id}")


def _key(import_id: uuid.UUID, number: int) -> str:
    return f"imports/{import_id}/{number:05d}"
