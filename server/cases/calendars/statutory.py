"""The public holidays that the law gives every year, whatever is announced. Pure.

Owns 全国年节及纪念日放假办法 as revised in 2024: New Year 1 day, Spring Festival 4 from New Year's Eve, Qingming 1,
Labour Day 2, Dragon Boat 1, Mid-Autumn 1, National Day 3; one that falls on a weekend, or on another, is made up for on
a working day. Which working days the State Council moves beyond that is known only from its notice. Must not know
cases or the database.

The dates that follow moon and sun stand in ``data/lunar_holidays.csv``, after GB/T 33661-2017: a month begins on the
day of the new moon in Beijing time, and Qingming is the day on which the sun reaches a longitude of 15 degrees. The
tests compute both again. Calendars in common software (ICU) have the Spring Festivals of 2027 and 2030 wrong by a day,
where the new moon is minutes from midnight.
"""

import csv
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

TABLE = Path(__file__).parents[1] / "data" / "lunar_holidays.csv"
REVISED = 2025
"""The first year under the revision of 2024."""
_SATURDAY = 5
_DAY = timedelta(days=1)


@lru_cache(maxsize=1)
def lunar_days() -> Mapping[int, tuple[date, date, date, date]]:
    """Return by year: first day of Spring Festival, Qingming, Dragon Boat, Mid-Autumn."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return {int(year): tuple(map(date.fromisoformat, days)) for year, *days in rows}  # type: ignore[misc]  # four


def law_days(year: int) -> Iterator[tuple[date, str]]:
    """Yield the days that the law gives and their names, in the order of the year; beyond the table fixed ones alone.

    A day comes twice where two holidays meet.
    """
    yield from sorted(_law_days(year))


def _law_days(year: int) -> Iterator[tuple[date, str]]:
    yield date(year, 1, 1), "元旦"
    for day in (1, 2):
        yield date(year, 5, day), "劳动节"
    for day in (1, 2, 3):
        yield date(year, 10, day), "国庆节"
    if year in lunar_days():
        spring, qingming, boat, mid = lunar_days()[year]
        for ahead in (-1, 0, 1, 2):
            yield spring + ahead * _DAY, "春节"
        yield qingming, "清明节"
        yield boat, "端午节"
        yield mid, "中秋节"


@lru_cache(maxsize=64)
def guessed(year: int) -> Mapping[date, str]:
    """Return the days, by name, that are free in a year nobody has announced: the law's, and those made up for."""
    free: dict[date, str] = {}
    owed: list[tuple[date, str]] = []
    for day, name in law_days(year):
        if day in free or day.weekday() >= _SATURDAY:
            owed.append((day, name))
        free.setdefault(day, name)
    for day, name in owed:
        instead = day
        while instead in free or instead.weekday() >= _SATURDAY:
            instead += _DAY
        if instead.year == year:
            free[instead] = name
    return MappingProxyType(free)
