"""Job processes, killed at the worst moments: what waits in PostgreSQL is done in the end, and under the same id."""

from datetime import UTC, datetime

import pytest
import redis
from sqlalchemy import text

from server.cases.delivery import endpoints
from server.jobs.routing import BATCH
from tests.cases.city import report, rows
from tests.cases.receiver import SECRET, receiving
from tests.jobs.conftest import eventually, programs_over

pytestmark = pytest.mark.chaos


def hook(sessions, processes, url):
    with sessions.begin() as session:
        endpoints.save(
            session,
            "zhujian",
            url,
            seal_with=endpoints.seal(processes.environment["PATROL_SECRET_KEY"]),
            now=datetime.now(UTC),
            secret=SECRET,
        )


def put(sessions, count=1):
    with sessions.begin() as session:
        return [report(session) for _ in range(count)]


def count(sessions, condition):
    with sessions() as session:
        return session.scalar(text(f"SELECT count(*) FROM {condition}"))


def routed(sessions):
    return count(sessions, "issue WHERE state = 'dispatched' AND NOT awaiting_routing")


def delivered(sessions):
    return count(sessions, "delivery WHERE channel = 'webhook' AND state = 'delivered'")


def forget_the_lease(sessions):
    """Let the minute pass after which another may send."""
    with sessions.begin() as session:
        session.execute(text("UPDATE endpoint SET leased_until = now() WHERE leased_until IS NOT NULL"))
        session.execute(text("UPDATE delivery SET next_attempt_at = now() WHERE state = 'sending'"))


def test_an_issue_that_nobody_woke_a_job_for_is_found_routed_and_delivered(processes, sessions):
    with receiving() as body:
        hook(sessions, processes, body.url)
        [issue_id] = put(sessions)
        processes.worker()
        processes.sweeper()
        eventually(lambda: delivered(sessions) == 1, "delivered")
    assert body.messages[0]["data"]["issue_id"] == str(issue_id)


def test_a_worker_killed_while_sending_loses_nothing_and_sends_again_under_the_same_id(processes, sessions):
    with receiving(wait_s=60) as body:
        hook(sessions, processes, body.url)
        put(sessions)
        processes.sweeper()
        doomed = processes.worker()
        eventually(lambda: body.messages, "the message has arrived, and waits for its answer")
        doomed.kill()
        assert delivered(sessions) == 0
        body.wait_s = 0.0
        forget_the_lease(sessions)
        processes.worker()
        eventually(lambda: delivered(sessions) == 1, "delivered by another worker")
    assert len(body.ids) == 2
    assert len(set(body.ids)) == 1
    with sessions() as session:
        attempts = rows(session, "SELECT number, status_code FROM delivery_attempt ORDER BY number")
    assert attempts == [{"number": 1, "status_code": None}, {"number": 2, "status_code": 204}]


def test_workers_killed_again_and_again_route_each_issue_once(processes, sessions):
    many = 2 * BATCH + 100
    put(sessions, many)
    processes.sweeper()
    for target in (1, BATCH + 1):
        doomed = processes.worker()
        eventually(lambda target=target: routed(sessions) >= target, f"{target} are routed")
        doomed.kill()
    processes.worker()
    eventually(lambda: routed(sessions) == many, "all are routed")
    assert count(sessions, "routing_decision") == many
    assert count(sessions, "(SELECT issue_id FROM routing_decision GROUP BY 1) AS once") == many
    assert count(sessions, "operation WHERE collection = 'cases'") == many
    with sessions() as session:
        positions = [row["position"] for row in rows(session, "SELECT position FROM feed ORDER BY position")]
    assert positions == list(range(1, len(positions) + 1))


def test_redis_killed_and_started_empty_loses_nothing(city_url, own_redis, sessions, tmp_path):
    with programs_over(city_url, own_redis.url, tmp_path) as processes:
        sweeper = processes.sweeper()
        processes.worker()
        put(sessions)
        eventually(lambda: routed(sessions) == 1, "routed before")
        own_redis.kill()
        put(sessions, 5)
        own_redis.start()
        with redis.Redis.from_url(own_redis.url) as client:
            assert client.dbsize() < 20
        # The launcher starts again what ends; a pool that outlives its Redis needs no help.
        processes.worker()
        eventually(lambda: routed(sessions) == 6, "routed after")
        assert sweeper.is_running
