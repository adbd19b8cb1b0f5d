"""Deadlines: known days, and a slow minute-by-minute oracle beside the arithmetic."""

from datetime import UTC, date, datetime, time, timedelta

import chinese_calendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.cases.calendars.calendar import (
    OFFICE_HOURS,
    SHANGHAI,
    Calendars,
    Day,
    Hours,
    Layer,
    Limit,
    WorkCalendar,
    Year,
    office_week,
    parse_hours,
)
from server.cases.calendars.seeding import announced_years
from server.cases.calendars.statutory import guessed
from server.cases.errors import InvalidWorkingHours

ANNOUNCED = {year: Year(1, announced=True, days=days) for year, days in announced_years().items()}
CITY = Layer(ANNOUNCED)
CALENDAR = WorkCalendar([CITY], 7)
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


def test_a_year_not_yet_announced_is_counted_with_the_holidays_of_the_law_and_named():
    deadline = CALENDAR.due(at("2026-12-31 10:00"), Limit(1, "wd"))
    # 1 January 2027 is a Friday, but New Year's Day all the same.
    assert deadline.due_at == at("2027-01-04 17:30")
    assert (deadline.provisional_years, deadline.edition) == ((2027,), 7)


@pytest.mark.parametrize(
    ("start", "value", "unit", "expected"),
    [
        # Spring Festival of 2027: 5 to 8 February, Saturday and Sunday made up for on 9 and 10 February.
        ("2027-02-04 17:00", 1, "wh", "2027-02-11 09:00:00"),
        ("2027-02-04 09:00", 1, "wd", "2027-02-11 17:30:00"),
        # Qingming, Labour Day on a weekend, Dragon Boat, Mid-Autumn, National Day.
        ("2027-04-02 09:00", 1, "wd", "2027-04-06 17:30:00"),
        ("2027-04-30 09:00", 1, "wd", "2027-05-05 17:30:00"),
        ("2027-06-08 09:00", 1, "wd", "2027-06-10 17:30:00"),
        ("2027-09-14 09:00", 1, "wd", "2027-09-16 17:30:00"),
        ("2027-09-30 09:00", 1, "wd", "2027-10-06 17:30:00"),
        # Mid-Autumn of 2031 meets National Day: one more is made up for.
        ("2031-09-30 09:00", 1, "wd", "2031-10-07 17:30:00"),
    ],
)
def test_a_provisional_year_has_the_holidays_of_the_moon_and_those_made_up_for(start, value, unit, expected):
    assert due(start, value, unit) == expected


def test_a_deadline_inside_announced_years_is_not_provisional():
    assert CALENDAR.due(at("2026-11-20 10:00"), Limit(15, "wd")).provisional_years == ()


def test_clock_hours_into_a_provisional_year_depend_on_no_calendar():
    deadline = CALENDAR.due(at("2026-12-31 23:00"), Limit(4, "h"))
    assert (deadline.provisional_years, deadline.edition) == ((), None)


def test_working_hours_are_configurable():
    calendar = WorkCalendar([Layer(ANNOUNCED, (Hours(2, date(2020, 1, 1), office_week(parse_hours("09:00-18:00"))),))])
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
        CALENDAR.due(datetime(2026, 11, 18), Limit(1, "h"))  # that is the point


@pytest.mark.parametrize(("value", "unit"), [(0, "h"), (-1, "wd"), (1, "weeks")])
def test_a_limit_that_is_none_is_refused(value, unit):
    with pytest.raises(ValueError, match="no limit"):
        Limit(value, unit)


def saturdays_too(hours):
    return (*office_week(hours)[:5], hours[:1], ())


# Three places: the city; a county with hours of its own from 2026-07-01 and a day of its own; a street inside that
# works on Saturdays and through a day that the county has free. Their years end in 2027, which is announced, and 2028.
NOTICE = {
    date(2027, 1, 1): Day("holiday", "元旦"),
    date(2027, 1, 4): Day("holiday", "补休"),
    date(2027, 1, 9): Day("workday", "元旦调休"),
    date(2027, 12, 31): Day("holiday", "元旦"),
}
COUNTY_DAYS = {date(2026, 12, 30): Day("holiday", "县庆"), date(2027, 1, 3): Day("workday", "抗洪")}
STREET_DAYS = {date(2026, 12, 30): Day("workday", "照常")}
SUMMER = ((time(7, 45), time(11, 15)), (time(15), time(18, 15)))
LONG = ((time(8), time(10)), (time(10, 30), time(12)), (time(13), time(20)))
OF_CITY = Layer({**ANNOUNCED, 2027: Year(9, announced=True, days=NOTICE)}, (Hours(1, date(2000, 1, 1), office_week()),))
OF_COUNTY = Layer(
    {2026: Year(3, announced=True, days=COUNTY_DAYS), 2027: Year(4, announced=False, days=COUNTY_DAYS)},
    (Hours(5, date(2026, 7, 1), office_week(SUMMER)), Hours(6, date(2026, 12, 29), office_week())),
)
OF_STREET = Layer(
    {2026: Year(7, announced=True, days=STREET_DAYS)}, (Hours(8, date(2026, 12, 1), saturdays_too(LONG)),)
)
CITY_OF_THREE = Calendars(9, OF_CITY, {10: OF_COUNTY, 20: OF_STREET})
LINES = {(): [OF_CITY], (11, 10): [OF_COUNTY, OF_CITY], (21, 20, 10): [OF_STREET, OF_COUNTY, OF_CITY]}


def says(day, layers):
    """What the nearest says of a day that says something: straight from the rows."""
    told = [layer.years[day.year].days[day].kind for layer in layers if day in rows_of(layer, day)]
    if told:
        return told[0]
    if day.year in layers[-1].years:
        return None
    return "holiday" if day in guessed(day.year) else None


