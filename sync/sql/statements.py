"""Statements of the hot path, run on the driver itself inside a session's transaction.

SQLAlchemy adds some 0.1 ms of bookkeeping to a statement, and the driver's reading of named parameters some more.
What is here keeps the rest of it: the session's connection and transaction, its pool, and its errors.
"""

import re
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

Reader = psycopg.Connection[Any]
"""A connection on which nothing is begun: each statement sees what is committed when it begins."""

_NAME = re.compile(r"(?<!:):([a-z_]+)")


class Rows:
    """What a statement returned. ``count``: the rows it returned, or changed if it returns none."""

    __slots__ = ("_cursor", "count")

    def __init__(self, cursor: psycopg.RawCursor[tuple[Any, ...]]) -> None:
        self._cursor = cursor
        self.count = cursor.rowcount

    def all(self) -> list[tuple[Any, ...]]:
        """Return the rows, none for a statement that returns none; once."""
        result = self._cursor.pgresult
        return self._cursor.fetchall() if result is not None and result.nfields else []


class Statement:
    """One SQL statement with ``:name`` parameters, written once. The driver prepares it on each connection."""

    __slots__ = ("_names", "_sql")

    def __init__(self, sql: str) -> None:
        self._names = list(dict.fromkeys(_NAME.findall(sql)))
        places = {name: f"${number}" for number, name in enumerate(self._names, 1)}
        self._sql = _NAME.sub(lambda found: places[found[1]], sql)

    def run(self, session: Session, **values: object) -> list[tuple[Any, ...]]:
        """Return the rows; see ``send``."""
        return self.send(session, **values).all()

    def read(self, reader: Reader, **values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a statement that is a transaction of its own. Raises psycopg's errors."""
        cursor = psycopg.RawCursor(reader)
        cursor.execute(self._sql, [values[name] for name in self._names])
        return Rows(cursor).all()

    def send(self, session: Session, **values: object) -> Rows:
        """Execute, and return the rows as something that reads them when asked to.

        Types are the driver's own: uuid, timestamptz and numbers as in Python, json as it parses it. What the session
        has not flushed is not seen. Raises SQLAlchemy's ``DBAPIError`` tree, as the session itself would.
        """
        connection = session.connection()
        proxied = connection.connection
        try:
            cursor = psycopg.RawCursor(proxied.driver_connection)  # type: ignore[arg-type]  # the psycopg dialect's
            cursor.execute(self._sql, [values[name] for name in self._names])
            return Rows(cursor)
        except psycopg.Error as error:
            lost = bool(proxied.driver_connection and proxied.driver_connection.closed)
            if lost:
                connection.invalidate(error)
            raise DBAPIError.instance(
                self._sql, values, error, psycopg.Error, connection_invalidated=lost, dialect=connection.dialect
            ) from error
