"""Merges a second by the job, beside the SQL that a merge cannot do without, in alternating rounds.

Each merge: two workers of a grid have an issue at the same revision, both patch it, the second patch waits. A third of
the pairs write other fields, a third the same text (both are kept), a third the same category (a person decides). The
patches go through the real engine; what is timed is the job's own loop in this process. The floor writes as many
records, operations and touches of the feed in chunks of the job's size, and reads nothing.
"""

import datetime as dt
import os
import time
from collections.abc import Callable
from itertools import cycle
from typing import Any

import psycopg
import requests
import uuid_utils

from server.jobs import merging, process
from server.launch.garbage import collect_seldom
from tests.bench.batches import Device
from tests.bench.crowd import crowd, pairs
from tests.bench.stage import Say, Stage, spread, stage, told

MERGES = int(os.environ.get("MERGE_COUNT", "5000"))
ROUNDS = int(os.environ.get("MERGE_ROUNDS", "5"))
_PHONES, _BATCH = 60, 100
_PATCHES = (
    ({"severity": "urgent"}, {"address_text": "阳岭大道 1 号"}),
    ({"description": "井盖缺失，已围挡"}, {"description": "井盖缺失，行人绕行"}),
    ({"category": "0302"}, {"category": "0303"}),
)
_WAITING = """
    SELECT operation.id, record_id, doc::text FROM operation JOIN issue ON issue.id = record_id
    WHERE status = 'pending' ORDER BY operation.id
"""
_RECORDS = """
    UPDATE issue SET rev = issue.rev + 1, doc_rev = issue.rev + 1, doc = new.doc::jsonb, changed_at = now()
    FROM unnest(%s::uuid[], %s::text[]) AS new (id, doc) WHERE issue.id = new.id
"""
_OPERATIONS = """
    UPDATE operation SET status = 'merged', rev = 3, provenance = new.provenance::jsonb, settled_at = now()
    FROM unnest(%s::bigint[], %s::text[]) AS new (id, provenance) WHERE operation.id = new.id
"""
_TOUCHES = """
    WITH taken AS (UPDATE feed_counter SET position = position + %s RETURNING position - %s AS before)
    INSERT INTO feed (channel, position, topic, ref)
    SELECT 6, taken.before + place, 2, ref FROM taken, unnest(%s::uuid[]) WITH ORDINALITY AS touch (ref, place)
"""
Side = Callable[[], float]


def measure(say: Say) -> dict[str, Any]:
    """Run the rounds; returns the figures and the lines that a person reads."""
    with stage() as city, psycopg.connect(city.url, autocommit=True) as connection:
        # A process has one configuration and one engine for as long as it lives; here they are of this city.
        process.config.cache_clear()
        process.engine.cache_clear()
        collect_seldom()  # as the processes of the pool do
        phones = pairs(crowd(city.url, _PHONES))
        sides: dict[str, Side] = {"floor": lambda: _floor(connection), "ours": _ours}
        rounds = []
        for number in range(-1, ROUNDS):
            found = {name: _side(city, phones, sides[name]) for name in sorted(sides, reverse=bool(number % 2))}
            say(f"{number + 1}: floor {found['floor'][0]:,.0f}/s, ours {found['ours'][0]:,.0f}/s")
            rounds.append(found)
        process.engine().dispose()
    process.config.cache_clear()
    process.engine.cache_clear()
    return _told(rounds[1:])


def _side(city: Stage, phones: list[tuple[Device, Device]], work: Side) -> tuple[float, float, float]:
    """Merges a second, and microseconds of processor time a merge: of this process, and of PostgreSQL."""
    _conflict(city, phones)
    database, own = city.spent()["PostgreSQL"], time.process_time()
    took = work()
    own, database = time.process_time() - own, city.spent()["PostgreSQL"] - database
    return MERGES / took, own * 1e6 / MERGES, database * 1e6 / MERGES


def _ours() -> float:
    began = time.perf_counter()
    settled = merging.settle()
    took = time.perf_counter() - began
    assert settled == MERGES, settled
    return took


