"""The calendar job: a new edition moves exactly the deadlines that it must, once each, and tells who has to know."""

import threading
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import text

from server.cases.calendars import store
from server.cases.calendars.calendar import SHANGHAI, office_week
from server.cases.calendars.store import Draft, enter
from server.cases.case import Policy
from server.cases.deadlines import recounting
from server.cases.routing.service import route_awaiting
from server.jobs import calendar as job_module
from server.jobs.calendar import Recounting
from server.jobs.sweeper import waiting
from sync.store.dead_letters import FIRST_DELAY
from sync.store.feed import person_channel
from tests.cases.city import EAST, IN_EAST, NOW, WEST, counting, id_of, report, rows
from tests.cases.notices import PERSON, announce
from tests.emptying import empty

# 0305 潜坑洼 has five working days, 0101 one, 0103 five working hours, 0301 two hours.
YEAR_END = datetime(2026, 12, 30, 2, tzinfo=NOW.tzinfo)


class Clock:
    now = YEAR_END + timedelta(hours=1)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def job(sessions, clock):
    return Recounting(sessions.begin, clock)


def put(sessions, ground, *, category="0303", since=YEAR_END, where=None, count=1):
    """Cases whose clock starts at ``since``, routed."""
    with sessions.begin() as session:
        at = {} if where is None else {"at": IN_EAST, "grid": EAST}
        ids = [report(session, category, **at) for _ in range(count)]
        session.execute(text("UPDATE issue SET captured_at = :at WHERE id = ANY (:ids)"), {"at": since, "ids": ids})
        route_awaiting(session, since, ground, policy=Policy(count_from="capture"))
    return ids


def enter_notice(sessions, **notice):
    with sessions.begin() as session:
        return announce(session, **notice)


def found(sessions, statement, **parameters):
    with sessions() as session:
        return rows(session, statement, **parameters)


def one(sessions, issue_id):
    return found(sessions, "SELECT * FROM issue WHERE id = :id", id=issue_id)[0]


def local(text_of):
    return datetime.fromisoformat(text_of).replace(tzinfo=SHANGHAI)


def everything(sessions):
    """All that a run could have written, without times and made-up ids."""
    return [
        found(sessions, statement)
        for statement in (
            "SELECT id, rev, due_at, calendar_edition, routing FROM issue ORDER BY id",
            "SELECT issue_id, due_at, calendar_edition, provisional_years FROM routing_decision ORDER BY id",
            "SELECT edition, issue_id, was_due_at, due_at FROM deadline_move ORDER BY edition, issue_id",
            "SELECT issue_id, organisation_id, channel, kind FROM delivery ORDER BY issue_id, decision_id, channel",
            "SELECT record_id, action, data FROM operation ORDER BY id",
        )
    ]


def test_a_deadline_in_a_year_not_announced_is_provisional_with_its_case_and_decision(sessions, ground):
    [issue_id] = put(sessions, ground)
    row = one(sessions, issue_id)
    [decision] = found(sessions, "SELECT * FROM routing_decision")
    edition = row["calendar_edition"]
    assert edition == decision["calendar_edition"] > 0
    assert decision["provisional_years"] == [2027]
    assert row["routing"]["calendar"] == {"edition": edition, "provisional": [2027]}
    told = next(each for each in row["routing"]["reasons"] if each["code"] == "calendar-provisional")
    assert "2027" in told["zh"]
    assert "not announced" in told["en"]
    # 31 December; 1 January is a holiday; 4 to 7 January.
    assert row["due_at"] == local("2027-01-07 17:30")


