"""Deadlines: known days, and a slow minute-by-minute oracle beside the arithmetic."""

from datetime import UTC, date, datetime, time, timedelta

import chinese_calendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.cases.calendar import FIXED_HOLIDAYS, OFFICE_HOURS, SHANGHAI, Limit, WorkCalendar, parse_hours
from server.cases.errors import InvalidWorkingHours

CALENDAR = WorkCalendar()
days = st.dates(date(2025, 1, 1), date(2026, 11, 19))
moments = st.builds(lambda day, moment: datetime.combine(day, moment, SHANGHAI), days, st.times())


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def due(start, value, unit, calendar=CALENDAR):
    return calendar.due(at(start), Limit(value, unit)).due_at.astimezone(SHANGHAI).replace(tzinfo=None).isoformat(" ")


@pytest.mark.parametrize(
    ("start", "value", "unit", "expected"),
    [
        # Clock hours and days run through nights, weekends and holidays.
        ("2026-02-16 23:00", 4, "h", "2026-02-17 03:00:00"),
        ("2026-01-31 10:00", 30, "d", "2026-03-02 10:00:00"),
        # Working hours: over lunch, over a night, over a weekend, before opening.
        ("2026-11-18 11:00", 2, "wh", "2026-11-18 15:00:00"),
        ("2026-11-18 17:00", 2, "wh", "2026-11-19 10:00:00"),
        ("2026-11-20 17:00", 4, "wh", "2026-11-23 12:00:00"),
        ("2026-11-18 06:00", 2, "wh", "2026-11-18 10:30:00"),
        ("2026-11-18 12:30", 1, "wh", "2026-11-18 15:00:00"),
        # On the stroke of closing it is due then, and a start at closing counts from the next opening.
        ("2026-11-18 10:00", 2, "wh", "2026-11-18 12:00:00"),
        ("2026-11-18 12:00", 1, "wh", "2026-11-18 15:00:00"),
        # Working days: the first does not count; due when business closes.
        ("2026-11-18 09:00", 1, "wd", "2026-11-19 17:30:00"),
        ("2026-11-18 23:59", 1, "wd", "2026-11-19 17:30:00"),
        ("2026-11-20 09:00", 1, "wd", "2026-11-23 17:30:00"),
        ("2026-11-21 09:00", 1, "wd", "2026-11-23 17:30:00"),
        # 10 October 2026, a Saturday, is a moved working day (调休).
        ("2026-10-09 16:30", 2, "wh", "2026-10-10 09:30:00"),
        ("2026-10-09 10:00", 1, "wd", "2026-10-10 17:30:00"),
        # 14 February 2026 (Saturday) works; 15 to 23 February are Spring Festival.
        ("2026-02-14 17:00", 1, "wh", "2026-02-24 09:00:00"),
        ("2026-02-13 10:00", 2, "wd", "2026-02-24 17:30:00"),
    ],
)
def test_known_deadlines(start, value, unit, expected):
    assert due(start, value, unit) == expected


def test_a_deadline_is_in_utc():
    assert CALENDAR.due(at("2026-11-18 09:00"), Limit(2, "h")).due_at == datetime(2026, 11, 18, 3, tzinfo=UTC)


def test_a_year_not_yet_announced_is_guessed_from_weekdays_and_fixed_holidays_and_named():
    deadline = CALENDAR.due(at("2026-12-31 10:00"), Limit(1, "wd"))
    # 1 January 2027 is a Friday, but New Year's Day all the same.
    assert deadline.due_at == at("2027-01-04 17:30")
    assert deadline.guessed_years == (2027,)


def test_a_deadline_inside_announced_years_guesses_nothing():
    assert CALENDAR.due(at("2026-11-20 10:00"), Limit(15, "wd")).guessed_years == ()


def test_clock_hours_into_an_unannounced_year_guess_nothing():
    assert CALENDAR.due(at("2026-12-31 23:00"), Limit(4, "h")).guessed_years == ()


def test_working_hours_are_configurable():
    calendar = WorkCalendar(hours=parse_hours("09:00-18:00"))
    assert due("2026-11-18 17:00", 2, "wh", calendar) == "2026-11-19 10:00:00"
    assert due("2026-11-18 17:00", 1, "wd", calendar) == "2026-11-19 18:00:00"


def test_the_office_hours_can_be_written_down():
    assert parse_hours("08:30-12:00, 14:00-17:30") == OFFICE_HOURS


@pytest.mark.parametrize("text", ["", "08:30", "12:00-08:30", "08:30-12:00,11:00-17:30", "8-12", "25:00-26:00"])
def test_working_hours_that_are_none_are_refused(text):
    with pytest.raises(InvalidWorkingHours):
        parse_hours(text)


def test_a_start_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        CALENDAR.due(datetime(2026, 11, 18), Limit(1, "h"))  # noqa: DTZ001  # that is the point


@pytest.mark.parametrize(("value", "unit"), [(0, "h"), (-1, "wd"), (1, "weeks")])
def test_a_limit_that_is_none_is_refused(value, unit):
    with pytest.raises(ValueError, match="no limit"):
        Limit(value, unit)


def works_by_minute(minute):
    """Say whether one minute is worked, straight from the definition."""
    return chinese_calendar.is_workday(minute.date()) and any(a <= minute.time() < b for a, b in OFFICE_HOURS)


def hours_by_minute(start, hours):
    """Count working minutes one at a time."""
    left, now = hours * 60, start
    while left:
        left -= works_by_minute(now)
        now += timedelta(minutes=1)
    return now


def days_by_day(start, days):
    passed = 0
    for ahead in range(1, 400):
        day = start.date() + timedelta(days=ahead)
        passed += chinese_calendar.is_workday(day)
        if passed == days:
            return datetime.combine(day, time(17, 30), SHANGHAI)
    raise AssertionError


@settings(max_examples=60, deadline=None)
@given(start=moments, hours=st.integers(1, 9))
def test_working_hours_agree_with_counting_minutes(start, hours):
    start = start.replace(second=0, microsecond=0)
    assert CALENDAR.due(start, Limit(hours, "wh")).due_at == hours_by_minute(start, hours)


@given(start=moments, days=st.integers(1, 20))
def test_working_days_agree_with_counting_days(start, days):
    assert CALENDAR.due(start, Limit(days, "wd")).due_at == days_by_day(start, days)


@given(start=moments)
def test_a_moment_is_in_working_hours_as_its_minute_is(start):
    assert CALENDAR.is_working(start) == works_by_minute(start)


@given(start=moments, value=st.integers(1, 60), unit=st.sampled_from(["h", "wh", "wd", "d"]))
def test_a_longer_limit_is_never_due_earlier_and_no_limit_is_due_at_its_start(start, value, unit):
    shorter = CALENDAR.due(start, Limit(value, unit)).due_at
    assert start < shorter <= CALENDAR.due(start, Limit(value + 1, unit)).due_at


@given(day=st.dates(date(2027, 1, 1), date(2035, 12, 31)))
def test_an_unannounced_weekend_is_never_worked(day):
    noonish = datetime.combine(day, time(10), SHANGHAI)
    expected = day.weekday() < 5 and (day.month, day.day) not in FIXED_HOLIDAYS
    unannounced = WorkCalendar(announced=lambda _day: None)
    assert unannounced.is_working(noonish) == expected


@pytest.mark.parametrize(("moment", "works"), [("08:30", True), ("12:00", False), ("14:00", True), ("17:30", False)])
def test_opening_belongs_to_working_hours_and_closing_does_not(moment, works):
    assert CALENDAR.is_working(at(f"2026-11-18 {moment}")) is works