def _floor(connection: psycopg.Connection) -> float:
    waiting = connection.execute(_WAITING).fetchall()
    assert len(waiting) == MERGES, len(waiting)
    chunks = [waiting[n : n + merging.BATCH] for n in range(0, MERGES, merging.BATCH)]
    cursor = connection.cursor(binary=True)
    began = time.perf_counter()
    for chunk in chunks:
        ids, records, docs = (list(column) for column in zip(*chunk, strict=True))
        with connection.transaction():
            cursor.execute(_RECORDS, (records, docs), prepare=True)
            cursor.execute(_OPERATIONS, (ids, ['{"description": "both"}'] * len(ids)), prepare=True)
            cursor.execute(_TOUCHES, (len(ids), len(ids), records), prepare=True)
    return time.perf_counter() - began


def _conflict(city: Stage, phones: list[tuple[Device, Device]]) -> None:
    """Make as many records as there are merges, and two patches of the same revision of each."""
    address = f"http://{city.address[0]}:{city.address[1]}/v1/sync/push"
    left, patches = MERGES, cycle(_PATCHES)
    with requests.Session() as http:
        for one, two in cycle(phones):
            count = min(left, _BATCH)
            if not count:
                return
            left -= count
            ids = [str(uuid_utils.uuid7()) for _ in range(count)]
            first, second = zip(*(next(patches) for _ in ids), strict=True)
            _push(http, address, one, [_put(one, each) for each in ids], "applied")
            _push(http, address, one, list(map(_patch, ids, first)), "applied")
            _push(http, address, two, list(map(_patch, ids, second)), "pending")


def _put(device: Device, record_id: str) -> dict[str, Any]:
    place = {"lon": device.lon, "lat": device.lat, "accuracy_m": 8.0, "datum": "wgs84"}
    data = {
        "category": "0301",
        "description": "井盖缺失",
        "severity": "low",
        "photos": [],
        "tags": [],
        "location": place,
    }
    return {"action": "put", "id": record_id, "base": None, "data": data}


def _patch(record_id: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"action": "patch", "id": record_id, "base": {"rev": 1}, "data": data}


def _push(http: requests.Session, address: str, device: Device, ops: list[dict[str, Any]], status: str) -> None:
    moment = dt.datetime.now(dt.UTC).isoformat()
    head = {"collection": "issues", "captured_at": moment}
    sent = [op | head | {"op_id": str(uuid_utils.uuid7()), "seq": seq} for seq, op in enumerate(ops, device.seq + 1)]
    device.seq += len(ops)
    answer = http.post(
        address,
        json={"batch_id": str(uuid_utils.uuid7()), "sent_at": moment, "ops": sent},
        headers={"Authorization": f"Bearer {device.token}"},
        timeout=30,
    )
    if answer.text.count(f'"status":"{status}"') != len(ops):
        raise RuntimeError(answer.text[-600:])


def _told(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    figures = {
        "merges": MERGES,
        "rounds": len(rounds),
        "floor_per_s": spread([each["floor"][0] for each in rounds]),
        "ours_per_s": spread([each["ours"][0] for each in rounds]),
        "ratio": spread([each["ours"][0] / each["floor"][0] for each in rounds]),
        "floor_database_us": spread([each["floor"][2] for each in rounds]),
        "ours_python_us": spread([each["ours"][1] for each in rounds]),
        "ours_database_us": spread([each["ours"][2] for each in rounds]),
    }
    lines = [
        f"{figures['rounds']} rounds of {MERGES:,} merges, {merging.BATCH} a transaction; median (least - most)",
        f"SQL floor  {told(figures['floor_per_s'])} a second, {told(figures['floor_database_us'])} us in PostgreSQL",
        f"ours       {told(figures['ours_per_s'])} a second",
        f"ratio      {told(figures['ratio'])}",
        f"processor  {told(figures['ours_python_us'])} us a merge in the job",
        f"processor  {told(figures['ours_database_us'])} us a merge in PostgreSQL",
    ]
    return figures | {"lines": lines}
