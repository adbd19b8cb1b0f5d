"""Push beside its SQL floor: records a second that are durable, on the same cluster and cores, in alternating rounds.

One floor is one `unnest` INSERT of 50 rows into a table with 4 indexes a commit, the honest one leaves what a push
must leave, record, log and feed, by three bare statements; both from 2 processes straight to PostgreSQL. Ours is POST
/v1/sync/push of 50 new records over HTTP through nginx to both web programs as `up` runs them, with receipts, history
and feed, from 2 load processes; beside it the same past nginx, by the programs' own sockets. All are loaded for the
same time; medians of the rounds and their spread count.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench import floor, load_http
from tests.bench.batches import enrolled_devices
from tests.bench.stage import Say, Stage, in_processes, quantiles, spread, stage, told

BATCH = 50
PEER = "peer       11,000 records/s: bulk create of ODK Central, two processes, two cores, as measured on 2026-11-21"
"""No package of a registry, so it is not measured beside ours; it tells no outcome for each record."""
RATIOS = {"honest_ratio": "honest floor", "ratio": "floor", "nginx_ratio": "past nginx"}


@dataclass(frozen=True)
class Pace:
    """How long and how hard: rounds of so many seconds, load processes, connections of each."""

    rounds: int = 7
    seconds: float = 4.0
    processes: int = 2
    connections: int = 8


@dataclass(frozen=True)
class Round:
    """One round: records a second; of ours milliseconds of the pushes, batches a group, processor time a record."""

    records_per_s: float
    took_ms: tuple[float, ...] = ()
    mean_group: float = 0.0
    cost_us: tuple[tuple[str, float], ...] = ()


def measure(say: Say, pace: Pace | None = None) -> dict[str, Any]:
    """Run the rounds; returns the figures and the lines that a person reads."""
    pace = pace or Pace()
    with stage(front=True, prepare=floor.prepare) as city:
        devices = enrolled_devices(city.url, pace.processes * pace.connections)
        rounds = [pair(city, devices, pace, number, say) for number in range(-1, pace.rounds)]
    # The first pair filled caches and prepared statements.
    return _told(rounds[1:], pace)


def pair(city: Stage, devices: Sequence[Any], pace: Pace, number: int, say: Say) -> Any:
    """One round of each side, the one or the other first in turn; returns them by name."""
    door = [city.address] * pace.processes
    sides = {
        "floor": lambda: _floor_round(floor.insert, city.url, pace),
        "honest floor": lambda: _floor_round(floor.honest, city.url, pace),
        "ours": lambda: _our_round(city, devices, pace, door),
    }
    if city.front is not None:
        past = (list(city.front.sockets) * pace.processes)[: pace.processes]
        sides["past nginx"] = lambda: _our_round(city, devices, pace, past)
    found = {side: sides[side]() for side in (sides if number % 2 else reversed(sides))}
    per_s = {side: each.records_per_s for side, each in found.items()}
    told = ", ".join(f"{side} {per_s[side]:,.0f}/s" for side in sides)
    say(f"{'warm-up' if number < 0 else number + 1}: {told}, ratio {per_s['ours'] / per_s['floor']:.3f}")
    return found


def _floor_round(insert: Callable[..., tuple[int, float]], url: str, pace: Pace) -> Round:
    counts = in_processes(insert, [(url, pace.seconds, BATCH)] * pace.processes)
    return Round(sum(count / seconds for count, seconds in counts))


def _our_round(city: Stage, devices: Sequence[Any], pace: Pace, doors: Sequence[load_http.Address]) -> Round:
    shares = [devices[n :: pace.processes] for n in range(pace.processes)]
    before, (groups, batches) = city.spent(), city.grouped()
    found = in_processes(
        load_http.push, [(door, share, pace.seconds, BATCH) for door, share in zip(doors, shares, strict=True)]
    )
    records = sum(each[0] for each in found)
    after, (groups_after, batches_after) = city.spent(), city.grouped()
    for share, (_, _, _, seqs) in zip(shares, found, strict=True):
        for device, seq in zip(share, seqs, strict=True):
            device.seq = seq
    took = tuple(ms for _, _, each, _ in found for ms in each)
    cost_us = tuple((name, (after[name] - before[name]) * 1e6 / records) for name in before)
    mean_group = (batches_after - batches) / (groups_after - groups)
    return Round(sum(count / seconds for count, seconds, _, _ in found), took, mean_group, cost_us)


def _told(rounds: Sequence[dict[str, Round]], pace: Pace) -> dict[str, Any]:
    per_s = {side: [each[side].records_per_s for each in rounds] for side in rounds[0]}
    took = [ms for each in rounds for ms in each["ours"].took_ms]
    p50, p99 = quantiles(took)
    parts = [name for name, _ in rounds[0]["ours"].cost_us]
    figures = {
        "batch": BATCH,
        "rounds": len(rounds),
        "seconds": pace.seconds,
        "connections": pace.processes * pace.connections,
        "floor_records_per_s": spread(per_s["floor"]),
        "ours_records_per_s": spread(per_s["ours"]),
        "past_nginx_records_per_s": spread(per_s["past nginx"]),
        "honest_floor_records_per_s": spread(per_s["honest floor"]),
        "mean_group": spread([each["ours"].mean_group for each in rounds]),
        "honest_ratio": spread(
            [above / below for below, above in zip(per_s["honest floor"], per_s["ours"], strict=True)]
        ),
        "ratio": spread([above / below for below, above in zip(per_s["floor"], per_s["ours"], strict=True)]),
        "nginx_ratio": spread([above / below for below, above in zip(per_s["past nginx"], per_s["ours"], strict=True)]),
        "cost_us_a_record": {name: spread([dict(each["ours"].cost_us)[name] for each in rounds]) for name in parts},
        "push_p50_ms": p50,
        "push_p99_ms": p99,
        "pushes": len(took),
    }
    return figures | {"lines": _lines(figures)}


def _of(ours: Sequence[float], others: Sequence[float]) -> list[float]:
    return [mine / theirs for mine, theirs in zip(ours, others, strict=True)]


def _lines(figures: dict[str, Any]) -> list[str]:
    return [
        f"{figures['rounds']} rounds of {figures['seconds']} s each, {BATCH} records a batch; median (least - most)",
        f"SQL floor  {told(figures['floor_records_per_s'])} records/s into one table",
        f"honest     {told(figures['honest_floor_records_per_s'])} records/s: record, log and feed in bare statements",
        PEER,
        f"ours       {told(figures['ours_records_per_s'])} records/s over {figures['connections']} connections",
        f"past nginx {told(figures['past_nginx_records_per_s'])} records/s; ours to it {told(figures['nginx_ratio'])}",
        f"ratio      {told(figures['ratio'])} of one table, {told(figures['honest_ratio'])} of the honest floor",
        f"a group    {told(figures['mean_group'])} batches in one transaction",
        *(f"processor  {told(each)} us a record in {name}" for name, each in figures["cost_us_a_record"].items()),
        f"a push     p50 {figures['push_p50_ms']} ms, p99 {figures['push_p99_ms']} ms ({figures['pushes']} pushes)",
    ]
