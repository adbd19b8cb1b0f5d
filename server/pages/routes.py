"""Serves ``server/web/dist``: pages that are asked for anew each time, assets that never change under a name.

The patrol app is a page as the others are, with files beside it whose names are fixed: its service worker, its manifest
and the icons that the manifest names. It alone may ask for the place of the phone, its camera and its microphone.

An address that is none gets a page of its own where a browser asks for one, a problem document where a program does.
The content policy lets a page load from its own host alone: no other host's scripts, styles, tiles, fonts
or pictures, and no frames.
"""

import functools
import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound, ServiceUnavailable
from werkzeug.security import safe_join

from server.http.auth import access
from server.http.problems import http_problem

DIST = Path(__file__).resolve().parents[1] / "web" / "dist"
PAGES = {
    "/": "index",
    "/enrol": "patrol",
    "/patrol": "patrol",
    "/map": "map",
    "/calendar": "calendar",
    "/catalogue": "catalogue",
    "/rules": "rules",
    "/case": "case",
    "/desk": "desk",
    "/duty": "duty",
    "/signin": "signin",
    "/docs": "docs",
    "/support": "support",
    "/review": "review",
    "/grids": "grids",
    "/people": "people",
    "/account": "account",
}
APP = "patrol"
"""The page of the app that workers carry."""
APP_FILES = (
    "patrol-worker.js",
    "patrol.webmanifest",
    "patrol-icon-192.png",
    "patrol-icon-512.png",
    "patrol-maskable-512.png",
)
COMPRESSED_TYPES = (
    "text/",
    "application/javascript",
    "application/json",
    "application/manifest+json",
    "image/svg+xml",
)
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; "
        "script-src 'self'; "
        "style-src 'self'; "
        "img-src 'self' data: blob:; "
        "media-src 'self' blob:; "
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

APP_HEADERS = HEADERS | {"Permissions-Policy": "camera=(self), geolocation=(self), microphone=(self)"}

mimetypes.add_type("application/manifest+json", ".webmanifest")
blueprint = Blueprint("pages", __name__)


def page() -> Response:
    """Return one of the pages; the browser asks each time whether it changed."""
    name = PAGES[request.path]
    return _file(DIST / f"{name}.html", "no-cache", headers=APP_HEADERS if name == APP else HEADERS)


for _path in PAGES:
    blueprint.add_url_rule(_path, view_func=access("public: pages hold no data")(page))


def app_file() -> Response:
    """Return a file of the patrol app that has a fixed name; the browser asks each time whether it changed."""
    return _file(DIST / request.path.removeprefix("/"), "no-cache")


for _name in APP_FILES:
    blueprint.add_url_rule(f"/{_name}", view_func=access("public: files of the app hold no data")(app_file))


@blueprint.get("/assets/<path:name>")
@access("public: programs and styles of the pages")
def asset(name: str) -> Response:
    """Return a file whose name carries the hash of its content."""
    path = safe_join(str(DIST / "assets"), name)
    if path is None:
        raise NotFound
    return _file(Path(path), "public, max-age=31536000, immutable")


@blueprint.app_errorhandler(NotFound)
def unknown(error: NotFound) -> Response:
    """Tell that there is nothing at this address: a person at a browser by a page, a program by a problem document."""
    page_of_none = DIST / "missing.html"
    if request.url_rule is not None or not _reads_pages() or not page_of_none.is_file():
        return http_problem(error)
    response = _file(page_of_none, "no-store", conditional=False)
    response.status_code = HTTPStatus.NOT_FOUND
    response.headers["Vary"] = "Accept-Encoding, Accept"
    return response


def _reads_pages() -> bool:
    """Whether the caller names HTML among what it takes: browsers do, programs that take anything do not."""
    return request.method in {"GET", "HEAD"} and any(kind == "text/html" for kind, _ in request.accept_mimetypes)


def _file(
    path: Path, cache_control: str, *, conditional: bool = True, headers: Mapping[str, str] = HEADERS
) -> Response:
    if not path.is_file():
        if not DIST.is_dir():
            raise ServiceUnavailable("The pages are not built: run ./patrol up.")
        raise NotFound
    content, zipped, tag, content_type = _read(path, path.stat().st_mtime_ns)
    response = Response(content_type=content_type, headers=dict(headers))
    response.headers["Cache-Control"] = cache_control
    response.headers["Vary"] = "Accept-Encoding"
    if zipped is not None and "gzip" in str(request.accept_encodings):
        content = zipped
        response.headers["Content-Encoding"] = "gzip"
    response.set_data(content)
    if conditional:
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
