"""One transaction per edge call: commit on leaving, and only then do what was noted for afterwards.

What is noted only wakes somebody up: PostgreSQL is the truth, so a failure there is logged, never
raised, and the sweeper finds the work later.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import PoolProxiedConnection

from server.extensions import db
from sync.statements import Reader

log = structlog.get_logger()


@dataclass(slots=True)
class Transaction:
    """The session of one edge call, and the calls to make once it has committed."""

    session: Session
    _after: dict[tuple[Any, ...], Callable[[], object]] = field(default_factory=dict)

    def then(self, call: Callable[..., object], *args: Any) -> None:
        """Note ``call(*args)`` for after the commit; noting the same twice does it once."""
        self._after[(call, *args)] = lambda: call(*args)

    def run_noted(self) -> None:
        """Make the noted calls; log and pass over one that fails."""
        for key, call in self._after.items():
            try:
                call()
            except Exception:
                log.exception("after-commit call failed; the sweeper will find the work", call=str(key[0]))


@contextmanager
def transaction() -> Iterator[Transaction]:
    """Open a transaction; commit on leaving, roll back on any exception."""
    tx = Transaction(db.session())
    try:
        yield tx
        tx.session.commit()
    except BaseException:
        tx.session.rollback()
        raise
    finally:
        db.session.remove()
    tx.run_noted()


@contextmanager
def reading() -> Iterator[Reader]:
    """Lend a connection on which each statement is a transaction of its own: a read costs one exchange, not three.

    Raises SQLAlchemy's errors, as a session would.
    """
    proxied = _lent()
    driver: Any = proxied.driver_connection
    try:
        driver.autocommit = True
        yield driver
        driver.autocommit = False
    except psycopg.Error as error:
        proxied.invalidate(error)
        raise DBAPIError.instance(None, None, error, psycopg.Error, connection_invalidated=True) from error
    except BaseException:
        try:
            driver.autocommit = False
        except psycopg.Error as error:
            proxied.invalidate(error)
        raise
    finally:
        proxied.close()


def _lent() -> PoolProxiedConnection:
    try:
        return db.engine.raw_connection()
    except psycopg.Error as error:
        raise DBAPIError.instance(None, None, error, psycopg.Error) from error
