"""What the OpenAPI document says of the push and pull, whose bodies the engine decodes itself.

Owns no behaviour: the fields of each collection come from its schema, the frame from the device protocol. What holds
for every operation alike is in ``server.api.document``.
"""

from typing import Any

from flask_smorest import Api

from server.api.answers import ANYTHING, COMPONENTS, list_of, ref
from server.api.document import INFO, SCHEMES, SERVERS
from server.api.issue_schemas import Listed
from server.api.moments import Moment
from sync.access.privacy import SERVER_SHOWN, SHOWN
from sync.collections import COLLECTIONS
from sync.collections.fields import Flag, Id, Number, Text, Time
from sync.protocol.wire import MAX_BYTES, MAX_DEPTH, MAX_FIELDS, MAX_OPS, MAX_VALUES, SMALL_BYTES
from sync.wording.reasons import REASONS


def component_names(collection: str) -> tuple[str, ...]:
    """Return what the document calls the fields of a collection: of a whole record, and of a change to one."""
    actions = COLLECTIONS[collection].actions
    stem = COLLECTIONS[collection].table.name.title()
    return (f"{stem}Record", *([f"{stem}Changes"] if "patch" in actions else []))


# What the server alone writes is pulled and never pushed.
_WRITABLE = sorted(name for name, collection in COLLECTIONS.items() if collection.actions)
_UUID = {"type": "string", "format": "uuid"}
_TIME = {"type": "string", "format": "date-time"}
_BASE = {
    "type": "object",
    "nullable": True,
    "description": "What the author saw: a revision, or an own operation not answered yet; null with put: a new record",
    "properties": {"rev": {"type": "integer", "minimum": 0}, "op_id": _UUID},
}
_GRID = {
    "type": "object",
    "properties": {
        "code": {"type": "string", "nullable": True},
        "name": {"type": "string", "nullable": True},
        "how": {"type": "string", "enum": ["inside", "near", "outside"]},
        "ambiguous": {"type": "boolean"},
        "candidates": {"type": "array", "items": {"type": "string"}},
        "edition": {"type": "integer"},
        "distance_m": {"type": "number", "nullable": True},
    },
}
_OPERATION = {
    "type": "object",
    "required": ["op_id", "seq", "collection", "id", "action", "captured_at"],
    "properties": {
        "op_id": _UUID,
        "seq": {"type": "integer", "minimum": 1, "description": "1, 2, 3 ... on each device, over all collections"},
        "collection": {"type": "string", "enum": _WRITABLE},
        "id": _UUID,
        "action": {"type": "string", "enum": ["put", "patch", "delete"]},
        "base": _BASE,
        "captured_at": _TIME,
        "data": {
            "description": "The whole record of a put, the fields that changed of a patch, nothing of a delete",
            "anyOf": [ref(name) for each in _WRITABLE for name in component_names(each)],
        },
    },
}
_REASON = {
    "type": "object",
    "description": (
        "Why an operation is held or quarantined. ``type`` is /problems/ and one of: "
        + ", ".join(sorted(REASONS))
        + ". "
        "Rights are asked when an operation takes effect, so what was pending may be quarantined by them later"
    ),
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "description": "In the language asked for"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
_RESULT = {
    "type": "object",
    "properties": {
        "op_id": {"type": "string", "nullable": True, "description": "As it was sent; null where there was none"},
        "status": {"type": "string", "enum": ["applied", "pending", "held", "quarantined"]},
        "rev": {"type": "integer"},
        "grid": ref("GridOfRecord"),
        "error": ref("OperationReason"),
        "replayed": {"type": "boolean"},
    },
}
_CHANGE = {
    "type": "object",
    "required": ["collection", "id", "action"],
    "properties": {
        "collection": {"type": "string"},
        "id": _UUID,
        "rev": {"type": "integer"},
        "action": {"type": "string", "enum": ["put", "delete", "leave"]},
        "mine": {
            "type": "boolean",
            "description": "True of an issue or a visit that the person of the phone wrote; else absent",
        },
        "data": {
            **ANYTHING,
            "description": "Of a private issue that is neither the worker's own nor their task only "
            + ", ".join((*SHOWN, *SERVER_SHOWN))
            + ", and masked: true; it cannot be changed",
        },
        "grid": {"type": "object", "nullable": True, "allOf": [ref("GridOfRecord")]},
    },
}
_OUTCOME = {
    "type": "object",
    "properties": {
        "op_id": _UUID,
        "status": {"type": "string"},
        "rev": {"type": "integer", "nullable": True},
        "fields": {"type": "object", "additionalProperties": {"type": "string"}},
        "note": {"type": "string"},
        "error": ref("OperationReason"),
    },
}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "description": "Stable, and the same in every language"},
        "title": {"type": "string", "description": "In the language asked for"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What to do about it"},
        "errors": {"type": "array", "items": _object(field={"type": "string"}, message={"type": "string"})},
    },
}
PUSH_BODY: dict[str, Any] = {
    "required": True,
    "description": (
        f"At most {MAX_OPS:,} operations and {MAX_BYTES // 2**20} MiB unpacked: more is refused whole. An operation"
        f" with objects and lists more than {MAX_DEPTH} deep, and one of over {SMALL_BYTES:,} bytes with more than"
        f" {MAX_FIELDS} fields or a list of more than {MAX_VALUES} values, is quarantined as it was sent and not"
        " looked into; its neighbours are not held up."
    ),
    "content": {"application/json": {"schema": ref("Push")}},
}
PUSHED: dict[str, Any] = ref("Pushed")
PULLED: dict[str, Any] = ref("Pulled")
_FRAMES: dict[str, dict[str, Any]] = {
    "GridOfRecord": _GRID,
    "Operation": _OPERATION,
    "OperationReason": _REASON,
    "OperationResult": _RESULT,
    "RecordChange": _CHANGE,
    "OperationOutcome": _OUTCOME,
    "Push": {
        **_object(batch_id=_UUID, sent_at=_TIME, ops=list_of(ref("Operation"), maxItems=MAX_OPS)),
        "required": ["batch_id", "sent_at", "ops"],
    },
    "Pushed": {
        **_object(server_time=_TIME, results=list_of(ref("OperationResult")), cursor_hint={"type": "string"}),
        "required": ["server_time", "results", "cursor_hint"],
    },
    "Pulled": {
        **_object(
            server_time=_TIME,
            changes=list_of(ref("RecordChange")),
            outcomes=list_of(ref("OperationOutcome")),
            scope=ref("ScopeOfDevice"),
            cursor={"type": "string"},
            has_more={"type": "boolean"},
        ),
        "required": ["server_time", "changes", "outcomes", "scope", "cursor", "has_more"],
    },
}


