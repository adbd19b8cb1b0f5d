"""Answers that are read again and again: compressed, and 304 when nothing changed. Knows no route."""

import gzip
import hashlib
from typing import Any

import msgspec
from flask import Response, request

COMPRESS_FROM = 1024
REVALIDATE = "private, no-cache"


def fresh_json(document: Any) -> Response:
    """Return a JSON answer with an ETag of its content; 304 where the caller holds the same."""
    body = msgspec.json.encode(document)
    tag = hashlib.blake2b(body, digest_size=12).hexdigest()
    return fresh(lambda: body, tag, content_type="application/json", cache_control=REVALIDATE)


def fresh(make: Any, tag: str, *, content_type: str, cache_control: str) -> Response:
    """Return ``make()`` under a tag; it is not made at all where the caller holds that tag."""
    response = Response(content_type=content_type)
    response.set_etag(tag, weak=True)
    response.headers["Cache-Control"] = cache_control
    response.headers["Vary"] = "Cookie, Accept-Encoding"
    if request.if_none_match.contains_weak(tag):
        response.status_code = 304
        return response
    body: bytes = make()
    if len(body) >= COMPRESS_FROM and "gzip" in str(request.accept_encodings):
        body = gzip.compress(body, compresslevel=4, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
    response.set_data(body)
    return response
