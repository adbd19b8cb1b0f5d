"""The catalogue as phones, pages and programs are told it, and the edit of one category as it is sent.

Owns the shapes of both. What a field is called in the public catalogue is older than its column, and stays.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from server.cases.catalogues.entries import (
    BAN,
    CODE_FIELD,
    CONDITION,
    OWN,
    Change,
    Entry,
    Fault,
    Field,
    Value,
    Wrong,
    read_row,
)

FIELDS: Final = {field.name: field for field in OWN}
_LISTS: Final = {"conditions": CONDITION, "bans": BAN}


def public(entry: Entry) -> dict[str, Any]:
    """Return one category as phones and pages read it."""
    own = entry.own
    duplicate = {"radius_m": own["duplicate_radius_m"], "window_h": own["duplicate_window_h"]}
    return {
        "code": entry.code,
        "parent": entry.code[:2] if len(entry.code) > 2 else None,  # noqa: PLR2004  # two and two digits
        "zh": own["name_zh"],
        "en": own["name_en"],
        "sort": own["sort"],
        "private": own["is_private"],
        "file_when": {"zh": own["file_when"], "en": own["file_when_en"]},
        "close_when": {"zh": own["close_when"], "en": own["close_when_en"]},
        "limit": own["limit_value"] and {"value": own["limit_value"], "unit": own["limit_unit"]},
        "response_h": own["response_h"],
        "lowest_tier": own["lowest_tier"],
        "default_body": own["default_body"],
        "assisting": [each for each in str(own["assisting_bodies"] or "").split(",") if each],
        "photo_rule": own["photo_rule"],
        "duplicate": duplicate if own["duplicate_radius_m"] else None,
        "intake": own["intake"],
        "night": own["is_night"],
        "gbt_code": own["gbt_code"],
        "conditions": [_condition(each) for each in entry.conditions],
        "not_reported": [_ban(each) for each in entry.bans],
    }


def _condition(row: Mapping[str, Value]) -> dict[str, Any]:
    return {
        "number": row["number"],
        "zh": row["name_zh"],
        "en": row["name_en"],
        "limit": {"value": row["limit_value"], "unit": row["limit_unit"]},
        "close_when": {"zh": row["close_when"], "en": row["close_when_en"]},
    }


def _ban(row: Mapping[str, Value]) -> dict[str, Any]:
    return {"area": row["area"] or None, "hours": row["hours"], "zh": row["reason_zh"], "en": row["reason_en"]}


def forms() -> dict[str, list[dict[str, Any]]]:
    """Return what is asked of a category, of a condition and of a ban, for pages that draw forms of it."""
    return {part: [_form(each) for each in fields] for part, fields in (("fields", OWN), *_LISTS.items())}


def _form(field: Field) -> dict[str, Any]:
    choices = [{"value": value, "zh": zh, "en": en} for value, (zh, en) in field.choices.items()]
    return {"name": field.name, "zh": field.zh, "en": field.en, "kind": field.kind, "choices": choices}


def whole(entry: Entry, planned: dt.datetime | None) -> dict[str, Any]:
    """Return one category by its columns, as it is edited; ``planned``: when its next change begins."""
    return {
        "code": entry.code,
        "fields": dict(entry.own),
        "conditions": [dict(each) for each in entry.conditions],
        "bans": [dict(each) for each in entry.bans],
        "planned_from": planned,
    }


def sent_entry(code: str, standing: Entry | None, sent: Mapping[str, Any]) -> tuple[Entry, list[Fault]]:
    """Return a category as an edit makes it of what stands, and what is wrong with the edit.

    What the edit leaves out stands; of a new category it has its default.
    """
    own = {**(standing.own if standing is not None else {}), **sent.get("fields", {})}
    values, faults = read_row(OWN, own, "categories", 1)
    faults += [Fault("categories", 1, name, "unknown-column") for name in sent.get("fields", {}) if name not in FIELDS]
    try:
        CODE_FIELD.read(code)
    except Wrong as wrong:
        faults.append(Fault("categories", 1, "code", wrong.reason, code))
    lists: dict[str, tuple[Mapping[str, Value], ...]] = {
        "conditions": standing.conditions if standing else (), "bans": standing.bans if standing else (),
    }  # fmt: skip
    for part, fields in _LISTS.items():
        if sent.get(part) is not None:
            lists[part], wrong_rows = _rows(part, fields, sent[part])
            faults += wrong_rows
    return Entry(code, values, **lists), faults


def _rows(
    part: str, fields: Sequence[Field], given: Sequence[Mapping[str, Any]]
) -> tuple[tuple[Mapping[str, Value], ...], list[Fault]]:
    read = [read_row(fields, row, part, number) for number, row in enumerate(given, 1)]
    return tuple(values for values, _ in read), [fault for _, faults in read for fault in faults]


def change_json(change: Change) -> dict[str, Any]:
    """Return what an edit or a workbook would change of one category, by the names of the fields in both languages."""
    return {
        "code": change.code,
        "kind": change.kind,
        "fields": [
            {"field": name, "zh": zh, "en": en, "before": before, "after": after}
            for name, (before, after) in change.fields.items()
            for zh, en in (_named(name),)
        ],
    }


def _named(name: str) -> tuple[str, str]:
    if name in FIELDS:
        return FIELDS[name].zh, FIELDS[name].en
    return {"conditions": ("立案条件表", "filing conditions"), "bans": ("禁报", "not to be reported")}[name]
