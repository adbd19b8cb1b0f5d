"""Every step in every state by every sort of person, held against a table written by hand and again.

Nothing of the product's own table is asked for what is expected.
"""

import datetime as dt
import itertools
import uuid
from dataclasses import replace

import pytest

from server.accounts.charge import Charge, Held
from server.cases.history.replay import Story, Whistle
from server.cases.life.guards import Asked
from server.cases.life.judging import Taken, judge, possible, possible_for
from server.cases.life.persons import RULE, Actor, CaseNow, sees

NOW = dt.datetime(2026, 11, 18, 2, 0, tzinfo=dt.UTC)
GRID, COMMUNITY, STREET, CITY, ELSEWHERE = 11, 7, 5, 1, 90
LEAD, HELPER, STRANGER = 31, 32, 33
STATES = (
    "reported", "accepted", "refused", "merged", "settled", "verified", "filed", "dispatched", "received", "returned",
    "in_progress", "extended", "suspended", "done", "checked", "reworked", "closed", "void",
)  # fmt: skip
HANDLED = "received in_progress extended reworked"
WITH_BODY = f"dispatched {HANDLED} suspended done checked"
OPEN = f"reported accepted verified filed returned {WITH_BODY}"

PEOPLE = {
    "dispatcher here": (101, "dispatcher", COMMUNITY),
    "chief here": (102, "supervisor", COMMUNITY),
    "dispatcher of the street": (103, "dispatcher", STREET),
    "chief of the city": (104, "supervisor", CITY),
    "chief elsewhere": (105, "supervisor", ELSEWHERE),
    "lead": (106, "handler", -LEAD),
    "assistant": (107, "handler", -HELPER),
    "another body": (108, "handler", -STRANGER),
    "worker of the grid": (109, "grid_worker", GRID),
    "head of the grid": (110, "grid_head", GRID),
    "reporter": (111, "grid_worker", ELSEWHERE),
    "verifier": (112, "grid_worker", ELSEWHERE),
    "checker": (113, "grid_worker", ELSEWHERE),
    "auditor of the city": (114, "auditor", CITY),
    "admin of the city": (115, "admin", CITY),
    "gis of the city": (116, "gis", CITY),
}
COMMUNITY_ROLES = "dispatcher here, chief here, dispatcher of the street, chief of the city"
CHIEFS = "chief here, chief of the city"
STREET_ROLES = "dispatcher of the street, chief of the city"
IN_THE_FIELD = "worker of the grid, head of the grid, reporter"
A_PHOTO = {"photos": ["x"], "location": {"lon": 1, "lat": 1}}
BODIES = {"bodies": {"lead": STRANGER, "assisting": [HELPER]}}

# step -> (from, to, who, fields); * stands for the state before, = for the same.
EXPECTED = [
    ("accept", "reported", "accepted", COMMUNITY_ROLES, {}),
    ("refuse", "reported accepted verified", "refused", COMMUNITY_ROLES, {"reason": "not_found", "answer": "x"}),
    ("merge", "reported accepted verified filed", "merged", COMMUNITY_ROLES, {"of": "other"}),
    ("unmerge", "merged", "*", COMMUNITY_ROLES, {}),
    ("settle", "reported accepted", "settled", f"{COMMUNITY_ROLES}, {IN_THE_FIELD}", {"answer": "x"}),
    ("verify", "accepted", "verified", "verifier", {"result": "exists", **A_PHOTO}),
    ("verify", "accepted", "=", "verifier", {"result": "not_found"}),
    ("file", "accepted verified", "filed", COMMUNITY_ROLES, {}),
    ("dispatch", "filed returned", "dispatched", COMMUNITY_ROLES, BODIES),
    ("receive", "dispatched", "received", "lead", {}),
    ("return", "received", "returned", "lead", {"reason": "not_ours", "note": "x"}),
    ("start", "received reworked", "in_progress", "lead", {}),
    ("done", HANDLED, "done", "lead", {"answer": "x"}),
    ("ask_extension", HANDLED, "=", "lead", {"reason": "x", "limit": {"value": 1, "unit": "wd"}}),
    ("grant_extension", HANDLED, "extended", COMMUNITY_ROLES, {}),
    ("refuse_extension", HANDLED, "=", COMMUNITY_ROLES, {"reason": "x"}),
    ("suspend", HANDLED, "suspended", COMMUNITY_ROLES, {"reason": "x", "review_on": "2026-12-18"}),
    ("resume", "suspended", "*", f"{COMMUNITY_ROLES}, lead", {}),
    ("check", "done", "checked", "checker", {"result": "not_fixed", **A_PHOTO}),
    ("check", "done", "=", "checker", {"result": "cannot_tell"}),
    ("rework", "done checked", "reworked", COMMUNITY_ROLES, {"reason": "x"}),
    ("close", "checked", "closed", COMMUNITY_ROLES, {"reason": "fixed", "answer": "x"}),
    ("close", "done checked", "closed", COMMUNITY_ROLES, {"reason": "explained", "answer": "x"}),
    ("rate", "closed", "=", "reporter", {"score": 5}),
    ("reopen", "closed", "reworked", f"{COMMUNITY_ROLES}, reporter", {"reason": "x"}),
    ("escalate", OPEN, "=", f"{COMMUNITY_ROLES}, lead", {"reason": "x"}),
    ("void", OPEN, "void", CHIEFS, {"reason": "x"}),
    ("whistle", "filed returned", "dispatched", STREET_ROLES, BODIES),
    ("whistle", f"dispatched {HANDLED}", "=", STREET_ROLES, {"bodies": {"lead": LEAD, "assisting": [HELPER]}}),
    ("assist_done", WITH_BODY, "=", "assistant", {"answer": "x"}),
    ("score", WITH_BODY, "=", STREET_ROLES, {"body": HELPER, "score": 4}),
]  # fmt: skip


