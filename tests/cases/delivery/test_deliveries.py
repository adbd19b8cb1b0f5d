"""Deliveries: sent once, signed, tried again with the same id, given up in the end, and each body on its own line."""

import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from server.cases.delivery import deliveries
from server.cases.delivery.deliveries import (
    claim_due,
    give_up_old,
    is_due,
    note,
    retry,
)
from server.cases.delivery.webhook import Answer
from server.cases.errors import DeliveryNotRetryable, UnknownDelivery
from tests.cases.city import WEST, rows
from tests.cases.posting import PATIENCE, SEAL, deliver, dispatch, forward, hook, now, states
from tests.cases.receiver import receiving


def test_a_body_is_told_what_where_and_by_when(begin, ground):
    with receiving() as body:
        hook(begin, "zhujian", body.url)
        [issue_id] = dispatch(begin, ground, "0301", severity="urgent", address_text="阳岭大道 1 号")
        assert deliver(begin).delivered == 1
    [message] = body.messages
    data = message["data"]
    assert message["type"] == "issue.dispatched"
    assert data["issue_id"] == str(issue_id)
    assert (data["part"], data["severity"], data["private"]) == ("lead", "urgent", False)
    assert data["category"] == {"code": "0301", "name": "井盖", "name_en": "Manhole cover"}
    assert data["grid"] == {"code": WEST, "name": "阳岭第一网格"}
    assert data["location"] == {"lon": 114.305, "lat": 25.685, "datum": "wgs84", "accuracy_m": None}
    assert (data["description"], data["address_text"]) == ("井盖缺失", "阳岭大道 1 号")
    assert datetime.fromisoformat(data["deadline"]) - datetime.fromisoformat(message["timestamp"]) == timedelta(hours=2)
    assert [each["code"] for each in data["reasons"]] == ["category-default", "deadline", "grid"]


def test_nobody_is_told_who_reported(begin, ground):
    with receiving() as body:
        hook(begin, "zhujian", body.url)
        dispatch(begin, ground, "0301")
        deliver(begin)
    assert "worker" not in str(body.messages)
    assert "author" not in str(body.messages)


def test_of_a_private_issue_the_assistant_learns_that_it_is_called_and_no_more(begin, ground):
    with receiving() as lead, receiving() as assistant:
        hook(begin, "sifa", lead.url)
        hook(begin, "renshe", assistant.url)
        dispatch(begin, ground, "0604", description="欠薪三个月", address_text="阳岭大道 1 号")
        assert deliver(begin).delivered == 2
    assert lead.messages[0]["data"]["description"] == "欠薪三个月"
    assert lead.messages[0]["data"]["location"] is not None
    told = assistant.messages[0]["data"]
    assert (told["part"], told["private"], told["lead"]["code"]) == ("assisting", True, "sifa")
    assert not {"description", "address_text", "location", "photos", "reasons"} & set(told)


def test_what_arrived_is_not_sent_again(begin, ground):
    with receiving() as body:
        hook(begin, "zhujian", body.url)
        dispatch(begin, ground, "0301")
        deliver(begin)
        deliver(begin)
    assert len(body.messages) == 1
    assert states(begin) == [("delivered", 1)]


def test_a_body_that_fails_twice_gets_the_same_id_three_times(begin, ground):
    with receiving(statuses=[500, 503, 200]) as body:
        hook(begin, "zhujian", body.url)
        dispatch(begin, ground, "0301")
        for _ in range(3):
            deliver(begin)
            forward(begin)
    assert len(body.ids) == 3
    assert len(set(body.ids)) == 1
    assert body.messages[0] == body.messages[2]
    assert states(begin) == [("delivered", 3)]
    with begin() as session:
        log = rows(session, "SELECT number, status_code, error, ended_at FROM delivery_attempt ORDER BY number")
    assert [(row["number"], row["status_code"], row["error"]) for row in log] == [
        (1, 500, "HTTP 500"),
        (2, 503, "HTTP 503"),
        (3, 200, None),
    ]
    assert all(row["ended_at"] for row in log)


