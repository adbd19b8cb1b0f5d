"""Push beside its SQL floor: records a second that are durable, on the same cluster and cores, in alternating rounds.

The floor is one `unnest` INSERT of 50 rows into a table with 4 indexes a commit, from 2 processes straight to
PostgreSQL. Ours is POST /v1/sync/push of 50 new records over HTTP to gunicorn as `up` runs it, with receipts, history
and feed, from 2 load processes. Both sides are loaded for the same time; medians of the rounds and their spread count.
"""

import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from server.demo.loading import load
from server.launch.ports import free_port
from server.launch.scratch import scratch_database
from server.launch.state import CHECKOUT
from tests.bench import floor, load_http
from tests.bench.batches import enrolled_devices
from tests.cases import city

BATCH = 50


@dataclass(frozen=True)
class Pace:
    """How long and how hard: rounds of so many seconds, load processes, connections of each."""

    rounds: int = 7
    seconds: float = 4.0
    processes: int = 2
    connections: int = 4


@dataclass(frozen=True)
class Round:
    """One round: records a second, and of ours the milliseconds of the pushes."""

    records_per_s: float
    took_ms: tuple[float, ...] = ()


def measure(say: Callable[[str], object], pace: Pace | None = None) -> dict[str, Any]:
    """Run the rounds; returns the figures and the lines that a person reads."""
    pace = pace or Pace()
    with TemporaryDirectory() as folder, scratch_database(os.environ["PATROL_TEST_DATABASE_URL"]) as url:
        env = _environment(url)
        city.migrate(url).dispose()
        os.environ.update(env)
        with _silenced():
            load(profile="chongyi", folder=Path(folder))
        floor.prepare(url)
        devices = enrolled_devices(url, pace.processes * pace.connections)
        with _web(env, Path(folder)) as address:
            rounds = [_pair(url, address, devices, pace, number, say) for number in range(-1, pace.rounds)]
    # The first pair filled caches and prepared statements.
    return _told(rounds[1:], pace)


def _pair(url: str, address: tuple[str, int], devices: Sequence[Any], pace: Pace, number: int, say: Callable) -> Any:
    """One round of each, the one or the other first in turn."""
    sides = {"floor": lambda: _floor_round(url, pace), "ours": lambda: _our_round(address, devices, pace)}
    order = ["floor", "ours"] if number % 2 else ["ours", "floor"]
    found = {side: sides[side]() for side in order}
    ours, bottom = found["ours"].records_per_s, found["floor"].records_per_s
    say(f"{'warm-up' if number < 0 else number + 1}: floor {bottom:,.0f}/s, ours {ours:,.0f}/s, {ours / bottom:.3f}")
    return found["floor"], found["ours"]


def _floor_round(url: str, pace: Pace) -> Round:
    counts = _in_processes(floor.insert, [(url, pace.seconds, BATCH)] * pace.processes)
    return Round(sum(count / seconds for count, seconds in counts))


def _our_round(address: tuple[str, int], devices: Sequence[Any], pace: Pace) -> Round:
    shares = [devices[n :: pace.processes] for n in range(pace.processes)]
    found = _in_processes(load_http.push, [(address, share, pace.seconds, BATCH) for share in shares])
    for share, (_, _, _, seqs) in zip(shares, found, strict=True):
        for device, seq in zip(share, seqs, strict=True):
            device.seq = seq
    took = tuple(ms for _, _, each, _ in found for ms in each)
    return Round(sum(count / seconds for count, seconds, _, _ in found), took)


def _in_processes(work: Callable, arguments: Sequence[tuple]) -> list[Any]:
    """Prepare in every process, begin all at the same moment."""
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(len(arguments)), context.Queue()
    processes = [
        context.Process(target=_work, args=(work, n, each, barrier, answers)) for n, each in enumerate(arguments)
    ]
    for process in processes:
        process.start()
    found = dict(answers.get(timeout=300) for _ in processes)
    for process in processes:
        process.join()
    if failed := [each for each in found.values() if isinstance(each, str)]:
        raise RuntimeError(failed[0])
    return [found[n] for n in range(len(processes))]


