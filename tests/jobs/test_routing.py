"""The routing job: what cannot be routed is set aside with the reason, and the others do not wait for it."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from server.cases.case import Policy
from server.cases.routing.rulebook import Draft, save
from server.jobs import routing
from server.jobs.routing import Routing
from server.jobs.sweeper import waiting
from sync.store.dead_letters import FIRST_DELAY
from tests.cases.city import NOW, report, rows


class Clock:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def job(sessions, clock):
    """The job, which counts deadlines from the capture."""
    return Routing(sessions.begin, clock, Policy(count_from="capture"))


def put(sessions, count=1):
    with sessions.begin() as session:
        return [report(session) for _ in range(count)]


def spoil(sessions, issue_id, captured_at):
    """Give an issue a time that no push lets in: no deadline can be counted from it, or it cannot even be read."""
    with sessions.begin() as session:
        session.execute(text("UPDATE issue SET captured_at = :at WHERE id = :id"), {"at": captured_at, "id": issue_id})


def found(sessions, statement):
    with sessions() as session:
        return rows(session, statement)


def routed(sessions):
    return {row["id"] for row in found(sessions, "SELECT id FROM issue WHERE state = 'dispatched'")}


def failures(sessions):
    return found(sessions, "SELECT * FROM dead_letter WHERE queue = 'routing' ORDER BY item")


@pytest.mark.parametrize("captured_at", ["9999-12-31T23:00:00Z", "infinity"])
def test_an_issue_that_cannot_be_routed_is_set_aside_and_all_others_are_routed(sessions, job, captured_at):
    ids = put(sessions, 7)
    spoil(sessions, ids[3], captured_at)
    done = job.batch()
    assert set(done.issues) == routed(sessions) == {*ids} - {ids[3]}
    [failure] = failures(sessions)
    assert (failure["item"], failure["attempts"], failure["since"]) == (str(ids[3]), 1, NOW)
    assert failure["next_attempt_at"] == NOW + FIRST_DELAY
    assert "Error: " in failure["reason"]


def test_what_is_set_aside_neither_wakes_the_job_nor_is_in_its_way_until_it_is_due(sessions, job, clock):
    ids = put(sessions, 2)
    spoil(sessions, ids[0], "infinity")
    job.batch()
    assert job.batch().issues == ()
    assert failures(sessions)[0]["attempts"] == 1
    with sessions() as session:
        assert "routing" not in waiting(session, NOW, held_too=True)
        assert "routing" in waiting(session, NOW + FIRST_DELAY, held_too=True)
    clock.now = NOW + FIRST_DELAY
    job.batch()
    [failure] = failures(sessions)
    assert (failure["attempts"], failure["next_attempt_at"]) == (2, clock.now + 2 * FIRST_DELAY)
    assert failure["since"] == NOW


def test_once_it_can_be_routed_it_is_and_the_failure_is_forgotten(sessions, job, clock):
    [issue_id] = put(sessions)
    spoil(sessions, issue_id, "infinity")
    job.batch()
    spoil(sessions, issue_id, NOW)
    clock.now = NOW + FIRST_DELAY
    assert job.batch().issues == (issue_id,)
    assert failures(sessions) == []


def test_a_new_rule_has_what_was_set_aside_tried_again_at_once(sessions, job):
    [issue_id] = put(sessions)
    spoil(sessions, issue_id, "infinity")
    job.batch()
    spoil(sessions, issue_id, NOW)
    assert job.batch().issues == ()
    with sessions.begin() as session:
        save(session, Draft("新规则", "xiaofang"), author_id=None, now=NOW)
    assert job.batch().issues == (issue_id,)


def test_another_revision_of_the_issue_is_tried_at_once(sessions, job):
    [issue_id] = put(sessions)
    spoil(sessions, issue_id, "infinity")
    job.batch()
    spoil(sessions, issue_id, NOW)
    with sessions.begin() as session:
        session.execute(text("UPDATE issue SET rev = rev + 1"))
    assert job.batch().issues == (issue_id,)


def test_what_is_wrong_with_the_rules_sets_no_issue_aside(sessions, job):
    put(sessions, 3)
    with sessions.begin() as session:
        made = save(session, Draft("规则", "xiaofang"), author_id=None, now=NOW)
        session.execute(text("ALTER TABLE rule RENAME COLUMN tier TO tier_away"))
    try:
        with pytest.raises(ProgrammingError, match="tier"):
            job.batch()
    finally:
        with sessions.begin() as session:
            session.execute(text("ALTER TABLE rule RENAME COLUMN tier_away TO tier"))
    assert failures(sessions) == []
    assert made.id


def test_trouble_with_the_database_sets_no_issue_aside(sessions, job):
    ids = put(sessions, 3)
    with sessions.begin() as session:
        session.execute(text("SET LOCAL lock_timeout = '50ms'"))
        session.execute(text("SELECT FROM issue WHERE id = :id FOR NO KEY UPDATE"), {"id": ids[1]})
        # Whoever holds an issue is passed over, and nothing else happens to it.
        assert set(job.batch().issues) == {ids[0], ids[2]}
    assert failures(sessions) == []


def test_a_batch_that_holds_more_than_one_of_them_routes_all_the_others(sessions, job, monkeypatch):
    monkeypatch.setattr(routing, "BATCH", 8)
    ids = sorted(put(sessions, 20))
    for bad in (ids[0], ids[1], ids[9], ids[19]):
        spoil(sessions, bad, "9999-12-31T23:00:00Z")
    while job.batch().more:
        pass
    assert len(routed(sessions)) == 16
    assert len(failures(sessions)) == 4


def test_a_spell_ends_when_nothing_waits_or_when_its_time_is_up(sessions, job, monkeypatch):
    monkeypatch.setattr(routing, "BATCH", 2)
    ids = put(sessions, 7)
    short = job.run_for(timedelta())
    assert (len(short.issues), short.more) == (2, True)
    rest = job.run_for(timedelta(hours=1))
    assert {*short.issues, *rest.issues} == {*ids}
    assert not rest.more
