"""A call whose transaction PostgreSQL gave up, to break a deadlock, is made once more; its caller hears nothing."""

import threading
import time
import uuid

import pytest
from sqlalchemy import text

from tests.api.staff import Desk
from tests.api.test_desk import reported, route

__all__ = ["route"]
PATIENCE_S = 30.0
_WAITS = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))")
_LOCK = text("SELECT FROM issue WHERE id = :id FOR UPDATE")


@pytest.mark.long
def test_steps_that_a_deadlock_ended_are_taken_all_the_same_and_once(app, phone_of, route, session):
    lower, higher = sorted(reported(phone_of("west"), "0301", "0302"))
    route()
    desk = Desk.of(app, session, "handler", "zhujian")
    steps = [{"id": str(uuid.uuid4()), "issue_id": each, "step": "receive"} for each in (lower, higher)]
    answers = []
    session.execute(_LOCK, {"id": higher})
    call = threading.Thread(target=lambda: answers.append(desk.post("/v1/cases/steps", {"steps": steps})))
    call.start()
    ends = time.monotonic() + PATIENCE_S
    # It holds the lower one, and waits for the higher: now each waits for the other, and the call waited first.
    while not session.scalar(_WAITS):
        assert time.monotonic() < ends
        time.sleep(0.01)
    session.execute(_LOCK, {"id": lower})
    session.commit()
    call.join(PATIENCE_S)
    [answer] = answers
    assert answer.status_code == 200, answer.text
    assert [each["status"] for each in answer.json["results"]] == ["taken", "taken"]
    taken = session.execute(text("SELECT id FROM case_step WHERE step = 'receive' ORDER BY id")).scalars().all()
    assert [str(each) for each in taken] == sorted(each["id"] for each in steps)
