"""Lists over many cases: which index finds a page, and what the pages of a desk and the counts say of every case."""

import datetime as dt
from collections import Counter

import pytest
from sqlalchemy import event, text

from server.accounts.charge import Reach
from server.cases.lists import desk, duty, waiting
from tests.cases.city import NOW, WEST, id_of, report

EVERYWHERE = Reach(0, (), True, (), True, ())
STATES = ("reported", "dispatched", "received", "suspended", "done", "closed")


@pytest.fixture
def many(session):
    """Cases in several states, led or assisted by two bodies, some overdue, some without a deadline, some closed."""
    led, other = id_of(session, "organisation", "zhujian"), id_of(session, "organisation", "chengguan")
    for number in range(36):
        state, late = STATES[number % 6], number % 5 - 2
        body = None if state == "reported" else (led if number % 4 else other)
        session.execute(
            text("""
                UPDATE issue SET state = CAST(:state AS text), body_id = CAST(:body AS int), awaiting_routing = false,
                    assisting_ids = CASE WHEN CAST(:body AS int) IS NOT NULL THEN CAST(:assisting AS int[]) END,
                    due_at = CASE WHEN :state NOT IN ('reported', 'suspended') THEN CAST(:due AS timestamptz) END,
                    routing = jsonb_build_object('since', CAST(:since AS timestamptz)),
                    closed_at = CASE WHEN :state = 'closed' THEN CAST(:due AS timestamptz) END WHERE id = :id
            """),
            {
                "state": state,
                "body": body,
                "assisting": [led] if body == other and number % 3 else [],
                "due": NOW - dt.timedelta(hours=late),
                "since": NOW - dt.timedelta(hours=9),
                "id": report(session),
            },
        )
    session.execute(text("ANALYZE issue"))  # a plan is chosen by what the planner knows of the table
    return led, other


@pytest.fixture
def by_index(session):
    """Return how the newest statement is carried out where neither a scan of everything nor a bitmap may be had."""
    sent = []

    def note(_connection, _cursor, statement, parameters, *_):
        sent.append((statement, parameters))

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", note)

    def told(number):
        statement, parameters = sent[number]
        session.execute(text("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off"))
        cursor = session.connection().connection.cursor()
        return "\n".join(row[0] for row in cursor.execute(f"EXPLAIN {statement}", parameters))

    yield told
    event.remove(engine, "before_cursor_execute", note)


def pages(session, bodies, wanted, limit):
    found, after = [], None
    while True:
        page = desk.list_cases(session, bodies, wanted, after=after, limit=limit, now=NOW)
        found += page.cases
        after = page.after
        if after is None:
            return found


@pytest.mark.long
@pytest.mark.parametrize("progress", ["open", "closed", "all"])
@pytest.mark.parametrize("part", [None, "lead", "assisting"])
def test_pages_of_a_desk_bring_each_case_of_its_bodies_once_in_order(session, many, part, progress):
    led, other = many
    for bodies in ([led], [led, other], []):
        rows = session.execute(
            text("""
                SELECT id FROM issue WHERE (closed_at IS NULL AND :progress <> 'closed'
                                            OR closed_at IS NOT NULL AND :progress <> 'open')
                  AND (:part <> 'assisting' AND body_id = ANY (:bodies)
                       OR :part <> 'lead' AND assisting_ids && CAST(:bodies AS int[]) AND body_id <> ALL (:bodies))
                ORDER BY due_at, id
            """),
            {"progress": progress, "part": part or "both", "bodies": bodies},
        )
        wanted = [row.id for row in rows]
        for limit in (1, 4, 100):
            found = pages(session, bodies, desk.Wanted(part=part, progress=progress), limit)
            assert [each.id for each in found] == wanted


def test_the_counts_are_those_of_the_list(session, many):
    listed = duty.list_duty(session, EVERYWHERE, duty.Wanted(), after=None, limit=100, now=NOW).cases
    for reach in (EVERYWHERE, Reach(0, (id_of(session, "area", WEST),), False, (), False, ())):
        counted = waiting.on_duty(session, reach, NOW)
        assert counted.lights == Counter(each["light"] for each in listed)
        assert counted.states == Counter(each["state"] for each in listed)
    assert {"red", "yellow", "green", "none"} >= set(counted.lights) >= {"red", "none"}


def test_what_its_body_has_finished_or_put_off_is_not_overdue(session, many):
    listed = duty.list_duty(session, EVERYWHERE, duty.Wanted(), after=None, limit=100, now=NOW).cases
    late = {each["state"] for each in listed if each["light"] == "red"}
    none = {each["state"] for each in listed if each["light"] == "none"}
    assert late == {"dispatched", "received"}
    assert none == {"reported", "suspended", "done"}
    asked = duty.Wanted(lights=("red",))
    assert {each["state"] for each in
            duty.list_duty(session, EVERYWHERE, asked, after=None, limit=100, now=NOW).cases} == late  # fmt: skip


def test_a_page_of_the_duty_list_is_read_in_its_order(session, many, by_index):
    duty.list_duty(session, EVERYWHERE, duty.Wanted(), after=None, limit=10, now=NOW)
    plan = by_index(0)
    assert "ix_issue_due_first" in plan
    assert "Sort" not in plan


@pytest.mark.parametrize(("progress", "index"), [("open", "ix_issue_body_id"), ("closed", "ix_issue_body_id_closed")])
def test_a_page_of_a_desk_is_found_among_the_cases_of_its_body(session, many, by_index, progress, index):
    wanted = desk.Wanted(part="lead", progress=progress)
    desk.list_cases(session, [many[0]], wanted, after=None, limit=10, now=NOW)
    assert f"using {index} on" in by_index(0)
