"""The SQL floor of push: rows of about a record's size into a table with 4 indexes, one statement a commit, durable."""

import time
from collections.abc import Callable

import psycopg
from uuid_utils.compat import uuid7

TABLE = """
    CREATE TABLE floor (
        id uuid PRIMARY KEY, author_id int, grid_now int, captured_at timestamptz, position geometry(POINT, 4326),
        doc jsonb
    );
    CREATE INDEX ON floor (grid_now, id);
    CREATE INDEX ON floor (author_id, id);
    CREATE INDEX ON floor (captured_at);
"""
INSERT = """
    INSERT INTO floor
    SELECT id, author_id, grid_now, captured_at, ST_SetSRID(ST_MakePoint(lon, lat), 4326), doc::jsonb
    FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::timestamptz[], %s::float8[], %s::float8[], %s::text[])
        AS new (id, author_id, grid_now, captured_at, lon, lat, doc)
"""
DOC = (
    '{"outcome":"met","purpose":"routine","note":"家中有人，情况正常","location":{"lon":114.308,"lat":25.682,'
    '"accuracy_m":8.0},"needs":["助餐"]}'
)


def prepare(url: str) -> None:
    """Make the table."""
    with psycopg.connect(url) as connection:
        connection.execute(TABLE)


def insert(url: str, seconds: float, batch: int, begin: Callable[[], object]) -> tuple[int, float]:
    """Insert for so many seconds from `begin` on; returns rows and seconds."""
    with psycopg.connect(url, autocommit=True, options="-c jit=off") as connection:
        (durable,) = connection.execute("SHOW synchronous_commit").fetchone()
        (synced,) = connection.execute("SHOW fsync").fetchone()
        if (durable, synced) != ("on", "on"):
            raise RuntimeError("a floor that is not durable says nothing")
        rest = (
            [7] * batch, list(range(batch)), ["2026-11-21T01:02:03+00:00"] * batch, [114.308] * batch, [25.682] * batch,
            [DOC] * batch,
        )  # fmt: skip
        cursor = connection.cursor(binary=True)
        begin()
        began, count = time.perf_counter(), 0
        while (now := time.perf_counter()) - began < seconds:
            cursor.execute(INSERT, ([uuid7() for _ in range(batch)], *rest), prepare=True)
            count += batch
        return count, now - began
