"""Each check of steps, calls and cases names the fault that it is there for; where there is none it is silent."""

import datetime as dt
import json
import uuid
from dataclasses import replace
from types import SimpleNamespace

import pytest

from server.cases.case_event import CaseEvent
from server.simulator.faults import casebook
from server.simulator.faults.calling import Call
from server.simulator.faults.world import Broken

NOW = dt.datetime(2026, 11, 30, 2, tzinfo=dt.UTC)
ISSUE, STEP = str(uuid.uuid4()), str(uuid.uuid4())


def sent(**more):
    row = {
        "id": STEP, "issue_id": ISSUE, "step": "receive", "outcome": "taken", "instead": None, "author_id": 7,
        "is_taken": True, "taken_on": ISSUE, "taken_as": "receive", "source": "phone", "person_id": 7,
        "is_known": True, "reporter": 8, "is_of_body": True,
    }  # fmt: skip
    return SimpleNamespace(**(row | more))


def phone(*barred):
    return SimpleNamespace(name="p", barred=set(barred))


NOT_TAKEN = {"is_taken": False, "taken_on": None, "taken_as": None, "source": None, "person_id": None}


@pytest.mark.parametrize(
    "row",
    [
        sent(),
        sent(outcome="overtaken", instead={"type": "x"}, **NOT_TAKEN),
        sent(outcome=None, is_known=False, **NOT_TAKEN),
        sent(outcome="refused", instead={"type": "x"}, source="page", person_id=9),
    ],
)
def test_steps_that_are_taken_or_explained_are_well(row):
    casebook._check_sent(phone(), row)


@pytest.mark.parametrize(
    ("row", "invariant"),
    [
        (sent(outcome=None), "step"),
        (sent(**NOT_TAKEN), "step"),
        (sent(taken_on=str(uuid.uuid4())), "step"),
        (sent(taken_as="done"), "step"),
        (sent(person_id=9), "step"),
        (sent(outcome="overtaken", instead=None, **NOT_TAKEN), "step"),
        (sent(outcome="refused", instead={"type": "x"}), "step"),
        (sent(is_of_body=False), "rights"),
        (sent(is_of_body=None), "rights"),
        (sent(step="check", taken_as="check", reporter=7), "rights"),
    ],
)
def test_a_step_that_is_lost_doubled_or_nobodys_is_found(row, invariant):
    with pytest.raises(Broken) as caught:
        casebook._check_sent(phone(), row)
    assert caught.value.invariant == invariant


def test_a_step_of_somebody_who_may_take_none_is_found():
    with pytest.raises(Broken, match="may not"):
        casebook._check_sent(phone(STEP), sent())


def answered(status):
    answer = json.dumps({"results": [{"id": STEP, "issue_id": ISSUE, "status": status}]}).encode()
    return Call("c", b"", (STEP,), answer).results[0]


TAKEN = SimpleNamespace(source="callback", code="zhujian", person_id=None)


def test_calls_that_are_done_once_or_explained_are_well():
    casebook._check_called(SimpleNamespace(body="zhujian"), answered("taken"), TAKEN)
    casebook._check_called(SimpleNamespace(body="zhujian"), answered("illegal"), None)


@pytest.mark.parametrize(
    ("status", "row"),
    [
        ("taken", None),
        ("refused", TAKEN),
        ("taken", SimpleNamespace(source="rule", code="zhujian", person_id=None)),
        ("taken", SimpleNamespace(source="callback", code="chengguan", person_id=None)),
    ],
)
def test_a_call_that_is_lost_or_somebody_elses_is_found(status, row):
    with pytest.raises(Broken):
        casebook._check_called(SimpleNamespace(body="zhujian"), answered(status), row)


def event(step, before, state, **more):
    return CaseEvent(uuid.uuid4(), step, before, state, NOW, NOW, **more)


EVENTS = [
    (1, event("report", "", "reported", given={"source": "worker"})),
    (2, event("accept", "reported", "accepted")),
    (3, event("settle", "accepted", "settled", given={"answer": "已清理"})),
]


def case(**more):
    row = {
        "id": uuid.UUID(ISSUE), "state": "settled", "body_id": None, "closed_at": NOW, "closing_reason": "fixed",
        "merged_into": None, "public_answer": "已清理", "awaiting_routing": False, "is_deleted": False,
    }  # fmt: skip
    return SimpleNamespace(**(row | more))


def test_a_case_that_shows_what_its_steps_add_up_to_is_well():
    casebook._check_case(case(), EVENTS)
    casebook._check_case(case(state="reported", closed_at=None, closing_reason=None, public_answer=None), [])
    casebook._check_case(case(state="reported", closing_reason=None, is_deleted=True), EVENTS)


@pytest.mark.parametrize(
    ("row", "events"),
    [
        (case(), []),
        (case(state="reported", closed_at=None, body_id=3), []),
        (case(state="accepted"), EVENTS),
        (case(state="accepted", is_deleted=True), EVENTS),
        (case(state="reported"), EVENTS),
        (case(body_id=3), EVENTS),
        (case(public_answer="别的"), EVENTS),
        (case(closed_at=None), EVENTS),
        (case(), [EVENTS[0], EVENTS[2]]),
        (case(), [EVENTS[0], (2, replace(EVENTS[1][1], state_before="filed")), EVENTS[2]]),
    ],
)
def test_a_case_whose_state_no_step_leads_to_is_found(row, events):
    with pytest.raises(Broken):
        casebook._check_case(row, events)
