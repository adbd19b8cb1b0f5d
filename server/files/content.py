"""/v1/files/{id}/content and /preview: the file as others may see it. For devices and for staff; knows no SQL."""

import hashlib
import uuid
from typing import Any

import structlog
from flask import Response, request
from flask_smorest import Blueprint
from werkzeug.wsgi import FileWrapper

from server import clock
from server.accounts.charge import RULING, reach
from server.attachments.errors import UnknownFile
from server.attachments.finishing import refused_key, served_key
from server.attachments.media import SUFFIXES
from server.attachments.previews import preview_key
from server.attachments.reading import Served, for_device, for_staff, refused_for_staff
from server.attachments.store import Store, open_store
from server.database.extensions import settings
from server.database.ground_cache import ground_now
from server.database.transaction import transaction
from server.http.auth import access, calling_charge, calling_device, device_required, staff_required
from sync.access.scope import current_scope
from sync.access.sight import asker

blueprint = Blueprint("file_content", __name__, url_prefix="/v1/files", description="附件 · attachments")
_CALLERS = access(
    "device: where its scope holds the record; staff (any role): where the record is in their charge and not masked"
)
_SECURITY: list[dict[str, Any]] = [{"device": []}, {"staff": []}]
_SHOWN = frozenset({"image/jpeg", "image/png", "image/webp"})

log = structlog.get_logger()


@blueprint.get("/<uuid:file_id>/content")
@_CALLERS
@blueprint.doc(security=_SECURITY)
@blueprint.response(200, description="The file, without what it told of its author; ranges are served")
def file_content(file_id: uuid.UUID) -> Response:
    """Return a file."""
    served, store = _seen(file_id), open_store(settings().files_url)
    try:
        file = store.open(served_key(file_id))
    except FileNotFoundError as error:
        log.error("a file is not in the store", file=str(file_id))  # noqa: TRY400  # no trace needed
        raise UnknownFile from error
    response = Response(FileWrapper(file, 64 * 1024), mimetype=served.type, direct_passthrough=True)
    response.call_on_close(file.close)
    response.content_length = served.size
    return _careful(response, served.sha256, served.size, f"{file_id}.{SUFFIXES[served.type]}", served.type)


@blueprint.get("/<uuid:file_id>/preview")
@_CALLERS
@blueprint.doc(security=_SECURITY)
@blueprint.response(200, description="A small JPEG; 404 while it is awaited, and for files that have none")
def file_preview(file_id: uuid.UUID) -> Response:
    """Return the preview of a picture."""
    served, store = _seen(file_id), open_store(settings().files_url)
    if served.preview != "ready":
        raise UnknownFile(preview=served.preview)
    content = _get(store, preview_key(file_id))
    response = Response(content, mimetype="image/jpeg")
    tag = hashlib.sha256(content).hexdigest()
    return _careful(response, tag, len(content), f"{file_id}-preview.jpg", "image/jpeg")


@blueprint.get("/<uuid:file_id>/original")
@staff_required(*RULING, over="where the record is in the charge of that role and not masked")
@blueprint.response(200, content_type="application/octet-stream", description="The bytes as they were sent")
def refused_original(file_id: uuid.UUID) -> Response:
    """Return a file that was refused, as it was sent. It was not looked through: open it with care."""
    with transaction() as tx:
        held = reach(calling_charge().in_roles(RULING), tx.ground())
        kept = refused_for_staff(tx.session, file_id, held)
    content = _get(open_store(settings().files_url), refused_key(file_id, kept.sha256))
    response = Response(content, mimetype="application/octet-stream")
    return _careful(response, kept.sha256.hex(), len(content), f"{file_id}.bin", "application/octet-stream")


def _get(store: Store, key: str) -> bytes:
    try:
        return store.get(key)
    except FileNotFoundError as error:
        raise UnknownFile from error


def _seen(file_id: uuid.UUID) -> Served:
    """Return the file if the caller may see it; who sends a token is a device, everybody else must be staff."""
    served: Served = _by_device(file_id) if "Authorization" in request.headers else _by_staff(file_id)
    return served


@device_required()
def _by_device(file_id: uuid.UUID) -> Served:
    now, device = clock.now(), calling_device()
    with transaction() as tx:
        ground = ground_now(tx.session, device.ground_serial)
        scope = current_scope(tx.session, device, ground, now)
        return for_device(tx.session, file_id, scope, asker(device, ground))


@staff_required()
def _by_staff(file_id: uuid.UUID) -> Served:
    with transaction() as tx:
        return for_staff(tx.session, file_id, reach(calling_charge(), tx.ground()))


def _careful(response: Response, tag: str, size: int, name: str, media_type: str) -> Response:
    """Tell browsers to trust nothing in a file from outside, and to ask again whether it may still be seen."""
    shown = "inline" if media_type in _SHOWN else "attachment"
    response.headers["Content-Disposition"] = f'{shown}; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Authorization, Cookie"
    response.set_etag(tag)
    response.make_conditional(request, accept_ranges=True, complete_length=size)
    return response
