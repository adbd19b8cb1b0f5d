"""POST /v1/files/issues/{issue}/{file}: a photo of a case from a browser, whole in one request. Knows no SQL."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Response, request
from flask_smorest import Blueprint
from sqlalchemy.orm import Session
from werkzeug.exceptions import UnsupportedMediaType

from server import clock
from server.accounts.charge import ENROLLING, HANDLER, Reach, reach
from server.attachments.by_staff import attach
from server.attachments.errors import FileTooLarge
from server.attachments.slots import slot
from server.attachments.store import open_store
from server.database.extensions import limited, settings
from server.database.ground_cache import ground_at
from server.database.transaction import transaction
from server.files.receiving import blocks_of
from server.http.auth import calling_charge, calling_staff, staff_required
from server.jobs.queues import wake

blueprint = Blueprint("case_photos", __name__, url_prefix="/v1/files", description="办理照片 · photos of staff")
ROLES = (*sorted(ENROLLING), HANDLER, "checker")
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


@blueprint.post("/issues/<uuid:issue_id>/<uuid:file_id>")
@staff_required(*ROLES, over="where the case is in the charge of that role and not masked")
@limited(lambda: settings().push_rate, key_func=lambda: f"staff {calling_staff().person_id}")
@blueprint.doc(requestBody={"required": True, "content": _BYTES})
@blueprint.response(204)
def send_photo(issue_id: uuid.UUID, file_id: uuid.UUID) -> Response:
    """Attach a picture or PDF to a case, under an id of the caller's making, by which a step then names it.

    Sending the same file under the same id again changes nothing.
    """
    limit_bytes, now = settings().file_limit_bytes, clock.now()
    if request.mimetype.startswith("multipart/"):
        raise UnsupportedMediaType
    if (request.content_length or 0) > limit_bytes:
        raise FileTooLarge(limit_bytes=limit_bytes)
    with slot(settings().upload_slots):
        content = _whole(limit_bytes)
        attach(
            _session, open_store(settings().files_url), _reach,
            issue_id=issue_id, file_id=file_id, content=content, now=now,
        )  # fmt: skip
    wake("files")
    return Response(status=204)


def _whole(limit_bytes: int) -> bytes:
    # One more than there is room for: werkzeug refuses at the limit before it has seen the end of the body.
    request.max_content_length = limit_bytes + 1
    content = bytearray()
    for block in blocks_of(request.stream, request.environ.get("gunicorn.socket"), settings().upload_patience):
        content += block
        if len(content) > limit_bytes:
            raise FileTooLarge(limit_bytes=limit_bytes)
    return bytes(content)


def _reach(session: Session) -> Reach:
    return reach(calling_charge(), ground_at(session)(clock.now()))


@contextmanager
def _session() -> Iterator[Session]:
    with transaction() as tx:
        yield tx.session
