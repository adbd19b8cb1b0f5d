"""Which sites' pages may ask: the device protocol from a browser or web view (CORS), all else the city's own alone.

Knows no route but by its prefix.

Only the device protocol is opened, only to the origins that the operator names, and never with cookies: such a page
shows the token of an enrolment, as every phone does, and can do nothing in the name of who is signed in.
"""

from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Flask, Response, request

from server.database.extensions import settings

OPENED = ("/v1/devices", "/v1/sync/", "/v1/files")
_SENT = (
    "Accept-Language, Authorization, Content-Encoding, Content-Type, If-None-Match, Last-Event-ID, Range, "
    "Tus-Resumable, Upload-Checksum, Upload-Length, Upload-Metadata, Upload-Offset, X-HTTP-Method-Override"
)
_TOLD = (
    "Content-Disposition, Content-Encoding, Content-Range, ETag, Location, Retry-After, Tus-Checksum-Algorithm, "
    "Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Expires, Upload-Length, Upload-Metadata, "
    "Upload-Offset"
)
_METHODS = "DELETE, GET, HEAD, PATCH, POST"
_REMEMBERED_S = 7200
_PORTS = {"http": 80, "https": 443}


def let_origins_in(app: Flask) -> None:
    """Have the device protocol of an app answer the pages of the origins that its configuration allows."""

    def add(response: Response) -> Response:
        if not request.path.startswith(OPENED):
            return response
        response.vary.add("Origin")
        headers = origin_headers()
        response.headers.update(headers)
        if headers and request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            response.status_code = HTTPStatus.NO_CONTENT
            response.set_data(b"")
            response.headers["Access-Control-Allow-Methods"] = _METHODS
            response.headers["Access-Control-Allow-Headers"] = _SENT
            response.headers["Access-Control-Max-Age"] = str(_REMEMBERED_S)
        return response

    app.after_request(add)


def is_same_site() -> bool:
    """Return whether no browser says that another site's page makes this request.

    ``Sec-Fetch-Site`` is the browser's own word. Where it is silent (older ones, and pages over plain HTTP), ``Origin``
    must be where the request went, or the public address: a proxy in front may call the host otherwise. Pages whose
    origin the configuration allows are no exception: they speak the device protocol, never with cookies.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    own = {_place(f"{request.scheme}://{request.host}"), _place(settings().public_url)}
    return _place(origin) in own - {None}


def _place(url: str) -> tuple[str, int] | None:
    """Return host and port of an address; not the scheme, which a proxy may have ended. None for what has none."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    # Behind a proxy that speaks TLS itself the host comes without a port, for either scheme.
    return (parts.hostname, _PORTS["http"] if port == _PORTS["https"] else port) if parts.hostname and port else None


def origin_headers() -> dict[str, str]:
    """Return what lets the page that asks read the answer; nothing where its origin is not allowed."""
    origin = request.headers.get("Origin", "")
    if origin not in settings().allowed_origins:
        return {}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _TOLD}
