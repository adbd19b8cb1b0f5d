"""Where bodies are sent to: endpoints, their secrets, and which are refused."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from server.cases.delivery import endpoints
from server.cases.delivery.deliveries import (
    deliver_due,
    is_due,
)
from server.cases.errors import InvalidEndpoint, UnknownOrganisation
from tests.cases.city import rows
from tests.cases.posting import HERE, deliver, dispatch, forward, hook, now
from tests.cases.receiver import SECRET, receiving


def test_a_secret_is_sealed_at_rest_and_made_where_none_is_given(begin):
    given = hook(begin, "zhujian", "http://127.0.0.1:9/")
    made = hook(begin, "chengguan", "http://127.0.0.1:9/", secret=None)
    kept = hook(begin, "chengguan", "http://127.0.0.1:10/", secret=None)
    turned = hook(begin, "chengguan", "http://127.0.0.1:10/", secret=None, rotate=True)
    assert given.secret == SECRET
    assert made.secret.startswith("whsec_")
    assert kept.secret is None
    assert turned.secret not in (None, made.secret)
    with begin() as session:
        sealed = [bytes(row["sealed_secret"]) for row in rows(session, "SELECT sealed_secret FROM endpoint")]
    assert all(b"whsec_" not in each for each in sealed)
    assert turned.secret not in repr(turned)


@pytest.mark.parametrize(
    ("overlap", "later", "taken"),
    [
        (timedelta(hours=1), timedelta(minutes=59), 1),
        (timedelta(hours=1), timedelta(hours=1), 0),
        (timedelta(), timedelta(), 0),
    ],
)
def test_the_former_secret_signs_beside_the_new_until_its_time_is_over(begin, ground, overlap, later, taken):
    with receiving() as body:
        hook(begin, "zhujian", body.url)
        hook(begin, "zhujian", body.url, secret=None, rotate=True, overlap=overlap, at=now() - later)
        dispatch(begin, ground, "0301")
        deliver(begin)
        assert len(body.messages) == taken, "a body that knows only the former secret"


def test_the_new_secret_signs_from_the_start_and_former_ones_are_few_and_end(begin, ground):
    with receiving() as body:
        hook(begin, "zhujian", body.url)
        for _ in range(6):
            turned = hook(begin, "zhujian", body.url, secret=None, rotate=True, overlap=timedelta(hours=1))
        body.secret = turned.secret
        dispatch(begin, ground, "0301")
        assert deliver(begin).delivered == 1
    with begin() as session:
        assert [row["count"] for row in rows(session, "SELECT count(*) FROM former_secret")] == [3]
        session.execute(text("UPDATE former_secret SET until = now()"))
    with begin() as session:
        assert is_due(session, now())
    deliver(begin)
    with begin() as session:
        assert rows(session, "SELECT * FROM former_secret") == []


def test_a_secret_sealed_with_another_key_disables_the_endpoint_and_loses_nothing(begin, ground):
    with receiving() as body:
        hook(begin, "zhujian", body.url)
        dispatch(begin, ground, "0301")
        sent = deliver_due(begin, now, seal=endpoints.seal("another key"), guard=HERE, work_for=timedelta(seconds=5))
        assert (sent.failed, body.messages) == (1, [])
        with begin() as session:
            [row] = rows(session, "SELECT active, disabled_reason FROM endpoint")
        assert row == {"active": False, "disabled_reason": "secret-unreadable"}
        hook(begin, "zhujian", body.url)
        forward(begin)
        assert deliver(begin).delivered == 1


def test_an_endpoint_of_nobody_is_refused(begin):
    with pytest.raises(UnknownOrganisation):
        hook(begin, "nobody", "http://127.0.0.1:9/")


@pytest.mark.parametrize(
    ("url", "secret"), [("https://169.254.169.254/", None), ("http://127.0.0.1:9/", "whsec_short")]
)
def test_an_endpoint_in_a_forbidden_place_or_with_no_real_secret_is_refused(url, secret):
    with pytest.raises(InvalidEndpoint):
        endpoints.check(url, secret, HERE)
