"""What a form needs to know of the fields that devices write: kind, choices, and whether they must be there.

Owns no rule: all is read from the schema of each collection, so a form cannot differ from what is accepted.
"""

from typing import Any

from marshmallow import fields, validate

from sync.collections import COLLECTIONS
from sync.collections.fields import Extra, Flag, Id, Number, Text, Time

_KINDS = ((Flag, "flag"), (Number, "number"), (Id, "id"), (Time, "time"), (Extra, "object"), (Text, "text"))


def fields_of_collections() -> dict[str, list[dict[str, Any]]]:
    """Return for each collection that devices write its fields: ``name``, ``kind``, ``choices`` and ``required``.

    ``kind`` is text, number, flag, id, time, place, list or object; ``choices`` null where any value will do.
    """
    return {
        name: [_field(each, field) for each, field in collection.schema().fields.items()]
        for name, collection in sorted(COLLECTIONS.items())
        if collection.actions
    }


def _field(name: str, field: fields.Field[Any]) -> dict[str, Any]:
    choices = [list(rule.choices) for rule in field.validators if isinstance(rule, validate.OneOf)]
    return {
        "name": name,
        "kind": _kind(field),
        "choices": choices[0] if choices else None,
        "required": field.required,
    }


def _kind(field: fields.Field[Any]) -> str:
    if isinstance(field, fields.Nested):
        return "place"
    if isinstance(field, fields.List):
        return "list"
    return next((kind for sort, kind in _KINDS if isinstance(field, sort)), "object")