def _work(work: Callable, number: int, arguments: tuple, barrier: Any, answers: Any) -> None:
    try:
        answers.put((number, work(*arguments, barrier.wait)))
    except BaseException as error:
        barrier.abort()
        answers.put((number, f"{type(error).__name__}: {error}"))
        raise


def _environment(url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": url,
        "REDIS_URL": os.environ["PATROL_TEST_REDIS_URL"],
        "PATROL_SECRET_KEY": "a key of this benchmark alone, 32 bytes long or more",
        # One address plays thousands of phones.
        "PATROL_PUSH_RATE": "10000000 per minute",
    }


@contextmanager
def _web(env: dict[str, str], folder: Path):
    """Gunicorn as the Procfile starts it."""
    port = free_port()
    metrics = folder / "metrics"
    metrics.mkdir()
    settings = os.environ | env | {"PATROL_BIND": f"127.0.0.1:{port}", "PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    command = ["gunicorn", "-c", "python:server.launch.gunicorn_settings", "server.app:create_app()"]
    with (folder / "web.log").open("w") as log:
        process = subprocess.Popen([sys.executable, "-m", *command], cwd=CHECKOUT, env=settings, stdout=log, stderr=log)
        try:
            ends = time.monotonic() + 60
            while not _is_ready(port):
                if time.monotonic() > ends or process.poll() is not None:
                    raise RuntimeError((folder / "web.log").read_text())
                time.sleep(0.1)
            yield "127.0.0.1", port
        finally:
            process.terminate()
            process.wait(30)


def _is_ready(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


@contextmanager
def _silenced():
    """The city's own progress does not belong between the figures."""
    stdout, sys.stdout = sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdout = stdout


def _told(rounds: Sequence[tuple[Round, Round]], pace: Pace) -> dict[str, Any]:
    bottom = [each.records_per_s for each, _ in rounds]
    ours = [each.records_per_s for _, each in rounds]
    ratios = [above / below for below, above in zip(bottom, ours, strict=True)]
    took = sorted(ms for _, each in rounds for ms in each.took_ms)
    p50, p99 = (took[int(len(took) * share)] for share in (0.50, 0.99))
    figures = {
        "batch": BATCH,
        "rounds": len(rounds),
        "seconds": pace.seconds,
        "connections": pace.processes * pace.connections,
        "floor_records_per_s": _spread(bottom),
        "ours_records_per_s": _spread(ours),
        "ratio": _spread(ratios),
        "push_p50_ms": round(p50, 2),
        "push_p99_ms": round(p99, 2),
        "pushes": len(took),
    }
    return figures | {"lines": _lines(figures)}


def _spread(values: Sequence[float]) -> dict[str, float]:
    digits = 3 if max(values) < 10 else 0
    least, median, most = min(values), statistics.median(values), max(values)
    return {"median": round(median, digits), "min": round(least, digits), "max": round(most, digits)}


def _lines(figures: dict[str, Any]) -> list[str]:
    def of(name: str, form: str) -> str:
        spread = figures[name]
        return f"{spread['median']:{form}} ({spread['min']:{form}} - {spread['max']:{form}})"

    return [
        f"{figures['rounds']} rounds of {figures['seconds']} s each, {BATCH} records a batch; median (least - most)",
        f"SQL floor  {of('floor_records_per_s', ',.0f')} records/s",
        f"ours       {of('ours_records_per_s', ',.0f')} records/s over {figures['connections']} connections",
        f"ratio      {of('ratio', '.3f')}",
        f"a push     p50 {figures['push_p50_ms']} ms, p99 {figures['push_p99_ms']} ms ({figures['pushes']} pushes)",
    ]
