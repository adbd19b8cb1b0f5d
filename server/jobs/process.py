"""What a job process has instead of a request: configuration, an engine, transactions and a clock. No Flask app.

Made at first use, so that a worker pool may fork before. Must not know any job.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

# For its effect: connections are taught the arrays of the engine when they are made. A job that needs them may be
# imported, by RQ, only after another one has made the connection that both will use.
import sync.sql.arrays  # noqa: F401
from server import clock
from server.config import Config
from server.database.pool import engine_options
from server.jobs.queues import wake_at

# After so long a job that finds work without end queues itself again and lets others have their turn.
WORK_FOR = timedelta(seconds=2)


@cache
def config() -> Config:
    """Return the configuration of this process, read once."""
    return Config.from_environment()


@cache
def engine() -> Engine:
    """Return the engine of this process."""
    return create_engine(config().database_url, **engine_options(config()))


@contextmanager
def transaction() -> Iterator[Session]:
    """Open a transaction; commit on leaving, roll back on any exception. Wake others only after it."""
    with Session(engine(), expire_on_commit=False) as session, session.begin():
        yield session


def now() -> datetime:
    """Return the time, aware UTC."""
    return clock.now()


def wake(name: str) -> bool:
    """Queue the coarse job of a queue, unless one is queued."""
    return wake_at(name, config().redis_url)
