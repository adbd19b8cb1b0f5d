"""Databases that live as long as one run of the tests, side by side in one private cluster.

Owns their names: `test_PID_RANDOM`, so that what a killed run left behind is known by its dead process and removed.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from server.launch.processes import is_alive

PREFIX = "test_"


@contextmanager
def scratch_database(cluster_url: str) -> Iterator[str]:
    """A new empty database beside the one in `cluster_url`; yields its address and drops it afterwards."""
    name = f"{PREFIX}{os.getpid()}_{secrets.token_hex(3)}"
    with psycopg.connect(cluster_url, autocommit=True) as connection:
        _drop_leftovers(connection)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield beside(cluster_url, name)
    finally:
        with psycopg.connect(cluster_url, autocommit=True) as connection:
            _drop(connection, name)


def beside(url: str, database: str) -> str:
    """The address of another database of the same cluster."""
    address, question, options = url.partition("?")
    return f"{address.rsplit('/', 1)[0]}/{database}{question}{options}"


def _drop_leftovers(connection: psycopg.Connection) -> None:
    rows = connection.execute("SELECT datname FROM pg_database WHERE datname ~ '^test_[0-9]+_[0-9a-f]+$'").fetchall()
    for (name,) in rows:
        if not is_alive(int(name.split("_")[1])):
            _drop(connection, name)


def _drop(connection: psycopg.Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
