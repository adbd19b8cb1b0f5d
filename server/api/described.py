"""What the OpenAPI document says of the push and pull, whose bodies the engine decodes itself.

Owns no behaviour: the fields of each collection come from its schema, the frame from the device protocol.
"""

from typing import Any

from flask_smorest import Api

from sync.collections import COLLECTIONS
from sync.collections.fields import Flag, Id, Number, Text, Time
from sync.wire import MAX_BYTES, MAX_DEPTH, MAX_FIELDS, MAX_OPS, MAX_VALUES, SMALL_BYTES

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
        "data": {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in _WRITABLE]},
    },
}
_RESULT = {
    "type": "object",
    "properties": {
        "op_id": {"type": "string", "nullable": True, "description": "As it was sent; null where there was none"},
        "status": {"type": "string", "enum": ["applied", "pending", "held", "quarantined"]},
        "rev": {"type": "integer"},
        "grid": _GRID,
        "error": {"type": "object"},
        "replayed": {"type": "boolean"},
    },
}
_CHANGE = {
    "type": "object",
    "properties": {
        "collection": {"type": "string"},
        "id": _UUID,
        "rev": {"type": "integer"},
        "action": {"type": "string", "enum": ["put", "delete", "leave"]},
        "data": {"type": "object"},
        "grid": {**_GRID, "nullable": True},
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
    },
}
_SCOPE = {
    "type": "object",
    "properties": {"version": {"type": "integer"}, "grids": {"type": "array", "items": {"type": "string"}}},
}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _list_of(item: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": item, **more}


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
    "content": {
        "application/json": {
            "schema": {
                **_object(batch_id=_UUID, sent_at=_TIME, ops=_list_of(_OPERATION, maxItems=MAX_OPS)),
                "required": ["batch_id", "sent_at", "ops"],
            }
        }
    },
}
PUSHED: dict[str, Any] = _object(server_time=_TIME, results=_list_of(_RESULT), cursor_hint={"type": "string"})
PULLED: dict[str, Any] = _object(
    server_time=_TIME,
    changes=_list_of(_CHANGE),
    outcomes=_list_of(_OUTCOME),
    scope=_SCOPE,
    cursor={"type": "string"},
    has_more={"type": "boolean"},
)


def describe(api: Api) -> None:
    """Tell the document of the protocol's own fields, of every collection, and of the two sorts of callers."""
    for field, kind in ((Text, "string"), (Number, "number"), (Flag, "boolean")):
        api.register_field(field, kind, None)
    api.register_field(Id, "string", "uuid")
    api.register_field(Time, "string", "date-time")
    api.ma_plugin.converter.add_attribute_function(pattern_of_json_schema)
    _describe_problems(api)
    for name, collection in COLLECTIONS.items():
        api.spec.components.schema(name, schema=collection.schema)
    api.spec.components.security_scheme("device", {"type": "http", "scheme": "bearer"})
    api.spec.components.security_scheme("staff", {"type": "apiKey", "in": "cookie", "name": "patrol_session"})


def _describe_problems(api: Api) -> None:
    """Have every answer of 4xx and 5xx told as the problem document that it is, not as flask-smorest's own."""
    api.spec.components.schema("Problem", _PROBLEM)
    for response in api.spec.components.responses_lazy.values():
        if "content" in response:
            response["content"] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def pattern_of_json_schema(_converter: object, _field: object, ret: dict[str, Any], **_more: Any) -> dict[str, Any]:
    r"""Return a field's pattern as JSON Schema has them: marshmallow begins at the start unasked, and ends with \Z."""
    if "pattern" not in ret:
        return {}
    pattern = ret["pattern"].removeprefix("^").replace("\\Z", "$")
    return {"pattern": f"^(?:{pattern})" if "|" in pattern else f"^{pattern}"}
