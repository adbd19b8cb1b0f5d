"""Deadlines by the Chinese calendar. Pure.

Owns the arithmetic of clock hours (h), working hours (wh), working days (wd) and days (d) in Asia/Shanghai, with the
working days that the State Council moves each year (调休). Must not know cases, rules or the database.

How the units count follows the Civil Code (民法典, articles 201 to 203):

- ``h`` and ``wh`` begin at once (按照小时计算期间的，自约定的时间开始计算). ``h`` runs through nights and holidays,
  ``wh`` only inside the working hours of working days; where it ends on the stroke of closing, it is due then,
  not at the next opening.
- ``wd``: the day on which the clock starts does not count (开始的当日不计入); it is due when business closes on the
  last working day (停止业务活动的时间为截止时间).
- ``d`` is a period of so many times 24 hours.

The moved days of a year are announced late in the year before. Until then its working days are taken to be Monday to
Friday but for the holidays of fixed date (全国年节及纪念日放假办法, 2024), and the deadline names the years for which
that was a guess.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import chinese_calendar

from server.cases.errors import InvalidWorkingHours

SHANGHAI = ZoneInfo("Asia/Shanghai")

Unit = Literal["h", "wh", "wd", "d"]
Span = tuple[time, time]

OFFICE_HOURS: tuple[Span, ...] = ((time(8, 30), time(12)), (time(14), time(17, 30)))
FIXED_HOLIDAYS = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})
_SATURDAY = 5
_SPAN = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Limit:
    """How long something may take: ``Limit(2, "wh")`` is two working hours. The value is 1 or more."""

    value: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.value < 1 or self.unit not in get_args(Unit):
            raise ValueError(f"no limit: {self.value} {self.unit}")


@dataclass(frozen=True, slots=True)
class Deadline:
    """When something is due (UTC), and the years whose working days had to be guessed for it, ascending."""

    due_at: datetime
    guessed_years: tuple[int, ...] = ()


@lru_cache(maxsize=8192)
def announced_workday(day: date) -> bool | None:
    """Say whether a day is a working day in China; None where its year has not been announced."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return None


def parse_hours(text: str) -> tuple[Span, ...]:
    """Read working hours written like ``08:30-12:00,14:00-17:30``. Raises ``InvalidWorkingHours``."""
    spans = []
    for part in text.split(","):
        match = _SPAN.fullmatch(part.strip())
        try:
            spans.append((time.fromisoformat(match[1]), time.fromisoformat(match[2])))  # type: ignore[index]
        except (TypeError, ValueError):
            raise InvalidWorkingHours(text) from None
    if not _in_order(spans):
        raise InvalidWorkingHours(text)
    return tuple(spans)


def _in_order(spans: list[Span]) -> bool:
    return all(opens < closes for opens, closes in spans) and all(
        before[1] <= after[0] for before, after in pairwise(spans)
    )


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """The working hours of one city, and which days are working days there."""

    hours: tuple[Span, ...] = OFFICE_HOURS
    announced: Callable[[date], bool | None] = announced_workday

    def is_working(self, at: datetime) -> bool:
        """Say whether a moment lies in working hours; the closing moment itself does not."""
        local = at.astimezone(SHANGHAI)
        return self._works(local.date()) and any(opens <= local.time() < closes for opens, closes in self.hours)

    def due(self, start: datetime, limit: Limit) -> Deadline:
        """Return the deadline of a limit whose clock starts at ``start`` (aware)."""
        if start.tzinfo is None:
            raise ValueError("start has no time zone")
        if limit.unit == "h":
            return Deadline((start + timedelta(hours=limit.value)).astimezone(UTC))
        if limit.unit == "d":
            return Deadline((start + timedelta(days=limit.value)).astimezone(UTC))
        count = self._after_hours if limit.unit == "wh" else self._after_days
        end = count(start.astimezone(SHANGHAI), limit.value)
        return Deadline(end.astimezone(UTC), self._guessed(start.astimezone(SHANGHAI).date(), end.date()))

    def _after_hours(self, start: datetime, hours: int) -> datetime:
        left = timedelta(hours=hours)
        for opens, closes in self._spans_from(start):
            if closes - opens >= left:
                return opens + left
            left -= closes - opens
        raise AssertionError("a calendar without end came to its end")  # pragma: no cover

    def _after_days(self, start: datetime, days: int) -> datetime:
        day = start.date()
        while days:
            day += timedelta(days=1)
            days -= self._works(day)
        return datetime.combine(day, self.hours[-1][1], SHANGHAI)

    def _spans_from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the working spans that end after ``start``, the first of them cut at it."""
        day = start.date()
        while True:
            if self._works(day):
                for opens, closes in self.hours:
                    end = datetime.combine(day, closes, SHANGHAI)
                    if end > start:
                        yield max(datetime.combine(day, opens, SHANGHAI), start), end
            day += timedelta(days=1)

    def _works(self, day: date) -> bool:
        announced = self.announced(day)
        if announced is None:
            return day.weekday() < _SATURDAY and (day.month, day.day) not in FIXED_HOLIDAYS
        return announced

    def _guessed(self, first: date, last: date) -> tuple[int, ...]:
        years = range(first.year, last.year + 1)
        return tuple(year for year in years if self.announced(max(first, date(year, 1, 1))) is None)
