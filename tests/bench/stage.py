"""Where a benchmark plays: a scratch database with the sample city, gunicorn and the worker pool as `up` runs them,
load processes that begin at the same moment, and how figures are told.
"""

import multiprocessing
import os
import pwd
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import redis
import requests
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from server.demo.loading import load
from server.launch import nginx, nginx_settings
from server.launch.ports import free_port
from server.launch.programs import USUAL_WEB_WORKERS
from server.launch.scratch import scratch_database
from server.launch.state import CHECKOUT
from tests.bench import cost
from tests.cases import city

Say = Callable[[str], object]
REDIS_DATABASES = 255
FIGURES = "metrics"
READY_WITHIN_S = 180
WORKS_AT_MOST_S = 900
LOG_TOLD = 200
"""Lines of the servers' log that are told where a benchmark fails."""


@dataclass(frozen=True)
class Front:
    """What else runs where nginx stands in front: it, and the second web program. ``sockets``: the way past nginx."""

    nginx: int
    second_web: int
    sockets: Sequence[str]


@dataclass(frozen=True)
class Stage:
    """A running city: its database, the address of its web server, the folder of its figures, and process ids.

    ``front``: where nginx answers at the address, as it does at work, with two web programs behind it.
    """

    url: str
    address: tuple[str, int]
    web: int
    jobs: int | None
    figures: Path
    front: Front | None = None

    def grouped(self) -> tuple[float, float]:
        """Return how many groups of pushes have been applied so far, and how many batches were in them."""
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(self.figures))
        told = {name: registry.get_sample_value(f"patrol_push_group_batches_{name}") for name in ("count", "sum")}
        return told["count"] or 0.0, told["sum"] or 0.0

    def spent(self) -> dict[str, float]:
        """Return the processor seconds that each part has spent so far."""
        parts = {"web": cost.of_family(self.web), "PostgreSQL": cost.of_database(self.url)}
        if self.front is not None:
            parts |= {"web2": cost.of_family(self.front.second_web), "nginx": cost.of_family(self.front.nginx)}
        if self.jobs is not None:
            parts["jobs"] = cost.of_family(self.jobs)
        return {name: cost.spent(belongs) for name, belongs in parts.items()}

    def resident_mb(self) -> dict[str, float]:
        """Return the resident memory of web and job processes, summed, in MB."""
        parts = {"web": self.web} | ({"jobs": self.jobs} if self.jobs is not None else {})
        if self.front is not None:
            parts |= {"web2": self.front.second_web, "nginx": self.front.nginx}
        return {name: cost.resident_mb(cost.of_family(pid)) for name, pid in parts.items()}


@contextmanager
def stage(
    *, jobs: bool = False, front: bool = False, prepare: Callable[[str], object] = lambda _url: None
) -> Iterator[Stage]:
    """Build the sample city and serve it. ``prepare``: what to do with the database before it is served."""
    with TemporaryDirectory() as home, scratch_database(os.environ["PATROL_TEST_DATABASE_URL"]) as url:
        env = _environment(url)
        city.migrate(url).dispose()
        os.environ.update(env)
        with _silenced():
            load(profile="chongyi", folder=Path(home))
        prepare(url)
        begun = _in_front(env, Path(home), jobs=jobs) if front else _running(env, Path(home), jobs=jobs)
        with begun as (address, web, pool, before):
            yield Stage(url, address, web, pool, Path(home) / FIGURES, before)


@contextmanager
def another(url: str, **environment: str) -> Iterator[Stage]:
    """Serve a city once more, with another environment."""
    with (
        TemporaryDirectory() as home,
        _running(_environment(url) | environment, Path(home), jobs=False) as (address, web, *_),
    ):
        yield Stage(url, address, web, None, Path(home) / FIGURES)


