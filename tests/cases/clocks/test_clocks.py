"""The clocks of known cases: what each step does to them, and what goes wrong with such clocks elsewhere."""

from datetime import date, timedelta

import pytest

from server.cases.calendars.calendar import Limit
from server.cases.clocks.terms import Terms, defaults, over, read
from server.cases.errors import InvalidTerms
from tests.cases.clocks.telling import CALENDAR, at, clocks, event, every, local, minutes

# 18 November 2026 is a Wednesday.
DISPATCHED = event("dispatch", "11-18 09:00", body=1)
RECEIVED = event("receive", "11-18 10:00", body=1)


def test_every_stage_has_its_own_clock_by_the_terms():
    found = clocks(
        event("report", "11-18 08:40"), event("accept", "11-18 09:00"), event("verify", "11-18 11:00"),
        event("file", "11-18 11:20"), event("dispatch", "11-18 11:40", body=1), event("receive", "11-18 14:10", body=1),
        event("done", "11-20 10:00", body=1), event("check", "11-20 15:00"), event("close", "11-20 16:00"),
        handling=(5, "wd"), verify=True,
    )  # fmt: skip
    assert {stage: (local(clock.due_at), clock.in_time) for stage, clock in found.items()} == {
        "reporting": (None, None),
        "acceptance": ("11-18 09:40", True),
        "verification": ("11-18 15:00", True),
        "filing": ("11-18 11:30", True),
        "dispatch": ("11-18 11:50", True),
        "receipt": ("11-18 15:40", True),
        "return": ("11-19 17:30", None),
        "handling": ("11-25 17:30", True),
        "check": ("11-23 17:30", True),
        "closing": ("11-23 17:30", True),
        "rating": ("12-05 16:00", None),
    }
    assert found["handling"].body_id == 1
    assert found["rating"].state == "running"


def test_a_suspended_case_has_no_deadline_and_goes_on_with_what_was_left():
    before = [DISPATCHED, RECEIVED, event("suspend", "11-18 11:00", review_on="2026-12-01")]
    still = clocks(*before, handling=(4, "wh"), now="11-25 12:00")
    assert (still["handling"].state, still["handling"].due_at, still["handling"].light(at("11-25 12:00"))) == (
        "paused", None, "none",
    )  # fmt: skip
    # The date at which somebody must look at it again is a clock of its own, due when business closes.
    assert local(still["review"].due_at) == "12-01 17:30"
    after = clocks(*before, event("resume", "12-03 16:30"), handling=(4, "wh"))
    # Two of the four hours were gone; one is left of that Thursday, and one of the Friday.
    assert local(after["handling"].due_at) == "12-04 09:30"
    assert after["handling"].paused_for == timedelta(days=15, hours=5, minutes=30)
    assert after["review"].in_time is False


def test_a_working_day_counts_where_the_clock_runs_when_business_closes():
    began = [DISPATCHED, RECEIVED]
    over_a_close = [event("suspend", "11-19 09:00"), event("resume", "11-20 09:00")]
    within_a_day = [event("suspend", "11-19 09:00"), event("resume", "11-19 17:00")]
    on_the_stroke = [event("suspend", "11-19 17:30"), event("resume", "11-20 17:30")]
    assert local(clocks(*began, *over_a_close, handling=(2, "wd"))["handling"].due_at) == "11-23 17:30"
    assert local(clocks(*began, *within_a_day, handling=(2, "wd"))["handling"].due_at) == "11-20 17:30"
    # At the closing of the 19th it still ran; at that of the 20th it stood still.
    assert local(clocks(*began, *on_the_stroke, handling=(2, "wd"))["handling"].due_at) == "11-23 17:30"


def test_a_pause_is_not_lost_when_terms_or_calendar_change():
    """GLPI 15605 and 6902: a change of the terms forgot what had been waited for."""
    events = [DISPATCHED, RECEIVED, event("suspend", "11-18 11:00"), event("resume", "11-19 11:00")]
    assert local(clocks(*events, handling=(4, "wh"))["handling"].due_at) == "11-19 15:00"
    assert local(clocks(*events, handling=(6, "wh"))["handling"].due_at) == "11-19 17:00"