def rows_of(layer, day):
    return layer.years[day.year].days if day.year in layer.years else {}


def week_of(day, layers):
    for layer in layers:
        past = [hours for hours in layer.hours if hours.valid_from <= day]
        if past:
            return max(past, key=lambda hours: hours.valid_from).week
    raise AssertionError


def works_by_minute(minute, layers):
    """Say whether one minute is worked, straight from the definition."""
    week, said = week_of(minute.date(), layers), says(minute.date(), layers)
    spans = week[minute.weekday()]
    if said == "workday" and not spans:
        spans = week[0]
    return said != "holiday" and any(a <= minute.time() < b for a, b in spans)


def due_by_minute(start, limit, layers):
    """Count minute by minute."""
    if limit.unit in ("h", "d"):
        left, counts = limit.value * (60 if limit.unit == "h" else 24 * 60), lambda _minute: True
    elif limit.unit == "wh":
        left, counts = limit.value * 60, lambda minute: works_by_minute(minute, layers)
    else:
        return due_by_days(start, limit.value, layers)
    now = start
    while left:
        left -= counts(now)
        now += timedelta(minutes=1)
    return now


def due_by_days(start, days, layers):
    """Pass so many days with a worked minute, from midnight after the start; due with the end of the last of them."""
    minute, end, worked_on = datetime.combine(start.date() + timedelta(days=1), time(), SHANGHAI), None, None
    while days or (end and minute.date() == end.date()):
        if works_by_minute(minute, layers):
            if minute.date() != worked_on:
                worked_on, days = minute.date(), days - 1
            end = minute + timedelta(minutes=1)
        minute += timedelta(minutes=1)
    return end


# ruff: noqa: DTZ001  # Hypothesis wants bounds without a zone
year_ends = st.one_of(
    *(st.datetimes(datetime(year, 12, 20), datetime(year + 1, 1, 8)) for year in (2026, 2027, 2028)),
    st.datetimes(datetime(2026, 1, 25), datetime(2026, 2, 28)),
    st.datetimes(datetime(2027, 1, 28), datetime(2027, 2, 12)),
    st.datetimes(datetime(2026, 6, 26), datetime(2026, 7, 4)),
)
limits = st.one_of(
    st.builds(Limit, st.integers(1, 60), st.just("h")),
    st.builds(Limit, st.integers(1, 20), st.just("wh")),
    st.builds(Limit, st.integers(1, 6), st.just("wd")),
    st.builds(Limit, st.integers(1, 4), st.just("d")),
)


@settings(max_examples=120, deadline=None)
@given(start=year_ends, limit=limits, line=st.sampled_from(sorted(LINES)))
def test_every_unit_in_every_place_agrees_with_counting_minutes_over_the_ends_of_years(start, limit, line):
    start = start.replace(second=0, microsecond=0, tzinfo=SHANGHAI)
    assert CITY_OF_THREE.over(line).due(start, limit).due_at == due_by_minute(start, limit, LINES[line])


@given(start=year_ends, line=st.sampled_from(sorted(LINES)))
def test_a_moment_is_in_working_hours_as_its_minute_is(start, line):
    start = start.replace(tzinfo=SHANGHAI)
    assert CITY_OF_THREE.over(line).is_working(start) == works_by_minute(start, LINES[line])


@given(start=year_ends, limit=limits, line=st.sampled_from(sorted(LINES)))
def test_a_deadline_names_the_years_it_was_counted_in_that_may_still_change(start, limit, line):
    deadline = CITY_OF_THREE.over(line).due(start.replace(tzinfo=SHANGHAI), limit)
    years = range(start.year, deadline.due_at.astimezone(SHANGHAI).year + 1)
    # The city has announced 2027, yet what the county adds to it is not sure; nobody has announced 2028.
    unsure = {2028, 2029, *({2027} if 10 in line else ())}
    asked = limit.unit in ("wh", "wd")
    assert deadline.provisional_years == (tuple(year for year in years if year in unsure) if asked else ())
    assert deadline.edition == (9 if asked else None)


@given(day=st.dates(date(2020, 1, 1), date(2026, 12, 31)))
def test_a_seeded_day_is_worked_exactly_where_the_announced_calendar_says_so(day):
    assert bool(CALENDAR.spans(day)) == chinese_calendar.is_workday(day)


@pytest.mark.long
def test_every_seeded_day_is_worked_as_announced():
    days = (date(2020, 1, 1) + timedelta(days=n) for n in range(7 * 365 + 2))
    assert [day for day in days if bool(CALENDAR.spans(day)) != chinese_calendar.is_workday(day)] == []


def test_a_moved_working_day_has_the_hours_of_its_weekday_or_of_the_first_that_has_some():
    assert CITY_OF_THREE.over(()).spans(date(2027, 1, 9)) == OFFICE_HOURS
    assert CITY_OF_THREE.over((20, 10)).spans(date(2027, 1, 9)) == LONG[:1]


@given(start=moments, value=st.integers(1, 60), unit=st.sampled_from(["h", "wh", "wd", "d"]))
def test_a_longer_limit_is_never_due_earlier_and_no_limit_is_due_at_its_start(start, value, unit):
    shorter = CALENDAR.due(start, Limit(value, unit)).due_at
    assert start < shorter <= CALENDAR.due(start, Limit(value + 1, unit)).due_at


@pytest.mark.parametrize(("moment", "works"), [("08:30", True), ("12:00", False), ("14:00", True), ("17:30", False)])
def test_opening_belongs_to_working_hours_and_closing_does_not(moment, works):
    assert CALENDAR.is_working(at(f"2026-11-18 {moment}")) is works
