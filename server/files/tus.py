"""/v1/files: uploads by tus 1.0.0. Parses headers, calls one service, renders. Knows no SQL and no picture.

Revoked devices may go on with what they began, for the same grace as with pushes, and begin nothing.
"""

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint
from sqlalchemy.orm import Session
from werkzeug.exceptions import MethodNotAllowed, UnsupportedMediaType

from geo.editions.ground import Ground
from server import clock
from server.attachments import uploads
from server.attachments.bonds import check_record
from server.attachments.errors import TooMuchSent
from server.attachments.finishing import finish
from server.attachments.slots import slot
from server.attachments.store import open_store
from server.attachments.uploads import Limits, UploadStanding
from server.database.extensions import limited, settings
from server.database.ground_cache import ground_now
from server.database.transaction import transaction
from server.files import headers
from server.files.receiving import Receiver, blocks_of
from server.http.auth import access, calling_device, device_required
from server.jobs.queues import wake
from sync.access.devices import revocation

blueprint = Blueprint("files", __name__, url_prefix="/v1/files", description="附件上传 · uploads, by tus 1.0.0")
_SECURITY: list[dict[str, Any]] = [{"device": []}]
_BYTES = {"content": {headers.OFFSET_TYPE: {"schema": {"type": "string", "format": "binary"}}}}


@blueprint.after_request
def _speak_tus(response: Response) -> Response:
    response.headers["Tus-Resumable"] = headers.VERSION
    response.headers["Cache-Control"] = "no-store"
    if response.status_code == 412:  # noqa: PLR2004  # of the protocol
        response.headers["Tus-Version"] = headers.VERSION
    return response


@blueprint.route("", methods=["OPTIONS"])
@blueprint.route("/<uuid:file_id>", methods=["OPTIONS"])
@access("public: what is offered to everybody")
@blueprint.response(204)
def offer(file_id: uuid.UUID | None = None) -> Response:  # noqa: ARG001  # the same for every upload
    """Tell what of tus is spoken here."""
    response = Response(status=204)
    response.headers["Tus-Version"] = headers.VERSION
    response.headers["Tus-Extension"] = headers.EXTENSIONS
    response.headers["Tus-Checksum-Algorithm"] = ",".join(headers.ALGORITHMS)
    response.headers["Tus-Max-Size"] = str(settings().file_limit_bytes)
    return response


@blueprint.route("", methods=["POST"], provide_automatic_options=False)
@device_required()
@limited(lambda: settings().push_rate, key_func=lambda: str(calling_device().id))
@blueprint.doc(security=_SECURITY, requestBody=_BYTES)
@blueprint.response(201)
def begin_upload() -> Response:
    """Begin an upload, perhaps with its first bytes; beginning the same again goes on with it."""
    headers.require_version(request.headers)
    announced, now, device = headers.read_announced(request.headers), _now(), calling_device()
    with transaction() as tx:
        ground = ground_now(tx.session, device.ground_serial)
        check_record(tx.session, device.person_id, announced.collection, announced.record_id, ground, now)
        standing = uploads.begin(tx.session, device, announced, _limits(), now)
    if request.mimetype == headers.OFFSET_TYPE and standing.offset == 0:
        standing = _receive(standing.id, 0)
    response = _standing(standing, 201)
    response.headers["Location"] = f"{request.script_root}/v1/files/{standing.id}"
    return response


@blueprint.route("/<uuid:file_id>", methods=["HEAD"], provide_automatic_options=False)
@device_required(revoked_may=True)
@blueprint.doc(security=_SECURITY)
@blueprint.response(200)
def look_at_upload(file_id: uuid.UUID) -> Response:
    """Tell how far an upload is."""
    headers.require_version(request.headers)
    _require_grace()
    with transaction() as tx:
        standing = uploads.look(tx.session, calling_device(), file_id, _limits(), _now())
    response = _standing(standing, 200)
    response.headers["Upload-Length"] = str(standing.length)
    if standing.said:
        response.headers["Upload-Metadata"] = standing.said
    return response


@blueprint.route("/<uuid:file_id>", methods=["PATCH"], provide_automatic_options=False)
@device_required(revoked_may=True)
@limited(lambda: settings().push_rate, key_func=lambda: str(calling_device().id))
@blueprint.doc(security=_SECURITY, requestBody=_BYTES)
@blueprint.response(204)
def append_to_upload(file_id: uuid.UUID) -> Response:
    """Take the next bytes; with the last ones the whole is checked and becomes an attachment."""
    headers.require_version(request.headers)
    _require_grace()
    if request.mimetype != headers.OFFSET_TYPE:
        raise UnsupportedMediaType
    return _standing(_receive(file_id, headers.read_number(request.headers, "Upload-Offset")), 204)


