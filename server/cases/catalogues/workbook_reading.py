"""Reading a workbook that a stranger made, in a confined child: cells as plain values, within bounds.

Owns the use of openpyxl on what comes from outside. Knows nothing of catalogues; formulas are told, never followed,
and nothing outside the file is asked for. Everything that is needed later is imported here, since a child can load
nothing once it is confined.
"""

import datetime as dt
from pathlib import Path
from typing import Any, Final

import openpyxl
from openpyxl.cell.read_only import EmptyCell, ReadOnlyCell
from openpyxl.reader import drawings, excel, strings, workbook  # noqa: F401
from openpyxl.worksheet import _read_only, _reader  # noqa: F401

from server.confined import Told

MOST_SHEETS: Final = 10
MOST_ROWS: Final = 5_000
MOST_COLUMNS: Final = 60
MOST_CHARS: Final = 2_000


def read(told: Told, name: str) -> dict[str, Any]:
    """Return {"sheets": {title: rows of cells}} of a file in this folder, or {"fault": why not}.

    A cell is None, a flag, a number or a text; {"formula": true} for one that is none of these.
    """
    del told
    try:
        book = openpyxl.load_workbook(Path(name), read_only=True, data_only=False, keep_links=False)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  # the library raises whatever the bytes lead it to
        return {"fault": "not-a-workbook"}
    if len(book.sheetnames) > MOST_SHEETS:
        return {"fault": "too-large"}
    try:
        sheets = {sheet.title: _rows(sheet) for sheet in book.worksheets}
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  # as above: sheets are read late
        return {"fault": "not-a-workbook"}
    if any(rows is None for rows in sheets.values()):
        return {"fault": "too-large"}
    return {"sheets": sheets}


def _rows(sheet: Any) -> list[list[Any]] | None:
    """Return the rows of a sheet; None for one that has too many. What a file says of its own size is not believed."""
    sheet.reset_dimensions()
    rows: list[list[Any]] = []
    for number, row in enumerate(sheet.iter_rows()):
        if number >= MOST_ROWS or len(row) > MOST_COLUMNS:
            return None
        rows.append([_value(cell) for cell in row])
    return rows


def _value(cell: ReadOnlyCell | EmptyCell) -> Any:
    value = cell.value
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        # One character more than is taken, so that it is told as too long.
        return {"formula": True} if getattr(cell, "data_type", "s") == "f" else value[: MOST_CHARS + 1]
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return {"formula": True}