class _Crew:
    """Processes that work at one moment, kept for the next time: each takes seconds to begin."""

    def __init__(self, size: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._barrier = context.Barrier(size)
        self._lines = []
        for _ in range(size):
            here, there = context.Pipe()
            context.Process(target=_serve, args=(there, self._barrier), daemon=True).start()
            there.close()
            self._lines.append(here)

    def work(self, work: Callable, arguments: Sequence[tuple]) -> list[tuple[bool, Any]]:
        """Let each do its share; whether it did, and what it found or what went wrong."""
        for line, each in zip(self._lines, arguments, strict=True):
            line.send((work, each))
        return [line.recv() if line.poll(WORKS_AT_MOST_S) else (False, "no answer") for line in self._lines]


_crews: dict[int, _Crew] = {}


def in_processes(work: Callable, arguments: Sequence[tuple]) -> list[Any]:
    """Prepare in every process, begin all at one moment: ``work(*arguments, begin)`` calls that when ready."""
    size = len(arguments)
    crew = _crews.pop(size, None) or _Crew(size)
    found = crew.work(work, arguments)
    if failed := [told for done, told in found if not done]:
        raise RuntimeError(failed[0])
    _crews[size] = crew
    return [told for _, told in found]


def _serve(line: Any, barrier: Any) -> None:
    while True:
        try:
            work, arguments = line.recv()
        except EOFError:
            return
        try:
            line.send((True, work(*arguments, barrier.wait)))
        except Exception as error:  # noqa: BLE001  # whoever asked raises it
            barrier.abort()
            line.send((False, f"{type(error).__name__}: {error}"))


def _environment(url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": url,
        "REDIS_URL": _redis(os.environ["PATROL_TEST_REDIS_URL"]),
        "PATROL_SECRET_KEY": "a key of this benchmark alone, 32 bytes long or more",
        # One address plays thousands of phones.
        "PATROL_PUSH_RATE": "10000000 per minute",
    }


def _redis(address: str) -> str:
    """Return a Redis database of this run's own, so that no other run's workers take its jobs."""
    with redis.Redis.from_url(address) as client:
        number = 1 + client.incr("gridpatrol:test-runs") % REDIS_DATABASES
    return f"{address.rpartition('/')[0]}/{number}"


Running = tuple[tuple[str, int], int, int | None, Front | None]


@contextmanager
def _running(env: dict[str, str], home: Path, *, jobs: bool) -> Iterator[Running]:
    """Gunicorn, and the worker pool where wanted, as the Procfile starts them."""
    port = free_port()
    with _programs(env, home, [f"127.0.0.1:{port}"], port, jobs=jobs) as running:
        yield ("127.0.0.1", port), running[0].pid, running[1].pid if jobs else None, None


@contextmanager
def _in_front(env: dict[str, str], home: Path, *, jobs: bool) -> Iterator[Running]:
    """The same as two web programs of half the processes each, with nginx before them, as `up` starts them."""
    port = free_port()
    sockets = [str(home / f"{name}.sock") for name in ("web", "web2")]
    binds = [f"unix:{path}" for path in sockets]
    said = nginx_settings.Front(
        listen=f"127.0.0.1:{port}",
        behind=binds,
        folder=home,
        dist=CHECKOUT / "server" / "web" / "dist",
        user=pwd.getpwuid(os.geteuid()).pw_name if os.geteuid() == 0 else None,
        # One address plays thousands of phones.
        callers_per_s=1_000_000,
        strangers_per_s=1_000_000,
        connections=30_000,
    )
    file = home / "nginx.conf"
    file.write_text(nginx_settings.configuration(said))
    argv = [str(nginx.binary()), "-e", "stderr", "-p", str(home), "-c", str(file), "-g", "daemon off;"]
    each = {"PATROL_WEB_WORKERS": str(USUAL_WEB_WORKERS // len(binds)), "PATROL_FRONT": "1"}
    with _programs(env | each, home, binds, port, jobs=jobs, front=argv) as running:
        pool = running[2].pid if jobs else None
        yield ("127.0.0.1", port), running[0].pid, pool, Front(running[-1].pid, running[1].pid, sockets)


@contextmanager
def _programs(
    env: dict[str, str], home: Path, binds: Sequence[str], port: int, *, jobs: bool, front: Sequence[str] = ()
) -> Iterator[list[subprocess.Popen]]:
    """Web programs, one for each place to listen at, then the pool where wanted, then the front, until the end."""
    metrics = home / FIGURES
    metrics.mkdir()
    settings = os.environ | env | {"PROMETHEUS_MULTIPROC_DIR": str(metrics), "PATROL_HOME": str(home)}
    web = [sys.executable, "-m", "gunicorn", "-c", "python:server.launch.gunicorn_settings", "server.app:create_app()"]
    commands = [(web, {"PATROL_BIND": bind}) for bind in binds]
    commands += [([sys.executable, "-m", "server.launch.worker_pool"], {})] if jobs else []
    commands += [(front, {})] if front else []
    with (home / "output.log").open("w") as log:
        running = [
            subprocess.Popen(argv, cwd=CHECKOUT, env=settings | more, stdout=log, stderr=log) for argv, more in commands
        ]
        try:
            _await_ready(port, running)
            yield running
        except BaseException:
            sys.stderr.write("".join((home / "output.log").read_text().splitlines(keepends=True)[-LOG_TOLD:]))
            raise
        finally:
            for process in reversed(running):
                process.terminate()
            for process in running:
                process.wait(60)


def _await_ready(port: int, running: Sequence[subprocess.Popen]) -> None:
    ends = time.monotonic() + READY_WITHIN_S
    while not _is_ready(port):
        if time.monotonic() > ends or any(process.poll() is not None for process in running):
            raise RuntimeError("the servers did not come up")
        time.sleep(0.1)


def _is_ready(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


@contextmanager
def _silenced() -> Iterator[None]:
    """The city's own progress does not belong between the figures."""
    stdout, sys.stdout = sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdout = stdout


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return median, least and most."""
    digits = 3 if max(values) < 10 else 0
    least, median, most = min(values), statistics.median(values), max(values)
    return {"median": round(median, digits), "min": round(least, digits), "max": round(most, digits)}


def told(found: dict[str, float], unit: str = "") -> str:
    """Return a spread as people read it."""
    form = ".3f" if found["max"] < 10 else ",.0f"
    return f"{found['median']:{form}} ({found['min']:{form}} - {found['max']:{form}}){unit}"


def quantiles(took_ms: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 99th of a hundred, in milliseconds."""
    ordered = sorted(took_ms)
    return tuple(round(ordered[int(len(ordered) * share)], 2) for share in (0.50, 0.99))