def describe(api: Api) -> None:
    """Tell the document of the protocol's own fields, of every collection, and of the two sorts of callers."""
    for field, kind in ((Text, "string"), (Number, "number"), (Flag, "boolean")):
        api.register_field(field, kind, None)
    api.register_field(Id, "string", "uuid")
    api.register_field(Time, "string", "date-time")
    api.ma_plugin.converter.add_attribute_function(pattern_of_json_schema)
    api.ma_plugin.converter.add_attribute_function(_of_own_field)
    _describe_problems(api)
    for name, collection in COLLECTIONS.items():
        whole, *changes = component_names(name)
        api.spec.components.schema(whole, schema=collection.schema)
        for each in changes:
            api.spec.components.schema(each, schema=collection.schema(partial=True))
    for name, schema in {**COMPONENTS, **_FRAMES}.items():
        api.spec.components.schema(name, schema)
    for name, scheme in SCHEMES.items():
        api.spec.components.security_scheme(name, dict(scheme))
    api.spec.options["info"] = INFO | api.spec.options.get("info", {})
    api.spec.options["servers"] = SERVERS


def _describe_problems(api: Api) -> None:
    """Have every answer of 4xx and 5xx told as the problem document that it is, not as flask-smorest's own."""
    api.spec.components.schema("Problem", _PROBLEM)
    for response in api.spec.components.responses_lazy.values():
        if "content" in response:
            response["content"] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def _of_own_field(_converter: object, field: object, ret: dict[str, Any], **_more: Any) -> dict[str, Any]:
    """Tell fields that marshmallow does not know as what is sent; of a value of any type nothing more can be said."""
    if "type" not in ret and not ret.get("default"):
        ret.pop("nullable", None)
        ret.pop("default", None)
    return {"type": "string"} if isinstance(field, Listed | Moment) else {}


def pattern_of_json_schema(_converter: object, _field: object, ret: dict[str, Any], **_more: Any) -> dict[str, Any]:
    r"""Return a field's pattern as JSON Schema has them: marshmallow begins at the start unasked, and ends with \Z."""
    if "pattern" not in ret:
        return {}
    pattern = ret["pattern"].removeprefix("^").replace("\\Z", "$")
    return {"pattern": f"^(?:{pattern})" if "|" in pattern else f"^{pattern}"}
