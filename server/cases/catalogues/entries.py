"""What a row of the catalogue may say: its fields, how a value is written and read, and what cannot stand. Pure.

Owns fields, values and the faults of a whole catalogue, whether it comes by page, by command or as a workbook. Must not
know the database, workbooks or HTTP. Values are those of the columns of ``category``.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sync.collections import normal

Value = str | int | bool | None

CODE: Final = re.compile(r"[0-9]{2}([0-9]{2})?\Z")
HOURS: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]\Z")
GBT: Final = re.compile(r"[0-9]{2}([0-9]{2,3})?\Z")
MOST_CONDITIONS: Final = 30
MOST_BANS: Final = 50

SORTS: Final = {"component": ("部件", "component"), "event": ("事件", "event")}
TIERS: Final = {
    "grid": ("网格", "grid"), "community": ("社区", "community"), "street": ("街道", "street"),
    "county": ("区县", "county"), "department": ("部门", "department"),
}  # fmt: skip
UNITS: Final = {
    "h": ("小时", "hours"), "wh": ("工作小时", "working hours"), "wd": ("工作日", "working days"), "d": ("天", "days"),
}  # fmt: skip
PHOTOS: Final = {
    "none": ("不要求", "none"), "report": ("上报时", "when reported"), "after": ("处置后", "after"),
    "both": ("上报时和处置后", "both"),
}  # fmt: skip
INTAKES: Final = {"auto": ("规则自动派遣", "by rule"), "duty": ("值班受理", "duty desk")}
FLAGS: Final = {True: ("是", "yes"), False: ("否", "no")}


class Wrong(ValueError):
    """A value that cannot stand. ``reason`` is a stable code, worded by ``server.texts.catalogue``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its column, its names, and how what is given becomes a value. ``write``: as people read it."""

    name: str
    zh: str
    en: str
    read: Callable[[Any], Value]
    default: Value = None
    choices: Mapping[Any, tuple[str, str]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """How it is asked for: a choice, a number, or a text."""
        return "choice" if self.choices else "number" if isinstance(self.read, _Whole) else "text"


@dataclass(frozen=True, slots=True)
class Entry:
    """One category, whole: its own fields by column, its filing conditions and bans by field."""

    code: str
    own: Mapping[str, Value]
    conditions: tuple[Mapping[str, Value], ...] = ()
    bans: tuple[Mapping[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong: of which part (categories, conditions, bans), of which row of it (from 1), in which field."""

    part: str
    row: int
    field: str
    reason: str
    value: Value = None


def _text(most: int, *, required: bool = False) -> Callable[[Any], Value]:
    def read(given: Any) -> Value:
        if isinstance(given, bool) or not (given is None or isinstance(given, str | int | float)):
            raise Wrong("not-text")
        words = "" if given is None else normal.free_text(str(given))
        # JSON was looked at at the door; a workbook, or a file given to the command, was not.
        if normal.is_unclean(words):
            raise Wrong("unclean")
        if required and not words:
            raise Wrong("required")
        if len(words) > most:
            raise Wrong("too-long")
        return words

    return read


def _shaped(pattern: re.Pattern[str], *, required: bool) -> Callable[[Any], Value]:
    plain = _text(40, required=required)

    def read(given: Any) -> Value:
        words = str(plain(given))
        if words and not pattern.match(words):
            raise Wrong("wrong-shape")
        return words or None

    return read


@dataclass(frozen=True, slots=True)
class _Whole:
    """Reads a whole number from one to ``most``; nothing is None, where it is not required."""

    most: int
    required: bool = False

    def __call__(self, given: Any) -> Value:
        if given is None or given == "":
            if self.required:
                raise Wrong("required")
            return None
        if isinstance(given, str) and given.strip().isascii() and given.strip().isdigit():
            given = int(given.strip())
        if isinstance(given, float) and given.is_integer():
            given = int(given)
        if isinstance(given, bool) or not isinstance(given, int):
            raise Wrong("not-a-number")
        if not 1 <= given <= self.most:
            raise Wrong("out-of-range")
        return given


def _one_of(choices: Mapping[Any, tuple[str, str]], default: Any = None) -> Callable[[Any], Value]:
    known = {str(name).casefold(): value for value, names in choices.items() for name in (value, *names)}

    def read(given: Any) -> Value:
        if given is None or given == "":
            return default  # type: ignore[no-any-return]  # one of the choices, or None
        value = known.get(str(given).strip().casefold())
        if value is None:
            raise Wrong("not-a-choice")
        return value  # type: ignore[no-any-return]  # one of the choices

    return read


