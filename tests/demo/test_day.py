"""The patrol day over the sample city: that nothing on the map is empty, and that it is walked only once."""

import json

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from server.config import sqlalchemy_url
from server.demo import aftermath
from server.demo.patrol_day import REPORTS_FILE
from server.demo.walk import walk_a_day
from server.simulator.agreement import OVERTAKEN
from tests.cases.city import rows
from tests.demo.conftest import founded, running

REPORTS = json.loads(REPORTS_FILE.read_text(encoding="utf-8"))
ANSWERS = json.loads(aftermath.ANSWERS_FILE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def walked(cluster_url, surroundings, tmp_path_factory):
    """(database, address) of a sample city where the day was walked, deadlines counted as `up` has them there."""
    folder = tmp_path_factory.mktemp("day")
    around = surroundings | {"PATROL_DEADLINES_FROM": "capture"}
    with founded(cluster_url, around, folder) as url, running(url, around, folder) as address:
        assert walk_a_day(url=address) == 0
        yield url, address


@pytest.fixture
def session(walked):
    engine = create_engine(sqlalchemy_url(walked[0]))
    with Session(engine) as opened:
        yield opened
    engine.dispose()


def count(session, statement):
    return session.scalar(text(f"SELECT count(*) FROM {statement}"))


def test_every_grid_has_visits_and_issues(session):
    assert count(session, "visit") > 250
    assert count(session, "(SELECT DISTINCT grid_now FROM visit) AS grids") == 25
    assert count(session, "issue") > 130
    assert count(session, "(SELECT DISTINCT grid_now FROM issue WHERE grid_now IS NOT NULL) AS grids") > 20


def test_issues_are_of_many_categories_and_states_and_some_are_overdue(session):
    assert count(session, "(SELECT DISTINCT category FROM issue) AS categories") > 25
    states = {row["state"] for row in rows(session, "SELECT DISTINCT state FROM issue")}
    assert {"dispatched", "received", "in_progress", "done", "closed"} <= states
    assert 10 < count(session, "issue WHERE closed_at IS NULL AND due_at < now()") < 100
    assert count(session, "issue WHERE awaiting_routing") == 0
    waiting = "state NOT IN ('returned', 'suspended')"  # of those no clock runs
    assert count(session, f"issue WHERE (body_id IS NULL OR due_at IS NULL) AND {waiting}") == 0


def test_some_lie_beside_the_grids_some_far_out_and_some_in_doubt(session):
    assert count(session, "issue WHERE located = 'near'") >= 5
    assert count(session, "issue WHERE located = 'outside' AND grid_now IS NULL") == 5
    assert count(session, "issue WHERE cardinality(candidates) > 1") >= 8


def test_conflicts_were_merged_and_some_wait_for_a_person(session):
    assert count(session, "operation WHERE status IN ('merged', 'review')") > 4
    assert count(session, "operation WHERE status IN ('pending', 'held')") == 0
    # Apart from changes that came when routing had given the case to a body already, as phones expect it.
    meant = "status = 'quarantined' AND split_part(problem ->> 'type', '/', 3) <> ALL (:overtaken)"
    wanted = {"overtaken": sorted(OVERTAKEN)}
    assert session.scalar(text(f"SELECT count(*) FROM operation WHERE {meant}"), wanted) == 5


def test_the_moves_of_the_cases_are_in_their_history_and_in_the_feed(session):
    moved = rows(session, "SELECT id, rev, state FROM issue WHERE state NOT IN ('dispatched', 'reported')")
    assert len(moved) > 40
    for each in moved:
        line = rows(
            session,
            "SELECT data ->> 'state' AS state FROM operation WHERE (record_id, rev, collection) = (:id, :rev, 'cases')",
            id=each["id"],
            rev=each["rev"],
        )
        assert line == [{"state": each["state"]}]
    assert count(session, "issue WHERE NOT EXISTS (SELECT FROM feed WHERE ref = issue.id)") == 0


def test_what_a_body_answered_fits_what_was_reported(session):
    answered = "SELECT category, given ->> 'answer' AS answer FROM case_step JOIN issue ON issue.id = issue_id"
    told = rows(session, f"{answered} WHERE step = 'done'")
    assert len(told) > 10
    for each in told:
        words = [*ANSWERS.get(each["category"], {}).items(), *ANSWERS[each["category"][:2]].items()]
        assert any(each["answer"] in answers for _, answers in words), each


def test_there_are_words_for_whatever_is_reported():
    for category in REPORTS:
        assert {"done", "explained"} & ANSWERS.get(category, {}).keys(), category
        assert ANSWERS[category[:2]]["return"], category


def test_closed_cases_say_when_and_why(session):
    assert (
        count(session, "issue WHERE state IN ('closed', 'refused') AND (closed_at IS NULL OR closing_reason IS NULL)")
        == 0
    )
    assert count(session, "issue WHERE closed_at IS NOT NULL AND state NOT IN ('closed', 'refused')") == 0


def test_a_second_day_is_not_walked(walked, session, capsys):
    before = count(session, "operation")
    assert walk_a_day(url=walked[1]) == 0
    assert "already" in capsys.readouterr().out
    session.rollback()
    assert count(session, "operation") == before
