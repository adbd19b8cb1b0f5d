"""What is asked after a simulated month: that clocks are as their painted minutes, and that what is wrong is found."""

import datetime as dt
import uuid
from datetime import time

import pytest

from server.cases.calendars.calendar import OFFICE_HOURS, SHANGHAI, Layer, Limit, WorkCalendar, Year
from server.cases.calendars.seeding import announced_years
from server.cases.case_event import CaseEvent
from server.cases.clocks import run
from server.cases.clocks.terms import Terms
from server.simulator.month import agreeing

BEGIN = dt.datetime(2026, 9, 18, tzinfo=SHANGHAI)
NOW = BEGIN + dt.timedelta(days=20)


def event(step, state, day, *clock, **more):
    at = (BEGIN + dt.timedelta(days=day)).replace(hour=clock[0], minute=clock[1]).astimezone(dt.UTC)
    return CaseEvent(uuid.uuid4(), step, "", state, at, at, **more)


@pytest.fixture
def told():
    """A case over the National Day: suspended, and done after the holidays."""
    bodies = {"bodies": {"lead": 7, "assisting": []}, "limit": {"value": 3, "unit": "wd"}}
    return [
        event("report", "reported", 11, 9, 0, given={"source": "worker"}), event("accept", "accepted", 11, 9, 10),
        event("file", "filed", 11, 9, 20), event("dispatch", "dispatched", 11, 9, 30, body_id=7, given=bodies),
        event("receive", "received", 11, 10, 0, body_id=7), event("start", "in_progress", 11, 10, 5, body_id=7),
        event("suspend", "suspended", 11, 16, 0, given={"review_on": "2026-10-09"}),
        event("resume", "in_progress", 12, 10, 0), event("done", "done", 19, 11, 0, body_id=7),
    ]  # fmt: skip


def clocks_of(told):
    years = {year: Year(1, announced=True, days=days) for year, days in announced_years().items()}
    terms = Terms({"handling": Limit(3, "wd"), "check": Limit(1, "wd"), "receipt": Limit(2, "wh")})
    return run(told, terms, WorkCalendar([Layer(years)], 1), NOW.astimezone(dt.UTC))


def differences(told, counted):
    place = agreeing.place_of(BEGIN, 31)
    limits = {"handling": (3, "wd"), "check": (1, "wd"), "receipt": (2, "wh")}
    painted = agreeing.painted_of(told, limits, place)
    return list(agreeing.differences(counted, painted, place, NOW.astimezone(dt.UTC)))


def test_clocks_over_moved_working_days_are_as_their_painted_minutes(told):
    assert OFFICE_HOURS[0][0] == time(8, 30)
    assert differences(told, clocks_of(told)) == []


def test_a_clock_that_lost_its_pause_is_found(told):
    without = [each for each in told if each.step not in ("suspend", "resume")]
    assert differences(told, clocks_of(without)) != []