def case(state, step, **more):
    tweaks = {}
    if step in ("grant_extension", "refuse_extension"):
        tweaks |= {"asked": {"limit": {"value": 1, "unit": "wd"}}, "extensions_asked": 1}
    if step == "score":
        tweaks |= {"whistle": Whistle(NOW, 103, frozenset({LEAD, HELPER}), frozenset({HELPER})),
                   "assisted": frozenset({HELPER})}  # fmt: skip
    story = Story(
        state=state,
        body_id=LEAD,
        assisting=(HELPER,),
        before="verified" if state == "merged" else "in_progress",
        checked="fixed",
        closed_at=NOW - dt.timedelta(days=3),
        last_at=NOW - dt.timedelta(days=3),
        **tweaks,
    )
    story = replace(story, **more)
    return CaseNow(
        id=uuid.uuid5(uuid.NAMESPACE_URL, "case"),
        rev=3,
        number="1",
        category="0301",
        is_private=False,
        author_id=111,
        grid_id=GRID,
        line=(GRID, COMMUNITY, STREET, CITY),
        above=frozenset({STREET, CITY}),
        roots=frozenset({CITY}),
        due_at=NOW + dt.timedelta(hours=1),
        captured_at=NOW - dt.timedelta(days=5),
        story=story,
        tasks={"verify": frozenset({112}), "check": frozenset({113})},
    )


def actor(name):
    person, role, place = PEOPLE[name]
    held = Held(role, place if place > 0 else None, -place if place < 0 else None)
    return Actor("page", Charge(person, frozenset({held})))


def asked(who, given):
    other = case("reported", "accept")
    other = CaseNow(**{name: getattr(other, name) for name in other.__slots__} | {"id": uuid.uuid4()})
    given = {**given, **({"of": str(other.id)} if "of" in given else {})}
    return Asked(who, NOW, given, other)


@pytest.mark.parametrize(("step", "froms", "to", "who", "given"), EXPECTED)
def test_a_step_is_taken_in_its_states_by_those_who_may_and_by_nobody_else(step, froms, to, who, given):
    allowed = set(who.split(", "))
    assert allowed <= set(PEOPLE)
    others = {state for row in EXPECTED if row[0] == step for state in row[1].split()}
    for state, name in itertools.product(STATES, PEOPLE):
        here = case(state, step)
        verdict = judge(step, here, asked(actor(name), given), None)
        if state not in froms.split() and state in others:
            continue  # of another row of the same step
        if state not in froms.split():
            assert getattr(verdict, "why", None) in ("state", "choice"), (state, name, verdict)
        elif name not in allowed:
            assert getattr(verdict, "why", None) == "who", (state, name, verdict)
        else:
            assert isinstance(verdict, Taken), (state, name, verdict)
            assert verdict.state == {"=": state, "*": here.story.before}.get(to, to), (state, name)


def test_nothing_is_closed_as_fixed_that_nobody_checked():
    given = {"reason": "fixed", "answer": "x"}
    assert judge("close", case("done", ""), asked(actor("chief here"), given), None).why == "state"


def test_nothing_but_these_rows_is_possible_to_anybody():
    legal = {(step, state) for step, froms, *_ in EXPECTED for state in froms.split()}
    # A case is handed on from one body to another by those alone who say which state they saw.
    legal |= {("dispatch", state) for state in f"dispatched {HANDLED} suspended".split()}
    found = {(each.step, state) for state in STATES for each in possible(case(state, ""))}
    assert found == legal


@pytest.mark.parametrize("state", f"dispatched {HANDLED} suspended".split())
def test_a_case_passes_from_body_to_body_only_for_who_saw_how_it_stood(state):
    given = {"bodies": {"lead": STRANGER, "assisting": []}, "reason": "x"}
    here = case(state, "dispatch")
    assert judge("dispatch", here, asked(actor("dispatcher here"), given), None).why == "state"
    assert judge("dispatch", here, asked(actor("dispatcher here"), given), "filed").why == "stale"
    assert judge("dispatch", here, asked(actor("dispatcher here"), given), state).state == "dispatched"
    assert judge("dispatch", here, asked(actor("lead"), given), state).why == "who"
    same = given | {"bodies": {"lead": LEAD, "assisting": []}}
    assert judge("dispatch", here, asked(actor("dispatcher here"), same), state).guard == "another-body"


