"""Tiles that one process keeps, compressed, so that a tile is cut once; for every edge that serves them.

And under which addresses they were answered, with what head: an address that names edition and life of the city always
means the same tile.

A tile is kept under the life of the city, its edition and its kind: an edition never changes, so what is kept is never
stale, and what a redraw makes new has another name. Knows no SQL.
"""

import threading
from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache

_MOST_ADDRESSES = 20_000

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Addressed:
    """What an address was answered with. ``headers`` are those of any answer, ``of_content`` those of the tile alone.

    ``tag`` as it stands in the ETag; ``by_password``: whether an application password opens this address.
    """

    name: Hashable
    tag: str
    endpoint: str
    headers: Headers
    of_content: Headers
    by_password: bool


def address_of(environ: Mapping[str, Any]) -> str:
    """Return path and query of a request, as WSGI has them."""
    return f"{environ.get('PATH_INFO', '')}?{environ.get('QUERY_STRING', '')}"


class TileCache:
    """The tiles asked for last, up to ``most_bytes``. Safe for threads."""

    def __init__(self, most_bytes: int) -> None:
        self._addresses: LRUCache[str, Addressed] = LRUCache(_MOST_ADDRESSES)
        self._tiles: LRUCache[Hashable, bytes] = LRUCache(most_bytes, getsizeof=len)
        self._lock = threading.Lock()

    def get(self, name: Hashable) -> bytes | None:
        """Return a tile, gzip-compressed; None where it is not kept."""
        with self._lock:
            return self._tiles.get(name)

    def keep(self, name: Hashable, tile: bytes) -> None:
        """Keep a tile that is compressed already; those that were asked for longest ago make room."""
        with self._lock, suppress(ValueError):  # larger than all that is kept
            self._tiles[name] = tile

    def note(self, address: str, answered: Addressed) -> None:
        """Remember what an address (path and query) was answered with."""
        with self._lock:
            self._addresses[address] = answered

    def at(self, address: str) -> Addressed | None:
        """Return what an address was answered with lately."""
        with self._lock:
            return self._addresses.get(address)