def _codes(given: Any) -> Value:
    words = str(_text(400)(given)).replace("，", ",").replace("、", ",")
    return ",".join(dict.fromkeys(each.strip() for each in words.split(",") if each.strip()))


def _chosen(name: str, zh: str, en: str, choices: Mapping[Any, tuple[str, str]], default: Value = None) -> Field:
    return Field(name, zh, en, _one_of(choices, default), default, choices)


OWN: Final = (
    Field("name_zh", "名称", "name (Chinese)", _text(60, required=True)),
    Field("name_en", "英文名称", "name (English)", _text(100, required=True)),
    _chosen("sort", "部件或事件", "component or event", SORTS, "event"),
    _chosen("is_active", "启用", "in force", FLAGS, True),  # noqa: FBT003  # a value
    Field("gbt_code", "国标代码", "GB/T 30428 code", _shaped(GBT, required=False)),
    Field("file_when", "立案条件", "file when (Chinese)", _text(500), ""),
    Field("file_when_en", "立案条件（英文）", "file when (English)", _text(500), ""),
    Field("close_when", "结案条件", "close when (Chinese)", _text(500), ""),
    Field("close_when_en", "结案条件（英文）", "close when (English)", _text(500), ""),
    Field("limit_value", "处置时限", "limit", _Whole(1000)),
    _chosen("limit_unit", "时限单位", "limit unit", UNITS),
    Field("response_h", "响应时限（小时）", "answer within (hours)", _Whole(1000)),
    _chosen("lowest_tier", "最低办理层级", "lowest tier", TIERS, "community"),
    Field("default_body", "主管单位", "body", _text(100, required=True)),
    Field("assisting_bodies", "协办单位", "assisting bodies", _codes, ""),
    _chosen("photo_rule", "照片要求", "photos", PHOTOS, "none"),
    Field("duplicate_radius_m", "判重半径（米）", "duplicate radius (m)", _Whole(5_000)),
    Field("duplicate_window_h", "判重时限（小时）", "duplicate window (hours)", _Whole(8_760)),
    _chosen("is_private", "隐私", "private", FLAGS, False),  # noqa: FBT003  # a value
    _chosen("intake", "受理方式", "intake", INTAKES, "auto"),
    _chosen("is_night", "夜间核查", "checked at night", FLAGS, False),  # noqa: FBT003  # a value
)
CODE_FIELD: Final = Field("code", "编码", "code", _shaped(CODE, required=True))
CONDITION: Final = (
    Field("number", "序号", "number", _Whole(999, required=True)),
    Field("name_zh", "条件", "condition (Chinese)", _text(300, required=True)),
    Field("name_en", "条件（英文）", "condition (English)", _text(300, required=True)),
    Field("limit_value", "处置时限", "limit", _Whole(1000, required=True)),
    _chosen("limit_unit", "时限单位", "limit unit", UNITS),
    Field("close_when", "结案条件", "close when (Chinese)", _text(500), ""),
    Field("close_when_en", "结案条件（英文）", "close when (English)", _text(500), ""),
)
BAN: Final = (
    Field("area", "区域", "area", _text(40), ""),
    Field("hours", "时段", "hours", _shaped(HOURS, required=False)),
    Field("reason_zh", "说明", "reason (Chinese)", _text(300, required=True)),
    Field("reason_en", "说明（英文）", "reason (English)", _text(300, required=True)),
)


def read_row(
    fields: Sequence[Field], given: Mapping[str, Any], part: str, row: int
) -> tuple[dict[str, Value], list[Fault]]:
    """Return the values of a row by field, and what is wrong with it; a field that is left out has its default."""
    values: dict[str, Value] = {}
    faults = []
    for each in fields:
        raw = given.get(each.name, each.default)
        try:
            values[each.name] = each.read(raw)
        except Wrong as wrong:
            values[each.name] = each.default
            faults.append(Fault(part, row, each.name, wrong.reason, raw if isinstance(raw, str | int) else None))
    return values, faults


