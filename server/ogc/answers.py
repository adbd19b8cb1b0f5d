"""How the OGC API answers: compressed, under an ETag, 304 where nothing changed. Knows no collection's inside."""

import gzip
import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
from flask import Response, request

from geo.features import Standing
from server.ogc.collections import Collection

COMPRESS_FROM = 1024
REVALIDATE = "private, no-cache"


def json_answer(document: Any, content_type: str = "application/json") -> Response:
    """Return a document under an ETag of its content."""
    body = msgspec.json.encode(document)
    return tagged(lambda: body, hashlib.blake2b(body, digest_size=10).hexdigest(), content_type, REVALIDATE)


def ground_answer(
    of: Collection, standing: Standing, make: Callable[[], bytes], *, content_type: str, tag: str | None = None
) -> Response:
    """Return what ``make`` makes; of the ground it is not made where the caller holds this edition's.

    ``tag``: one that programs may send with what they write, in the place of the edition's.
    """
    if tag is not None:
        return tagged(make, tag, content_type, REVALIDATE)
    if of.is_ground:
        asked = f"{standing.epoch} {of.state} {request.full_path} {request.host_url}"
        return tagged(make, hashlib.blake2b(asked.encode(), digest_size=10).hexdigest(), content_type, REVALIDATE)
    body = make()
    return tagged(lambda: body, hashlib.blake2b(body, digest_size=10).hexdigest(), content_type, REVALIDATE)


def tagged(make: Callable[[], bytes], tag: str, content_type: str, cache_control: str) -> Response:
    """Return ``make()`` under a tag; 304 without making it where the caller holds that tag."""
    response = Response(content_type=content_type)
    response.set_etag(tag, weak=True)
    response.headers["Cache-Control"] = cache_control
    response.headers["Vary"] = "Authorization, Cookie, Accept-Encoding"
    if request.if_none_match.contains_weak(tag):
        response.status_code = 304
        return response
    body = make()
    if len(body) >= COMPRESS_FROM and request.accept_encodings["gzip"] > 0:
        body = gzip.compress(body, compresslevel=1, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
    response.set_data(body)
    return response
