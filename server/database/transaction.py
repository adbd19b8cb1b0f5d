"""One transaction per edge call, with its clock: commit on leaving, and only then do what was noted for afterwards.

What is noted only wakes somebody up: PostgreSQL is the truth, so a failure there is logged, never
raised, and the sweeper finds the work later. An edge whose transaction PostgreSQL gave up to break a deadlock is
called again (``call_again``).
"""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
import structlog
from flask import g, has_request_context, request
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import PoolProxiedConnection

from geo.editions.ground import Ground
from server import clock
from server.database.extensions import db
from server.database.ground_cache import ground_at
from sync.sql.statements import Reader

CALLS: Final = 3
"""So often an edge is called at most where deadlocks end its transaction."""
_GIVEN_UP: Final = ("40P01", "40001")

log = structlog.get_logger()


@dataclass(slots=True)
class Transaction:
    """The session of one edge call, when it began (aware UTC), and the calls to make once it has committed."""

    session: Session
    now: dt.datetime
    _after: dict[tuple[Any, ...], Callable[[], object]] = field(default_factory=dict)

    def ground(self) -> Ground | None:
        """Return the ground in force when the call began; None before the first edition."""
        return ground_at(self.session)(self.now)

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
    tx = Transaction(db.session(), clock.now())
    try:
        yield tx
        tx.session.commit()
        if has_request_context():
            g.committed = True
    except BaseException:
        tx.session.rollback()
        raise
    finally:
        db.session.remove()
    tx.run_noted()


def call_again(edge: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call an edge inside its request; again where a deadlock ended its transaction and nothing of it is kept yet.

    Not where its body came as a stream: that is gone.
    """
    g.committed = False
    for call in range(1, CALLS + 1):
        try:
            return edge(*args, **kwargs)
        except OperationalError as error:
            if call == CALLS or getattr(error.orig, "sqlstate", None) not in _GIVEN_UP or not _may_again():
                raise
            log.info("a deadlock was broken in another's favour; once more", route=request.endpoint)
    raise AssertionError  # the loop returns or raises


def _may_again() -> bool:
    return not g.committed and (request.method in ("GET", "HEAD") or request.is_json)


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
