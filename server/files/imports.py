"""/v1/boundaries/imports: boundary files that GIS staff send. Takes the bytes, notes what is asked, tells how it went.

Reading a file and what becomes of it is the work of a job (``server.grids.imports.job``). Knows no SQL.
"""

import datetime as dt
import re
import uuid
from typing import Any

from flask import request
from flask_smorest import Blueprint
from werkzeug.exceptions import UnsupportedMediaType

from server import clock
from server.attachments.slots import slot
from server.attachments.store import open_store
from server.database.extensions import settings
from server.database.transaction import transaction
from server.files.import_schemas import (
    BoundaryImportSchema,
    BoundaryImportsSchema,
    ImportQuerySchema,
    TakingSchema,
)
from server.files.receiving import blocks_of
from server.grids.imports import rows as imports
from server.grids.imports import store as import_store
from server.grids.imports.apply import require_askable
from server.grids.imports.errors import ImportTooLarge
from server.grids.imports.fault_words import REASONS
from server.grids.imports.job import ROLES
from server.grids.imports.rows import Asked, Seen
from server.grids.imports.store import Kept
from server.grids.imports.tables import BoundaryImport
from server.http.auth import calling_staff, staff_required
from server.http.problems import TABLE, body, language
from server.jobs.queues import wake

blueprint = Blueprint(
    "imports", __name__, url_prefix="/v1/boundaries/imports", description="边界文件导入 · boundary files in"
)
_OWN = "their own imports; what those may change is in areas that they are GIS staff or administrators of"
_TAG = re.compile(r'(?:W/)?"?v(\d{1,9})"?\Z')
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_MOST_LISTED = 50


@blueprint.post("")
@staff_required(*ROLES, over=_OWN, by_password=True)
@blueprint.arguments(ImportQuerySchema, location="query")
@blueprint.response(202, BoundaryImportSchema)
@blueprint.doc(requestBody={"required": True, "content": _BYTES})
def begin(query: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Take a boundary file: GeoPackage, Shapefile in a zip, or GeoJSON. It is read soon; Location tells how it goes.

    With If-Match and a draft, only over the version of the draft that was seen.
    """
    limit_bytes = settings().import_limit_bytes
    if request.mimetype.startswith("multipart/"):
        raise UnsupportedMediaType
    if (request.content_length or 0) > limit_bytes:
        raise ImportTooLarge(limit_bytes)
    dry_run, file, asked = query.pop("dry_run"), query.pop("name"), _asked(query)
    staff = calling_staff()
    with slot(settings().upload_slots):
        with transaction() as tx:
            require_askable(tx.session, asked.kind, asked.parent, asked.draft)
            import_id = imports.begin(
                tx.session, staff.person_id, staff.login, file, asked, dry_run=dry_run, now=_now()
            )  # fmt: skip
        kept = _receive(import_id, limit_bytes)
    with transaction() as tx:
        imports.sent(tx.session, import_id, suffix=kept.suffix, size=kept.size, parts=kept.parts)
        tx.then(wake, "imports")
        told = _json(imports.find(tx.session, import_id, staff.person_id))
    return told, 202, {"Location": f"{request.script_root}/v1/boundaries/imports/{import_id}"}


@blueprint.get("")
@staff_required(*ROLES, over=_OWN, by_password=True)
@blueprint.response(200, BoundaryImportsSchema)
def listed() -> dict[str, Any]:
    """Return the caller's imports of the last days, the newest first."""
    with transaction() as tx:
        rows = imports.listed(tx.session, calling_staff().person_id, _MOST_LISTED)
        return {"imports": [_json(row) for row in rows]}


@blueprint.get("/<uuid:import_id>")
@staff_required(*ROLES, over=_OWN, by_password=True)
@blueprint.response(200, BoundaryImportSchema)
def one(import_id: uuid.UUID) -> dict[str, Any]:
    """Return how far an import is, and once it was read what was wrong with the file, and where."""
    with transaction() as tx:
        row = imports.find(tx.session, import_id, calling_staff().person_id)
        return _json(row) | {"report": row.report}


@blueprint.post("/<uuid:import_id>/taking")
@staff_required(*ROLES, over=_OWN, by_password=True)
@blueprint.arguments(TakingSchema)
@blueprint.response(202, BoundaryImportSchema)
def take(sent: dict[str, Any], import_id: uuid.UUID) -> dict[str, Any]:
    """Have done what was only looked at: into a draft, or as the next edition. The file need not be sent again."""
    draft = _draft(sent["draft"])
    with transaction() as tx:
        require_askable(tx.session, None, None, draft)
        row = imports.take(tx.session, import_id, calling_staff().person_id, draft)
        tx.then(wake, "imports")
        return _json(row)


def _receive(import_id: uuid.UUID, limit_bytes: int) -> Kept:
    """Take the body into the store; where that fails, nothing of it is left."""
    store = open_store(settings().files_url)
    # One more than there is room for, so that what is too much is seen and told in our words.
    request.max_content_length = limit_bytes + 1
    blocks = blocks_of(request.stream, request.environ.get("gunicorn.socket"), settings().upload_patience)
    try:
        return import_store.keep(store, import_id, blocks, limit_bytes)
    except BaseException:
        import_store.remove(store, import_id)
        with transaction() as tx:
            imports.forget(tx.session, import_id)
        raise


def _asked(query: dict[str, Any]) -> Asked:
    draft = _draft(query.pop("draft"))
    return Asked(**query, draft=draft, seen=_seen() if isinstance(draft, int) else "any")


def _draft(text: str | None) -> Any:
    return int(text) if text not in (None, "new") else text


def _seen() -> Seen:
    """The version of the draft that If-Match names, where it does; 0, which no draft has, where it cannot be read."""
    sent = request.headers.get("If-Match", "*").strip()
    if sent == "*":
        return "any"
    found = _TAG.match(sent)
    return int(found[1]) if found else 0


def _json(row: BoundaryImport) -> dict[str, Any]:
    names = ("id", "file", "dry_run", "state", "counts", "outcome", "begun_at", "ended_at")
    problem = None if row.problem is None else _problem(row.problem)
    return {name: getattr(row, name) for name in names} | {"kind": row.asked.get("kind", ""), "problem": problem}


def _problem(kept: dict[str, Any]) -> dict[str, Any]:
    """The problem document of an error that a job met."""
    code, lang = kept["code"], language()
    words = REASONS.get(str(kept.get("reason")))
    more = {name: value for name, value in kept.items() if name not in ("code", "detail")}
    if "detail" in kept:
        more["which"] = kept["detail"]
    detail = None if words is None else words[lang == "en"]
    return body(code, TABLE[code], lang, detail=detail, **more)


def _now() -> dt.datetime:
    return clock.now()
