"""Derives, from a collection's marshmallow schema, the msgspec types that judge the same data 15 times faster.

The schema is the only declaration; this module translates its fields and validators and refuses, at
import, what it cannot translate. Messages for people always come from marshmallow: what msgspec
refuses is judged again by the schema.
"""

from collections.abc import Callable, Mapping
from functools import cache
from itertools import islice
from typing import Annotated, Any, Literal

import msgspec
from marshmallow import Schema, fields, validate

from sync.collections import COLLECTIONS, Doc
from sync.collections.fields import EXTRA_BYTES, MOST_TOLD, Extra, Strict
from sync.wording.reasons import flatten

Faults = tuple[tuple[str, str], ...]


def normal_form(collection: str, data: Doc) -> tuple[Doc, Faults]:
    """Return the data of one operation with every value in the normal form of its field, and the faults met on the way.

    What is not of its field's type stays as it is, for ``judge`` to refuse. The data given are not changed; where all
    is normal already, they are returned themselves.
    """
    if collection not in COLLECTIONS:
        return data, ()
    faults: list[tuple[str, str]] = []
    return _brought(_forms_of_collection(collection), data, "", faults), tuple(faults[:MOST_TOLD])


_Form = Callable[[Any, str, list[tuple[str, str]]], Any]


def _brought(forms: Mapping[str, _Form], data: Doc, path: str, faults: list[tuple[str, str]]) -> Doc:
    changed = {}
    for name, value in data.items():
        form = forms.get(name)
        if form is not None and value is not None:
            brought = form(value, f"{path}.{name}" if path else name, faults)
            if brought is not value:
                changed[name] = brought
    return data | changed if changed else data


@cache
def _forms_of_collection(collection: str) -> Mapping[str, _Form]:
    return _forms(_schema(collection))


def _forms(schema: Schema) -> Mapping[str, _Form]:
    found = {name: _form_of(field) for name, field in schema.fields.items()}
    return {name: form for name, form in found.items() if form is not None}


def _form_of(field: fields.Field[Any]) -> _Form | None:
    """Return what brings a field's values into their normal form; None where any value is normal."""
    if isinstance(field, Strict):
        return _scalar(field)
    if isinstance(field, fields.Nested):
        forms = _forms(field.schema)
        return lambda value, path, faults: _brought(forms, value, path, faults) if isinstance(value, dict) else value
    if isinstance(field, fields.List):
        inner = _form_of(field.inner)
        return None if inner is None else _of_each(inner)
    return None


def _scalar(field: Strict) -> _Form:
    normal, refusal = field.normal, field.refusal

    def form(value: Any, path: str, faults: list[tuple[str, str]]) -> Any:
        try:
            brought = normal(value)
        except ValueError:
            faults.append((path, refusal))
            return value
        # Zero equals its negative.
        return value if brought == value and not isinstance(value, float) else brought

    return form


def _of_each(inner: _Form) -> _Form:
    def form(value: Any, path: str, faults: list[tuple[str, str]]) -> Any:
        if not isinstance(value, list):
            return value
        brought = [inner(each, f"{path}[{place}]", faults) for place, each in enumerate(value)]
        return value if all(one is other for one, other in zip(brought, value, strict=True)) else brought

    return form


def judge(collection: str, action: str, data: Any) -> Faults:
    """Return what is wrong with ``data`` of one operation: (field path, message) pairs, none if it is right.

    ``put`` is judged as a whole record, ``patch`` field by field. The first :data:`MOST_TOLD` are told.
    """
    whole = action == "put"
    try:
        msgspec.convert(data, _struct(collection, whole))
    except (msgspec.ValidationError, RecursionError):
        return _faults(collection, data, whole=whole)
    if "extra" in data and len(msgspec.json.encode(data["extra"])) > EXTRA_BYTES:
        return (("extra", "extra-too-large"),)
    if whole and (wrong := COLLECTIONS[collection].check(data)):
        return tuple(wrong.items())
    return ()


def _faults(collection: str, data: Any, *, whole: bool) -> Faults:
    if not isinstance(data, dict):
        return (("", "Invalid input type."),)
    try:
        schema = _schema(collection)
        known = schema.fields
        unknown = [name for name in data if name not in known]
        if len(unknown) > MOST_TOLD:
            kept = known.keys() | set(unknown[:MOST_TOLD])
            data = {name: value for name, value in data.items() if name in kept}
        # Named, not True: a nested object stays whole in a patch.
        messages = schema.validate(data, partial=False if whole else tuple(known))
    except RecursionError:
        return (("extra", "extra-too-large"),)
    return tuple(islice(flatten(messages), MOST_TOLD)) or (("", "Invalid input type."),)


@cache
def _schema(collection: str) -> Schema:
    """Return the one instance of a schema: it costs more to make than to ask."""
    return COLLECTIONS[collection].schema()


@cache
def _struct(collection: str, whole: bool) -> Any:  # noqa: FBT001  # a cache key
    return struct_of(COLLECTIONS[collection].schema, whole=whole)


@cache
def struct_of(schema: type[Schema], *, whole: bool) -> Any:
    """Return the msgspec Struct that accepts what ``schema`` accepts (cross-field rules apart).

    Raises ``TypeError`` for a field or validator that has no translation.
    """
    members: list[Any] = []
    for name, field in schema().fields.items():
        wire = _type_of(field, whole=whole)
        if field.required and whole:
            members.append((name, wire))
        else:
            members.append((name, wire | msgspec.UnsetType, msgspec.UNSET))
    members.sort(key=len)
    return msgspec.defstruct(schema.__name__, members, forbid_unknown_fields=True)


def _type_of(field: fields.Field[Any], *, whole: bool) -> Any:
    if isinstance(field, Extra):
        wire: Any = dict[str, Any]
    elif isinstance(field, Strict):
        wire = _constrained(field)
    elif isinstance(field, fields.List):
        lengths = [_meta(check) for check in field.validators]
        inner: Any = _type_of(field.inner, whole=whole)
        wire = Annotated[(list.__class_getitem__(inner), *lengths)] if lengths else list.__class_getitem__(inner)
    elif isinstance(field, fields.Nested):
        # A nested object is one field of the record: always whole, in a patch too.
        wire = struct_of(type(field.schema), whole=True)
    else:
        message = f"no msgspec type for {field!r}"
        raise TypeError(message)
    return wire | None if field.allow_none else wire


def _constrained(field: Strict) -> Any:
    wire = field.wire_type
    for check in field.validators:
        if isinstance(check, validate.OneOf):
            return Literal[tuple(check.choices)]
        wire = Annotated[wire, _meta(check)]
    return wire


def _meta(check: Any) -> msgspec.Meta:
    if isinstance(check, validate.Length):
        return msgspec.Meta(min_length=check.min, max_length=check.max)
    if isinstance(check, validate.Range):
        return msgspec.Meta(ge=check.min, le=check.max)
    if isinstance(check, validate.Regexp):
        return msgspec.Meta(pattern=str(check.regex.pattern))
    message = f"no msgspec constraint for {check!r}"
    raise TypeError(message)
