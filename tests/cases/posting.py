"""Dispatches issues, and delivers what is then to be sent."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from server.cases.delivery import endpoints
from server.cases.delivery.deliveries import (
    Patience,
    deliver_due,
)
from server.cases.delivery.destinations import Guard
from server.cases.routing.service import route_awaiting
from tests.cases.city import report, rows
from tests.cases.receiver import SECRET

SEAL = endpoints.seal("a key of the tests")
HERE = Guard(allow_loopback=True, patience_s=1.0)
PATIENCE = Patience()


def now():
    return datetime.now(UTC)


def hook(begin, code, url, secret=SECRET, at=None, **more):
    with begin() as session:
        return endpoints.save(session, code, url, seal_with=SEAL, now=at or now(), secret=secret, **more)


def dispatch(begin, ground, *categories, **more):
    with begin() as session:
        made = [report(session, category, **more) for category in categories]
        route_awaiting(session, now(), ground)
    return made


def deliver(begin, patience=PATIENCE, clock=now, work_for=timedelta(seconds=20)):
    return deliver_due(begin, clock, seal=SEAL, guard=HERE, work_for=work_for, patience=patience)


def states(begin):
    with begin() as session:
        return [
            (row["state"], row["attempts"])
            for row in rows(session, "SELECT state, attempts FROM delivery WHERE channel = 'webhook' ORDER BY id")
        ]


def forward(begin):
    """Let the waiting be over: everything that waits is due, no line rests, no lease runs."""
    with begin() as session:
        session.execute(text("UPDATE delivery SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL"))
        session.execute(text("UPDATE endpoint SET resting_until = NULL, leased_until = NULL"))
