"""Answers that are read again and again: under an ETag, 304 when nothing changed, and packed as the caller accepts.

Knows no route.
"""

import gzip
import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import zstandard
from flask import Response, request

COMPRESS_FROM: Final = 1024
REVALIDATE: Final = "private, no-cache"
VARY: Final = "Authorization, Cookie, Accept-Encoding"
JSON: Final = "application/json"
_GZIP_LEVEL: Final = 4
# The better one first.
_ENCODERS: Mapping[str, Callable[[bytes, int], bytes]] = {
    "zstd": lambda body, _level: zstandard.ZstdCompressor(level=3).compress(body),
    "gzip": lambda body, level: gzip.compress(body, compresslevel=level, mtime=0),
}


def fresh_json(document: Any, content_type: str = JSON, *, gzip_level: int = _GZIP_LEVEL) -> Response:
    """Return a JSON answer with an ETag of its content; 304 where the caller holds the same."""
    body = msgspec.json.encode(document)
    return fresh(lambda: body, tag_of(body), content_type=content_type, gzip_level=gzip_level)


def fresh(
    make: Callable[[], bytes],
    tag: str,
    *,
    content_type: str,
    cache_control: str = REVALIDATE,
    gzip_level: int = _GZIP_LEVEL,
) -> Response:
    """Return ``make()`` under a tag; it is not made at all where the caller holds that tag."""
    response = tagged(Response(content_type=content_type), tag, cache_control)
    if holds(tag):
        response.status_code = 304
        return response
    return packed(response, make(), gzip_level=gzip_level)


def tag_of(content: bytes) -> str:
    """Return an ETag of some content."""
    return hashlib.blake2b(content, digest_size=12).hexdigest()


def holds(tag: str) -> bool:
    """Return whether the caller says that it holds what has this tag."""
    return request.if_none_match.contains_weak(tag)


def tagged(response: Response, tag: str, cache_control: str) -> Response:
    """Put a tag on an answer, and how it may be kept by whom it was given."""
    response.set_etag(tag, weak=True)
    response.headers["Cache-Control"] = cache_control
    response.headers["Vary"] = VARY
    return response


def packed_json(body: bytes) -> Response:
    """Return JSON that is for this call alone, compressed as the caller accepts it."""
    response = Response(content_type=JSON)
    response.headers["Vary"] = "Accept-Encoding"
    return packed(response, body)


def packed(response: Response, body: bytes, *, gzip_level: int = _GZIP_LEVEL) -> Response:
    """Put a body into an answer, compressed where it is worth it and the caller accepts that."""
    if len(body) >= COMPRESS_FROM:
        for name, encode in _ENCODERS.items():
            # ``*`` is what clients send that know no encoding by name.
            if accepts(name):
                body = encode(body, gzip_level)
                response.headers["Content-Encoding"] = name
                break
    response.set_data(body)
    return response


def accepts(encoding: str) -> bool:
    """Return whether the caller named an encoding, and did not rule it out."""
    return encoding in str(request.accept_encodings) and request.accept_encodings.quality(encoding) > 0
