"""POST /v1/support/outboxes: the file of what a phone could not send, handed in by staff. It knows no SQL.

Reading and taking it in is ``server.outboxes``.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import request
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from sqlalchemy.orm import Session
from werkzeug.exceptions import UnsupportedMediaType

from server import clock
from server.accounts.charge import RULING
from server.attachments.slots import slot
from server.attachments.store import open_store
from server.attachments.uploads import Limits
from server.database.extensions import limited, settings
from server.database.ground_cache import ground_at, ground_now
from server.database.transaction import transaction
from server.files.receiving import blocks_of
from server.http.auth import calling_staff, staff_required
from server.http.in_charge import charge_of
from server.http.problems import TABLE, body, language
from server.jobs.queues import ring
from server.outboxes.errors import OutboxTooLarge
from server.outboxes.keys import keys_of
from server.outboxes.taking import Desk, Taken, take
from sync.access.devices import looked_after
from sync.collections.fields import Text
from sync.errors import NotFoundInCharge

blueprint = Blueprint("outboxes", __name__, url_prefix="/v1/support/outboxes", description="携带文件 · outbox files")
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


class OperationsSchema(Schema):
    """How many operations were answered with what; ``repeated`` of them had come before, with the same answer."""

    applied = fields.Integer(required=True)
    pending = fields.Integer(required=True)
    held = fields.Integer(required=True)
    quarantined = fields.Integer(required=True)
    repeated = fields.Integer(required=True)


class RefusedPhotoSchema(Schema):
    """A photo that is not taken, and why."""

    id = fields.UUID(required=True)
    type = Text(required=True)
    title = Text(required=True)


class OutboxPhotosSchema(Schema):
    """What became of the photos."""

    taken = fields.Integer(required=True)
    refused = fields.List(fields.Nested(RefusedPhotoSchema), required=True)


class OutboxSchema(Schema):
    """What became of a file; ``taken``, ``waiting`` and ``quarantined``: of its operations."""

    device_id = fields.UUID(required=True)
    login = Text(required=True)
    worker = Text(required=True)
    app_version = Text(required=True)
    exported_at = fields.AwareDateTime(required=True)
    taken = fields.Integer(required=True)
    waiting = fields.Integer(required=True)
    quarantined = fields.Integer(required=True)
    operations = fields.Nested(OperationsSchema, required=True)
    photos = fields.Nested(OutboxPhotosSchema, required=True)


@blueprint.post("")
@staff_required(*RULING, over="files of phones of those who work in their areas today")
@limited(lambda: settings().push_rate, key_func=lambda: f"staff {calling_staff().person_id}")
@blueprint.doc(requestBody={"required": True, "content": _BYTES})
@blueprint.response(200, OutboxSchema)
def hand_in() -> dict[str, Any]:
    """Take in what a phone could not send, from the file that it exported, as if the phone had sent it.

    The same file again, or the phone sending the same later, changes nothing.
    """
    limit_bytes = settings().outbox_limit_bytes
    if request.mimetype.startswith("multipart/"):
        raise UnsupportedMediaType
    if (request.content_length or 0) > limit_bytes:
        raise OutboxTooLarge(limit_bytes=limit_bytes)
    # One more than there is room for, so that what is too much is seen and told in our words.
    request.max_content_length = limit_bytes + 1
    with slot(settings().upload_slots):
        taken = take(
            _desk(), blocks_of(request.stream, request.environ.get("gunicorn.socket"), settings().upload_patience)
        )
    for queue in taken.wake:
        ring(queue)
    return _told(taken)


def _desk() -> Desk:
    config = settings()
    return Desk(
        transaction=_session, grounds=ground_at, charge=_require_charge, clock=clock.now,
        keys=keys_of(config.secret_key), store=open_store(config.files_url),
        limits=Limits(config.file_limit_bytes, config.open_uploads, config.open_upload_bytes, config.upload_ttl),
        limit_bytes=config.outbox_limit_bytes, near_m=config.near_m, late_for=config.late_for,
        revoked_grace=config.revoked_grace, lang=language(),
    )  # fmt: skip


def _require_charge(session: Session, device_uid: uuid.UUID) -> None:
    if not looked_after(session, device_uid, charge_of(ground_now(session))):
        raise NotFoundInCharge


def _told(taken: Taken) -> dict[str, Any]:
    return {
        "device_id": taken.device_uid,
        "login": taken.login,
        "worker": taken.worker,
        "app_version": taken.app_version,
        "exported_at": taken.exported_at,
        "taken": taken.operations["applied"],
        "waiting": taken.waiting,
        "quarantined": taken.operations["quarantined"],
        "operations": taken.operations | {"repeated": taken.repeated},
        "photos": {"taken": taken.photos, "refused": [_refused(*each) for each in taken.refused]},
    }


def _refused(photo: uuid.UUID, code: str) -> dict[str, Any]:
    told = body(code, TABLE[code], language())
    return {"id": photo, "type": told["type"], "title": told["title"]}


@contextmanager
def _session() -> Iterator[Session]:
    with transaction() as tx:
        yield tx.session
