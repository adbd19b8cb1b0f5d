"""Whether a category may be reported at a place and an hour, and what reporters are told where it may not. Pure.

Owns that question alone. A report that comes all the same is taken: nothing that a worker entered is turned away.
"""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

from server.cases.calendars.calendar import SHANGHAI
from server.cases.catalogues.entries import Entry, Value


def barred(
    catalogue: Mapping[str, Entry], code: str, areas: Collection[str], at: dt.datetime
) -> list[Mapping[str, Value]]:
    """Return the bans of a category and its first level that hold in one of these areas at a moment (aware UTC)."""
    rows = [row for each in (code, code[:2]) if each in catalogue for row in catalogue[each].bans]
    return [row for row in rows if (not row["area"] or row["area"] in areas) and holds(row["hours"], at)]


def holds(hours: Any, at: dt.datetime) -> bool:
    """Return whether HH:MM-HH:MM in Asia/Shanghai, over midnight too, holds a moment; nothing said always holds."""
    if not hours:
        return True
    opens, closes = str(hours).split("-")
    now = f"{at.astimezone(SHANGHAI):%H:%M}"
    return opens <= now < closes if opens < closes else now >= opens or now < closes
