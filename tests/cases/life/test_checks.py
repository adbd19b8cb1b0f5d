"""Who verifies and checks: drawn near, in turn and by chance, never a party; their tasks come and go with the case."""

import random
import uuid
from collections import Counter

import pytest
from sqlalchemy import text

from server.accounts.charge import Charge, Held
from server.cases.errors import StepIllegal, StepRefused
from server.cases.life import checks
from server.cases.life.persons import Actor
from server.cases.life.reading import look
from server.cases.routing.service import route_awaiting
from tests.cases.city import EAST, NOW, WEST, id_of, report, rows
from tests.cases.life.test_life import COMMUNITY, actor, duty, step

__all__ = ["actor", "duty", "step"]
SEEN = {"photos": ["0193a000-0000-7000-8000-000000000001"], "location": {"lon": 114.305, "lat": 25.685}}


@pytest.fixture
def worker(session):
    """A field worker of a grid: ``worker(WEST)``; returns the person's id."""

    def made(area, login=None, role="grid_worker"):
        login = login or f"w-{uuid.uuid4().hex[:6]}"
        session.execute(
            text("INSERT INTO person (login, name) VALUES (:login, :login) ON CONFLICT DO NOTHING"), {"login": login}
        )
        session.execute(
            text("""
                INSERT INTO assignment (person_id, role, area_id, during)
                SELECT person.id, :role, area.id, '[2026-01-01,)' FROM person, area
                WHERE login = :login AND code = :area
            """),
            {"login": login, "role": role, "area": area},
        )
        return id_of(session, "person", login)

    return made


def tasks(session):
    return rows(
        session,
        """SELECT kind, person_id, title, due_at, deleted_at IS NULL AS is_open, issue_id FROM task
           ORDER BY received_at, id""",
    )


def done_by(session, ground, step, handler, **more):
    issue_id = report(session, **more)
    route_awaiting(session, NOW, ground)
    step(handler, issue_id, "receive")
    step(handler, issue_id, "done", answer="已修复", photos=SEEN["photos"])
    return issue_id


@pytest.mark.long
def test_a_repair_is_checked_by_a_worker_near_who_is_no_party(session, ground, actor, step, worker):
    reporter, near = worker(WEST, "worker"), worker(EAST)
    handler = actor("handler", "zhujian")
    issue_id = done_by(session, ground, step, handler)
    [task] = tasks(session)
    assert (task["kind"], task["person_id"], task["issue_id"]) == ("check", near, issue_id)
    assert task["title"] == "核查 · 井盖"
    assert task["due_at"] > NOW
    for stranger in (reporter, worker(WEST)):
        with pytest.raises(StepRefused):
            step(_on_phone(stranger, WEST, session), issue_id, "check", result="fixed", **SEEN)
    step(_on_phone(near, EAST, session), issue_id, "check", result="fixed", **SEEN)
    assert [each["is_open"] for each in tasks(session)] == [False]


@pytest.mark.long
def test_who_cannot_tell_is_followed_by_somebody_else(session, ground, actor, step, worker):
    people = {worker(WEST), worker(EAST)}
    issue_id = done_by(session, ground, step, actor("handler", "zhujian"))
    first = tasks(session)[0]["person_id"]
    step(_on_phone(first, WEST, session), issue_id, "check", result="cannot_tell")
    open_ones = [each["person_id"] for each in tasks(session) if each["is_open"]]
    assert open_ones == list(people - {first})


@pytest.mark.long
def test_where_nobody_can_be_drawn_the_duty_chief_checks_but_not_what_they_reported(session, ground, actor, step):
    issue_id = done_by(session, ground, step, actor("handler", "zhujian"))
    assert tasks(session) == []
    with pytest.raises(StepIllegal) as party:
        step(actor("supervisor", COMMUNITY, "worker"), issue_id, "check", result="fixed", **SEEN)
    assert party.value.guard == "not-involved"
    step(actor("supervisor", COMMUNITY), issue_id, "check", result="fixed", **SEEN)


def test_of_a_private_case_nobody_is_drawn(session, ground, actor, step, worker):
    worker(WEST)
    done_by(session, ground, step, actor("handler", "sifa"), category="0604")
    assert tasks(session) == []


@pytest.mark.long
def test_checks_go_round_and_chance_decides_among_equals(session, ground, worker):
    people = {worker(area) for area in (WEST, EAST) * 3}
    ids = [report(session) for _ in range(60)]
    route_awaiting(session, NOW, ground)
    cases = [opened.case for opened in checks_look(session, ids, ground)]
    needs = [checks.Need(case, "check", None) for case in cases]
    drawn = checks.Draw(session, ground, NOW, random.Random(7)).draw(needs)
    assert set(Counter(drawn.values()).values()) == {10}
    assert set(drawn.values()) == people
    other = checks.Draw(session, ground, NOW, random.Random(8)).draw(needs)
    assert other != drawn


def test_a_fault_of_the_night_is_checked_by_night(session, ground, actor, step):
    session.execute(text("UPDATE category SET is_night = true WHERE code = '0302'"))
    issue_id = report(session, "0302")
    route_awaiting(session, NOW, ground)
    handler = actor("handler", "zhujian")
    step(handler, issue_id, "receive")
    step(handler, issue_id, "done", answer="灯已亮", photos=SEEN["photos"])
    chief = actor("supervisor", COMMUNITY)
    with pytest.raises(StepIllegal) as by_day:
        step(chief, issue_id, "check", result="fixed", **SEEN)
    assert by_day.value.guard == "at-night-if-needed"
    step(chief, issue_id, "check", now=NOW.replace(hour=13), result="fixed", **SEEN)


def test_a_residents_report_is_verified_by_another_worker_before_it_is_filed(session, ground, actor, step, worker):
    near = worker(EAST)
    issue_id = report(session)
    session.execute(text("UPDATE issue SET author_id = NULL WHERE id = :id"), {"id": issue_id})
    session.execute(
        text("""INSERT INTO operation (op_id, body_hash, collection, record_id, action, rev, received_at, status)
                VALUES (gen_random_uuid(), '', 'issues', :id, 'put', 1, now(), 'applied')"""),
        {"id": issue_id},
    )
    route_awaiting(session, NOW, ground)
    clerk = actor("dispatcher", COMMUNITY)
    step(clerk, issue_id, "accept")
    with pytest.raises(StepIllegal) as early:
        step(clerk, issue_id, "file")
    assert early.value.guard == "verified-if-needed"
    assert [(each["kind"], each["person_id"]) for each in tasks(session)] == [("verify", near)]
    step(_on_phone(near, EAST, session), issue_id, "verify", result="exists", **SEEN)
    step(clerk, issue_id, "file")


def checks_look(session, ids, ground):
    return look(session, ids, ground).values()


def _on_phone(person_id, area, session):
    return Actor("phone", Charge(person_id, frozenset({Held("grid_worker", id_of(session, "area", area), None)})))
