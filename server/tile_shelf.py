"""Tiles that one process keeps, compressed, so that a tile is cut once; for every edge that serves them.

A tile is kept under the life of the city, its edition and its kind: an edition never changes, so what is kept is never
stale, and what a redraw makes new has another name. Knows no request and no SQL.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable


class TileShelf:
    """The tiles asked for last, up to ``most_bytes``. Safe for threads."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._held_bytes = 0
        self._tiles: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: Hashable) -> bytes | None:
        """Return a tile, gzip-compressed; None where it is not kept."""
        with self._lock:
            tile = self._tiles.get(name)
            if tile is not None:
                self._tiles.move_to_end(name)
            return tile

    def keep(self, name: Hashable, tile: bytes) -> None:
        """Keep a tile that is compressed already; those that were asked for longest ago make room."""
        with self._lock:
            self._held_bytes += len(tile) - len(self._tiles.pop(name, b""))
            self._tiles[name] = tile
            while self._held_bytes > self._most_bytes:
                _, gone = self._tiles.popitem(last=False)
                self._held_bytes -= len(gone)
