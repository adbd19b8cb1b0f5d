"""The line of each body: one letter at a time, rests, leases, two processes at once, and what overtakes what."""

import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import text

from server.cases.delivery.deliveries import (
    claim_due,
    note,
)
from server.cases.delivery.webhook import Answer
from server.cases.routing.service import route_awaiting
from tests.cases.city import rows
from tests.cases.posting import PATIENCE, SEAL, deliver, dispatch, hook, now, states
from tests.cases.receiver import receiving


@pytest.mark.long
def test_a_body_that_is_down_delays_only_its_own(begin, ground):
    with receiving(wait_s=30) as down, receiving() as up:
        hook(begin, "zhujian", down.url)
        hook(begin, "chengguan", up.url)
        dispatch(begin, ground, *["0303"] * 3, *["0101"] * 10)
        arrived = []
        thread = threading.Thread(target=lambda: arrived.append(deliver(begin)))
        thread.start()
        # All of the other's have arrived before the first attempt at the one that is down has ended.
        while len(up.messages) < 10:
            assert thread.is_alive()
            time.sleep(0.01)
        with begin() as session:
            ended = rows(
                session,
                """SELECT 1 FROM delivery_attempt JOIN delivery ON delivery.id = delivery_id
                   WHERE error IS NOT NULL AND ended_at IS NOT NULL""",
            )
        assert ended == []
        thread.join()
    assert arrived[0].delivered == 10
    assert arrived[0].failed >= 1


@pytest.mark.long
def test_a_body_gets_one_message_at_a_time_even_from_two_processes(begin, ground):
    with receiving(wait_s=0.1) as body:
        hook(begin, "zhujian", body.url)
        dispatch(begin, ground, *["0303"] * 6)
        first = threading.Thread(target=deliver, args=(begin,))
        first.start()
        while first.is_alive():
            if body.at_once:
                deliver(begin)
        first.join()
    assert len(body.messages) == len(set(body.ids)) == 6
    assert body.most_at_once == 1


def test_after_two_failures_in_a_row_the_line_rests_and_one_success_ends_that(begin, ground):
    hook(begin, "zhujian", "http://127.0.0.1:9/")
    dispatch(begin, ground, "0303", "0303", "0303")
    at = now()
    for failures, rest in ((0, None), (1, timedelta(seconds=30))):
        [claim] = claim_due(begin, at, 8, SEAL, PATIENCE)
        assert claim.failures == failures
        note(begin, claim, Answer(None, "down"), at, jitter=lambda: 1.0)
        with begin() as session:
            until = session.scalar(text("SELECT resting_until FROM endpoint"))
        assert until == at + (rest or timedelta())
    # The third has not been tried at all, but waits with its line.
    assert claim_due(begin, at, 8, SEAL, PATIENCE) == []
    [claim] = claim_due(begin, at + timedelta(seconds=31), 8, SEAL, PATIENCE)
    note(begin, claim, Answer(200), at + timedelta(seconds=31))
    with begin() as session:
        assert rows(session, "SELECT failures, resting_until FROM endpoint") == [{"failures": 0, "resting_until": None}]


def test_a_process_killed_while_sending_leaves_a_lease_and_then_it_is_sent_again_under_the_same_id(begin, ground):
    with receiving() as body:
        hook(begin, "zhujian", body.url)
        dispatch(begin, ground, "0301")
        [lost] = claim_due(begin, now(), 8, SEAL, PATIENCE)
        assert deliver(begin).delivered == 0
        after_lease = now() + PATIENCE.lease + timedelta(seconds=1)
        [again] = claim_due(begin, after_lease, 8, SEAL, PATIENCE)
        assert (again.delivery_id, again.attempt) == (lost.delivery_id, 2)
        assert again.letter.id == lost.letter.id
        with begin() as session:
            unended = rows(session, "SELECT number FROM delivery_attempt WHERE ended_at IS NULL ORDER BY number")
        assert [row["number"] for row in unended] == [1, 2]


