"""What the tests of rights do to a city: people get and lose duties, what waits is settled, records are put there."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import text

from geo.editions.ground import Grounds
from sync.resolution.conflicts import settle_waiting
from sync.resolution.effect import Settling
from tests.cases import city
from tests.cases.city import IN_EAST

NOW = dt.datetime.now


PRIVATE = "0601"


DONE = {"state": "done"}


MET = {"outcome": "met", "address_text": "x"}


def days_ago(days):
    return dt.datetime.now(dt.UTC) - dt.timedelta(days=days)


@pytest.fixture
def settling(session):
    grounds = Grounds()
    return Settling(dt.datetime.now(dt.UTC), lambda moment: grounds.at(session, 1, moment), 50.0)


@pytest.fixture
def settle(session, settling):
    def run(*, after=dt.timedelta(0)):
        now = dt.datetime.now(dt.UTC) + after
        done = settle_waiting(session, now, settling.ground_at, limit=500, hold_for=dt.timedelta(hours=24), near_m=50.0)
        session.commit()
        return done

    return run


@pytest.fixture
def assign(session):
    """Gives somebody a role in an area, from and until some days ago (None: still)."""

    def run(login, role, code, *, since=300, until=None):
        session.execute(
            text("""
                INSERT INTO assignment (person_id, role, area_id, during)
                SELECT person.id, :role, area.id, tstzrange(:since, :until)
                FROM person, area WHERE login = :login AND area.code = :code
            """),
            {
                "login": login, "role": role, "code": code, "since": days_ago(since),
                "until": None if until is None else days_ago(until),
            },
        )  # fmt: skip
        session.commit()

    return run


def end_all(session, login):
    session.execute(
        text("""
            UPDATE assignment SET during = tstzrange(lower(during), clock_timestamp())
            WHERE person_id = (SELECT id FROM person WHERE login = :login) AND upper_inf(during)
        """),
        {"login": login},
    )
    session.commit()


def rows(session, table):
    session.rollback()
    columns = "id, rev, doc, grid_now, deleted_at"
    return {row.id: row for row in session.execute(text(f"SELECT {columns} FROM {table}"))}


def status_of(session, op):
    session.rollback()
    row = session.execute(
        text("SELECT status, problem ->> 'type' AS type FROM operation WHERE op_id = :id"), {"id": op["op_id"]}
    ).one()
    return row.status, (row.type or "").rpartition("/")[2]


def reason(result):
    return result["status"], result.get("error", {}).get("type", "").rpartition("/")[2]


def put_task(session, login, *, issue_id=None, grid=city.EAST):
    task_id = uuid.uuid4()
    session.execute(
        text("""
            INSERT INTO task (id, rev, doc_rev, doc, captured_at, received_at, changed_at, kind, title, person_id,
                              issue_id, grid_now)
            SELECT :id, 1, 1, '{}', now(), now(), now(), 'check', '核查', person.id, :issue, area.id
            FROM person, area WHERE login = :login AND area.code = :grid
        """),
        {"id": task_id, "login": login, "issue": issue_id, "grid": grid},
    )
    session.commit()
    return task_id


def put_household(session, at=IN_EAST, grid=city.EAST):
    household_id = uuid.uuid4()
    session.execute(
        text("""
            INSERT INTO household (id, rev, doc_rev, doc, captured_at, received_at, changed_at, position, located,
                                   grid_at_capture, grid_now, edition_at_capture)
            SELECT :id, 1, 1, jsonb_build_object('building', '一栋'), now(), now(), now(),
                   ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), 'inside', area.id, area.id, 1
            FROM area WHERE area.code = :grid
        """),
        {"id": household_id, "lon": at[0], "lat": at[1], "grid": grid},
    )
    session.commit()
    return household_id


@pytest.fixture
def owned(phone_of, session):
    """A worker of the east with one record of each collection."""
    owner = phone_of("east")
    issue, visit = owner.issue(IN_EAST, category=PRIVATE, description="邻里"), owner.visit(IN_EAST, note="家访")
    owner.push(issue, visit)
    return owner, (issue["id"], visit["id"], put_task(session, owner.login), put_household(session))


def whole(session):
    return {table: rows(session, table) for table in ("issue", "visit", "task", "household")}
