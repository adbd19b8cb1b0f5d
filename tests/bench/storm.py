"""A whole city at the end of the shift: every worker's phone sends its day over a connection of its own, all at once.

So many phones are in flight at any moment as there are lanes; the rest stand in line, as they do at the kernel's door.
The job processes run beside it and route the issues as they come. At the end the database is counted: nothing may be
lost, nothing may be there twice. The SQL floor of push runs for some seconds before and after, on the same cores.
"""

import datetime as dt
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.bench import floor, load_http
from tests.bench.batches import Device, batch_of
from tests.bench.crowd import crowd
from tests.bench.stage import Say, Stage, in_processes, quantiles, stage

DEVICES = int(os.environ.get("STORM_DEVICES", "20000"))
LANES = int(os.environ.get("STORM_LANES", "32"))
OPERATIONS, PROCESSES, FLOOR_SECONDS, SAMPLE_SECONDS = 50, 2, 5.0, 2.0
_BEFORE = "SELECT (SELECT count(*) FROM visit) + (SELECT count(*) FROM issue), (SELECT position FROM feed_counter)"
_COUNTED = """
    SELECT count(*) AS operations, count(DISTINCT op_id) AS distinct_op_ids,
           count(*) FILTER (WHERE operation.status = 'applied') AS applied,
           (SELECT count(*) FROM visit) + (SELECT count(*) FROM issue) - %(records)s AS records,
           (SELECT position FROM feed_counter) - %(position)s AS feed_positions_given,
           (SELECT count(DISTINCT position) FROM feed WHERE position > %(position)s) AS feed_positions_there,
           (SELECT count(*) FROM feed WHERE position > %(position)s) AS feed_rows,
           (SELECT count(*) FROM issue WHERE awaiting_routing) AS issues_to_route
    FROM operation JOIN device ON device.id = operation.device_id WHERE device.platform = 'bench'
"""


def measure(say: Say) -> dict[str, Any]:
    """Run the storm once; returns the figures and the lines that a person reads. Raises if anything was lost."""
    with stage(jobs=True, front=True, prepare=floor.prepare) as city:
        phones = crowd(city.url, DEVICES)
        with psycopg.connect(city.url, autocommit=True) as connection:
            records, position = connection.execute(_BEFORE).fetchone()
        before = _floor(city)
        say(f"floor {before:,.0f}/s; {DEVICES:,} phones get ready")
        figures = _storm(city, phones, say)
        after = _floor(city)
        with psycopg.connect(city.url, autocommit=True) as connection:
            cursor = connection.execute(_COUNTED, {"records": records, "position": position})
            counted = dict(zip((column.name for column in cursor.description), cursor.fetchone(), strict=True))
    figures |= {"floor_records_per_s": [round(before), round(after)], "counted": counted}
    _check(counted)
    figures["ratio"] = round(figures["records_per_s"] * 2 / (before + after), 3)
    return figures | {"lines": _lines(figures)}


def _floor(city: Stage) -> float:
    counts = in_processes(floor.insert, [(city.url, FLOOR_SECONDS, OPERATIONS)] * PROCESSES)
    return sum(count / seconds for count, seconds in counts)


def push_once(
    address: load_http.Address, phones: Sequence[Device], lanes: int, begin: Callable[[], object]
) -> tuple[float, list[float]]:
    """Let each phone push its batch over a connection of its own; returns seconds, and milliseconds of each push."""
    now = dt.datetime.now(dt.UTC)
    requests = [load_http.push_request(phone, batch_of(phone, OPERATIONS, now)) for phone in phones]
    good = load_http.applied(OPERATIONS)
    mine = [load_http.Lane(address, iter(requests[n::lanes]), good, anew=True) for n in range(lanes)]
    begin()
    took = load_http.run(mine, float("inf"))
    return took, [ms for lane in mine for ms in lane.took_ms]


def _storm(city: Stage, phones: Sequence[Device], say: Say) -> dict[str, Any]:
    before = city.spent()
    with _memory_sampled(city, say) as samples:
        found = in_processes(push_once, [(city.address, phones[n::PROCESSES], LANES) for n in range(PROCESSES)])
    cost = {name: round(seconds - before[name], 1) for name, seconds in city.spent().items()}
    seconds = max(took for took, _ in found)
    p50, p99 = quantiles([ms for _, each in found for ms in each])
    sent = len(phones) * OPERATIONS
    return {
        "devices": len(phones),
        "lanes": LANES * PROCESSES,
        "sent": sent,
        "seconds": round(seconds, 2),
        "records_per_s": round(sent / seconds),
        "push_p50_ms": p50,
        "push_p99_ms": p99,
        "processor_s": cost,
        "resident_mb": {name: _course([each[name] for each in samples]) for name in samples[0]},
    }


@contextmanager
def _memory_sampled(city: Stage, say: Say) -> Iterator[list[dict[str, float]]]:
    """Sample the resident memory every few seconds while something else goes on, and once at the end."""
    samples = [city.resident_mb()]
    over = threading.Event()

    def sample() -> None:
        began = time.monotonic()
        while not over.wait(SAMPLE_SECONDS):
            samples.append(city.resident_mb())
            say(f"{time.monotonic() - began:.0f} s: " + ", ".join(f"{k} {v:,.0f} MB" for k, v in samples[-1].items()))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()
        samples.append(city.resident_mb())


def _course(values: Sequence[float]) -> dict[str, float]:
    """Return the first, one after the caches are filled, the last and the most."""
    return {"first": values[0], "warm": values[len(values) // 2], "last": values[-1], "most": max(values)}


def _check(counted: dict[str, int]) -> None:
    sent = DEVICES * OPERATIONS
    if any(counted[name] != sent for name in ("operations", "distinct_op_ids", "applied", "records")):
        raise RuntimeError(f"{sent} were sent: {counted}")
    if not counted["feed_positions_given"] == counted["feed_positions_there"] == counted["feed_rows"]:
        raise RuntimeError(f"the feed has a gap: {counted}")


def _lines(figures: dict[str, Any]) -> list[str]:
    counted = figures["counted"]
    told = "".join(
        f"{counted[name]:,} {name.replace('_', ' ')}, " for name in ("operations", "distinct_op_ids", "records")
    )
    before, after = figures["floor_records_per_s"]
    cost = ", ".join(f"{name} {seconds} s" for name, seconds in figures["processor_s"].items())
    return [
        f"{figures['devices']:,} phones of {OPERATIONS} operations, {figures['lanes']} at once, one connection a phone",
        f"SQL floor  {before:,} records/s before, {after:,} after",
        f"ours       {figures['sent']:,} records in {figures['seconds']} s: {figures['records_per_s']:,} records/s",
        f"ratio      {figures['ratio']}",
        f"a push     p50 {figures['push_p50_ms']} ms, p99 {figures['push_p99_ms']} ms",
        f"processor  {cost}",
        *(
            f"memory     {name}: {each['first']} MB at first, {each['warm']} half-way, {each['last']} at the end"
            for name, each in figures["resident_mb"].items()
        ),
        f"nothing lost, nothing twice: {told}all of them applied",
        f"feed       {counted['feed_rows']:,} rows on {counted['feed_positions_given']:,} positions, no gap",
        f"routing    {counted['issues_to_route']:,} issues still wait for the job",
    ]
