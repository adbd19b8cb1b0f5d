"""Cases of before their steps were kept get what they went through: the report, their bodies, and where they stand."""

import importlib.util
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from server.cases.history import steps
from server.cases.history.numbers import read_number
from server.cases.history.replay import replay
from server.cases.routing.service import route_awaiting
from tests.cases.city import NOW, id_of, issue, report
from tests.emptying import empty

MIGRATION = Path(__file__).parents[3] / "migrations" / "versions" / "0027_case_steps.py"


@pytest.fixture
def derive(session):
    """Forgets all steps and numbers, and has them derived as the migration does."""
    spec = importlib.util.spec_from_file_location("case_steps", MIGRATION)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run():
        empty(session, "case_step")
        session.execute(text("UPDATE issue SET number = NULL"))
        for statement in module._DERIVE:
            session.execute(text(statement))

    return run


@pytest.mark.long
def test_each_case_has_its_chain_and_stands_where_it_stood(session, ground, derive):
    waiting, moved = report(session), report(session)
    by_state = {state: report(session, "0302") for state in ("received", "done", "closed", "returned", "suspended")}
    session.execute(text("UPDATE issue SET awaiting_routing = false WHERE id = :id"), {"id": waiting})
    route_awaiting(session, NOW, ground)
    session.execute(text('UPDATE issue SET doc = doc || \'{"category": "0101"}\' WHERE id = :id'), {"id": moved})
    route_awaiting(session, NOW + timedelta(hours=1), ground)
    for state, issue_id in by_state.items():
        ended = "closed_at = now(), closing_reason = 'fixed', public_answer = '已修复'," if state == "closed" else ""
        session.execute(
            text(f"UPDATE issue SET {ended} state = :state, changed_at = now() WHERE id = :id"),
            {"state": state, "id": issue_id},
        )
    fresh = report(session)
    derive()
    told = steps.of_cases(session, [waiting, moved, fresh, *by_state.values()])
    assert fresh not in told
    assert [event.step for event in told[waiting]] == ["report"]
    assert [event.step for event in told[moved]] == ["report", "dispatch", "dispatch"]
    assert replay(told[moved]).body_id == id_of(session, "organisation", "chengguan")
    for state, issue_id in by_state.items():
        story, row = replay(told[issue_id]), issue(session, issue_id)
        assert story.state == state
        assert read_number(row["number"]) == row["number"]
    closed = replay(told[by_state["closed"]])
    assert (closed.closing_reason, closed.answer) == ("fixed", "已修复")
    assert not replay(told[moved]).by_people
