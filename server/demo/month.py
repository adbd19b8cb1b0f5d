"""`./patrol simulate --cases N`: a month of Hefei in a city of its own, which is gone afterwards.

Owns that city. The running patrol is not touched; the tests' private PostgreSQL and Redis are used.
"""

import datetime as dt
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from server import clock
from server.cases.calendars.calendar import SHANGHAI
from server.config import sqlalchemy_url
from server.demo.loading import load
from server.demo.patrol_day import REPORTS
from server.jobs import process
from server.launch import migrate, packages, services
from server.launch.scratch import scratch_database
from server.launch.state import Home
from server.simulator.month import month, telling

DAYS: Final = 31
_ROOT: Final = "340100"


@dataclass(frozen=True, slots=True)
class Servers:
    """Where a PostgreSQL is that other databases may be made in, and a Redis."""

    database_url: str
    redis_url: str


def simulate_month(*, cases: int, seed: int, begin: dt.datetime, timelines: str | None = None) -> int:
    """Live a month and say whether everything holds: 0 if it does, 1 if not. ``timelines``: a file for what is told.

    ``begin``: its first day, as a date of Shanghai.
    """
    plan = month.MonthPlan(cases, begin.replace(tzinfo=SHANGHAI).astimezone(dt.UTC), DAYS, seed, _ROOT, REPORTS)
    packages.ensure(packages.SERVERS)
    with services.for_tests(Home.of_tests(), keep=False) as addresses:
        servers = Servers(addresses["PATROL_TEST_DATABASE_URL"], addresses["PATROL_TEST_REDIS_URL"])
        return simulate_on(servers, plan, timelines=timelines)


def simulate_on(servers: Servers, plan: month.MonthPlan, *, factor: float = 1.0, timelines: str | None = None) -> int:
    """Do it on these servers; ``factor`` below 1: in a smaller city. Sets the environment of this process."""
    os.environ["REDIS_URL"] = servers.redis_url
    with _city(servers.database_url, plan, factor):
        lived, told = _live(plan)
    lines = [*telling.summary(lived), *told]
    sys.stdout.write("\n".join(lines) + "\n")
    if timelines is not None:
        Path(timelines).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 1 if lived.disagreements else 0


def _live(plan: month.MonthPlan) -> tuple[month.Lived, list[str]]:
    began = time.monotonic()
    found = month.Month(plan, month.progress)
    found.live()
    seconds = time.monotonic() - began
    lived = found.ask()
    lived.seconds = seconds
    with clock.moved(found.clock), process.transaction() as session:
        told = list(telling.timelines(session, found.chief))
    process.engine().dispose()
    process.engine.cache_clear()
    process.config.cache_clear()
    return lived, told


@contextmanager
def _city(cluster_url: str, plan: month.MonthPlan, factor: float) -> Iterator[None]:
    """Found the city at the beginning of the month; ``factor`` below 1: a smaller one."""
    with scratch_database(cluster_url) as url, TemporaryDirectory() as home:
        os.environ["DATABASE_URL"] = url
        month.settings()
        migrate.main([])
        with clock.moved(lambda: plan.begin), redirect_stdout(sys.stderr):
            load(profile="hefei", folder=Path(home), factor=factor)
        with Session(create_engine(sqlalchemy_url(url))) as session:
            session.connection().exec_driver_sql("ANALYZE")
        yield
