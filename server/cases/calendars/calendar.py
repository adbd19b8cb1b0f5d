"""Deadlines by the Chinese calendar. Pure.

Owns the arithmetic of minutes (min), clock hours (h), working hours (wh), working days (wd) and days (d) in
Asia/Shanghai, across pauses, with the working days that the State Council moves each year (调休). Must not know cases,
rules or the database.

How the units count follows the Civil Code (民法典, articles 201 to 203):

- ``h`` and ``wh`` begin at once (按照小时计算期间的，自约定的时间开始计算). ``h`` runs through nights and holidays,
  ``wh`` only inside the working hours of working days; where it ends on the stroke of closing, it is due then,
  not at the next opening.
- ``wd``: the day on which the clock starts does not count (开始的当日不计入); it is due when business closes on the
  last working day (停止业务活动的时间为截止时间).
- ``d`` is a period of so many times 24 hours, and ``min`` one of so many minutes.

Pauses are no time: ``h``, ``wh``, ``d`` and ``min`` stand still in them, and of ``wd`` a day counts where the clock
runs when business closes. Where a pause begins or ends on the stroke of a deadline, the deadline stands.

Which days are worked is told in layers: what an area says of a day goes before what an area around it says, and the
city's own is the last. An edition of the calendar never changes, so that a deadline is a function of start, limit
and edition. A year that the city has not announced is provisional: its free days are those that the law gives every
year (``server.cases.calendars.statutory``), and a deadline names the provisional years that it was counted in.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from server.cases.calendars.statutory import guessed
from server.cases.errors import InvalidWorkingHours

SHANGHAI = ZoneInfo("Asia/Shanghai")

Unit = Literal["min", "h", "wh", "wd", "d"]
DayKind = Literal["holiday", "workday"]
Span = tuple[time, time]
Week = tuple[tuple[Span, ...], ...]
"""The working hours of Monday to Sunday; a weekday without any is not worked."""
Pause = tuple[datetime, datetime | None]
"""From when until when a clock stands still; None: it still does. Several do not overlap, the earlier first."""

OFFICE_HOURS: tuple[Span, ...] = ((time(8, 30), time(12)), (time(14), time(17, 30)))
WORKING_WEEKDAYS = 5
_LENGTHS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "wh": timedelta(hours=1), "d": timedelta(days=1)}
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
    """When something is due (UTC), the provisional years that it was counted in, ascending, and by which edition.

    ``edition`` is None where no calendar was asked: clock hours and days run through everything.
    """

    due_at: datetime
    provisional_years: tuple[int, ...] = ()
    edition: int | None = None


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


def office_week(hours: Sequence[Span] = OFFICE_HOURS) -> Week:
    """Return the week of an office: these hours from Monday to Friday."""
    return (tuple(hours),) * WORKING_WEEKDAYS + ((),) * 2


def running(start: datetime, pauses: Sequence[Pause]) -> Iterator[tuple[datetime, datetime | None]]:
    """Yield the stretches from ``start`` on that lie in no pause; the last has no end, unless a pause has none."""
    at = start
    for since, until in pauses:
        if until is not None and until <= at:
            continue
        if since > at:
            yield at, since
        if until is None:
            return
        at = until
    yield at, None


@dataclass(frozen=True, slots=True)
class Day:
    """What is said of one day: that it is free, or worked though it is no weekday of work; and why."""

    kind: DayKind
    name: str


@dataclass(frozen=True, slots=True)
class Year:
    """What one area, or the city, says of one year; of other days than these it says nothing."""

    edition: int
    announced: bool
    days: Mapping[date, Day]


@dataclass(frozen=True, slots=True)
class Hours:
    """The working hours of a week from one day on (Shanghai)."""

    edition: int
    valid_from: date
    week: Week


@dataclass(frozen=True, slots=True)
class Layer:
    """What one area, or the city, says of all years and hours; ``hours`` by ascending ``valid_from``."""

    years: Mapping[int, Year] = field(default_factory=dict)
    hours: tuple[Hours, ...] = ()


class WorkCalendar:
    """The working hours of one place, by one edition. ``layers``: the nearest area first, the city last."""

    def __init__(self, layers: Sequence[Layer] = (Layer(),), edition: int = 0) -> None:
        self.edition = edition
        self._layers = tuple(layers)
        self._spans: dict[date, tuple[Span, ...]] = {}

    def is_working(self, at: datetime) -> bool:
        """Say whether a moment lies in working hours; the closing moment itself does not."""
        local = at.astimezone(SHANGHAI)
        return any(opens <= local.time() < closes for opens, closes in self.spans(local.date()))

    def is_provisional(self, year: int) -> bool:
        """Say whether a year may still change: the city has not announced it, or somebody's days are provisional."""
        told = [layer.years[year] for layer in self._layers if year in layer.years]
        return year not in self._layers[-1].years or not all(each.announced for each in told)

    def day(self, day: date) -> Day | None:
        """Return what is said of a day, by the nearest who says something; None for a day like its weekday."""
        for layer in self._layers:
            year = layer.years.get(day.year)
            if year is not None and day in year.days:
                return year.days[day]
        if day.year in self._layers[-1].years:
            return None
        name = guessed(day.year).get(day)
        return name and Day("holiday", name)  # type: ignore[return-value]  # a name is never empty

    def week(self, day: date) -> Week:
        """Return the working hours in force on a day, as the nearest says who says something."""
        for layer in self._layers:
            for hours in reversed(layer.hours):
                if hours.valid_from <= day:
                    return hours.week
        return office_week()

    def spans(self, day: date) -> tuple[Span, ...]:
        """Return the hours worked on a day, none on a free one.

        A working day moved to a weekday without hours has those of the first weekday that has some.
        """
        if day not in self._spans:
            self._spans[day] = self._read_spans(day)
        return self._spans[day]

    def due(self, start: datetime, limit: Limit) -> Deadline:
        """Return the deadline of a limit whose clock starts at ``start`` (aware) and never stands still."""
        deadline = self.due_across(start, limit, ())
        assert deadline is not None  # noqa: S101  # a calendar has no end
        return deadline

    def due_across(self, start: datetime, limit: Limit, pauses: Sequence[Pause]) -> Deadline | None:
        """Return the deadline of a limit whose clock starts at ``start`` (aware) and stands still in the pauses.

        None where the clock stands still now and time is left.
        """
        if start.tzinfo is None:
            raise ValueError("start has no time zone")
        working = limit.unit in ("wh", "wd")
        if limit.unit == "wd":
            end = self._after_days(start.astimezone(SHANGHAI), limit.value, pauses)
        else:
            end = self.after(start, limit.value * _LENGTHS[limit.unit], pauses, working=working)
        if end is None or not working:
            return None if end is None else Deadline(end.astimezone(UTC))
        years = range(start.astimezone(SHANGHAI).year, end.astimezone(SHANGHAI).year + 1)
        return Deadline(end.astimezone(UTC), tuple(filter(self.is_provisional, years)), self.edition)

    def after(
        self, start: datetime, length: timedelta, pauses: Sequence[Pause] = (), *, working: bool
    ) -> datetime | None:
        """Return when so much time (above zero) has gone by outside the pauses, or None; ``working``: in working hours.

        None where the last pause has no end and time is left.
        """
        left = length
        for begins, ends in self._counted(start, pauses, working=working):
            if ends is None or ends - begins >= left:
                return begins + left
            left -= ends - begins
        return None

    def between(self, start: datetime, end: datetime, pauses: Sequence[Pause] = (), *, working: bool) -> timedelta:
        """Return how much time goes by between two moments outside the pauses; ``working``: in working hours."""
        total = timedelta()
        for begins, ends in self._counted(start, pauses, working=working):
            if begins >= end:
                break
            total += (end if ends is None else min(ends, end)) - begins
        return total

    def opening(self, start: datetime) -> datetime:
        """Return the first moment in working hours that is not before ``start`` (aware), in UTC."""
        return next(self._spans_from(start.astimezone(SHANGHAI)))[0].astimezone(UTC)

    def _read_spans(self, day: date) -> tuple[Span, ...]:
        week, told = self.week(day), self.day(day)
        own = week[day.weekday()]
        if told is None or (told.kind == "workday" and own):
            return own
        return next(filter(None, week), ()) if told.kind == "workday" else ()

    def _after_days(self, start: datetime, days: int, pauses: Sequence[Pause]) -> datetime | None:
        for begins, ends in running(start, pauses):
            day = begins.astimezone(SHANGHAI).date()
            if day == start.date():
                day += timedelta(days=1)
            while ends is None or day <= ends.astimezone(SHANGHAI).date():
                spans = self.spans(day)
                closing = spans and datetime.combine(day, spans[-1][1], SHANGHAI)
                if closing and begins < closing and (ends is None or closing <= ends):
                    days -= 1
                    if not days:
                        return closing
                day += timedelta(days=1)
        return None

    def _counted(
        self, start: datetime, pauses: Sequence[Pause], *, working: bool
    ) -> Iterator[tuple[datetime, datetime | None]]:
        """Yield the stretches from ``start`` on in which time counts; the last may have no end."""
        for begins, ends in running(start.astimezone(SHANGHAI), pauses):
            if not working:
                yield begins, ends
                continue
            for opens, closes in self._spans_from(begins.astimezone(SHANGHAI)):
                if ends is not None and opens >= ends:
                    break
                yield opens, closes if ends is None else min(closes, ends)

    def _spans_from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the working spans that end after ``start``, the first of them cut at it."""
        day = start.date()
        while True:
            for opens, closes in self.spans(day):
                end = datetime.combine(day, closes, SHANGHAI)
                if end > start:
                    yield max(datetime.combine(day, opens, SHANGHAI), start), end
            day += timedelta(days=1)


class Calendars:
    """The calendars of all places of a city, by one edition."""

    def __init__(self, edition: int = 0, city: Layer | None = None, areas: Mapping[int, Layer] | None = None) -> None:
        self.edition = edition
        self._city = city or Layer()
        self._areas = areas or {}
        self._over: dict[tuple[int, ...], WorkCalendar] = {}

    def over(self, line: Sequence[int]) -> WorkCalendar:
        """Return the calendar of a place that lies in these areas (ids), the smallest first."""
        own = tuple(area for area in line if area in self._areas)
        if own not in self._over:
            self._over[own] = WorkCalendar((*(self._areas[area] for area in own), self._city), self.edition)
        return self._over[own]
