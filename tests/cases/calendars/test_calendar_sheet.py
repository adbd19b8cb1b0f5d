"""The CSV of a year: what is written is read back, and each kind of fault is named by its line."""

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cases.calendars import sheet
from server.cases.calendars.calendar import Day
from server.cases.calendars.seeding import announced_years
from server.cases.calendars.store import Draft
from server.cases.deadlines.entering import check
from server.cases.errors import InvalidCalendar, InvalidSheet
from tests.cases.notices import notice

HEAD = b"date,kind,name\r\n"


def faults(raw):
    with pytest.raises(InvalidSheet) as refused:
        sheet.read(raw)
    assert all(fault["zh"] and fault["en"] for fault in refused.value.faults)
    return [(fault["line"], fault["reason"]) for fault in refused.value.faults]


@given(
    st.dictionaries(
        st.dates(date(2027, 1, 1), date(2027, 12, 31)),
        st.builds(Day, st.sampled_from(["holiday", "workday"]), st.text("春节,\"'; 0a", min_size=1).filter(str.strip)),
        min_size=1,
    )
)
def test_what_is_written_is_read_back(days):
    cleaned = {day: Day(said.kind, said.name.strip()) for day, said in days.items()}
    assert sheet.read(sheet.write(days).encode()) == cleaned


@given(st.binary(max_size=300))
def test_whatever_the_bytes_it_is_read_or_refused_by_line(raw):
    for each in (raw, HEAD + raw):
        with contextlib.suppress(InvalidSheet):
            assert sheet.read(each)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_the_encodings_that_offices_save_are_read(encoding):
    assert sheet.read("date,kind,name\n2027/1/1,放假,元旦\n".encode(encoding)) == {
        date(2027, 1, 1): Day("holiday", "元旦")
    }


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", [(1, "header")]),
        (HEAD, [(1, "empty")]),
        (b"day,kind,name\n2027-01-01,holiday,x\n", [(1, "header")]),
        (HEAD + b"2027-02-30,holiday,x\n", [(2, "date")]),
        (HEAD + b"1 Jan 2027,holiday,x\n", [(2, "date")]),
        (HEAD + b"99999999999999999999-1-1,holiday,x\n", [(2, "date")]),
        (HEAD + "２０２７-01-01,holiday,x\n".encode(), [(2, "date")]),
        (HEAD + b"2027-01-01,vacation,x\n", [(2, "kind")]),
        (HEAD + b"2027-01-01,holiday,\n", [(2, "name-empty")]),
        (HEAD + b"2027-01-01,holiday\n", [(2, "cells")]),
        (HEAD + b"2027-01-01,holiday,x,y\n", [(2, "cells")]),
        (HEAD + b"2027-01-01,holiday,=1+1\n", [(2, "formula")]),
        (HEAD + "2027-01-01,holiday,a\u202eb\n".encode(), [(2, "name-unclean")]),
        (HEAD + b"2027-01-01,holiday," + b"x" * 101, [(2, "name-long")]),
        (HEAD + b"2027-01-01,holiday,x\n2027-01-01,workday,x\n", [(3, "twice")]),
        (HEAD + b"2027-01-01,holiday,x\n2026-12-31,holiday,x\n", [(3, "other-year")]),
        (HEAD + b'2027-01-01,holiday,"x\n', [(2, "quoting")]),
        (HEAD + b"2027-01-01,holiday,\0\n", [(2, "not-text")]),
        (b"\xff\xfe\x00\xff", [(1, "not-text")]),
        (HEAD + b"x" * 100_001, [(1, "too-large")]),
        (HEAD + b"2027-01-01,holiday,x\n" * 401, None),
        # Every line at fault is named, not the first alone; blank lines count and are passed over.
        (HEAD + b"\n2027-13-01,holiday,x\n,,\n2027-01-01,never,x\n", [(3, "date"), (5, "kind")]),
    ],
)
def test_each_kind_of_fault_is_named_by_its_line(raw, expected):
    found = faults(raw)
    assert found == expected if expected is not None else found[-1][1] == "too-many-lines"


@pytest.mark.parametrize(
    ("days", "reason", "named"),
    [
        (notice(less=["2027-06-09"]), "missing-statutory", ["2027-06-09"]),
        (notice(worked=["2027-10-01"]), "workday-on-weekday", ["2027-10-01"]),
        (notice(worked=["2027-01-05"]), "workday-on-weekday", ["2027-01-05"]),
        ({**notice(), date(2026, 12, 31): Day("holiday", "x")}, "other-year", ["2026-12-31"]),
        ({}, "empty", None),
    ],
)
def test_a_notice_that_cannot_be_is_refused_and_its_days_are_named(days, reason, named):
    with pytest.raises(InvalidCalendar) as refused:
        check(Draft("x", year=2027, days=days))
    assert (refused.value.reason, refused.value.days) == (reason, named)


def test_an_area_says_only_what_differs_and_a_provisional_year_what_is_known():
    check(Draft("x", 5, 2027, days={date(2027, 1, 5): Day("workday", "x")}))
    check(Draft("x", year=2027, announced=False, days=notice(less=["2027-06-09"])))


@pytest.mark.parametrize("year", sorted(announced_years()))
def test_every_year_that_was_announced_would_be_taken(year):
    check(Draft("x", year=year, days=sheet.read(sheet.write(announced_years()[year]).encode())))