def test_a_late_failure_does_not_undo_what_another_process_delivered(begin, ground):
    hook(begin, "zhujian", "http://127.0.0.1:9/")
    dispatch(begin, ground, "0301")
    [slow] = claim_due(begin, now(), 8, SEAL, PATIENCE)
    later = now() + PATIENCE.lease * 2
    [quick] = claim_due(begin, later, 8, SEAL, PATIENCE)
    note(begin, quick, Answer(200), later)
    note(begin, slow, Answer(None, "too late"), later)
    assert states(begin) == [("delivered", 2)]


def test_a_late_failure_leaves_alone_what_another_process_is_sending(begin, ground):
    hook(begin, "zhujian", "http://127.0.0.1:9/")
    dispatch(begin, ground, "0301")
    [slow] = claim_due(begin, now(), 8, SEAL, PATIENCE)
    later = now() + PATIENCE.lease * 2
    [quick] = claim_due(begin, later, 8, SEAL, PATIENCE)
    note(begin, slow, Answer(None, "too late"), later)
    assert states(begin) == [("sending", 2)]
    assert claim_due(begin, later, 8, SEAL, PATIENCE) == []
    note(begin, quick, Answer(200), later)
    assert states(begin) == [("delivered", 2)]


def test_a_process_whose_lease_ran_out_does_not_free_the_line_of_another(begin, ground):
    hook(begin, "zhujian", "http://127.0.0.1:9/")
    dispatch(begin, ground, "0301", "0301", "0301")
    [slow] = claim_due(begin, now(), 8, SEAL, PATIENCE)
    later = now() + PATIENCE.lease * 2
    [quick] = claim_due(begin, later, 8, SEAL, PATIENCE)
    assert quick.delivery_id != slow.delivery_id
    note(begin, slow, Answer(200), later)
    assert claim_due(begin, later, 8, SEAL, PATIENCE) == []


def test_a_late_success_counts(begin, ground):
    hook(begin, "zhujian", "http://127.0.0.1:9/")
    dispatch(begin, ground, "0301")
    [slow] = claim_due(begin, now(), 8, SEAL, PATIENCE)
    later = now() + PATIENCE.lease * 2
    [quick] = claim_due(begin, later, 8, SEAL, PATIENCE)
    note(begin, slow, Answer(200), later)
    note(begin, quick, Answer(None, "down"), later)
    assert states(begin) == [("delivered", 2)]


def reroute(begin, ground, issue_id, category):
    with begin() as session:
        session.execute(
            text("UPDATE issue SET doc = jsonb_set(doc, '{category}', to_jsonb(CAST(:to AS text))) WHERE id = :id"),
            {"id": issue_id, "to": category},
        )
        route_awaiting(session, now(), ground)


@pytest.mark.long
def test_a_body_that_was_told_is_told_when_it_has_the_case_no_longer(begin, ground):
    with receiving() as body:
        hook(begin, "zhujian", body.url)
        [issue_id] = dispatch(begin, ground, "0303")
        deliver(begin)
        reroute(begin, ground, issue_id, "0101")
        deliver(begin)
    assert [message["type"] for message in body.messages] == ["issue.dispatched", "issue.withdrawn"]
    assert body.messages[1]["data"]["issue_id"] == str(issue_id)
    assert len(set(body.ids)) == 2


def test_a_body_that_never_heard_of_a_case_is_told_neither_that_it_has_it_nor_that_it_has_not(begin, ground):
    with receiving() as body:
        hook(begin, "zhujian", body.url)
        [issue_id] = dispatch(begin, ground, "0303")
        reroute(begin, ground, issue_id, "0101")
        deliver(begin)
        assert body.messages == []
    assert states(begin) == [("superseded", 0), ("superseded", 0)]


def test_an_overtaken_dispatch_gives_way_to_the_newer_one(begin, ground):
    with receiving() as body:
        hook(begin, "zhujian", body.url)
        [issue_id] = dispatch(begin, ground, "0303")
        reroute(begin, ground, issue_id, "0401")
        reroute(begin, ground, issue_id, "0301")
        deliver(begin)
    assert [message["data"]["category"]["code"] for message in body.messages] == ["0301"]
    assert {state for state, _ in states(begin)} == {"delivered", "superseded"}
