"""Answers tiles that are kept before the application is asked, which costs three times what the answer does.

It says nothing that a route did not say to somebody before: the same address, whoever asks let in lately at the same
door (``server.http.auth``), a tile that is kept. In all other cases the application is asked. Knows no route
and no SQL.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from flask import Flask

from server.http.auth import is_remembered
from server.tiles.cache import Addressed, TileCache, address_of

Count = Callable[[str, int, float], object]
"""Takes the endpoint, the status and the seconds of an answer."""
_OK: Final = "200 OK"
_UNCHANGED: Final = "304 NOT MODIFIED"


class TileDoor:
    """WSGI. ``count`` is told of each answer, as the application counts its own."""

    def __init__(self, app: Flask, count: Count) -> None:
        self._app = app
        self._within = app.wsgi_app
        self._count = count

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer with what is kept, or let the application answer."""
        began = time.perf_counter()
        cache: TileCache | None = self._app.extensions.get("tile_cache")
        known = None if cache is None else cache.at(address_of(environ))
        if cache is None or known is None or not self._may_be_answered(environ, known):
            return self._within(environ, start_response)
        if "HTTP_IF_NONE_MATCH" in environ:
            start_response(_UNCHANGED, list(known.headers))
            self._count(known.endpoint, 304, time.perf_counter() - began)
            return []
        tile = cache.get(known.name)
        if tile is None:
            return self._within(environ, start_response)
        start_response(_OK, [*known.headers, *known.of_content, ("Content-Length", str(len(tile)))])
        self._count(known.endpoint, 200, time.perf_counter() - began)
        return [tile]

    def _may_be_answered(self, environ: dict[str, Any], known: Addressed) -> bool:
        """Return whether a request is as plain as those of maps, and the caller is remembered."""
        return (
            environ["REQUEST_METHOD"] == "GET"
            and environ.get("HTTP_IF_NONE_MATCH", known.tag) == known.tag
            and _takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", ""))
            and is_remembered(self._app, environ, by_password=known.by_password)
        )


def _takes_gzip(accepted: str) -> bool:
    return any(each.strip() == "gzip" for each in accepted.split(","))
