"""The clocks of made-up cases, beside an oracle that paints and counts their minutes."""

import uuid
from datetime import date, datetime, time, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.cases.calendars.calendar import SHANGHAI, Day, Hours, Layer, Limit, WorkCalendar, Year
from server.cases.case_event import CaseEvent
from server.cases.clocks import run
from server.cases.clocks.terms import Terms
from server.simulator.month.agreeing import as_counted
from server.simulator.month.painted import Case, Place, as_painted
from tests.cases.clocks.telling import STATES

ZERO = datetime(2026, 12, 21, tzinfo=SHANGHAI)
DAYS = 75
ANYWHERE = Place(ZERO, DAYS, {}, ((),) * 7, ())
MINUTES, when = ANYWHERE.minutes, ANYWHERE.when

LUNCH = ((time(8, 30), time(12)), (time(14), time(17, 30)))
THROUGH = ((time(7), time(22)),)
THREE = ((time(6), time(9, 10)), (time(9, 20), time(13)), (time(19, 1), time(23, 59)))
WEEKS = [(LUNCH,) * 5 + ((),) * 2, (THROUGH,) * 7, (LUNCH,) * 5 + (THREE, ()), ((), THREE, (), LUNCH, (), LUNCH, ())]
NEXT = {
    "reported": ["accept", "dispatch", "merge", "void"],
    "accepted": ["file", "dispatch", "merge"],
    "verified": ["file"],
    "filed": ["dispatch", "whistle"],
    "dispatched": ["receive", "receive", "return", "done", "merge"],
    "received": ["return", "done", "suspend", "grant_extension", "dispatch"],
    "extended": ["done", "suspend", "assist_done", "dispatch"],
    "suspended": ["resume", "resume", "done"],
    "in_progress": ["done", "suspend", "grant_extension", "assist_done", "whistle", "merge"],
    "returned": ["dispatch"],
    "done": ["check", "rework", "check"],
    "checked": ["close", "rework"],
    "reworked": ["done", "suspend", "grant_extension"],
    "closed": ["reopen"],
}
OFFLINE = {"report", "receive", "done", "resume", "assist_done", "check"}

limits = st.one_of(
    st.tuples(st.integers(1, 90), st.just("min")),
    st.tuples(st.integers(1, 30), st.just("h")),
    st.tuples(st.integers(1, 20), st.just("wh")),
    st.tuples(st.integers(1, 5), st.just("wd")),
    st.tuples(st.integers(1, 4), st.just("d")),
)
gaps = st.one_of(st.integers(0, 3), st.integers(0, 400), st.integers(0, 4000))


@st.composite
def places(draw):
    """A calendar of ours, and the same as worked minutes."""
    announced = draw(st.sampled_from([{2026}, {2026, 2027}, set()]))
    span = st.dates(date(2026, 12, 21), date(2027, 1, 31))
    days = {
        day: kind
        for day, kind in draw(st.dictionaries(span, st.sampled_from(["holiday", "workday"]), max_size=14)).items()
        if day.year in announced
    }
    week = draw(st.sampled_from(WEEKS))
    years = {
        year: Year(1, announced=True, days={day: Day(kind, "x") for day, kind in days.items() if day.year == year})
        for year in announced
    }
    calendar = WorkCalendar([Layer(years, (Hours(1, date(2020, 1, 1), week),))], 5)
    return calendar, Place(ZERO, DAYS, days, week, announced)


