"""Editions of the calendar on the real database: never changed, entered one at a time, read back as they were."""

import threading
from datetime import date, time, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from server.cases.calendars import seeding, store
from server.cases.calendars.calendar import Day, office_week
from server.cases.calendars.store import Draft, enter
from server.cases.errors import CalendarSuperseded, InvalidCalendar
from tests.cases.city import EAST, NOW, WEST, id_of, rows
from tests.cases.notices import PERSON, announce


def worked(calendars, day, line=()):
    return bool(calendars.over(line).spans(date.fromisoformat(day)))


def test_seeding_twice_changes_nothing(session):
    before = store.newest(session)
    assert seeding.seed(session, NOW) == 0
    assert store.newest(session) == before


def test_seeding_leaves_what_a_person_has_entered(session):
    enter(session, Draft("本市", valid_from=date(2026, 1, 1), week=office_week(((time(9), time(17)),))), PERSON, NOW)
    announce(session)
    assert seeding.seed(session, NOW, ((time(7), time(15)),)) == 0


def test_other_hours_of_the_configuration_hold_from_the_day_they_are_seeded(session):
    early = ((time(7), time(15)),)
    assert seeding.seed(session, NOW, early) == 1
    calendar = store.read(session).over(())
    assert calendar.week(NOW.date()) == office_week(early)
    assert calendar.week(NOW.date() - timedelta(days=1)) == office_week()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE calendar_edition SET source = 'x'",
        "DELETE FROM calendar_day",
        "UPDATE calendar_span SET closes = '23:00'",
    ],
)
def test_the_database_changes_no_edition(session, change):
    with pytest.raises(DBAPIError, match="never changed"):
        session.execute(text(change))


def test_an_edition_stays_what_it_was_whatever_is_entered_after(session):
    first = announce(session, free=["2027-01-04"])
    announce(session, free=["2027-01-05"])
    assert not worked(store.read(session, first), "2027-01-04")
    assert worked(store.read(session, first), "2027-01-05")
    assert worked(store.read(session), "2027-01-04")
    assert store.read(session, first - 1).over(()).is_provisional(2027)


def test_an_edition_that_was_only_tried_out_is_forgotten(session):
    tried = announce(session, free=["2027-01-04"])
    assert not worked(store.read(session), "2027-01-04")
    session.rollback()
    assert announce(session, free=["2027-01-05"]) == tried
    assert worked(store.read(session), "2027-01-04")
    assert not worked(store.read(session, tried), "2027-01-05")


def test_what_an_area_says_goes_before_what_it_lies_in_and_the_city_is_the_last(session):
    west, county = id_of(session, "area", WEST), id_of(session, "area", "360725")
    announce(session, free=["2027-01-05"])
    enter(session, Draft("县", county, 2027, days={date(2027, 1, 5): Day("workday", "县里上班")}), PERSON, NOW)
    enter(session, Draft("网格", west, 2027, days={date(2027, 1, 6): Day("holiday", "网格")}), PERSON, NOW)
    calendars = store.read(session)
    line = store.line_of(session, WEST)
    assert line[0] == west
    assert line[-1] == county
    assert [worked(calendars, f"2027-01-0{day}", line) for day in (5, 6)] == [True, False]
    east = store.line_of(session, EAST)
    assert [worked(calendars, f"2027-01-0{day}", east) for day in (5, 6)] == [True, True]
    assert [worked(calendars, f"2027-01-0{day}") for day in (5, 6)] == [False, True]


def test_what_is_withdrawn_says_nothing_and_what_is_around_holds(session):
    announce(session)
    enter(session, Draft("撤销", year=2027, withdrawn=True), PERSON, NOW)
    assert store.read(session).over(()).is_provisional(2027)


def test_who_has_not_seen_the_newest_of_the_same_year_is_refused(session):
    first = announce(session, follows=0)
    with pytest.raises(CalendarSuperseded) as refused:
        announce(session, follows=0)
    assert refused.value.newest == first
    # Of another area nothing was missed.
    announce(session, area_id=id_of(session, "area", WEST), follows=0)


def test_two_that_enter_at_once_get_two_editions_and_the_second_hears_of_the_first(sessions):
    got, refused, both = [], [], threading.Barrier(2)

    def one():
        both.wait()
        try:
            with sessions.begin() as session:
                got.append(announce(session, follows=0))
        except CalendarSuperseded as error:
            refused.append(error.newest)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(got) == 1
    assert refused == got


def test_many_that_enter_at_once_get_numbers_without_gaps(sessions):
    with sessions() as session:
        before = store.newest(session)

    def one():
        with sessions.begin() as session:
            announce(session)

    threads = [threading.Thread(target=one) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    with sessions() as session:
        numbers = [row["number"] for row in rows(session, "SELECT number FROM calendar_edition ORDER BY number")]
    assert numbers[-6:] == [*range(before + 1, before + 7)]


def test_an_area_that_is_no_more_takes_no_calendar(session):
    session.execute(text("UPDATE area_version SET editions = '[1,2)' WHERE area_id = :id"),
                    {"id": id_of(session, "area", EAST)})  # fmt: skip
    with pytest.raises(InvalidCalendar) as refused:
        announce(session, area_id=id_of(session, "area", EAST))
    assert (refused.value.field, refused.value.reason) == ("area", "retired")