@blueprint.route("/<uuid:file_id>", methods=["DELETE"], provide_automatic_options=False)
@device_required(revoked_may=True)
@blueprint.doc(security=_SECURITY)
@blueprint.response(204)
def terminate_upload(file_id: uuid.UUID) -> Response:
    """Take an unfinished upload back."""
    headers.require_version(request.headers)
    _require_grace()
    with transaction() as tx:
        uploads.terminate(tx.session, calling_device(), file_id, _limits(), _now())
    return Response(status=204)


@blueprint.route("/<uuid:file_id>", methods=["POST"], provide_automatic_options=False)
@access("device: whoever may call the method that X-HTTP-Method-Override names")
@blueprint.doc(security=_SECURITY)
@blueprint.response(204)
def overridden(file_id: uuid.UUID) -> Response:
    """Do what X-HTTP-Method-Override names: for networks that let only GET and POST through."""
    named = _OVERRIDES.get(request.headers.get("X-HTTP-Method-Override", "").upper())
    if named is None:
        raise MethodNotAllowed(valid_methods=["DELETE", "HEAD", "OPTIONS", "PATCH"])
    answer: Response = named(file_id)
    return answer


_OVERRIDES: dict[str, Any] = {"PATCH": append_to_upload, "DELETE": terminate_upload}


@blueprint.route("/<uuid:file_id>/status", methods=["GET"])
@device_required(revoked_may=True)
@blueprint.doc(security=_SECURITY)
@blueprint.response(200)
def status_of_upload(file_id: uuid.UUID) -> dict[str, Any]:
    """Tell how an upload of this device stands, and why where it was refused or had to begin anew."""
    with transaction() as tx:
        standing = uploads.tell(tx.session, calling_device(), file_id, _limits())
    return {
        "id": str(standing.id),
        "state": standing.state,
        "offset": standing.offset,
        "length": standing.length,
        "refusal": standing.refusal,
        "mismatches": standing.mismatches,
        "expires_at": None if standing.complete else standing.expires_at.isoformat(),
    }


def _receive(file_id: uuid.UUID, offset: int) -> UploadStanding:
    """Take the body as the bytes of an upload from ``offset`` on; finish the upload when it is whole."""
    config, writer = settings(), uuid.uuid4()
    checksum = headers.read_checksum(request.headers)
    with slot(config.upload_slots):
        with transaction() as tx:
            standing = uploads.claim(
                tx.session, calling_device(), file_id, offset, _limits(), _now(), writer=writer
            )  # fmt: skip
        if (request.content_length or 0) > standing.length - offset:
            raise TooMuchSent(length=standing.length)
        # One more than there is room for: werkzeug refuses at the limit before it has seen the end of the body.
        request.max_content_length = standing.length - offset + 1
        receiver = Receiver(
            standing, writer, store=open_store(config.files_url), transaction=_session, limits=_limits(), clock=_now
        )
        connection = request.environ.get("gunicorn.socket")
        blocks = blocks_of(request.stream, connection, config.upload_patience) if standing.state == "open" else iter(())
        standing = receiver.take(blocks, checksum)
        if standing.complete and standing.state == "open":
            finish(_session, open_store(config.files_url), file_id, _ground, _now())
            wake("files")
    return standing


def _standing(standing: UploadStanding, status: int) -> Response:
    response = Response(status=status)
    response.headers["Upload-Offset"] = str(standing.offset)
    if not standing.complete:
        response.headers["Upload-Expires"] = headers.expires(standing.expires_at)
    return response


def _require_grace() -> None:
    device = calling_device()
    if device.revoked_at is not None and _now() - device.revoked_at > settings().revoked_grace:
        raise revocation(device)


def _limits() -> Limits:
    config = settings()
    return Limits(config.file_limit_bytes, config.open_uploads, config.open_upload_bytes, config.upload_ttl)


def _now() -> dt.datetime:
    return clock.now()


@contextmanager
def _session() -> Iterator[Session]:
    with transaction() as tx:
        yield tx.session


def _ground(session: Session) -> Ground:
    return ground_now(session)