def test_an_announcement_moves_the_deadlines_that_it_must_and_no_others(sessions, ground, job):
    # Moved: five working days over 4 January, which becomes free. Not moved: one that is due before; clock hours.
    [over], [before], [clock_hours] = (
        put(sessions, ground),
        put(sessions, ground, category="0101"),
        put(sessions, ground, category="0301"),
    )
    was = {each: one(sessions, each) for each in (over, before, clock_hours)}
    edition = enter_notice(sessions, free=["2027-01-04"])
    done = job.run_for(timedelta(hours=1))
    assert done.moved == (over,)
    assert (done.looked, done.more) == (2, False)
    now = {each: one(sessions, each) for each in was}
    assert now[over]["due_at"] == local("2027-01-08 17:30")
    assert now[over]["routing"]["calendar"] == {"edition": edition, "provisional": []}
    assert now[over]["rev"] == was[over]["rev"] + 1
    assert now[before] == was[before] | {"calendar_edition": edition}
    assert now[clock_hours] == was[clock_hours]
    assert now[clock_hours]["calendar_edition"] is None


def test_a_move_is_in_the_history_the_feed_the_notices_and_the_reasons(sessions, ground, job):
    [issue_id] = put(sessions, ground)
    with sessions.begin() as session:
        worker = id_of(session, "person", "worker")
        empty(session, "feed")
        body = one(sessions, issue_id)["body_id"]
        session.execute(
            text("INSERT INTO endpoint (organisation_id, url, sealed_secret, changed_at)"
                 " VALUES (:id, 'https://example.org/', '', now())"),
            {"id": body},
        )  # fmt: skip
    edition = enter_notice(sessions, free=["2027-01-04"])
    done = job.batch()
    [line] = found(sessions, "SELECT * FROM operation WHERE action = 'recount'")
    assert (line["collection"], line["record_id"]) == ("cases", issue_id)
    assert line["data"] == {
        "deadline": "2027-01-08T09:30:00Z",
        "deadline_before": "2027-01-07T09:30:00Z",
        "calendar_edition": edition,
        "why": "国办发明电〔2026〕7号",
    }
    assert person_channel(worker) in {row["channel"] for row in found(sessions, "SELECT channel FROM feed")}
    [move] = found(sessions, "SELECT * FROM deadline_move")
    assert (move["edition"], move["was_due_at"], move["due_at"]) == (
        edition, local("2027-01-07 17:30"), local("2027-01-08 17:30"),
    )  # fmt: skip
    told = found(sessions, "SELECT id, channel, kind FROM delivery WHERE decision_id = :id", id=move["decision_id"])
    assert {(row["channel"], row["kind"]) for row in told} == {("desk", "dispatched"), ("webhook", "dispatched")}
    assert done.deliveries == tuple(row["id"] for row in told if row["channel"] == "webhook")
    first = one(sessions, issue_id)["routing"]["reasons"][0]
    assert first["code"] == "deadline-moved"
    assert "国办发明电〔2026〕7号" in first["zh"]


def test_an_announcement_that_moves_nothing_takes_the_mark_away_and_tells_no_body(sessions, ground, job):
    [issue_id] = put(sessions, ground)
    deliveries = found(sessions, "SELECT id FROM delivery")
    rev = one(sessions, issue_id)["rev"]
    edition = enter_notice(sessions)
    assert job.batch().moved == ()
    row = one(sessions, issue_id)
    assert row["routing"]["calendar"] == {"edition": edition, "provisional": []}
    assert "calendar-provisional" not in {each["code"] for each in row["routing"]["reasons"]}
    # Phones show the mark, so they must hear of it; bodies know their deadline already.
    assert row["rev"] == rev + 1
    assert found(sessions, "SELECT id FROM delivery") == deliveries
    assert found(sessions, "SELECT * FROM deadline_move") == []


def test_a_run_after_a_run_changes_nothing_and_nothing_waits(sessions, ground, job, clock):
    put(sessions, ground, count=3)
    enter_notice(sessions, free=["2027-01-04"])
    with sessions() as session:
        assert waiting(session, clock.now, held_too=True) == ["calendar", "clocks"]
    job.batch()
    after = everything(sessions)
    assert job.batch() == recounting.Recounted()
    assert everything(sessions) == after
    with sessions() as session:
        assert waiting(session, clock.now, held_too=True) == ["clocks"]


