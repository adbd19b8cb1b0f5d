"""Whether a step was overtaken or never was legal: told of every guard, on the case's own events. Pure."""

import datetime as dt
import uuid
from dataclasses import replace

import pytest

from server.accounts.charge import Charge, Held
from server.cases.case_event import CaseEvent
from server.cases.history.replay import replay
from server.cases.life.guards import GUARDS, Asked
from server.cases.life.judging import judge
from server.cases.life.meanwhile import was_legal
from server.cases.life.persons import Actor
from tests.cases.life.test_case_oracle import HELPER, LEAD, NOW, actor, case

DAY = dt.timedelta(days=1)
STATES_AFTER = {
    "report": "reported", "accept": "accepted", "verify": "verified", "file": "filed", "dispatch": "dispatched",
    "receive": "received", "start": "in_progress", "done": "done", "check": "checked", "rework": "reworked",
    "close": "closed", "return": "returned", "merge": "merged", "settle": "settled",
}  # fmt: skip


def history(*steps):
    """Events of these steps, an hour apart, the last an hour ago: a name, or (name, body, fields)."""
    events, state = [], ""
    for number, told in enumerate(steps):
        name, given = (told, {}) if isinstance(told, str) else told
        after = STATES_AFTER.get(name, state)
        if name == "dispatch":
            given = {"bodies": {"lead": LEAD, "assisting": [HELPER]}, **given}
        at = NOW - (len(steps) - number) * dt.timedelta(hours=1)
        body = given.pop("body_id", LEAD)
        events.append(
            CaseEvent(
                uuid.uuid4(), name, state, after, at, at, body_id=body, given=given, person_id=given.pop("by", None)
            )
        )
        state = after
    return events


def outcome(step, events, asked, report_of_other=None, **more):
    here = replace(case("", step), story=replay(events), **more)
    verdict = judge(step, here, asked, here.story.state)
    return getattr(verdict, "guard", None), was_legal(step, here, events, asked, report_of_other)


TO_BODY = ("report", "accept", "file", "dispatch", "receive")
DONE = (*TO_BODY, "done")
CHECKED = (*DONE, ("check", {"result": "fixed"}))
CLOSED = (*CHECKED, ("close", {"reason": "fixed", "answer": "x"}))
SEEN = {"photos": ["x"], "location": {"lon": 1, "lat": 1}}
LIMIT = {"reason": "x", "limit": {"value": 1, "unit": "wd"}}
WHISTLE = ("whistle", {"bodies": {"lead": LEAD, "assisting": [HELPER]}})
# guard -> who, step, fields, the case's events, more of the case; and whether what happened overtook the step.
NEVER_LEGAL = {
    "not-involved": ("reporter", "check", {"result": "fixed", **SEEN}, DONE, {"tasks": {"check": frozenset({111})}}),
    "at-night-if-needed": ("checker", "check", {"result": "fixed", **SEEN}, DONE, {"is_night": True}),
    "other-case": ("chief here", "merge", {"of": str(uuid.uuid5(uuid.NAMESPACE_URL, "case"))}, ("report",), {}),
    "other-open": ("chief here", "merge", {"of": str(uuid.uuid4())}, ("report",), {}),
    "verified-if-needed": ("chief here", "file", {}, (("report", {"source": "resident"}), "accept"), {}),
    "before-deadline": ("lead", "ask_extension", LIMIT, TO_BODY, {"due_at": NOW - DAY}),
    "asked": ("chief here", "grant_extension", {}, TO_BODY, {}),
    "review-to-come": ("chief here", "suspend", {"reason": "x", "review_on": "2026-11-01"}, TO_BODY, {}),
    "checked-fixed": ("chief here", "close", {"reason": "fixed", "answer": "x"},
                      (*DONE, ("check", {"result": "not_fixed"})), {}),
    "answered": ("chief here", "close", {"reason": "fixed"}, CHECKED, {}),
    "somebody-assists": ("chief of the city", "whistle", {"bodies": {"lead": LEAD, "assisting": []}}, TO_BODY, {}),
    "whistle-open": ("chief of the city", "score", {"body": HELPER, "score": 3}, TO_BODY, {}),
    "body-finished": ("chief of the city", "score", {"body": HELPER, "score": 3}, (*TO_BODY, WHISTLE), {}),
}  # fmt: skip
OVERTAKEN = {
    "another-body": ("chief here", "dispatch", {"bodies": {"lead": LEAD, "assisting": []}, "reason": "x"}, TO_BODY, {}),
    "same-lead": ("chief of the city", "whistle", {"bodies": {"lead": HELPER, "assisting": [LEAD]}}, TO_BODY, {}),
    "asked-once": ("lead", "ask_extension", LIMIT, (*TO_BODY, ("ask_extension", LIMIT)), {}),
    "rated-once": ("reporter", "rate", {"score": 3}, (*CLOSED, ("rate", {"score": 5})), {}),
    "checked-fixed": ("chief here", "close", {"reason": "fixed", "answer": "x"},
                      (*CHECKED, "rework", "done", ("check", {"result": "not_fixed"})), {}),
    "assists-still": ("assistant", "assist_done", {"answer": "x"},
                      (*TO_BODY, ("assist_done", {"body_id": HELPER})), {}),
    "asked": ("chief here", "grant_extension", {}, (*TO_BODY, ("ask_extension", LIMIT), "refuse_extension"), {}),
    "whistle-scored": ("chief here", "close", {"reason": "explained", "answer": "x"}, (*DONE, WHISTLE), {}),
    "body-finished": ("chief of the city", "score", {"body": HELPER, "score": 3},
                      (*TO_BODY, WHISTLE, ("assist_done", {"body_id": HELPER}), ("score", {"body_id": HELPER})), {}),
}  # fmt: skip


