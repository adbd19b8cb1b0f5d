"""What a pushed record costs as the city's history grows: flat, or does the log have to be cut by month?

Before each size operations, visits and touches of the feed are filled in up to it as phones would have made them over a
year: ids in the order of capture, give or take the hours that a phone was offline. Then come short rounds of push, each
beside its SQL floor. CURVE_LEAST and CURVE_MOST are the first and the last size, by tens: 100,000 and 1,000,000.
"""

import os
from collections.abc import Sequence
from typing import Any

import psycopg

from tests.bench import floor, push
from tests.bench.batches import Device
from tests.bench.crowd import crowd
from tests.bench.stage import Say, Stage, spread, stage, told

LEAST = int(os.environ.get("CURVE_LEAST", "100000"))
MOST = int(os.environ.get("CURVE_MOST", "1000000"))
PHONES, CHUNK = 1000, 50_000
PACE = push.Pace(rounds=5, seconds=3.0)
# The time-ordered id of RFC 9562: 48 bits of milliseconds, the version, the rest by chance.
_FILL = """
    WITH phone AS (
        SELECT row_number() OVER (ORDER BY device.id) - 1 AS place, device.id, device.person_id, area_id
        FROM device JOIN assignment USING (person_id) WHERE device.platform = 'bench'
    ), made AS MATERIALIZED (
        SELECT n, phone.id AS device_id, person_id, area_id, received,
               received - random() * interval '4 hours' AS captured
        FROM (SELECT n, now() - interval '1 year' * (1 - n / %(most)s::float8) AS received
              FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n) AS row
        JOIN phone ON phone.place = row.n %% %(phones)s::int
    ), numbered AS MATERIALIZED (
        SELECT *, stamped_id(captured) AS op_id, stamped_id(captured) AS record_id, jsonb_build_object(
            'outcome', 'met', 'purpose', 'routine', 'note', '家中有人，情况正常', 'needs', jsonb_build_array('助餐'),
            'location', jsonb_build_object('lon', 114.3, 'lat', 25.68, 'accuracy_m', 8.0, 'datum', 'wgs84')) AS doc
        FROM made
    ), logged AS (
        INSERT INTO operation (received_at, device_id, author_id, batch_id, op_id, body_hash, seq, collection,
                               record_id, action, captured_at, corrected_at, data, rev, status, receipt, settled_at)
        SELECT received, device_id, person_id, op_id, op_id, decode(md5(op_id::text), 'hex'), n, 'visits',
               record_id, 'put', captured, captured, doc, 1, 'applied',
               json_build_object('op_id', op_id, 'status', 'applied', 'rev', 1, 'grid', json_build_object(
                   'code', area_id, 'how', 'inside', 'edition', 1)), received
        FROM numbered ORDER BY n
    ), counted AS (
        UPDATE feed_counter SET position = position + %(last)s::bigint - %(first)s::bigint + 1
        RETURNING position - %(last)s::bigint AS before
    ), told AS (
        INSERT INTO feed (channel, position, topic, ref)
        SELECT area_id * 4, before + n, 1, record_id FROM numbered, counted ORDER BY n
    )
    INSERT INTO visit (id, rev, doc_rev, doc, author_id, captured_at, received_at, changed_at, position, located,
                       edition_at_capture, grid_at_capture, grid_now)
    SELECT record_id, 1, 1, doc, person_id, captured, received, received, ST_SetSRID(ST_MakePoint(114.3, 25.68), 4326),
           'inside', 1, area_id, area_id
    FROM numbered ORDER BY n
"""
STAMPED_ID = """
    CREATE FUNCTION stamped_id(moment timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS $$
        SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '7'
                || substr(gen_random_uuid()::text, 1, 3) || '8' || right(gen_random_uuid()::text, 12)
                || substr(gen_random_uuid()::text, 1, 3))::uuid
    $$
"""
_SIZE = """
    SELECT sum(pg_total_relation_size(name))::bigint
    FROM unnest(ARRAY['operation', 'visit', 'feed']::regclass[]) AS name
"""


def measure(say: Say) -> dict[str, Any]:
    """Fill and measure, size after size; returns the figures and the lines that a person reads."""
    with stage(prepare=floor.prepare) as city, psycopg.connect(city.url, autocommit=True) as connection:
        connection.execute(STAMPED_ID)
        connection.execute("SET jit = off; SET statement_timeout = 0")
        phones = crowd(city.url, PHONES)
        sizes, size = [], LEAST
        while size <= MOST:
            _fill(connection, size, say)
            sizes.append(_size(city, connection, phones[: PACE.processes * PACE.connections], say))
            size *= 10
    return {"sizes": sizes, "lines": _lines(sizes)}


def _fill(connection: psycopg.Connection, size: int, say: Say) -> None:
    """Fill up to so many operations in all; what was pushed meanwhile counts."""
    (stored,) = connection.execute("SELECT count(*) FROM operation").fetchone()
    for first in range(stored + 1, size + 1, CHUNK):
        chunk = {"first": first, "last": min(first + CHUNK - 1, size), "most": MOST, "phones": PHONES}
        connection.execute(_FILL, chunk)
        if (first // CHUNK) % 10 == 0:
            say(f"{chunk['last']:,} filled")
    # As autovacuum leaves them; it would come amid the rounds otherwise.
    for table in ("operation", "visit", "feed"):
        connection.execute(f"VACUUM ANALYZE {table}")
    connection.execute("CHECKPOINT")


def _size(city: Stage, connection: psycopg.Connection, phones: Sequence[Device], say: Say) -> dict[str, Any]:
    (stored,) = connection.execute("SELECT count(*) FROM operation").fetchone()
    (size,) = connection.execute(_SIZE).fetchone()
    say(f"{stored:,} operations, {size / 1e6:,.0f} MB")
    rounds = [push.pair(city, phones, PACE, number, say) for number in range(-1, PACE.rounds)][1:]
    costs = [dict(each["ours"].cost_us) for each in rounds]
    return {
        "stored": stored,
        "stored_mb": round(size / 1e6),
        "floor_records_per_s": spread([each["floor"].records_per_s for each in rounds]),
        "ours_records_per_s": spread([each["ours"].records_per_s for each in rounds]),
        "cost_us_a_record": {name: spread([each[name] for each in costs]) for name in costs[0]},
    }


def _lines(sizes: Sequence[dict[str, Any]]) -> list[str]:
    lines = [f"{PACE.rounds} rounds of {PACE.seconds} s at each size; median (least - most)"]
    for each in sizes:
        cost = each["cost_us_a_record"]
        lines += [
            f"{each['stored']:,} operations, as many visits and touches, {each['stored_mb']:,} MB",
            *(f"  processor  {told(us)} us a record in {name}" for name, us in cost.items()),
            f"  ours       {told(each['ours_records_per_s'])} records/s",
            f"  SQL floor  {told(each['floor_records_per_s'])} records/s",
        ]
    return lines
