"""The dates that follow moon and sun, computed again: new moons after Meeus, chapter 49; the sun after chapter 25."""
# ruff: noqa: DTZ001  # Beijing's own time throughout

import math
from datetime import date, datetime, timedelta

import chinese_calendar
import pytest

from server.cases.calendars.statutory import guessed, law_days, lunar_days

YEARS = sorted(lunar_days())
TT_BEFORE_UTC = timedelta(seconds=75)  # in these decades, to some seconds
BEIJING = timedelta(hours=8)


def new_moon(k):
    """The time of the k-th new moon since 2000, in Beijing, to about half a minute."""
    t = k / 1236.85
    jde = 2451550.09766 + 29.530588861 * k + 0.00015437 * t**2
    e = 1 - 0.002516 * t
    m, n, f, o = (
        math.radians(a + b * k + c * t**2)
        for a, b, c in (
            (2.5534, 29.10535670, -0.0000014), (201.5643, 385.81693528, 0.0107582),
            (160.7108, 390.67050284, -0.0016118), (124.7746, -1.56375588, 0.0020672),
        )
    )  # fmt: skip
    s = math.sin
    jde += (
        -0.40720 * s(n) + 0.17241 * e * s(m) + 0.01608 * s(2 * n) + 0.01039 * s(2 * f) + 0.00739 * e * s(n - m)
        - 0.00514 * e * s(n + m) + 0.00208 * e * e * s(2 * m) - 0.00111 * s(n - 2 * f) - 0.00057 * s(n + 2 * f)
        + 0.00056 * e * s(2 * n + m) - 0.00042 * s(3 * n) + 0.00042 * e * s(m + 2 * f) + 0.00038 * e * s(m - 2 * f)
        - 0.00024 * e * s(2 * n - m) - 0.00017 * s(o) - 0.00007 * s(n + 2 * m) + 0.00004 * s(2 * n - 2 * f)
        + 0.00004 * s(3 * m) + 0.00003 * s(n + m - 2 * f) + 0.00003 * s(2 * n + 2 * f) - 0.00003 * s(n + m + 2 * f)
        + 0.00003 * s(n - m + 2 * f)
    )  # fmt: skip
    planets = (
        (299.77, 0.107408, 325), (251.88, 0.016321, 165), (251.83, 26.651886, 164), (349.42, 36.412478, 126),
        (84.66, 18.206239, 110), (141.74, 53.303771, 62), (207.14, 2.453732, 60), (154.84, 7.306860, 56),
        (34.52, 27.261239, 47), (207.19, 0.121824, 42), (291.34, 1.844379, 40), (161.72, 24.198154, 37),
        (239.56, 25.513099, 35), (331.55, 3.592518, 23),
    )  # fmt: skip
    jde += sum(weight * 1e-6 * s(math.radians(a + b * k)) for a, b, weight in planets)
    return datetime(2000, 1, 1, 12) + timedelta(days=jde - 2451545.0) - TT_BEFORE_UTC + BEIJING


def sun_longitude(at):
    """The apparent longitude of the sun in degrees at a time in Beijing, to 0.01 degree (some 15 minutes)."""
    t = (at - BEIJING + TT_BEFORE_UTC - datetime(2000, 1, 1, 12)) / timedelta(days=36525)
    m = math.radians(357.52911 + 35999.05029 * t)
    centre = (1.914602 - 0.004817 * t) * math.sin(m) + 0.019993 * math.sin(2 * m) + 0.000289 * math.sin(3 * m)
    node = math.radians(125.04 - 1934.136 * t)
    return (280.46646 + 36000.76983 * t + centre - 0.00569 - 0.00478 * math.sin(node)) % 360


MONTHS = [new_moon(k).date() for k in range(285, 510)]


def month_of_solstice(year):
    """The index of the month that holds the winter solstice: the eleventh."""
    night = datetime(year, 12, 20)
    while sun_longitude(night) < 270:
        night += timedelta(minutes=10)
    return max(n for n, first in enumerate(MONTHS) if first <= night.date())


def holds_a_principal_term(n):
    """Whether the sun passes a multiple of 30 degrees in a month."""
    first, last = (datetime.combine(day, datetime.min.time()) for day in MONTHS[n : n + 2])
    return sun_longitude(first) // 30 != sun_longitude(last) // 30


def months_of(year):
    """The first days of the months by number, as GB/T 33661-2017 counts them from the solstice of the year before.

    Only where thirteen months lie between two solstices is one of them a leap month: the first without a term.
    """
    before, after = month_of_solstice(year - 1), month_of_solstice(year)
    between = list(range(before, after))
    if len(between) == 13:
        between.remove(next(n for n in between if not holds_a_principal_term(n)))
    return {(10 + count) % 12 + 1: MONTHS[n] for count, n in enumerate(between)}


@pytest.mark.parametrize("year", YEARS)
def test_the_days_of_the_moon_fall_where_moon_and_sun_put_them(year):
    spring, _, boat, mid = lunar_days()[year]
    months = months_of(year)
    assert (spring, boat, mid) == (months[1], months[5] + timedelta(days=4), months[8] + timedelta(days=14))


@pytest.mark.parametrize("year", YEARS)
def test_qingming_is_the_day_on_which_the_sun_reaches_fifteen_degrees(year):
    midnight = datetime.combine(lunar_days()[year][1], datetime.min.time())
    assert sun_longitude(midnight) < 15 <= sun_longitude(midnight + timedelta(days=1))


def test_the_known_hard_years_are_right():
    # The new moons are four minutes before and seven after midnight.
    assert lunar_days()[2027][0] == date(2027, 2, 6)
    assert lunar_days()[2030][0] == date(2030, 2, 3)


@pytest.mark.parametrize("year", [2025, 2026])
def test_what_the_law_gives_was_free_in_the_years_that_were_announced(year):
    assert all(chinese_calendar.is_holiday(day) for day, _ in law_days(year))


@pytest.mark.parametrize("year", YEARS)
def test_the_law_gives_thirteen_days_and_as_many_that_are_no_weekend(year):
    assert len(list(law_days(year))) == 13
    assert sum(day.weekday() < 5 for day in guessed(year)) == 13


def test_beyond_the_table_the_fixed_days_stand_and_nothing_fails():
    assert {day for day, _ in law_days(2060)} == {
        date(2060, month, day) for month, day in ((1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3))
    }
    assert guessed(2060)