def faults_of(
    entries: Sequence[Entry],
    *,
    levels: Collection[str],
    bodies: Collection[str],
    areas: Collection[str],
    rows: Mapping[tuple[str, str, int], int] | None = None,
) -> list[Fault]:
    """Return what is wrong with entries whose fields are right one by one.

    ``levels``: the first levels that stand besides; ``bodies``, ``areas``: the codes there are. ``rows``: where a row
    was found, by part, code and place in its part of the entry; without it the place among the entries.
    """
    known = {*levels, *(each.code for each in entries if len(each.code) == 2)}  # noqa: PLR2004  # a first level
    found: list[Fault] = []
    for place, entry in enumerate(entries):
        at = (rows or {}).get(("categories", entry.code, 0), place + 1)
        found += [Fault("categories", at, *wrong) for wrong in _wrong_own(entry, known, bodies)]
        for part, wrong_of in (("conditions", _wrong_conditions(entry)), ("bans", _wrong_bans(entry, areas))):
            found += [
                Fault(part, (rows or {}).get((part, entry.code, number), number + 1), *wrong)
                for number, wrong in wrong_of
            ]
    return found


def _wrong_own(entry: Entry, levels: set[str], bodies: Collection[str]) -> Iterable[tuple[str, str, Value]]:
    own = entry.own
    if len(entry.code) > 2 and entry.code[:2] not in levels:  # noqa: PLR2004  # a first level
        yield "code", "no-first-level", entry.code
    if own["default_body"] not in bodies:
        yield "default_body", "unknown", own["default_body"]
    for body in filter(None, str(own["assisting_bodies"] or "").split(",")):
        if body not in bodies:
            yield "assisting_bodies", "unknown", body
        elif body == own["default_body"]:
            yield "assisting_bodies", "lead-assists", body
    for one, other in (("limit_value", "limit_unit"), ("duplicate_radius_m", "duplicate_window_h")):
        if (own[one] is None) != (own[other] is None):
            yield (one if own[one] is None else other), "not-whole", None


def _wrong_conditions(entry: Entry) -> Iterable[tuple[int, tuple[str, str, Value]]]:
    seen: set[Value] = set()
    for place, each in enumerate(entry.conditions):
        if len(entry.code) == 2:  # noqa: PLR2004  # a first level
            yield place, ("category", "first-level", entry.code)
        if each["number"] in seen:
            yield place, ("number", "twice", each["number"])
        if each["limit_unit"] is None:
            yield place, ("limit_unit", "required", None)
        if place >= MOST_CONDITIONS:
            yield place, ("number", "too-many", None)
        seen.add(each["number"])


def _wrong_bans(entry: Entry, areas: Collection[str]) -> Iterable[tuple[int, tuple[str, str, Value]]]:
    for place, each in enumerate(entry.bans):
        if each["area"] and each["area"] not in areas:
            yield place, ("area", "unknown", each["area"])
        hours = str(each["hours"] or "")
        if hours and hours[:5] == hours[6:]:
            yield place, ("hours", "wrong-shape", hours)
        if place >= MOST_BANS:
            yield place, ("area", "too-many", None)


@dataclass(frozen=True, slots=True)
class Change:
    """What an entry would change of the catalogue. ``fields``: by name, before and after.

    ``kind``: new, changed, retired, revived. Conditions and bans are told as whole lists.
    """

    code: str
    kind: str
    fields: Mapping[str, tuple[Any, Any]]


def change_of(before: Entry | None, after: Entry) -> Change | None:
    """Return what differs, None where nothing does."""
    if before is None:
        return Change(after.code, "new", {name: (None, value) for name, value in after.own.items() if value})
    pairs: list[tuple[str, Any, Any]] = [(name, before.own.get(name), value) for name, value in after.own.items()]
    pairs += [
        ("conditions", _listed(before.conditions, "number"), _listed(after.conditions, "number")),
        ("bans", _listed(before.bans, "area", "hours"), _listed(after.bans, "area", "hours")),
    ]
    fields = {name: (was, now) for name, was, now in pairs if was != now}
    if not fields:
        return None
    was, now = before.own.get("is_active"), after.own["is_active"]
    return Change(after.code, "changed" if was == now else "revived" if now else "retired", fields)


def _listed(rows: Iterable[Mapping[str, Value]], *by: str) -> list[dict[str, Value]]:
    return sorted((dict(row) for row in rows), key=lambda row: tuple(str(row[name] or "").zfill(4) for name in by))