def test_a_failed_delivery_waits_its_turn(begin, ground):
    with receiving(statuses=[500]) as body:
        hook(begin, "zhujian", body.url)
        dispatch(begin, ground, "0301")
        # Full jitter may draw no delay at all; the largest draw is what is looked at here.
        [claim] = claim_due(begin, now(), 8, SEAL, PATIENCE)
        at = now()
        assert note(begin, claim, Answer(500, "HTTP 500"), at, jitter=lambda: 1.0) == "failed"
        assert deliver(begin).failed == 0
        assert body.messages == []
    with begin() as session:
        [row] = rows(session, "SELECT next_attempt_at, last_error FROM delivery WHERE channel = 'webhook'")
    assert (row["next_attempt_at"], row["last_error"]) == (at + timedelta(seconds=30), "HTTP 500")


@pytest.mark.long
def test_delays_double_up_to_the_longest_and_jitter_takes_a_part(begin, ground):
    hook(begin, "zhujian", "http://127.0.0.1:9/")
    dispatch(begin, ground, "0301")
    delays = []
    for _ in range(13):
        forward(begin)
        [claim] = claim_due(begin, now(), 8, SEAL, PATIENCE)
        at = now()
        note(begin, claim, Answer(500, "HTTP 500"), at, jitter=lambda: 0.5)
        with begin() as session:
            delays.append(session.scalar(text("SELECT next_attempt_at FROM delivery WHERE channel = 'webhook'")) - at)
    assert delays[:3] == [timedelta(seconds=15), timedelta(seconds=30), timedelta(seconds=60)]
    assert delays[-1] == timedelta(hours=3)


def test_a_body_that_asks_for_rest_gets_it(begin, ground):
    hook(begin, "zhujian", "http://127.0.0.1:9/")
    dispatch(begin, ground, "0301")
    [claim] = claim_due(begin, now(), 8, SEAL, PATIENCE)
    at = now()
    note(begin, claim, Answer(429, "HTTP 429", rest=timedelta(hours=1)), at, jitter=lambda: 0.0)
    with begin() as session:
        assert session.scalar(text("SELECT next_attempt_at FROM delivery WHERE channel = 'webhook'")) == at + timedelta(
            hours=1
        )


def test_rest_that_a_body_asks_for_holds_its_whole_line_and_no_other(begin, ground):
    with receiving(statuses=[503], headers={"Retry-After": "45"}) as busy, receiving() as up:
        hook(begin, "zhujian", busy.url)
        hook(begin, "chengguan", up.url)
        dispatch(begin, ground, "0303", "0303", "0303", "0101", "0101")
        at = now()
        sent = deliver(begin)
        assert (len(busy.messages), len(up.messages), sent.failed, sent.delivered) == (1, 2, 1, 2)
        busy.statuses, busy.headers = [204], {}
        assert deliver(begin, clock=lambda: at + timedelta(seconds=44)).delivered == 0
        assert deliver(begin, clock=lambda: at + timedelta(seconds=60)).delivered == 3
    with begin() as session:
        assert session.scalar(text("SELECT resting_until FROM endpoint WHERE url = :url"), {"url": busy.url}) is None


def test_what_a_body_answers_never_hinders_noting_it(begin, ground):
    with receiving(raw=b"\x00\xff\x1b[2J\r\n") as strange, receiving() as up:
        hook(begin, "zhujian", strange.url)
        hook(begin, "chengguan", up.url)
        dispatch(begin, ground, "0303", "0101")
        sent = deliver(begin)
        assert (sent.failed, sent.delivered) == (1, 1)
    with begin() as session:
        [row] = rows(session, "SELECT last_error FROM delivery WHERE state = 'failed'")
    assert row["last_error"].isprintable()


def test_a_letter_that_cannot_be_sent_at_all_is_a_failure_of_its_own(begin, ground, monkeypatch):
    real = deliveries.send

    def sending(letter, guard, at):
        if "/broken" in letter.url:
            raise RuntimeError("a fault of ours")
        return real(letter, guard, at)

    monkeypatch.setattr(deliveries, "send", sending)
    with receiving() as up:
        hook(begin, "zhujian", up.url.replace("/hooks", "/broken"))
        hook(begin, "chengguan", up.url)
        dispatch(begin, ground, "0303", "0101")
        sent = deliver(begin)
    assert (sent.failed, sent.delivered) == (1, 1)
    with begin() as session:
        [row] = rows(session, "SELECT last_error FROM delivery WHERE state = 'failed'")
    assert row["last_error"] == "could not be sent: RuntimeError"


