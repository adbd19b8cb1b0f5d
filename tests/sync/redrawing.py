"""Redraws of the small city: the strip of ground from 114.30 to 114.32 cut anew, published, and followed by records."""

import datetime as dt
import json
import uuid
from contextlib import contextmanager

import pytest
from shapely import box
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions.publish import NewArea, publish
from server.database import ground_cache
from sync.redraw import moving
from sync.redraw.cutover import into_force
from tests.cases import city
from tests.emptying import empty

COMMUNITY = "360725100001"
NORTH, SOUTH = 25.69, 25.68
NEAR_M = 50.0


def clock():
    return dt.datetime.now(dt.UTC)


def strip(code, west, east, *, south=SOUTH, north=NORTH, name=None):
    """A grid between two meridians."""
    return NewArea(code, "grid", name or code[-3:], COMMUNITY, box(west, south, east, north))


def redraw(session, *areas, retired=(), by_clock=clock):
    """Publish and bring into force, and commit."""
    done = publish(session, areas, retired=retired, by="test", name="改", now=clock())
    into_force(session, done, by_clock)
    session.commit()
    return done


def moving_city(engine, *, near_m=NEAR_M):
    """What the moving job has of its process."""

    @contextmanager
    def opened():
        with Session(engine, expire_on_commit=False) as session, session.begin():
            yield session

    return moving.JobContext(opened, clock, ground_cache.ground_at, near_m)


def follow(session, **options):
    """Let all records follow."""
    followed = moving.follow(moving_city(session.get_bind()), **options)
    session.rollback()
    return followed


@pytest.fixture
def redrawn(session):
    """A session on a city whose first edition comes back after the test."""
    yield session
    session.rollback()
    empty(session, "edition_move, edition_fragment, area_lineage, planned_edition, draft_operation, draft")
    session.execute(text("SET LOCAL session_replication_role = replica"))
    for statement in (
        "DELETE FROM area_version WHERE lower(editions) > 1",
        "UPDATE area_version SET editions = '[1,)'",
        "DELETE FROM area WHERE NOT EXISTS (SELECT FROM area_version WHERE area_id = area.id)",
        "DELETE FROM edition WHERE number > 1",
        "UPDATE edition SET in_force = '[2026-01-01,)'",
        "UPDATE city_state SET ground_serial = ground_serial + 1",
    ):
        session.execute(text(statement))
    session.commit()
    ground_cache._caches.clear()


def put_household(session, at, grid, *, building="一栋"):
    """A household as the staff enter it; returns its id."""
    doc = {"building": building, "location": {"lon": at[0], "lat": at[1]}}
    return _put(session, "household", doc, at, grid)


def put_task(session, login, *, household=None, state="open"):
    """A task of a worker; returns its id."""
    task_id = uuid.uuid4()
    session.execute(
        text("""
            INSERT INTO task (id, rev, doc_rev, doc, captured_at, received_at, changed_at, kind, title, person_id,
                              household_id)
            VALUES (:id, 1, 1, CAST(:doc AS jsonb), now(), now(), now(), 'visit', '走访', :person, :household)
        """),
        {
            "id": task_id,
            "doc": json.dumps({"state": state}),
            "person": city.id_of(session, "person", login),
            "household": household,
        },
    )
    session.commit()
    return task_id


def _put(session, table, doc, at, grid):
    record_id = uuid.uuid4()
    session.execute(
        text(f"""
            INSERT INTO {table} (id, rev, doc_rev, doc, captured_at, received_at, changed_at, position, located,
                                 edition_at_capture, grid_at_capture, grid_now)
            VALUES (:id, 1, 1, CAST(:doc AS jsonb), now(), now(), now(), ST_SetSRID(ST_MakePoint(:lon, :lat), 4326),
                    :located, 1, :grid, :grid)
        """),
        {
            "id": record_id,
            "doc": json.dumps(doc, ensure_ascii=False),
            "lon": at[0],
            "lat": at[1],
            "located": "inside" if grid else "outside",
            "grid": grid and city.id_of(session, "area", grid),
        },
    )
    session.commit()
    return record_id
