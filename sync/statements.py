"""Statements of the hot path, run on the driver itself inside a session's transaction.

SQLAlchemy adds some 0.1 ms of bookkeeping to a statement, a third of a push that has eight of them. What is here
keeps the rest of it: the session's connection and transaction, its pool, and its errors.
"""

import re
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

_NAME = re.compile(r"(?<!:):([a-z_]+)")


class Statement:
    """One SQL statement with ``:name`` parameters, written once. The driver prepares it on each connection."""

    __slots__ = ("_sql",)

    def __init__(self, sql: str) -> None:
        self._sql = _NAME.sub(r"%(\1)s", sql.replace("%", "%%"))

    def run(self, session: Session, **values: object) -> list[tuple[Any, ...]]:
        """Return the rows, none for a statement that returns none.

        Types are the driver's own: uuid, timestamptz and numbers as in Python, json as it parses it. What the session
        has not flushed is not seen. Raises SQLAlchemy's ``DBAPIError`` tree, as the session itself would.
        """
        connection = session.connection()
        proxied = connection.connection
        try:
            cursor = proxied.cursor()
            cursor.execute(self._sql, values)
            return list(cursor.fetchall()) if cursor.description else []
        except psycopg.Error as error:
            lost = bool(proxied.driver_connection and proxied.driver_connection.closed)
            if lost:
                connection.invalidate(error)
            raise DBAPIError.instance(
                self._sql, values, error, psycopg.Error, connection_invalidated=lost, dialect=connection.dialect
            ) from error
