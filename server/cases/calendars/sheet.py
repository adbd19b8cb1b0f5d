"""The days of a year as a CSV file: ``date,kind,name``, as offices keep them and send them. Pure.

Owns the form, in and out, and which line is at fault. Taken are UTF-8, with or without a mark, and GB18030, which
spreadsheets in China save. What a year may say is ``server.cases.deadlines.entering``; must not know the database.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date

from geo.editions.names import name_fault
from server.cases.calendars.calendar import Day, DayKind
from server.cases.errors import InvalidSheet

HEADER = ("date", "kind", "name")
LIMIT_LINES = 400
LIMIT_BYTES = 100_000
LIMIT_NAME = 100
_KINDS: Mapping[str, DayKind] = {"holiday": "holiday", "放假": "holiday", "workday": "workday", "上班": "workday"}
# A spreadsheet would run what begins with one of these.
_FORMULA = ("=", "+", "-", "@", "\t")
Fault = Mapping[str, object]
_WORDS: Mapping[str, tuple[str, str]] = {
    "too-large": ("文件过大", "the file is too large"),
    "not-text": ("不是文本文件，请存为 CSV（UTF-8）", "it is no text; save it as CSV (UTF-8)"),
    "header": ("第一行须为 date,kind,name", "the first line must be date,kind,name"),
    "too-many-lines": ("行数过多", "there are too many lines"),
    "quoting": ("引号不成对", "a quotation mark is not closed"),
    "cells": ("须有三列", "there must be three cells"),
    "date": ("日期须如 2027-01-01", "the date must be like 2027-01-01"),
    "kind": ("类别须为 holiday（放假）或 workday（上班）", "the kind must be holiday or workday"),
    "name-empty": ("缺少名称", "the name is missing"),
    "name-long": ("名称过长", "the name is too long"),
    "name-unclean": ("名称含有不可见的字符", "the name holds characters that cannot be seen"),
    "formula": ("名称不能以 = + - @ 开头", "the name must not begin with = + - @"),
    "twice": ("此日期已在前面出现", "the date stands in an earlier line already"),
    "other-year": ("与前面各行不在同一年", "it lies in another year than the lines before"),
    "empty": ("文件里没有日期", "the file holds no days"),
}


def read(raw: bytes) -> dict[date, Day]:
    """Return the days of a file, in the order of its lines. Raises ``InvalidSheet`` naming every line at fault."""
    if len(raw) > LIMIT_BYTES:
        raise InvalidSheet([_fault(1, "too-large", f"{len(raw)} bytes")])
    days: dict[date, Day] = {}
    faults: list[Fault] = []
    for line, cells in _lines(_text(raw)):
        try:
            day, said = _day(line, cells)
        except InvalidSheet as error:
            faults += error.faults
            continue
        if day in days:
            faults.append(_fault(line, "twice", day.isoformat()))
        elif days and day.year != next(iter(days)).year:
            faults.append(_fault(line, "other-year", day.isoformat()))
        else:
            days[day] = said
    if faults:
        raise InvalidSheet(faults)
    if not days:
        raise InvalidSheet([_fault(1, "empty", "")])
    return days


def write(days: Mapping[date, Day]) -> str:
    """Return days as a file that ``read`` takes, in the order of the year, with the mark that spreadsheets want."""
    out = io.StringIO()
    out.write("\ufeff")
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(HEADER)
    rows.writerows((day.isoformat(), said.kind, said.name) for day, said in sorted(days.items(), key=_by_date))
    return out.getvalue()


def _by_date(item: tuple[date, Day]) -> date:
    return item[0]


def _text(raw: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InvalidSheet([_fault(1, "not-text", "")])


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines below the header that hold something, with their numbers. Raises ``InvalidSheet``."""
    if "\0" in text:
        raise InvalidSheet([_fault(text.count("\n", 0, text.index("\0")) + 1, "not-text", "")])
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip().lower() for cell in next(rows, [])]
        if tuple(header) != HEADER:
            raise InvalidSheet([_fault(1, "header", ",".join(header)[:LIMIT_NAME])])
        for cells in rows:
            if rows.line_num > LIMIT_LINES:
                raise InvalidSheet([_fault(rows.line_num, "too-many-lines", "")])
            if any(cell.strip() for cell in cells):
                yield rows.line_num, cells
    except csv.Error as error:
        raise InvalidSheet([_fault(rows.line_num, "quoting", str(error))]) from None


def _day(line: int, cells: Sequence[str]) -> tuple[date, Day]:
    """Return what one line says. Raises ``InvalidSheet``."""
    if len(cells) != len(HEADER):
        raise InvalidSheet([_fault(line, "cells", str(len(cells)))])
    when, kind, name = (cell.strip() for cell in cells)
    reason = name_reason(name)
    if reason is not None:
        raise InvalidSheet([_fault(line, reason, name[:LIMIT_NAME])])
    if kind not in _KINDS:
        raise InvalidSheet([_fault(line, "kind", kind[:LIMIT_NAME])])
    return _date(line, when), Day(_KINDS[kind], name)


def _date(line: int, when: str) -> date:
    """Return a date as offices write it: 2027-01-01, or 2027/1/1 as spreadsheets save it. Raises ``InvalidSheet``."""
    parts = when.replace("/", "-").split("-")
    if len(parts) == len(HEADER) and all(part.isascii() and part.isdigit() for part in parts):
        with suppress(ValueError, OverflowError):
            return date(*map(int, parts))
    raise InvalidSheet([_fault(line, "date", when[:LIMIT_NAME])])


def name_reason(name: str) -> str | None:
    """Return why a day cannot have this name, None where it can."""
    if not name:
        return "name-empty"
    if len(name) > LIMIT_NAME:
        return "name-long"
    if name.startswith(_FORMULA):
        return "formula"
    return None if name_fault(name) is None else "name-unclean"


def _fault(line: int, reason: str, value: str) -> Fault:
    zh, en = _WORDS[reason]
    return {"line": line, "reason": reason, "value": value, "zh": zh, "en": en}
