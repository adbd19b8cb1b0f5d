"""Where and when a category may not be reported: by hours of Shanghai, over midnight too, in an area or everywhere."""

import datetime as dt

import pytest

from server.cases.calendars.calendar import SHANGHAI
from server.cases.catalogues.bans import barred, holds
from server.cases.catalogues.entries import Entry

NIGHT = {"area": "A", "hours": "22:00-06:00", "reason_zh": "x", "reason_en": "x"}
ALWAYS = {"area": "", "hours": None, "reason_zh": "x", "reason_en": "x"}


def at(words):
    return dt.datetime.fromisoformat(f"2030-01-01T{words}").replace(tzinfo=SHANGHAI).astimezone(dt.UTC)


@pytest.mark.parametrize(
    ("hours", "moment", "expected"),
    [
        ("22:00-06:00", "23:00", True),
        ("22:00-06:00", "05:59", True),
        ("22:00-06:00", "06:00", False),
        ("22:00-06:00", "22:00", True),
        ("22:00-06:00", "21:59", False),
        ("08:00-12:00", "08:00", True),
        ("08:00-12:00", "12:00", False),
        (None, "03:00", True),
    ],
)
def test_hours_hold_from_their_first_minute_to_before_their_last(hours, moment, expected):
    assert holds(hours, at(moment)) is expected


def test_a_ban_holds_in_its_area_at_its_hours_and_one_of_the_first_level_for_all_below():
    catalogue = {"0302": Entry("0302", {}, (), (NIGHT,)), "03": Entry("03", {}, (), (ALWAYS,)), "04": Entry("04", {})}
    assert barred(catalogue, "0302", {"A"}, at("23:00")) == [NIGHT, ALWAYS]
    assert barred(catalogue, "0302", {"B"}, at("23:00")) == [ALWAYS]
    assert barred(catalogue, "0302", {"A"}, at("12:00")) == [ALWAYS]
    assert barred(catalogue, "0401", {"A"}, at("23:00")) == []
