"""Cases under many hands: random histories keep what must hold, and of two at once one is first."""

import datetime as dt
import itertools
import threading
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.accounts.charge import Charge, Held
from server.cases.errors import StepIllegal
from server.cases.history import steps
from server.cases.history.replay import replay
from server.cases.life.persons import Actor
from server.cases.life.taking import Wanted, take, take_one
from server.cases.life.transitions import STEPS
from server.cases.routing.service import route_awaiting
from sync.collections.issues import CLOSED_STATES
from tests.cases import city
from tests.cases.city import NOW, WEST, id_of, issue, report, rows, shown

COUNTY, COMMUNITY = "360725", "360725100001"
HANDS = (("dispatcher", COMMUNITY), ("supervisor", COMMUNITY), ("supervisor", COUNTY), ("handler", "zhujian"),
         ("handler", "chengguan"), ("handler", "gongshui"), ("grid_worker", WEST))  # fmt: skip
PHOTO = {"photos": ["0193a000-0000-7000-8000-000000000001"], "location": {"lon": 114.305, "lat": 25.685}}
GIVEN = {
    "refuse": [{"reason": "not_found", "answer": "未发现"}],
    "settle": [{"answer": "已清理", **PHOTO}],
    "verify": [{"result": "exists", **PHOTO}, {"result": "cannot_tell"}],
    "dispatch": [{"bodies": {"lead": "zhujian", "assisting": ["chengguan"]}}, {"bodies": {"lead": "gongshui"}},
                 {"bodies": {"lead": "chengguan"}, "reason": "改派"}],
    "return": [{"reason": "not_ours", "note": "非本单位", "photos": PHOTO["photos"]}],
    "done": [{"answer": "已修复", **PHOTO}],
    "ask_extension": [{"reason": "缺料", "limit": {"value": 2, "unit": "wd"}}],
    "refuse_extension": [{"reason": "不批"}],
    "suspend": [{"reason": "待料", "review_on": "2027-06-01"}],
    "check": [{"result": "fixed", **PHOTO}, {"result": "not_fixed", **PHOTO}, {"result": "cannot_tell"}],
    "rework": [{"reason": "未修好"}],
    "close": [{"reason": "fixed"}, {"reason": "explained", "answer": "已说明"}],
    "rate": [{"score": 4}],
    "reopen": [{"reason": "又坏了"}],
    "escalate": [{"reason": "久拖"}],
    "void": [{"reason": "误报"}],
    "whistle": [{"bodies": {"lead": "zhujian", "assisting": ["chengguan"]}}],
    "assist_done": [{"answer": "已协助"}],
    "score": [{"body": "chengguan", "score": 3}, {"body": "zhujian", "score": 5}],
}  # fmt: skip


def people(session):
    for number, (role, _) in enumerate(HANDS):
        session.execute(
            text("INSERT INTO person (login, name) VALUES (:login, :login) ON CONFLICT DO NOTHING"),
            {"login": f"hand-{number}-{role}"},
        )
    found = []
    for number, (role, place) in enumerate(HANDS):
        body = id_of(session, "organisation", place)
        held = Held(role, None if body else id_of(session, "area", place), body)
        found.append(Actor("page", Charge(id_of(session, "person", f"hand-{number}-{role}"), frozenset({held}))))
    return found


def holds(session, issue_id):
    """What must hold of a case, whatever was done to it."""
    events = steps.of_cases(session, [issue_id])[issue_id]
    row, story = issue(session, issue_id), replay(events)
    assert [event.state_before for event in events] == ["", *(event.state for event in events[:-1])]
    assert all(one.at <= other.at for one, other in itertools.pairwise(events))
    assert (row["state"], row["body_id"], row["merged_into"]) == (story.state, story.body_id, story.of)
    assert (row["closed_at"], row["closing_reason"]) == (story.closed_at, story.closing_reason)
    assert row["public_answer"] == story.answer
    assert (row["closed_at"] is not None) == (row["state"] in CLOSED_STATES)
    assert row["number"] is not None
    assert row["merged_into"] != issue_id
    if story.body_id is None:
        assert row["due_at"] is None
    lines = rows(
        session, "SELECT count(*) AS n FROM operation WHERE collection = 'cases' AND record_id = :id", id=issue_id
    )
    by_rule_at_once = sum(event.source == "rule" and event.step in ("accept", "file") for event in events)
    assert lines[0]["n"] == len(events) - 1 - by_rule_at_once
    return events