def test_time_after_the_work_was_done_is_nobodys_until_it_is_sent_back():
    """GLPI 23359: what was solved went on counting as pending."""
    events = [DISPATCHED, RECEIVED, event("done", "11-18 11:00", body=1)]
    done = clocks(*events, handling=(4, "wh"))["handling"]
    assert (done.state, done.in_time, done.light(at("2027-01-04 09:00"))) == ("ended", True, "green")
    sent_back = [*events, event("check", "11-20 09:00"), event("rework", "11-20 10:00")]
    again = clocks(*sent_back, handling=(4, "wh"), now="11-20 10:30")["handling"]
    # Two hours were used before, from nine to eleven; two are left.
    assert (again.state, local(again.due_at)) == ("running", "11-20 12:00")
    own = over(defaults().limits, {"rework": Limit(1, "wd")})
    assert local(clocks(*sent_back, handling=(4, "wh"), terms=own)["handling"].due_at) == "11-23 17:30"


def test_no_warning_for_working_time_falls_into_the_night():
    """Zammad 4432: reminders came at midnight."""
    found = clocks(event("dispatch", "11-18 16:00", body=1), handling=(2, "wh"))["handling"]
    # Of two working hours, one and a half lie before closing: four fifths are six minutes into the next morning.
    assert (local(found.warn_at), local(found.due_at)) == ("11-19 08:36", "11-19 09:00")
    assert CALENDAR.is_working(found.warn_at)


def test_the_light_is_yellow_from_four_fifths_and_red_beyond_the_deadline():
    [*_, handling] = every(DISPATCHED, handling=(10, "h"), now="11-18 09:00")
    assert [handling.light(at(f"11-18 {hour}")) for hour in ("09:00", "16:59", "17:00", "19:00", "19:01")] == [
        "green", "green", "yellow", "yellow", "red",
    ]  # fmt: skip


def test_an_extension_is_added_or_new_or_a_date_and_later_pauses_move_it_too():
    def due(*events):
        return local(clocks(DISPATCHED, RECEIVED, *events, handling=(2, "wd"))["handling"].due_at)

    two = {"value": 2, "unit": "wd"}
    assert due() == "11-20 17:30"
    assert due(event("grant_extension", "11-19 16:00", limit=two)) == "11-24 17:30"
    assert due(event("grant_extension", "11-19 16:00", limit=two, anew=True)) == "11-23 17:30"
    until = event("grant_extension", "11-19 16:00", until="2026-11-30T04:00:00Z")
    assert due(until) == "11-30 12:00"
    assert due(until, event("suspend", "11-20 09:00"), event("resume", "11-21 09:00")) == "12-01 12:00"
    assert due(until, event("grant_extension", "11-20 09:00", limit={"value": 1, "unit": "h"})) == "11-30 13:00"


def test_what_was_done_offline_before_the_deadline_is_in_time_and_marked():
    done = event("done", "11-18 10:50", known="11-20 08:00", body=1)
    found = clocks(DISPATCHED, RECEIVED, done, handling=(2, "wh"), now="11-20 09:00")
    assert (found["handling"].in_time, found["handling"].offline) == (True, True)
    # The checker has the time from when the server knew.
    assert local(found["check"].since) == "11-20 08:00"
    late = event("done", "11-18 11:10", known="11-20 08:00", body=1)
    assert clocks(DISPATCHED, RECEIVED, late, handling=(2, "wh"))["handling"].in_time is False


def test_a_case_that_was_returned_and_comes_back_goes_on_and_another_body_begins():
    back = event("return", "11-18 11:00", body=1, reason="not ours")
    to_other, to_first = event("dispatch", "11-19 09:00", body=2), event("dispatch", "11-20 09:00", body=1)
    found = every(DISPATCHED, RECEIVED, back, to_other, to_first, handling=(4, "wh"), now="11-20 09:30")
    handling = [(clock.body_id, clock.state, local(clock.due_at)) for clock in found if clock.stage == "handling"]
    assert handling == [(1, "running", "11-20 11:00"), (2, "stopped", "11-19 15:00")]
    dispatches = [clock for clock in found if clock.stage == "dispatch"]
    assert [local(clock.due_at) for clock in dispatches] == ["11-18 11:30"]


def test_each_body_of_a_whistle_has_its_own_clock():
    whistle = event("whistle", "11-18 09:00", bodies={"lead": 1, "assisting": [2, 3]})
    found = every(
        whistle, event("assist_done", "11-18 10:00", body=2), event("done", "11-18 15:00", body=1),
        handling=(4, "wh"), now="11-18 16:00",
    )  # fmt: skip
    states = {clock.body_id: (clock.state, clock.in_time) for clock in found if clock.stage == "handling"}
    assert states == {1: ("ended", True), 2: ("ended", True), 3: ("running", False)}


