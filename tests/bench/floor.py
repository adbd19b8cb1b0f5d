"""The two SQL floors of push, durable, one batch a commit.

One table: rows of about a record's size into a table with 4 indexes, one statement. The honest one: what a push must
leave behind at the least, a record, its line of the log with the receipt, and a touch of the
feed under its counter, as three bare statements into tables of the same columns and indexes as ours.
"""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from uuid_utils.compat import uuid7

from sync.sql import arrays

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


HONEST_TABLES = """
    CREATE TABLE floor_record (LIKE visit INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING INDEXES INCLUDING STORAGE);
    CREATE TABLE floor_log (LIKE operation INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING INDEXES INCLUDING STORAGE);
    CREATE TABLE floor_feed (LIKE feed INCLUDING DEFAULTS INCLUDING INDEXES);
    CREATE TABLE floor_counter (position bigint NOT NULL);
    INSERT INTO floor_counter VALUES (0);
"""
RECORD = """
    INSERT INTO floor_record (
        id, rev, doc_rev, doc, author_id, captured_at, received_at, changed_at, position, located, edition_at_capture,
        grid_at_capture, grid_now
    )
    SELECT id, 1, 1, doc::jsonb, author_id, captured_at, now(), now(), ST_SetSRID(ST_MakePoint(lon, lat), 4326),
           'inside', 1, grid, grid
    FROM unnest($1::uuid[], $2::int[], $3::int[], $4::timestamptz[], $5::float8[], $6::float8[], $7::text[])
        AS new (id, author_id, grid, captured_at, lon, lat, doc)
"""
LOG = """
    INSERT INTO floor_log (
        received_at, device_id, author_id, batch_id, op_id, body_hash, seq, collection, record_id, action, captured_at,
        corrected_at, data, raw, rev, status, receipt, settled_at
    )
    SELECT now(), 1, author_id, $9::uuid, op_id, body_hash, seq, 'visits', record_id, 'put', captured_at, captured_at,
           data::jsonb, NULL, 1, 'applied', receipt::json, now()
    FROM unnest($1::uuid[], $2::bytea[], $3::int[], $4::uuid[], $5::int[], $6::timestamptz[], $7::text[], $8::text[])
        AS new (op_id, body_hash, seq, record_id, author_id, captured_at, data, receipt)
"""
FEED = """
    WITH taken AS (UPDATE floor_counter SET position = position + $1 RETURNING position - $1 AS before)
    INSERT INTO floor_feed (channel, position, topic, ref)
    SELECT channel, taken.before + ordinality, 2, ref
    FROM taken, unnest($2::bigint[], $3::uuid[]) WITH ORDINALITY AS touch (channel, ref, ordinality)
    RETURNING position
"""
RECEIPT = (
    '{"op_id":"0193b3a0-0000-7000-8000-000000000000","status":"applied","rev":1,'
    '"grid":{"code":"360725400001001","name":"第一网格","how":"inside","ambiguous":false}}'
)


def prepare(url: str) -> None:
    """Make the tables of both floors."""
    with psycopg.connect(url) as connection:
        connection.execute(TABLE)
        connection.execute(HONEST_TABLES)


@contextmanager
def _durable(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True, options="-c jit=off") as connection:
        (durable,) = connection.execute("SHOW synchronous_commit").fetchone()
        (synced,) = connection.execute("SHOW fsync").fetchone()
        if (durable, synced) != ("on", "on"):
            raise RuntimeError("a floor that is not durable says nothing")
        yield connection


def honest(url: str, seconds: float, batch: int, begin: Callable[[], object]) -> tuple[int, float]:
    """Insert records with their log and feed for so many seconds from `begin` on; returns records and seconds."""
    with _durable(url) as connection:
        moments = arrays.times([dt.datetime(2026, 11, 21, 1, 2, 3, tzinfo=dt.UTC)] * batch)
        docs, authors = arrays.texts([DOC] * batch), arrays.numbers([7] * batch)
        grids, channels = arrays.numbers(list(range(batch))), arrays.numbers([4 * n for n in range(batch)])
        lons, lats = arrays.numbers([114.308] * batch), arrays.numbers([25.682] * batch)
        hashes, receipts = arrays.blobs([bytes(32)] * batch), arrays.texts([RECEIPT] * batch)
        cursor = psycopg.RawCursor(connection)
        begin()
        began, count = time.perf_counter(), 0
        while (now := time.perf_counter()) - began < seconds:
            ids = arrays.uuids([uuid7() for _ in range(batch)])
            op_ids = arrays.uuids([uuid7() for _ in range(batch)])
            seqs = arrays.numbers(list(range(count, count + batch)))
            with connection.transaction():
                cursor.execute(RECORD, (ids, authors, grids, moments, lons, lats, docs))
                cursor.execute(LOG, (op_ids, hashes, seqs, ids, authors, moments, docs, receipts, uuid7()))
                cursor.execute(FEED, (batch, channels, ids))
            count += batch
        return count, now - began


def insert(url: str, seconds: float, batch: int, begin: Callable[[], object]) -> tuple[int, float]:
    """Insert into the one table for so many seconds from `begin` on; returns rows and seconds."""
    with _durable(url) as connection:
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