A_STEP = st.tuples(
    st.integers(0, 1), st.integers(0, len(HANDS) - 1), st.sampled_from([step for step in STEPS if step != "report"]),
    st.integers(0, 3), st.booleans(), st.integers(0, 900),
)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(history=st.lists(A_STEP, min_size=5, max_size=40), by_duty=st.booleans())
def test_random_histories_by_many_hands_keep_what_must_hold(session, ground, history, by_duty):
    with session.begin_nested() as point:
        session.execute(text("UPDATE category SET intake = :intake"), {"intake": "duty" if by_duty else "auto"})
        hands = people(session)
        ids = [report(session), report(session)]
        route_awaiting(session, NOW, ground)
        now, taken = NOW, []
        for which, who, step, choice, saw, minutes in history:
            now += dt.timedelta(minutes=minutes)
            options = GIVEN.get(step, [{}])
            fields = {"of": str(ids[1 - which])} if step == "merge" else options[choice % len(options)]
            seen = issue(session, ids[which])["state"] if saw else None
            wanted = Wanted(uuid.uuid4(), ids[which], step, hands[who], shown(session, ids[which], fields), seen)
            before = len(steps.of_cases(session, [ids[which]])[ids[which]])
            [outcome], _ = take(session, [wanted], ground, now)
            after = steps.of_cases(session, [ids[which]])[ids[which]]
            if outcome.status == "taken":
                taken.append(wanted)
                assert next(each.id for each in after[before:]) == wanted.id
            else:
                assert len(after) == before
                assert outcome.error is not None
        for wanted in taken:
            [again], _ = take(session, [wanted], ground, now)
            assert (again.status, again.replayed) == ("taken", True)
        all_events = [event for each in ids for event in holds(session, each)]
        assert {each.id for each in taken} <= {event.id for event in all_events}
        point.rollback()


@pytest.mark.long
def test_of_two_dispatchers_at_once_one_is_first_and_the_other_told(session, sessions, ground):
    session.execute(text("UPDATE category SET intake = 'duty' WHERE code = '0301'"))
    clerk, chief, *_ = people(session)
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    for step in ("accept", "file"):
        take_one(session, Wanted(uuid.uuid4(), issue_id, step, clerk), ground, NOW)
    session.execute(text("UPDATE category SET intake = 'auto'"))
    session.commit()
    gate, answers = threading.Barrier(2), {}

    def dispatch(who, body):
        with sessions() as own:
            gate.wait()
            wanted = Wanted(uuid.uuid4(), issue_id, "dispatch", who, {"bodies": {"lead": body}})
            try:
                take_one(own, wanted, ground, NOW)
                own.commit()
                answers[body] = "taken"
            except StepIllegal as illegal:
                own.rollback()
                answers[body] = illegal

    threads = [threading.Thread(target=dispatch, args=each) for each in ((clerk, "zhujian"), (chief, "gongshui"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    session.rollback()
    [first] = [body for body, answer in answers.items() if answer == "taken"]
    [second] = [answer for answer in answers.values() if answer != "taken"]
    assert (second.state, second.happened[-1]["step"]) == ("dispatched", "dispatch")
    assert issue(session, issue_id)["body_id"] == id_of(session, "organisation", first)
    holds(session, issue_id)


def test_two_cases_merged_into_each_other_at_once_make_no_ring(session, sessions, ground):
    session.execute(text("UPDATE category SET intake = 'duty' WHERE code = '0301'"))
    clerk = people(session)[0]
    one, other = report(session), report(session)
    route_awaiting(session, NOW, ground)
    session.execute(text("UPDATE category SET intake = 'auto'"))
    session.commit()
    gate, statuses = threading.Barrier(2), []

    def merge(into, issue_id):
        with sessions() as own:
            gate.wait()
            wanted = Wanted(uuid.uuid4(), issue_id, "merge", clerk, {"of": str(into)})
            [outcome], _ = take(own, [wanted], ground, NOW)
            own.commit()
            statuses.append(outcome.status)

    threads = [threading.Thread(target=merge, args=each) for each in ((one, other), (other, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == ["illegal", "taken"]
    session.rollback()
    with pytest.raises(Exception, match=r"merged into one that is merged into none|ck_issue_merged_into"):
        session.execute(
            text("UPDATE issue SET state = 'merged', merged_into = CASE id WHEN :one THEN :other ELSE :one END"
                 " WHERE id IN (:one, :other)"),
            {"one": one, "other": other},
        )  # fmt: skip


def test_one_step_sent_over_two_connections_at_once_is_taken_once(session, sessions, ground):
    handler = people(session)[3]
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    session.commit()
    gate, same, outcomes = threading.Barrier(4), uuid.uuid4(), []

    def send():
        with sessions() as own:
            gate.wait()
            [outcome], _ = take(own, [Wanted(same, issue_id, "receive", handler)], ground, NOW)
            own.commit()
            outcomes.append((outcome.status, outcome.replayed))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [("taken", False), ("taken", True), ("taken", True), ("taken", True)]


@pytest.mark.long
def test_hundreds_of_steps_take_as_many_statements_as_one(city_engine, sessions, ground):
    counts = []
    for many in (1, 150):
        with Session(city_engine) as session:
            handler = people(session)[3]
            ids = [report(session) for _ in range(many)]
            route_awaiting(session, NOW, ground)
            wanted = [Wanted(uuid.uuid4(), each, "receive", handler) for each in ids]
            session.flush()
            with city.counting(city_engine) as seen:
                outcomes, _ = take(session, wanted, ground, NOW)
            assert {each.status for each in outcomes} == {"taken"}
            counts.append(len(seen))
            session.rollback()
    assert counts[0] == counts[1]