def test_a_reopened_case_goes_on_with_what_was_left():
    found = every(
        DISPATCHED, RECEIVED, event("done", "11-18 10:30", body=1), event("check", "11-18 11:00"),
        event("close", "11-18 11:30"), event("reopen", "11-24 09:00", state="reworked"), handling=(2, "wh"),
        now="11-24 09:10",
    )  # fmt: skip
    # Half an hour of the two was left when it was done.
    handling = [(clock.state, local(clock.due_at)) for clock in found if clock.stage == "handling"]
    assert handling == [("running", "11-24 09:30")]
    assert [clock.state for clock in found if clock.stage == "rating"] == ["ended"]


def test_a_verification_that_found_nothing_is_not_at_its_end():
    before = [event("report", "11-18 08:40", source="resident"), event("accept", "11-18 09:00")]
    found = clocks(*before, event("verify", "11-18 10:00", state="accepted"), now="11-18 11:00")
    assert found["verification"].state == "running"
    assert clocks(*before, event("verify", "11-18 10:00"), now="11-18 11:00")["verification"].in_time is True


def test_only_the_lead_of_a_whistle_must_sign():
    found = every(event("whistle", "11-18 09:00", bodies={"lead": 1, "assisting": [2]}), handling=(4, "wh"))
    assert [clock.body_id for clock in found if clock.stage == "receipt"] == [1]


def test_what_a_merge_stopped_goes_on_when_it_is_undone():
    merged = [DISPATCHED, event("merge", "11-18 10:00"), event("unmerge", "11-20 10:00", state="dispatched")]
    assert clocks(*merged[:2], handling=(2, "wh"))["handling"].state == "stopped"
    assert local(clocks(*merged, handling=(2, "wh"))["handling"].due_at) == "11-20 11:00"


def test_a_limit_into_a_year_not_announced_is_counted_and_says_so():
    found = clocks(event("dispatch", "12-30 10:00", body=1), handling=(3, "wd"), now="12-30 11:00")["handling"]
    assert (local(found.due_at), found.provisional) == ("01-05 17:30", (2027,))


def test_a_handling_may_be_counted_from_the_capture():
    dispatched = event("dispatch", "11-18 16:00", body=1, since="2026-11-18T01:00:00Z")
    assert local(clocks(dispatched, handling=(4, "h"))["handling"].due_at) == "11-18 13:00"


def test_a_void_case_has_no_clock_that_is_in_time_or_late():
    found = every(DISPATCHED, event("void", "11-25 09:00"), handling=(2, "wh"))
    assert {(clock.state, clock.in_time) for clock in found} == {("stopped", None)}


def test_steps_in_any_order_are_no_error():
    steps = ["close", "resume", "rework", "unmerge", "grant_extension", "done", "return", "reopen", "rate", "score"]
    found = every(*(event(step, at("11-18 09:00") + minutes(n), body=None) for n, step in enumerate(steps)))
    assert all(clock.since <= (clock.ended_at or clock.since) for clock in found)


def test_a_city_sets_its_own_limits_over_the_defaults():
    told = read({"check": {"value": 4, "unit": "wh"}, "rating": None})
    terms = over(defaults().limits, told)
    assert terms.limits["check"] == Limit(4, "wh")
    assert "rating" not in terms.limits
    assert terms.limits["receipt"] == Limit(2, "wh")
    assert isinstance(terms, Terms)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"wandering": {"value": 1, "unit": "h"}}, "stage"), ({"review": {"value": 1, "unit": "h"}}, "stage"),
        ({"check": 4}, "limit"), ({"check": {"value": 4}}, "limit"), ({"check": {"value": 0, "unit": "h"}}, "value"),
        ({"check": {"value": 1.5, "unit": "h"}}, "value"), ({"check": {"value": True, "unit": "h"}}, "value"),
        ({"check": {"value": 1, "unit": "month"}}, "unit"), ({"check": {"value": 10**6, "unit": "d"}}, "value"),
    ],
)  # fmt: skip
def test_a_limit_that_cannot_be_is_refused_by_name(given, reason):
    with pytest.raises(InvalidTerms) as refused:
        read(given)
    assert refused.value.reason == reason
    assert refused.value.stage == next(iter(given))


def test_a_suspension_is_reviewed_by_the_end_of_a_day_without_work():
    found = clocks(DISPATCHED, event("suspend", "11-18 10:00", review_on=date(2026, 11, 21)), handling=(2, "wh"))
    assert local(found["review"].due_at) == "11-22 00:00"