def test_a_job_killed_between_chunks_and_run_again_moves_each_once(sessions, ground, job, monkeypatch):
    monkeypatch.setattr(job_module, "BATCH", 3)
    ids = put(sessions, ground, count=8)
    enter_notice(sessions, free=["2027-01-04"])
    job.batch()
    with sessions() as session:
        recounting.recount(session, NOW, ground, 3)
        session.rollback()  # killed before it commits
    job.run_for(timedelta(hours=1))
    moves = found(sessions, "SELECT issue_id FROM deadline_move")
    assert sorted(row["issue_id"] for row in moves) == sorted(ids)
    lines = found(sessions, "SELECT record_id FROM operation WHERE action = 'recount'")
    assert sorted(row["record_id"] for row in lines) == sorted(ids)


def test_two_jobs_at_once_move_each_case_once(sessions, ground, job, monkeypatch):
    monkeypatch.setattr(job_module, "BATCH", 5)
    ids = put(sessions, ground, count=40)
    enter_notice(sessions, free=["2027-01-04"])
    threads = [threading.Thread(target=job.run_for, args=(timedelta(hours=1),)) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    job.run_for(timedelta(hours=1))
    assert len(found(sessions, "SELECT * FROM deadline_move")) == len(ids)
    assert {row["due_at"] for row in found(sessions, "SELECT due_at FROM issue")} == {local("2027-01-08 17:30")}


def test_a_case_that_cannot_be_counted_is_set_aside_and_all_others_are(sessions, ground, job, clock):
    ids = sorted(put(sessions, ground, count=7))
    with sessions.begin() as session:
        session.execute(text("UPDATE routing_decision SET since = 'infinity' WHERE issue_id = :id"), {"id": ids[3]})
    edition = enter_notice(sessions, free=["2027-01-04"])
    assert set(job.batch().moved) == {*ids} - {ids[3]}
    [letter] = found(sessions, "SELECT * FROM dead_letter")
    assert (letter["queue"], letter["item"], letter["next_attempt_at"]) == (
        "calendar", str(ids[3]), clock.now + FIRST_DELAY,
    )  # fmt: skip
    assert job.batch().looked == 0
    # Another edition is tried at once; what is right then is forgotten.
    with sessions.begin() as session:
        session.execute(
            text("UPDATE routing_decision SET since = :at WHERE issue_id = :id"), {"at": YEAR_END, "id": ids[3]}
        )
    enter_notice(sessions, free=["2027-01-05"], source="更正", follows=edition)
    job.batch()
    assert found(sessions, "SELECT * FROM dead_letter") == []


@pytest.mark.parametrize("done", ["state = 'closed', closed_at = now()", "state = 'checked'", "deleted_at = now()"])
def test_a_case_that_is_finished_keeps_the_deadline_that_it_had(sessions, ground, job, done):
    [issue_id] = put(sessions, ground)
    with sessions.begin() as session:
        session.execute(text(f"UPDATE issue SET {done}, awaiting_routing = false"))
    enter_notice(sessions, free=["2027-01-04"])
    assert job.batch().looked == 0
    assert one(sessions, issue_id)["due_at"] == local("2027-01-07 17:30")


def test_a_case_that_awaits_routing_is_routed_first_and_counted_again_after(sessions, ground, job):
    [issue_id] = put(sessions, ground)
    with sessions.begin() as session:
        session.execute(text("UPDATE issue SET awaiting_routing = true"))
    enter_notice(sessions, free=["2027-01-04"])
    assert job.batch().looked == 0
    with sessions.begin() as session:
        route_awaiting(session, YEAR_END + timedelta(hours=2), ground)
    assert one(sessions, issue_id)["due_at"] == local("2027-01-07 17:30")
    assert job.batch().moved == (issue_id,)


def test_an_area_s_own_day_moves_the_cases_inside_it_alone(sessions, ground, job):
    [west], [east] = put(sessions, ground), put(sessions, ground, where=EAST)
    with sessions.begin() as session:
        announce(session, area_id=id_of(session, "area", WEST), free=["2027-01-05"])
    assert job.batch().moved == (west,)
    assert one(sessions, west)["due_at"] == local("2027-01-08 17:30")
    # The city has not announced the year: the area's own days do not settle it.
    assert one(sessions, west)["routing"]["calendar"]["provisional"] == [2027]
    assert one(sessions, east)["due_at"] == local("2027-01-07 17:30")


def test_other_working_hours_move_the_deadlines_that_they_reach(sessions, ground, job):
    [reached], [before] = put(sessions, ground), put(sessions, ground, category="0101")
    hours = office_week(((time(9), time(12)), (time(13), time(18))))
    with sessions.begin() as session:
        enter(session, Draft("冬季作息", valid_from=date(2027, 1, 1), week=hours), PERSON, NOW)
    assert job.batch().moved == (reached,)
    assert one(sessions, reached)["due_at"] == local("2027-01-07 18:00")
    assert one(sessions, before)["due_at"] == local("2026-12-31 17:30")


def test_what_is_told_beforehand_is_what_moves(sessions, ground, job):
    ids = [*put(sessions, ground, count=3), *put(sessions, ground, category="0101"), *put(sessions, ground, where=EAST)]
    enter_notice(sessions, free=["2027-01-04"])
    with sessions() as session:
        told = recounting.would_move(session, ground, store.read(session), date(2027, 1, 1), date(2027, 12, 31))
    assert {each.issue_id for each in told} == set(job.batch().moved) == {*ids[:3], ids[4]}
    assert {(each.was_due_at, each.due_at) for each in told} == {(local("2027-01-07 17:30"), local("2027-01-08 17:30"))}


def test_a_run_takes_as_many_statements_for_many_cases_as_for_few(sessions, ground, city_engine):
    seen = []
    for count in (2, 60):
        put(sessions, ground, count=count)
        enter_notice(sessions, free=["2027-01-04"] if count == 2 else ["2027-01-05"], source=f"{count}")
        with counting(city_engine) as statements, sessions.begin() as session:
            recounting.recount(session, YEAR_END, ground, 500)
        seen.append(len(statements))
    assert seen[1] <= seen[0]


def test_a_notice_moves_a_deadline_with_its_extension_and_its_pause(sessions, ground, job):
    """Elsewhere what was waited for was lost when terms changed."""
    [issue_id] = put(sessions, ground)
    steps = [
        ("receive", "received", YEAR_END, "{}"),
        ("grant_extension", "extended", YEAR_END, '{"limit": {"value": 1, "unit": "wd"}}'),
        ("suspend", "suspended", YEAR_END + timedelta(hours=1), "{}"),
        ("resume", "extended", YEAR_END + timedelta(days=1, hours=1), "{}"),
    ]
    with sessions.begin() as session:
        for step, state, at, given in steps:
            session.execute(
                text("""
                    INSERT INTO case_step (
                        id, issue_id, place, step, state_before, state, at, taken_at, body_id, source, given
                    )
                    SELECT gen_random_uuid(), issue_id, place + 1, :step, state, :state, :at, :at, body_id, 'page',
                           CAST(:given AS jsonb)
                    FROM case_step WHERE issue_id = :id ORDER BY place DESC LIMIT 1
                """),
                {"step": step, "state": state, "at": at, "given": given, "id": issue_id},
            )
        session.execute(text("UPDATE issue SET due_at = :due"), {"due": local("2027-01-08 17:30")})
    enter_notice(sessions, free=["2027-01-04"])
    job.batch()
    # Five days and one: 31 December, 5 to 8 and 11 January; the closing of the 30th it stood still anyway.
    assert one(sessions, issue_id)["due_at"] == local("2027-01-11 17:30")
    [move] = found(sessions, "SELECT calendar_edition FROM issue")
    with sessions() as session:
        assert move["calendar_edition"] == store.newest(session)