@st.composite
def stories(draw):  # noqa: C901  # each step has facts of its own
    """Steps of one case: (step, minute done, minute known, given)."""
    verify = draw(st.booleans())
    known = draw(st.integers(500, 9 * 1440))
    story = [("report", known - draw(st.integers(0, 300)), known, {})]
    state, before_merge, bodies = "reported", "", []
    for _ in range(draw(st.integers(0, 14))):
        options = ["unmerge"] if state == "merged" else NEXT.get(state, [])
        if state == "accepted" and verify:
            options = ["verify"]
        if not options:
            break
        step = draw(st.sampled_from(options))
        known += draw(gaps)
        done = max(known - draw(gaps), story[0][2]) if step in OFFLINE and draw(st.booleans()) else known
        told = {}
        if step in ("dispatch", "whistle"):
            bodies = draw(st.permutations([1, 2, 3]))[: 1 if step == "dispatch" else draw(st.integers(1, 3))]
            told = {"lead": bodies[0], "assisting": bodies[1:]}
            if draw(st.booleans()):
                told["limit"] = draw(limits)
        elif step == "assist_done":
            if len(bodies) < 2:
                continue
            told = {"body": bodies[1]}
        elif step == "grant_extension":
            told = {"limit": draw(limits), "anew": draw(st.booleans())}
        elif step == "suspend":
            told = {"review_after": 1}
        elif step == "unmerge":
            told = {"merged": next(each[2] for each in reversed(story) if each[0] == "merge")}
        story.append((step, done, known, told))
        if step == "merge":
            before_merge = state
        state = before_merge if step == "unmerge" else state if step == "assist_done" else STATES[step]
    return story, verify


def told(story):
    """Return a story as events."""
    events, state = [], ""
    for step, done, known, facts in story:
        state = state if step in ("assist_done", "unmerge") else STATES[step]
        sent = {name: facts[name] for name in ("anew",) if name in facts}
        if "limit" in facts:
            sent["limit"] = {"value": facts["limit"][0], "unit": facts["limit"][1]}
        if "lead" in facts:
            sent["bodies"] = {"lead": facts["lead"], "assisting": facts["assisting"]}
        events.append(
            CaseEvent(
                uuid.uuid4(), step, "", state, when(done), when(known), body_id=facts.get("body", facts.get("lead")),
                offline=done != known, given=sent,
            )
        )  # fmt: skip
    return events


terms_given = st.fixed_dictionaries(
    dict.fromkeys(("acceptance", "filing", "dispatch", "receipt", "return", "check", "closing", "handling"), limits),
    optional={"rework": limits, "verification": limits, "rating": limits},
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(place=places(), story=stories(), given_limits=terms_given)
def test_every_clock_of_every_story_agrees_with_its_painted_minutes(place, story, given_limits):
    calendar, painted = place
    steps, verify = story
    case = Case(given_limits, verify=verify, length=MINUTES)
    for step, done, known, facts in steps:
        case.take(step, done, known, facts)
    now = steps[-1][2] + 60
    terms = Terms({stage: Limit(*limit) for stage, limit in given_limits.items()}, verify=verify)
    counted = run(told(steps), terms, calendar, when(now))
    beyond = when(MINUTES - 1)
    expected = [as_painted(strip, painted, now) for strip in case.strips]
    found = [as_counted(clock) for clock in counted]
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        if mine["stage"] == "review" or (mine["due"] is not None and mine["due"] > beyond):
            continue  # the one is dated by day, the other lies beyond the painted strip
        assert mine == theirs


@settings(max_examples=100, deadline=None)
@given(place=places(), story=stories(), given_limits=terms_given, cut=st.integers(0, 15))
def test_what_is_known_at_a_moment_does_not_depend_on_what_came_later(place, story, given_limits, cut):
    calendar, _ = place
    steps, verify = story
    terms = Terms({stage: Limit(*limit) for stage, limit in given_limits.items()}, verify=verify)
    events = told(steps)
    moment = events[min(cut, len(events) - 1)].taken_at
    known = [each for each in events if each.taken_at <= moment]
    assert run(events, terms, calendar, moment) == run(known, terms, calendar, moment)


@settings(max_examples=150, deadline=None)
@given(place=places(), story=stories(), given_limits=terms_given)
def test_a_warning_comes_after_the_start_not_after_the_deadline_and_for_working_time_in_it(place, story, given_limits):
    calendar, _ = place
    steps, verify = story
    terms = Terms({stage: Limit(*limit) for stage, limit in given_limits.items()}, verify=verify)
    for clock in run(told(steps), terms, calendar, when(steps[-1][2] + 60)):
        if clock.due_at is None:
            assert clock.warn_at is None
            continue
        assert clock.warn_at <= clock.due_at
        if clock.working and clock.warn_at < clock.due_at:
            just_before = clock.warn_at - timedelta(microseconds=1)
            assert calendar.is_working(clock.warn_at) or calendar.is_working(just_before)
