"""What is nearly due is told once to who holds it, and what is over goes up the tree, each level once."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from server.cases.calendars.calendar import SHANGHAI
from server.cases.deadlines import escalating
from server.cases.routing.service import route_awaiting
from server.cases.timing import alarms, reading
from server.jobs.clocks import Watching
from tests.cases.city import counting, report, rows
from tests.cases.notices import announce

# Wednesday, 11:00 in Shanghai.
SINCE = datetime(2026, 11, 18, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)


def local(text_of):
    return datetime.fromisoformat(text_of).replace(tzinfo=SHANGHAI)


@pytest.fixture
def routed(sessions, ground):
    """Puts cases with their bodies: 0301 has two hours, 0103 five working hours, 0101 one working day."""

    def put(category="0301", count=1, at=SINCE):
        with sessions.begin() as session:
            ids = [report(session, category) for _ in range(count)]
            session.execute(
                text("UPDATE issue SET captured_at = :at, received_at = :at WHERE id = ANY (:ids)"),
                {"at": at, "ids": ids},
            )
            route_awaiting(session, at, ground, limit=count)
        return ids

    return put


@pytest.fixture
def look(sessions, ground):
    """Does what the job does, at a moment."""

    def run(moment, limit=500):
        with sessions.begin() as session:
            while alarms.refresh(session, ground, moment, limit):
                pass
        with sessions.begin() as session:
            return escalating.escalate(session, ground, moment, limit)

    return run


def raised(sessions, stage="handling"):
    with sessions() as session:
        found = rows(session, "SELECT * FROM escalation WHERE stage = :stage ORDER BY issue_id, level", stage=stage)
        return [(each["level"], each["area_id"]) for each in found]


@pytest.mark.long
def test_a_warning_comes_at_four_fifths_and_then_a_level_at_a_time_goes_up_once_each(sessions, ground, routed, look):
    routed()
    line = []
    with sessions() as session:
        line = list(ground.ancestors(session.scalar(text("SELECT grid_now FROM issue"))))
    look(SINCE + 95 * HOUR / 60)
    assert raised(sessions) == []
    look(SINCE + 97 * HOUR / 60)
    assert raised(sessions) == [(0, None)]
    look(SINCE + 2 * HOUR)
    assert raised(sessions) == [(0, None)], "what is due now is not late yet"
    look(SINCE + 121 * HOUR / 60)
    assert raised(sessions) == [(0, None), (1, line[0])]
    for _ in range(3):
        look(SINCE + 121 * HOUR / 60)
    look(SINCE + 181 * HOUR / 60)
    assert raised(sessions) == [(0, None), (1, line[0]), (2, line[1])]
    look(SINCE + 40 * HOUR)
    assert raised(sessions) == [(0, None), *((level, area) for level, area in enumerate(line, 1))]


@pytest.mark.long
def test_going_up_is_a_step_of_the_case_by_the_sweeper(sessions, routed, look):
    [issue_id] = routed()
    look(SINCE + 3 * HOUR - HOUR / 60)
    with sessions() as session:
        found = rows(session, "SELECT * FROM case_step WHERE issue_id = :id AND step = 'escalate'", id=issue_id)
    handling = [each for each in found if each["given"]["overdue"]["stage"] == "handling"]
    assert [(each["source"], each["state_before"] == each["state"]) for each in handling] == [("sweeper", True)]


@pytest.mark.long
def test_clocks_of_working_time_are_silent_in_the_night(sessions, routed, look):
    # Five working hours from Wednesday 15:00: due on Thursday at 11:00, so that nothing is said on Wednesday evening.
    routed("0103", at=local("2026-11-18 11:30").astimezone(UTC))
    routed("0101", at=local("2026-11-18 09:00").astimezone(UTC))
    look(local("2026-11-19 17:31").astimezone(UTC))
    before = raised(sessions)
    # One working day was over when business closed: it is told when somebody is there to hear it.
    look(local("2026-11-20 08:29").astimezone(UTC))
    assert raised(sessions) == before
    look(local("2026-11-20 08:31").astimezone(UTC))
    assert len(raised(sessions)) == len(before) + 1


@pytest.mark.long
def test_what_a_killed_run_had_raised_is_raised_by_the_next_once(sessions, ground, routed, look):
    routed(count=3)
    moment = SINCE + 121 * HOUR / 60
    with sessions.begin() as session:
        alarms.refresh(session, ground, moment, 500)
    with sessions() as session:
        escalating.escalate(session, ground, moment, 500)
        session.rollback()
    assert raised(sessions) == []
    look(moment)
    assert [level for level, _ in raised(sessions)] == [0, 1] * 3


@pytest.mark.long
def test_a_recount_raises_nothing_twice(sessions, routed, look):
    routed()
    look(SINCE + 121 * HOUR / 60)
    before = raised(sessions)
    with sessions.begin() as session:
        session.execute(text("UPDATE case_timing SET stale = true"))
        announce(session, free=["2027-01-04"])
    look(SINCE + 122 * HOUR / 60)
    assert raised(sessions) == before


def test_a_case_that_is_done_or_stands_still_says_nothing_more(sessions, ground, routed, look):
    [done, still] = routed(count=2)
    with sessions.begin() as session:
        body = session.scalar(text("SELECT body_id FROM issue WHERE id = :id"), {"id": done})
        for issue_id, steps in ((done, ("receive", "done")), (still, ("receive", "suspend"))):
            for place, (step, state) in enumerate(
                [(each, {"receive": "received", "done": "done", "suspend": "suspended"}[each]) for each in steps]
            ):
                session.execute(
                    text("""
                        INSERT INTO case_step (
                            id, issue_id, place, step, state_before, state, at, taken_at, body_id, source
                        )
                        SELECT gen_random_uuid(), issue_id, place + 1, :step, state, :state, :at, :at, :body, 'page'
                        FROM case_step WHERE issue_id = :id ORDER BY place DESC LIMIT 1
                    """),
                    {"step": step, "state": state, "at": SINCE + (place + 1) * HOUR / 2, "body": body, "id": issue_id},
                )
    look(SINCE + 30 * HOUR)
    assert raised(sessions) == []
    with sessions() as session:
        clocks = reading.of_cases(session, [done, still], ground, SINCE + 30 * HOUR)
    assert reading.handling_of(clocks[done], body).in_time is True
    assert reading.handling_of(clocks[still], body).state == "paused"


@pytest.mark.long
def test_hundreds_are_raised_in_as_many_statements_as_a_few(sessions, city_engine, routed, look):
    moment = SINCE + 97 * HOUR / 60
    routed(count=3)
    with counting(city_engine) as few:
        look(moment)
    routed(count=300)
    with counting(city_engine) as many:
        look(moment)
    assert len(raised(sessions)) == 303
    assert len(many) <= len(few) + 1


def test_a_case_that_ended_meanwhile_is_not_escalated(sessions, ground, routed, look):
    [issue_id] = routed()
    with sessions.begin() as session:
        alarms.refresh(session, ground, SINCE, 500)
        session.execute(text("UPDATE issue SET closed_at = now(), state = 'void' WHERE id = :id"), {"id": issue_id})
    look(SINCE + 30 * HOUR)
    assert raised(sessions) == []


def test_a_city_s_own_limit_of_a_stage_counts(sessions, ground, routed):
    [issue_id] = routed()
    with sessions.begin() as session:
        session.execute(
            text(
                "INSERT INTO stage_limit (stage, limit_value, limit_unit, entered_at)"
                " VALUES ('receipt', 20, 'min', now())"
            )
        )
        clocks = {each.stage: each for each in reading.of_cases(session, [issue_id], ground, SINCE)[issue_id]}
        session.rollback()
    assert clocks["receipt"].due_at == SINCE + HOUR / 3


def test_another_limit_by_a_rule_at_the_same_body_is_counted_though_no_step_tells_of_it(sessions, ground, routed):
    [issue_id] = routed("0302")
    later = SINCE + HOUR
    with sessions.begin() as session:
        # A severe lamp: another rule gives the same body two hours.
        session.execute(
            text("""
                INSERT INTO rule (label, category, severity, lead_body_id, limit_value, limit_unit)
                SELECT '急修', '0302', 'urgent', body_id, 2, 'h' FROM issue WHERE id = :id
            """),
            {"id": issue_id},
        )
        session.execute(
            text('UPDATE issue SET doc = doc || \'{"severity": "urgent"}\' WHERE id = :id'), {"id": issue_id}
        )
        route_awaiting(session, later, ground)
    with sessions() as session:
        clocks = reading.of_cases(session, [issue_id], ground, later)[issue_id]
        due_at, body = session.execute(text("SELECT due_at, body_id FROM issue")).one()
    assert reading.handling_of(clocks, body).due_at == due_at == later + 2 * HOUR
    assert len([each for each in clocks if each.stage == "receipt"]) == 1


@pytest.mark.long
def test_a_case_that_cannot_be_counted_or_raised_is_set_aside_and_holds_up_no_other(sessions, routed, monkeypatch):
    broken, unraised, *others = routed(count=6)
    moment = SINCE + 121 * HOUR / 60
    of_cases, take = reading.of_cases, escalating.take

    def counted(session, ids, *more, **named):
        if broken in ids:
            raise ValueError("no clock can be made of it")
        return of_cases(session, ids, *more, **named)

    def taken(session, steps, *more):
        if unraised in {each.issue_id for each in steps}:
            raise ValueError("no step can be made of it")
        return take(session, steps, *more)

    monkeypatch.setattr(reading, "of_cases", counted)
    monkeypatch.setattr(escalating, "take", taken)
    job = Watching(sessions.begin, lambda: moment)
    job.run_for(HOUR)
    with sessions() as session:
        raised_of = {each["issue_id"] for each in rows(session, "SELECT issue_id FROM escalation WHERE level = 1")}
        aside = {each["item"] for each in rows(session, "SELECT item FROM dead_letter WHERE queue = 'clocks'")}
        assert not alarms.waits(session, moment)
        assert not escalating.waits(session, moment)
    assert raised_of == set(others)
    assert aside == {str(broken), str(unraised)}
    monkeypatch.undo()
    Watching(sessions.begin, lambda: moment + 30 * HOUR).run_for(HOUR)
    with sessions() as session:
        raised_of = {each["issue_id"] for each in rows(session, "SELECT issue_id FROM escalation WHERE level = 1")}
        assert raised_of == {broken, unraised, *others}
        assert rows(session, "SELECT item FROM dead_letter WHERE queue = 'clocks'") == []


def test_nobody_keeps_a_case_from_going_up_by_taking_the_id_of_the_step(sessions, routed, look):
    """The ids of these steps cannot be told beforehand from what a body knows of its case."""
    ids = set()
    for _ in range(2):
        (issue_id,) = routed()
        look(SINCE + 3 * HOUR)
        with sessions() as session:
            (step,) = rows(session, "SELECT id FROM case_step WHERE step = 'escalate' AND issue_id = :id", id=issue_id)
        ids.add(step["id"].version)
    assert ids == {7}