def test_after_three_days_it_is_given_up_and_a_person_can_have_it_tried_again(begin, ground):
    with receiving(statuses=[500, 200]) as body:
        hook(begin, "zhujian", body.url)
        dispatch(begin, ground, "0301")
        later = now() + timedelta(days=3)
        [claim] = claim_due(begin, later, 8, SEAL, PATIENCE)
        assert note(begin, claim, Answer(500, "HTTP 500"), later) == "given_up"
        with begin() as session:
            delivery_id = session.scalar(text("SELECT id FROM delivery WHERE state = 'given_up'"))
            retry(session, delivery_id, now())
        assert states(begin) == [("waiting", 1)]
        body.statuses = [200]
        assert deliver(begin).delivered == 1
        assert body.ids == [str(delivery_id)]


def test_what_could_never_be_sent_is_given_up_too(begin, ground):
    hook(begin, "zhujian", "http://127.0.0.1:9/", active=False)
    dispatch(begin, ground, "0301")
    assert deliver(begin).given_up == 0
    assert give_up_old(begin, now() + timedelta(days=3, seconds=1)) == 1
    with begin() as session:
        [row] = rows(session, "SELECT state, last_error FROM delivery WHERE channel = 'webhook'")
    assert row["state"] == "given_up"
    assert "disabled" in row["last_error"]


@pytest.mark.long
def test_gone_disables_the_endpoint_and_keeps_what_waits(begin, ground):
    with receiving(statuses=[410]) as body, receiving() as new:
        hook(begin, "zhujian", body.url)
        dispatch(begin, ground, "0301", "0303")
        deliver(begin)
        forward(begin)
        deliver(begin)
        assert len(body.messages) == 1
        with begin() as session:
            [row] = rows(session, "SELECT active, disabled_reason FROM endpoint")
        assert row == {"active": False, "disabled_reason": "gone"}
        hook(begin, "zhujian", new.url, secret=None)
        forward(begin)
        assert deliver(begin).delivered == 2
        assert len(new.messages) == 2


def test_a_redirect_is_a_failure_and_goes_nowhere(begin, ground):
    with receiving() as other, receiving(statuses=[307], headers={"Location": other.url}) as body:
        hook(begin, "zhujian", body.url)
        dispatch(begin, ground, "0301")
        assert deliver(begin).failed == 1
        assert other.messages == []


@pytest.mark.long
def test_a_slow_body_is_a_failure_and_is_sent_the_same_again(begin, ground):
    with receiving(wait_s=3) as body:
        hook(begin, "zhujian", body.url)
        dispatch(begin, ground, "0301")
        assert deliver(begin).failed == 1
        body.wait_s = 0.0
        forward(begin)
        assert deliver(begin).delivered == 1
    assert len(set(body.ids)) == 1


@pytest.mark.long
def test_a_run_ends_when_its_time_is_up_and_says_that_there_is_more(begin, ground):
    with receiving(wait_s=0.05) as body:
        hook(begin, "zhujian", body.url)
        dispatch(begin, ground, *["0303"] * 10)
        first = deliver(begin, work_for=timedelta(seconds=0.2))
        assert first.more
        second = deliver(begin)
    assert not second.more
    assert first.delivered + second.delivered == len(body.messages) == 10


def test_the_sweeper_learns_whether_anything_is_due(begin, ground):
    with receiving() as body:
        hook(begin, "zhujian", body.url)
        with begin() as session:
            assert not is_due(session, now())
        dispatch(begin, ground, "0303")
        with begin() as session:
            assert is_due(session, now())
        deliver(begin)
        with begin() as session:
            assert not is_due(session, now())


def test_only_what_failed_can_be_retried(begin, ground):
    with receiving() as body:
        hook(begin, "zhujian", body.url)
        dispatch(begin, ground, "0301")
        deliver(begin)
    with begin() as session:
        delivery_id = session.scalar(text("SELECT id FROM delivery WHERE channel = 'webhook'"))
        with pytest.raises(DeliveryNotRetryable) as caught:
            retry(session, delivery_id, now())
        assert caught.value.state == "delivered"
        with pytest.raises(UnknownDelivery):
            retry(session, uuid.uuid4(), now())
