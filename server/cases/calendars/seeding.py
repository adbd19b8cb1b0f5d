"""The editions that a city begins with: the years that are announced, and the working hours of its configuration.

What a person has entered stands: only years that nobody has spoken of are put in, and hours only where the newest
ones come from the configuration too. Seeding twice changes nothing. Must not know cases.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import chinese_calendar
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.cases.calendars.calendar import OFFICE_HOURS, SHANGHAI, Day, Span, office_week
from server.cases.calendars.store import Author, Draft, enter, read

FIRST_YEAR = 2020
FROM = date(2000, 1, 1)
SEED = Author("seed")
SOURCE = "国务院办公厅关于{year}年部分节假日安排的通知（chinesecalendar）"
HOURS_SOURCE = "PATROL_WORKING_HOURS"
_SAID = text("SELECT DISTINCT year FROM calendar_edition WHERE area_id IS NULL AND year IS NOT NULL")
_NEWEST_HOURS = text("""
    SELECT entered_by_way FROM calendar_edition WHERE area_id IS NULL AND valid_from IS NOT NULL
    ORDER BY number DESC LIMIT 1
""")


def seed(session: Session, now: datetime, hours: Sequence[Span] = OFFICE_HOURS) -> int:
    """Put in the announced years that the city lacks, and its hours; return how many editions that took.

    ``hours``: the working hours of Monday to Friday. Where they are others than those seeded before, they hold from the
    day of ``now`` (aware) on.
    """
    said = set(session.scalars(_SAID))
    drafts = [
        Draft(SOURCE.format(year=year), year=year, days=days)
        for year, days in announced_years().items()
        if year not in said
    ]
    came_by = session.scalar(_NEWEST_HOURS)
    today = now.astimezone(SHANGHAI).date()
    if came_by is None:
        drafts.append(Draft(HOURS_SOURCE, valid_from=FROM, week=office_week(hours)))
    elif came_by == "seed" and read(session).over(()).week(today) != office_week(hours):
        drafts.append(Draft(HOURS_SOURCE, valid_from=today, week=office_week(hours)))
    for draft in drafts:
        enter(session, draft, SEED, now)
    return len(drafts)


def announced_years() -> Mapping[int, Mapping[date, Day]]:
    """Return by year the free days and the moved working days that ``chinesecalendar`` knows, from 2020 on."""
    years: dict[int, Mapping[date, Day]] = {}
    year = FIRST_YEAR
    while True:
        try:
            years[year] = dict(_days(year))
        except NotImplementedError:
            return years
        year += 1


def _days(year: int) -> list[tuple[date, Day]]:
    """Return what the notice of a year says, in order. Raises ``NotImplementedError`` for one not known."""
    chinese_calendar.is_workday(date(year, 1, 1))
    free = {day: name for day, name in chinese_calendar.constants.holidays.items() if day.year == year}
    worked = {day: name for day, name in chinese_calendar.constants.workdays.items() if day.year == year}
    names = {each.value: each.chinese for each in chinese_calendar.Holiday}
    found = [(day, Day("holiday", names[name])) for day, name in free.items()]
    return sorted([*found, *((day, Day("workday", f"{names[name]}调休")) for day, name in worked.items())], key=_by_day)


def _by_day(said: tuple[date, Day]) -> date:
    return said[0]
