"""The catalogue as a workbook of three sheets: written for people to edit, and read back with every fault named.

Owns headings, sheets and the step from cells to entries. What comes from outside is opened by a confined child
(``workbook_reading``) alone. Knows no database and no HTTP.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from server.cases.catalogues.entries import BAN, CODE_FIELD, CONDITION, OWN, Entry, Fault, Field, read_row
from server.cases.catalogues.fault_words import SHEETS
from server.confined import ConfinedError, Limits, Task, run

MOST_BYTES: Final = 2 << 20
MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MIB: Final = 1 << 20
_READ: Final = Task(
    "server.cases.catalogues.workbook_reading:read",
    Limits(wall_s=60, cpu_s=20, memory_bytes=512 * _MIB, disk_bytes=_MIB, output_bytes=32 * _MIB),
)
_PARTS: Final = {"categories": OWN, "conditions": CONDITION, "bans": BAN}
_LONG: Final = frozenset({"file_when", "file_when_en", "close_when", "close_when_en", "reason_zh", "reason_en"})

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sheets:
    """What a workbook says: entries, where each row stood (by part, code and place; row from 1), and its faults."""

    entries: tuple[Entry, ...]
    rows: Mapping[tuple[str, str, int], int]
    faults: tuple[Fault, ...]


def write(entries: Iterable[Entry]) -> bytes:
    """Return a catalogue as XLSX: categories, filing conditions and bans, each a sheet, with choices to pick from."""
    book = Workbook()
    book.remove(book.worksheets[0])
    listed = sorted(entries, key=lambda each: each.code)
    rows: dict[str, list[Sequence[Any]]] = {
        "categories": [(each.code, *_told(OWN, each.own)) for each in listed],
        "conditions": [(each.code, *_told(CONDITION, row)) for each in listed for row in each.conditions],
        "bans": [(each.code, *_told(BAN, row)) for each in listed for row in each.bans],
    }
    for part, fields in _PARTS.items():
        _write_sheet(book, part, (CODE_FIELD, *fields), rows[part])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _write_sheet(book: Workbook, part: str, fields: Sequence[Field], rows: Sequence[Sequence[Any]]) -> None:
    sheet = book.create_sheet(SHEETS[part][0])
    sheet.append([f"{each.zh} {each.en}" for each in fields])
    for row in rows:
        sheet.append(list(row))
    for number, each in enumerate(fields, 1):
        letter = get_column_letter(number)
        head = sheet[f"{letter}1"]
        head.font, head.fill = Font(bold=True), PatternFill("solid", fgColor="E6EEF5")
        head.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.column_dimensions[letter].width = 36 if each.name in _LONG else 14
        for [cell] in sheet[f"{letter}2:{letter}{max(2, len(rows) + 1)}"]:
            # A code is a text, whatever it looks like; and a text that begins like a formula stays one.
            if isinstance(cell.value, str):
                cell.data_type, cell.number_format = "s", "@"
        if each.choices:
            words = ",".join(zh for zh, _ in each.choices.values())
            choice = DataValidation("list", formula1=f'"{words}"', allow_blank=True)
            sheet.add_data_validation(choice)
            choice.add(f"{letter}2:{letter}5000")
    sheet.freeze_panes = "B2"


def _told(fields: Sequence[Field], values: Mapping[str, Any]) -> list[Any]:
    return [
        each.choices[values[each.name]][0] if values.get(each.name) in each.choices else values.get(each.name)
        for each in fields
    ]


def read(content: bytes) -> Sheets:
    """Return what a workbook from outside says, with everything that is wrong in it; it is opened in a child alone."""
    if len(content) > MOST_BYTES:
        return _unreadable("too-large")
    try:
        found = run(_READ, {"name": "sheet.xlsx"}, {"sheet.xlsx": content})
    except ConfinedError as error:
        log.warning("a workbook could not be read", size=len(content), error=error.code, detail=error.detail)
        return _unreadable("not-a-workbook" if error.code == "crashed" else "too-large")
    if "fault" in found:
        return _unreadable(found["fault"])
    return _entries(found["sheets"])


def _unreadable(reason: str) -> Sheets:
    return Sheets((), {}, (Fault("file", 0, "file", reason),))


def _entries(sheets: Mapping[str, list[list[Any]]]) -> Sheets:
    """Return the entries of named sheets; conditions and bans of a category that is not listed are faults."""
    faults: list[Fault] = []
    read_parts = {part: _part(part, sheets, faults) for part in _PARTS}
    rows: dict[tuple[str, str, int], int] = {}
    below: dict[str, dict[str, list[dict[str, Any]]]] = {"conditions": {}, "bans": {}}
    listed = {code for _, code, _ in read_parts["categories"]}
    for part, of_code in below.items():
        for number, code, values in read_parts[part]:
            if code not in listed:
                # Where no category could be read, that is the fault.
                faults += [Fault(part, number, "code", "unknown", code)] if listed else []
                continue
            rows[part, code, len(of_code.setdefault(code, []))] = number
            of_code[code].append(values)
    entries = []
    for number, code, values in read_parts["categories"]:
        if ("categories", code, 0) in rows:
            faults.append(Fault("categories", number, "code", "twice", code))
            continue
        rows["categories", code, 0] = number
        conditions, bans = (tuple(below[part].get(code, ())) for part in ("conditions", "bans"))
        entries.append(Entry(code, values, conditions, bans))
    if not entries and not faults:
        faults.append(Fault("categories", 1, "code", "nothing"))
    return Sheets(tuple(entries), rows, tuple(faults))


Rows = list[tuple[int, str, dict[str, Any]]]
"""The rows of a sheet: the number of each, its code, and its values by field."""


def _part(part: str, sheets: Mapping[str, list[list[Any]]], faults: list[Fault]) -> Rows:
    """Return the rows of one sheet as (row number, code, values), and note what is wrong in it."""
    names = {each.casefold() for each in (*SHEETS[part], " ".join(SHEETS[part]))}
    cells = next((rows for title, rows in sheets.items() if title.strip().casefold() in names), None)
    fields = (CODE_FIELD, *_PARTS[part])
    if cells is None or not cells:
        if part == "categories":
            faults.append(Fault("file", 0, "file", "no-sheet"))
        return []
    columns = _columns(part, fields, cells[0], faults)
    if columns is None:
        return []
    found = []
    for number, row in enumerate(cells[1:], 2):
        given = {name: row[at] if at < len(row) else None for name, at in columns.items()}
        if all(value is None or value == "" for value in given.values()):
            continue
        if (read := _row(part, number, given, fields, faults)) is not None:
            found.append((number, *read))
    return found


def _columns(part: str, fields: Sequence[Field], head: Sequence[Any], faults: list[Fault]) -> dict[str, int] | None:
    """Return where each field's column is; None where one is missing or strange, which is noted."""
    known = {
        name.casefold(): each.name for each in fields for name in (each.zh, each.en, each.name, f"{each.zh} {each.en}")
    }
    columns: dict[str, int] = {}
    wrong = []
    for at, cell in enumerate(head):
        if cell is None or cell == "":
            continue
        name = known.get(str(cell).strip().casefold()) if isinstance(cell, str) else None
        if name is None or name in columns:
            words = cell[:60] if isinstance(cell, str) else get_column_letter(at + 1)
            wrong.append(Fault(part, 1, words, "unknown-column" if name is None else "twice", words))
        else:
            columns[name] = at
    wrong += [Fault(part, 1, each.name, "no-column") for each in fields if each.name not in columns]
    faults += wrong
    return None if wrong else columns


def _row(
    part: str, number: int, given: Mapping[str, Any], fields: Sequence[Field], faults: list[Fault]
) -> tuple[str, dict[str, Any]] | None:
    """Return code and values of a row; None where its code is wrong. What is wrong is noted."""
    formulas = [name for name, value in given.items() if isinstance(value, dict)]
    faults += [Fault(part, number, name, "formula") for name in formulas]
    plain = {name: value for name, value in given.items() if name not in formulas}
    # A sheet that was edited may have made a number of a code: 0301 comes back as 301.
    code = plain.get("code")
    if isinstance(code, int) and not isinstance(code, bool):
        plain["code"] = f"0{code}" if len(str(code)) % 2 else str(code)
    values, wrong = read_row([each for each in fields if each.name not in formulas], plain, part, number)
    faults += wrong
    found = values.pop("code", None)
    return None if not isinstance(found, str) or wrong or formulas else (found, values)
