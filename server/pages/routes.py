"""Serves ``server/web/dist``: pages that are asked for anew each time, assets that never change under a name.

The content policy lets a page load from its own host alone: no other host's scripts, styles, tiles, fonts
or pictures, and no frames.
"""

import functools
import gzip
import hashlib
import mimetypes
from pathlib import Path

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound, ServiceUnavailable
from werkzeug.security import safe_join

from server.auth import access

DIST = Path(__file__).resolve().parents[1] / "web" / "dist"
PAGES = {
    "/": "index",
    "/enrol": "index",
    "/map": "map",
    "/signin": "signin",
    "/docs": "docs",
    "/support": "support",
    "/review": "review",
    "/grids": "grids",
}
COMPRESSED_TYPES = ("text/", "application/javascript", "application/json", "image/svg+xml")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; "
        "script-src 'self'; "
        "style-src 'self'; "
        "img-src 'self' data: blob:; "
        "font-src 'self'; "
        "connect-src 'self'; "
        "worker-src 'self'; "
        "base-uri 'none'; "
        "form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

blueprint = Blueprint("pages", __name__)


def page() -> Response:
    """Return one of the pages; the browser asks each time whether it changed."""
    return _file(DIST / f"{PAGES[request.path]}.html", "no-cache")


for _path in PAGES:
    blueprint.add_url_rule(_path, view_func=access("public: pages hold no data")(page))


@blueprint.get("/assets/<path:name>")
@access("public: programs and styles of the pages")
def asset(name: str) -> Response:
    """Return a file whose name carries the hash of its content."""
    path = safe_join(str(DIST / "assets"), name)
    if path is None:
        raise NotFound
    return _file(Path(path), "public, max-age=31536000, immutable")


def _file(path: Path, cache_control: str) -> Response:
    if not path.is_file():
        if not DIST.is_dir():
            raise ServiceUnavailable("The pages are not built: run ./patrol up.")
        raise NotFound
    content, zipped, tag, content_type = _read(path, path.stat().st_mtime_ns)
    response = Response(content_type=content_type, headers=HEADERS)
    response.headers["Cache-Control"] = cache_control
    response.headers["Vary"] = "Accept-Encoding"
    if zipped is not None and "gzip" in str(request.accept_encodings):
        content = zipped
        response.headers["Content-Encoding"] = "gzip"
    response.set_data(content)
    response.set_etag(tag, weak=True)
    response.make_conditional(request)
    return response


@functools.lru_cache(maxsize=64)
def _read(path: Path, _changed_ns: int) -> tuple[bytes, bytes | None, str, str]:
    """Return content, the same compressed, tag and type; read once for each state of the file."""
    content = path.read_bytes()
    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    zipped = gzip.compress(content, 9, mtime=0) if content_type.startswith(COMPRESSED_TYPES) else None
    if content_type.startswith("text/"):
        content_type += "; charset=utf-8"
    return content, zipped, hashlib.blake2b(content, digest_size=12).hexdigest(), content_type
