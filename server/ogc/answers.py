"""How the OGC API answers: under an ETag of the content, or of the edition where that says as much.

Knows no collection's inside.
"""

from collections.abc import Callable
from typing import Any

from flask import Response, request

from geo.serving.features import EditionInForce
from server.http.fresh import JSON, fresh, fresh_json, tag_of
from server.ogc.collections import Collection

# Programs read whole layers over fast lines: time is dearer than bytes.
GZIP_LEVEL = 1


def json_answer(document: Any, content_type: str = JSON) -> Response:
    """Return a document under an ETag of its content."""
    return fresh_json(document, content_type, gzip_level=GZIP_LEVEL)


def ground_answer(
    of: Collection, standing: EditionInForce, make: Callable[[], bytes], *, content_type: str, tag: str | None = None
) -> Response:
    """Return what ``make`` makes; of the ground it is not made where the caller holds this edition's.

    ``tag``: one that programs may send with what they write, in the place of the edition's.
    """
    if tag is None and of.is_ground:
        tag = tag_of(f"{standing.epoch} {of.state} {request.full_path} {request.host_url}".encode())
    if tag is None:
        body = make()
        tag, make = tag_of(body), lambda: body
    return fresh(make, tag, content_type=content_type, gzip_level=GZIP_LEVEL)