@pytest.mark.long
def test_what_is_offered_to_somebody_can_be_taken_and_what_is_not_cannot():
    given = {(step, froms): fields for step, froms, _, _, fields in EXPECTED}
    for state, name in itertools.product(STATES, PEOPLE):
        offered = {each.step for each in possible_for(case(state, "score"), actor(name), NOW)}
        for (step, froms), fields in given.items():
            if state in froms.split() and step not in ("grant_extension", "refuse_extension"):
                taken = isinstance(judge(step, case(state, "score"), asked(actor(name), fields), None), Taken)
                assert not taken or step in offered, (state, name, step)


@pytest.mark.parametrize(
    ("step", "state", "who", "given", "tweak", "guard"),
    [
        ("merge", "reported", "chief here", {"of": "itself"}, {}, "other-case"),
        ("file", "accepted", "chief here", {}, {"source": "resident"}, "verified-if-needed"),
        ("dispatch", "returned", "dispatcher here", BODIES, {"returns": 2}, "street-after-two-returns"),
        ("ask_extension", "received", "lead", {"reason": "x", "limit": {"value": 1, "unit": "wd"}},
         {"extensions_asked": 1}, "asked-once"),
        ("grant_extension", "received", "chief here", {}, {"asked": None}, "asked"),
        ("suspend", "received", "chief here", {"reason": "x", "review_on": "2026-11-18"}, {}, "review-to-come"),
        ("close", "checked", "chief here", {"reason": "fixed", "answer": "x"}, {"checked": "not_fixed"},
         "checked-fixed"),
        ("close", "checked", "chief here", {"reason": "fixed"}, {}, "answered"),
        ("rate", "closed", "reporter", {"score": 5}, {"rated": True}, "rated-once"),
        ("rate", "closed", "reporter", {"score": 5}, {"closed_at": NOW - dt.timedelta(days=16)}, "within-15-days"),
        ("reopen", "closed", "reporter", {"reason": "x"}, {"closed_at": NOW - dt.timedelta(days=16)},
         "within-15-days"),
        ("whistle", "filed", "chief of the city", {"bodies": {"lead": LEAD, "assisting": []}}, {}, "somebody-assists"),
        ("whistle", "received", "chief of the city", BODIES, {}, "same-lead"),
        ("assist_done", "received", "assistant", {"answer": "x"}, {"assisted": frozenset({HELPER})}, "assists-still"),
        ("score", "received", "chief of the city", {"body": HELPER, "score": 1}, {"whistle": None}, "whistle-open"),
        ("score", "received", "chief of the city", {"body": HELPER, "score": 1}, {"assisted": frozenset()},
         "body-finished"),
        ("close", "checked", "chief here", {"reason": "fixed", "answer": "x"},
         {"whistle": Whistle(NOW, 1, frozenset({LEAD}), frozenset({LEAD}))}, "whistle-scored"),
        ("check", "done", "checker", {"result": "fixed", **A_PHOTO}, {"acted": frozenset({113})}, "not-involved"),
        ("verify", "accepted", "verifier", {"result": "not_found"}, {"acted": frozenset({112})}, "not-involved"),
    ],
)  # fmt: skip
def test_each_condition_holds_a_step_back(step, state, who, given, tweak, guard):
    here = case(state, step, **tweak)
    wanted = asked(actor(who), given)
    if given.get("of") == "itself":
        wanted = Asked(actor(who), NOW, {"of": str(here.id)}, here)
    verdict = judge(step, here, wanted, None)
    assert getattr(verdict, "guard", None) == guard, verdict


def test_an_extension_is_asked_for_before_the_deadline():
    here, who = case("received", "ask_extension"), actor("lead")
    given = {"reason": "x", "limit": {"value": 1, "unit": "wd"}}
    late = Asked(who, NOW + dt.timedelta(hours=2), given)
    assert judge("ask_extension", here, late, None).guard == "before-deadline"


def test_a_rule_dispatches_and_nothing_that_needs_a_persons_judgement():
    by_rule = {
        step
        for step, froms, _, _, given in EXPECTED
        if isinstance(judge(step, case(froms.split()[0], step), asked(RULE, given), None), Taken)
    }
    assert by_rule == {"accept", "file", "dispatch", "resume", "close", "escalate"}


def test_who_has_no_part_in_a_case_does_not_see_it():
    unseen = {name for name in PEOPLE if not sees(actor(name), case("done", ""))}
    assert unseen == {"chief elsewhere", "another body"}
