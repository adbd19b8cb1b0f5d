"""Entering an edition of the calendar: what a year or a week may say, and which deadlines it moves.

Owns the checks before an edition is written, and the look at what it moves; the moving itself is left to the job.
Takes a session, never commits: who only wants to look rolls back. Must not know requests or files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.cases.calendars import store
from server.cases.calendars.calendar import WORKING_WEEKDAYS, Day, Week
from server.cases.calendars.statutory import REVISED, law_days
from server.cases.calendars.store import Author, Draft
from server.cases.deadlines import recounting
from server.cases.deadlines.recounting import Move
from server.cases.errors import InvalidCalendar


@dataclass(frozen=True, slots=True)
class Entered:
    """The edition that was written, and the deadlines that it moves."""

    edition: int
    moves: tuple[Move, ...]


def enter(session: Session, draft: Draft, by: Author, ground: Ground | None, now: datetime) -> Entered:
    """Check and write an edition, and see what it moves. Raises ``InvalidCalendar``, ``CalendarSuperseded``."""
    check(draft)
    number = store.enter(session, draft, by, now)
    first, last = reach_of(draft)
    moves = recounting.would_move(session, ground, store.read(session), first, last, within=draft.area_id)
    return Entered(number, tuple(moves))


def reach_of(draft: Draft) -> tuple[date, date | None]:
    """Return the first and the last day of which a draft speaks; None: without end."""
    if draft.year is not None:
        return date(draft.year, 1, 1), date(draft.year, 12, 31)
    assert draft.valid_from is not None  # noqa: S101  # one of both, as the database checks
    return draft.valid_from, None


def check(draft: Draft) -> None:
    """Raise ``InvalidCalendar`` for a year or week that cannot be."""
    if draft.withdrawn:
        return
    if draft.year is not None:
        _check_days(draft.year, draft.days or {}, of_city=draft.area_id is None, announced=draft.announced)
    elif draft.week is not None:
        _check_week(draft.week)


def _check_days(year: int, days: Mapping[date, Day], *, of_city: bool, announced: bool) -> None:
    others = [day.isoformat() for day in sorted(days) if day.year != year]
    if others:
        raise InvalidCalendar("days", "other-year", year, others)
    if not days:
        raise InvalidCalendar("days", "empty", year)
    if not of_city:
        return
    # A notice moves work to weekends alone: a worked Tuesday is another year's day, or a slip of the pen.
    on_weekdays = [
        day.isoformat()
        for day, said in sorted(days.items())
        if said.kind == "workday" and day.weekday() < WORKING_WEEKDAYS
    ]
    if on_weekdays:
        raise InvalidCalendar("days", "workday-on-weekday", year, on_weekdays)
    if announced and year >= REVISED:
        _check_law(year, days)


def _check_law(year: int, days: Mapping[date, Day]) -> None:
    """Whatever a notice moves, the days of the law are free: where one is not, a part of the file is missing."""
    missing = [
        day.isoformat()
        for day in dict.fromkeys(day for day, _ in law_days(year))
        if day not in days or days[day].kind != "holiday"
    ]
    if missing:
        raise InvalidCalendar("days", "missing-statutory", year, missing)


def _check_week(week: Week) -> None:
    if not any(week):
        raise InvalidCalendar("week", "no-hours")
