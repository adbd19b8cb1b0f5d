"""The answers that no marshmallow schema makes, as the OpenAPI document tells them: of the engine, files and figures.

Owns no behaviour: what is sent is held against this by the tests that generate requests. Components are named here,
so that generated clients have a type for each.
"""

from collections.abc import Mapping
from typing import Any

from server.attachments.media import SUFFIXES

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
NUMBER: Json = {"type": "integer"}
FLAG: Json = {"type": "boolean"}
UUID: Json = {"type": "string", "format": "uuid"}
TIME: Json = {"type": "string", "format": "date-time"}
ANYTHING: Json = {"type": "object", "additionalProperties": True}
_FILE: Json = {"type": "string", "format": "binary"}


def maybe(schema: Json) -> Json:
    """Return a schema that may be null, too."""
    return {**schema, "nullable": True}


def list_of(item: Json, **more: Any) -> Json:
    """Return the schema of a list."""
    return {"type": "array", "items": item, **more}


def ref(name: str) -> Json:
    """Return a reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def thing(_optional: Mapping[str, Json] | None = None, **properties: Json) -> Json:
    """Return the schema of an object all of whose properties are there, but for those named as optional."""
    return {"type": "object", "required": list(properties), "properties": {**properties, **(_optional or {})}}


_AREA = thing(code=TEXT, name=TEXT)
_COUNTS: Json = {"type": "object", "additionalProperties": {"type": "integer"}}
_PAGE = {"after": NUMBER, "has_more": FLAG}
_DOC = maybe(ANYTHING)
_OPERATION = {
    "id": NUMBER,
    "op_id": maybe(TEXT),
    "seq": maybe(NUMBER),
    "collection": maybe(TEXT),
    "record_id": maybe(UUID),
    "action": maybe(TEXT),
    "captured_at": maybe(TIME),
    "corrected_at": maybe(TIME),
    "received_at": maybe(TIME),
}
_UNSETTLED = thing(
    op_id=TEXT, seq=maybe(NUMBER), collection=maybe(TEXT), id=maybe(UUID), reason=_DOC, received_at=maybe(TIME)
)
_FEATURES = thing(
    {"edition": NUMBER, "after": maybe(TEXT)},
    type={"type": "string", "enum": ["FeatureCollection"]},
    features=list_of(ANYTHING),
)

COMPONENTS: Mapping[str, Json] = {
    "ScopeOfDevice": thing(
        {
            "zones": {
                **list_of(TEXT),
                "description": "Areas below these grids that the worker holds: only what lies in them is sent",
            }
        },
        version=NUMBER,
        grids=list_of(TEXT),
    ),
    "Enrolled": thing(
        device_id=UUID,
        token={**TEXT, "description": "Told this once; sent as a bearer from then on"},
        worker=thing(login=TEXT, name=TEXT),
        scope=ref("ScopeOfDevice"),
        protocol=thing(min=NUMBER, current=NUMBER),
        server_time=TIME,
    ),
    "DigestLine": thing(
        grid={**maybe(TEXT), "description": "null: what is the worker's own, wherever it lies"},
        collection=TEXT,
        count=NUMBER,
        checksum=TEXT,
    ),
    "DeviceDigest": thing(server_time=TIME, scope_version=NUMBER, digests=list_of(ref("DigestLine"))),
    "Unsettled": _UNSETTLED,
    "UnsettledStep": thing(
        id=UUID,
        issue_id=UUID,
        step=TEXT,
        outcome=maybe(TEXT),
        case_state=maybe(TEXT),
        instead=_DOC,
        received_at=maybe(TIME),
    ),
    "DeviceStatus": thing(
        server_time=TIME,
        pending=list_of(ref("Unsettled")),
        held=list_of(ref("Unsettled")),
        quarantined=list_of(ref("Unsettled")),
        review=list_of(ref("Unsettled")),
        steps=list_of(ref("UnsettledStep")),
        gaps=list_of(list_of(NUMBER, minItems=2, maxItems=2)),
        highest_seq=NUMBER,
        reused_seqs=NUMBER,
        skew_ms=maybe(NUMBER),
        last_exchange_at=maybe(TIME),
    ),
    "NamedArea": _AREA,
    "FormField": thing(name=TEXT, kind=TEXT, choices=maybe(list_of(TEXT)), required=FLAG),
    "FormFields": thing(collections={"type": "object", "additionalProperties": list_of(ref("FormField"))}),
    "Dispute": thing(
        id=NUMBER,
        collection=TEXT,
        record_id=UUID,
        kind=TEXT,
        field=TEXT,
        standing=_DOC,
        offered=_DOC,
        base=_DOC,
        created_at=TIME,
        doc=_DOC,
    ),
    "Disputes": thing(conflicts=list_of(ref("Dispute")), counts=_COUNTS, **_PAGE),
    "QuarantinedOperation": thing(
        {"data": {"nullable": True, "type": "object"}, "raw": {**maybe(TEXT), "description": "base64"}},
        **_OPERATION,
        problem=_DOC,
        login=TEXT,
        name=TEXT,
        device_id=maybe(UUID),
        areas=list_of(ref("NamedArea")),
    ),
    "Quarantine": thing(
        operations=list_of(ref("QuarantinedOperation")),
        reasons=list_of(thing(code=TEXT, title=TEXT, number=NUMBER)),
        **_PAGE,
    ),
    "SupportedDevice": thing(
        device_id=UUID,
        login=TEXT,
        worker=TEXT,
        name=TEXT,
        platform=TEXT,
        app_version=TEXT,
        enrolled_at=TIME,
        last_exchange_at=maybe(TIME),
        skew_ms=maybe(NUMBER),
        revoked_at=maybe(TIME),
        gaps=list_of(list_of(NUMBER)),
        pending=NUMBER,
        held=NUMBER,
        quarantined=NUMBER,
        review=NUMBER,
        areas=list_of(ref("NamedArea")),
    ),
    "SupportedDevices": thing(devices=list_of(ref("SupportedDevice")), counts=_COUNTS, server_time=TIME),
    "WaitingOperation": thing(**_OPERATION, status=TEXT, problem=_DOC),
    "SupportedDeviceInFull": thing(
        device=ref("SupportedDevice"), operations=list_of(ref("WaitingOperation")), server_time=TIME, **_PAGE
    ),
    "MadeEnrolment": thing(
        id=NUMBER,
        login=TEXT,
        worker=TEXT,
        made_by=maybe(TEXT),
        made_by_name=maybe(TEXT),
        created_at=TIME,
        expires_at=TIME,
        used_at=maybe(TIME),
        device_id=maybe(UUID),
        areas=list_of(ref("NamedArea")),
    ),
    "MadeEnrolments": thing(enrolments=list_of(ref("MadeEnrolment")), before=maybe(NUMBER)),
    "SilentWorker": thing(
        login=TEXT,
        name=TEXT,
        last_exchange_at=maybe(TIME),
        devices=NUMBER,
        phone=TEXT,
        areas=list_of(ref("NamedArea")),
    ),
    "SilentWorkers": thing(
        workers=list_of(ref("SilentWorker")), counts=_COUNTS, after=maybe(TEXT), since=TIME, server_time=TIME
    ),
    "ItemsSetAside": thing(
        items=list_of(
            thing(
                queue=TEXT,
                item=TEXT,
                since=TIME,
                last_at=TIME,
                attempts=NUMBER,
                next_attempt_at=TIME,
                reason=TEXT,
            )
        ),
        server_time=TIME,
    ),
    "VisitsAdrift": thing(
        visits=list_of(
            thing(
                id=UUID, rev=NUMBER, captured_at=TIME, received_at=TIME, data=_DOC, author=TEXT, author_name=maybe(TEXT)
            )
        ),
        count=NUMBER,
        server_time=TIME,
    ),
    "RecordHistory": thing(operations=list_of(ref("WaitingOperation")), **_PAGE),
    "UploadStatus": thing(
        id=UUID,
        state=TEXT,
        offset=NUMBER,
        length=NUMBER,
        refusal=_DOC,
        mismatches=NUMBER,
        expires_at=maybe(TIME),
    ),
    "FeatureCollection": _FEATURES,
    "Health": thing(status=TEXT),
    "Readiness": thing(
        {"set_aside": _COUNTS, "standing": _COUNTS},
        status=TEXT,
        parts={"type": "object", "additionalProperties": TEXT},
    ),
    "RecordLine": thing(collection=TEXT, id=UUID, action=TEXT),
}


def _json(name: str) -> Json:
    return {"application/json": {"schema": ref(name)}}


def _geojson() -> Json:
    return {"application/geo+json": {"schema": ref("FeatureCollection")}}


def _files(*kinds: str) -> Json:
    return {kind: {"schema": _FILE} for kind in kinds}


_EXPORTED = ("application/geopackage+sqlite3", "application/zip", "application/geo+json")
# operationId -> status -> content.
ANSWERS: Mapping[str, Mapping[int, Json]] = {
    "get_healthz": {200: _json("Health")},
    "get_readyz": {200: _json("Readiness")},
    "get_metrics": {200: {"text/plain": {"schema": TEXT}}},
    "post_devices": {201: _json("Enrolled")},
    "get_sync_digest": {200: _json("DeviceDigest")},
    "get_sync_records": {200: {"application/x-ndjson": {"schema": ref("RecordLine")}}},
    "get_sync_status": {200: _json("DeviceStatus")},
    "get_review_fields": {200: _json("FormFields")},
    "get_review_conflicts": {200: _json("Disputes")},
    "get_review_quarantine": {200: _json("Quarantine")},
    "get_support_devices": {200: _json("SupportedDevices")},
    "get_support_devices_by_device_uid": {200: _json("SupportedDeviceInFull")},
    "get_support_enrolments": {200: _json("MadeEnrolments")},
    "get_support_silent_workers": {200: _json("SilentWorkers")},
    "get_support_adrift": {200: _json("VisitsAdrift")},
    "get_support_set_aside": {200: _json("ItemsSetAside")},
    "get_support_records_by_collection_by_record_id": {200: _json("RecordHistory")},
    "get_tiles_by_edition_by_kind_by_z_by_x_by_y_mvt": {200: _files("application/vnd.mapbox-vector-tile")},
    "get_catalogue_xlsx": {200: _files("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")},
    "get_boundaries_export": {200: _files(*_EXPORTED)},
    "get_drafts_by_draft_id_areas": {200: _geojson()},
    "get_drafts_by_draft_id_findings": {200: _geojson()},
    "get_editions_by_number_fragments": {200: _geojson()},
    "get_editions_areas": {200: _geojson()},
    "get_files_by_file_id_status": {200: _json("UploadStatus")},
    "get_files_by_file_id_content": {200: _files(*SUFFIXES)},
    "get_files_by_file_id_original": {200: _files("application/octet-stream")},
    "get_files_by_file_id_preview": {200: _files("image/jpeg")},
}