@pytest.mark.parametrize("guard", NEVER_LEGAL)
def test_what_the_case_never_allowed_is_not_overtaken(guard):
    who, step, given, events, more = NEVER_LEGAL[guard]
    found, legal = outcome(step, history(*events), Asked(actor(who), NOW, given), **more)
    assert (found, legal) == (guard, False)


@pytest.mark.parametrize("guard", OVERTAKEN)
def test_what_the_case_allowed_before_is_overtaken(guard):
    who, step, given, events, more = OVERTAKEN[guard]
    found, legal = outcome(step, history(*events), Asked(actor(who), NOW, given), **more)
    assert (found, legal) == (guard, True)


def test_too_late_to_rate_is_no_overtaking():
    events = history(*CLOSED)
    found, legal = outcome("rate", events, Asked(actor("reporter"), NOW + 16 * DAY, {"score": 3}))
    assert (found, legal) == ("within-15-days", False)


def test_a_case_to_merge_into_that_has_ended_meanwhile_is_an_overtaking():
    events, other_events = history("report"), history(*CLOSED)
    other = replace(case("", ""), id=uuid.uuid4(), story=replay(other_events))
    asked = Asked(actor("chief here"), NOW, {"of": str(other.id)}, other)
    assert outcome("merge", events, asked, other_events[0]) == ("other-open", True)


def test_a_step_out_of_turn_is_refused_and_one_that_came_too_late_is_overtaken():
    lead = Asked(actor("lead"), NOW, {"answer": "x"})
    assert outcome("done", history("report", "accept", "file", "dispatch"), lead) == (None, False)
    assert outcome("done", history(*CHECKED), lead) == (None, True)


def test_after_two_returns_is_asked_of_who_takes_it_too():
    twice = (*TO_BODY, "return", "dispatch", "receive", "return")
    given = {"bodies": {"lead": HELPER, "assisting": []}}
    assert outcome("dispatch", history(*twice), Asked(actor("chief here"), NOW, given)) == (
        "street-after-two-returns", True,
    )  # fmt: skip


def test_every_guard_is_told_here():
    told = {*NEVER_LEGAL, *OVERTAKEN, "within-15-days", "street-after-two-returns"}
    assert told == set(GUARDS)


def test_who_may_not_is_never_overtaken():
    stranger = Actor("phone", Charge(999, frozenset({Held("grid_worker", 90, None)})))
    verdict = judge("check", replace(case("", ""), story=replay(history(*DONE))),
                    Asked(stranger, NOW, {"result": "fixed", **SEEN}), None)  # fmt: skip
    assert verdict.why == "who"
