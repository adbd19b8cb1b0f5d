"""The table of steps: whole, sound, and the same as its page of documentation."""

import re

import pytest

from server.cases.case_event import STEPS as EVENTS
from server.cases.history.numbers import check_digit, read_number
from server.cases.life.declared import BEFORE, Who
from server.cases.life.document import PAGE, page
from server.cases.life.guards import GUARDS, OF_WHAT_IS_GIVEN
from server.cases.life.transitions import OPEN, STATE_WORDS, STEPS, TRANSITIONS, as_json
from server.pages.routes import DIST
from sync.collections.issues import CLOSED_STATES, STATES


def test_the_documentation_says_what_the_table_says():
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m server.cases.life.document"


def test_every_step_has_a_row_and_every_row_speaks_of_states_guards_and_steps_that_there_are():
    assert set(STEPS) == set(EVENTS) == {row.step for row in TRANSITIONS}
    assert set(STATE_WORDS) == set(STATES)
    for row in TRANSITIONS:
        assert set(row.froms) <= set(STATES), row
        assert row.to in (None, BEFORE, *STATES), row
        assert set(row.guards) <= set(GUARDS), row
        assert set(row.when) <= row.fields, row
        for name, values in row.when.items():
            assert set(values) <= set(STEPS[row.step].choices[name]), row
    assert set(GUARDS) == {name for row in TRANSITIONS for name in row.guards}
    assert set(GUARDS) >= OF_WHAT_IS_GIVEN


def test_the_pages_call_every_step_as_the_table_does():
    texts = (DIST.parent / "src" / "i18n" / "case.zh.ts").read_text(encoding="utf-8")
    said = dict(re.findall(r'^  "step\.([a-z_]+)": "(.+)",$', texts, re.MULTILINE))
    assert {name: said[name] for name in STEPS} == {name: step.words.zh for name, step in STEPS.items()}


def test_every_state_can_be_reached_and_every_open_one_left_by_people():
    reached = {row.to for row in TRANSITIONS}
    assert reached >= set(STATES)
    for state in OPEN:
        onward = [row for row in TRANSITIONS if state in row.froms and row.to not in (None, state)]
        assert any(set(row.who) - {Who.SYSTEM} for row in onward), state


def test_what_is_closed_stays_closed_but_for_reopening_and_undoing_a_merge():
    out = {(row.step, state) for row in TRANSITIONS for state in row.froms if state in CLOSED_STATES and row.to}
    assert out == {("reopen", "closed"), ("unmerge", "merged")}


def test_whoever_handles_does_not_check_dispatch_or_close():
    for row in TRANSITIONS:
        if row.step in ("check", "verify", "dispatch", "close", "rework", "grant_extension"):
            assert not {Who.LEAD, Who.ASSISTANT} & set(row.who), row


def test_the_table_is_sent_whole_in_both_languages():
    sent = as_json()
    assert len(sent) == len(TRANSITIONS)
    assert all(row["zh"] and row["en"] and all(who["zh"] and who["en"] for who in row["who"]) for row in sent)


@pytest.mark.parametrize("said", ["26 000 001 7", "26-000001-7", "２６０００００１７"])
def test_a_number_is_read_as_it_is_said(said):
    number = "26000001" + check_digit("26000001")
    assert read_number(said.replace("7", number[-1]).replace("７", number[-1])) == number


def test_a_digit_misheard_or_two_that_changed_places_are_noticed():
    number = "26000471" + check_digit("26000471")
    assert read_number(number) == number
    wrong = {
        number[:place] + digit + number[place + 1 :]
        for place in range(len(number))
        for digit in "0123456789"
        if digit != number[place]
    }
    assert not [each for each in wrong if read_number(each)]
    swapped = {number[:at] + number[at + 1] + number[at] + number[at + 2 :] for at in range(len(number) - 1)}
    # All but the few pairs that MOD 11,10 cannot tell apart.
    assert sum(bool(read_number(each)) for each in swapped - {number}) <= 1
