"""The first filling of a phone: 10,000 records as NDJSON, beside the same rows straight from PostgreSQL as JSON."""

import time
from typing import Any

import psycopg
import requests

from tests.bench.batches import Device, enrolled_devices
from tests.bench.stage import Say, Stage, spread, stage, told

RECORDS, ROUNDS = 10_000, 7
# The sample city's own visits are outside this grid's count; what is planted here is what a busy grid has.
_PLANT = """
    INSERT INTO visit (id, rev, doc_rev, doc, author_id, captured_at, received_at, changed_at, position, located,
                       edition_at_capture, grid_at_capture, grid_now)
    SELECT gen_random_uuid(), 1, 1,
           jsonb_build_object('outcome', 'met', 'purpose', 'routine', 'note', '家中有人，情况正常', 'needs',
                              jsonb_build_array('助餐'), 'location', jsonb_build_object('lon', 114.3, 'lat', 25.68,
                              'accuracy_m', 8.0, 'datum', 'wgs84')),
           assignment.person_id, now(), now(), now(), ST_SetSRID(ST_MakePoint(114.3, 25.68), 4326), 'inside', 1,
           area_id, area_id
    FROM generate_series(1, %(count)s), device JOIN assignment ON assignment.person_id = device.person_id
    WHERE role = 'grid_worker' AND device.name = 'bench-0' AND upper_inf(during)
"""
_FLOOR = """
    SELECT json_build_object('collection', 'visits', 'id', id, 'rev', rev, 'action', 'put', 'data', doc, 'grid',
                             json_build_object('code', grid_now, 'how', located, 'edition', edition_at_capture))::text
    FROM visit WHERE grid_now = (SELECT area_id FROM device JOIN assignment ON assignment.person_id = device.person_id
    WHERE role = 'grid_worker' AND device.name = 'bench-0' AND upper_inf(during) LIMIT 1) AND deleted_at IS NULL
"""


def measure(say: Say) -> dict[str, Any]:
    """Run the rounds; returns the figures and the lines that a person reads."""
    with stage() as city:
        (device,) = enrolled_devices(city.url, 1)
        with psycopg.connect(city.url, autocommit=True) as connection:
            connection.execute(_PLANT, {"count": RECORDS})
            connection.execute("ANALYZE visit")
            rounds = []
            for number in range(-1, ROUNDS):
                sides = {"floor": lambda: _floor(connection), "ours": lambda: _fill(city, device)}
                found = {name: sides[name]() for name in (sorted(sides) if number % 2 else sorted(sides)[::-1])}
                say(f"{number + 1}: floor {found['floor']:.3f} s, ours {found['ours']:.3f} s")
                rounds.append(found)
    rounds = rounds[1:]
    figures = {
        "records": RECORDS,
        "floor_s": spread([each["floor"] for each in rounds]),
        "ours_s": spread([each["ours"] for each in rounds]),
        "ratio": spread([each["floor"] / each["ours"] for each in rounds]),
    }
    lines = [
        f"{ROUNDS} rounds, {RECORDS:,} records and what else the grid has; median (least - most)",
        f"SQL floor  {told(figures['floor_s'])} s",
        f"ours       {told(figures['ours_s'])} s",
        f"ratio      {told(figures['ratio'])} of the floor's speed",
    ]
    return figures | {"lines": lines}


def _floor(connection: psycopg.Connection) -> float:
    began = time.perf_counter()
    rows = connection.execute(_FLOOR).fetchall()
    b"\n".join(row[0].encode() for row in rows)
    assert len(rows) >= RECORDS
    return time.perf_counter() - began


def _fill(city: Stage, device: Device) -> float:
    began = time.perf_counter()
    answer = requests.get(
        f"http://{city.address[0]}:{city.address[1]}/v1/sync/pull",
        headers={
            "Authorization": f"Bearer {device.token}",
            "Accept": "application/x-ndjson",
            "Accept-Encoding": "identity",
        },
        timeout=60,
    )
    lines = answer.content.splitlines()
    took = time.perf_counter() - began
    assert answer.status_code == 200
    assert sum(b'"action":"put"' in line for line in lines) >= RECORDS
    assert b'"has_more":false' in lines[-1]
    return took
