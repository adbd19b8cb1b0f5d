"""Databases that live as long as one run of the tests, side by side in one private cluster.

Owns their names: `test_PID_RANDOM`, so that what a killed run left behind is known by its dead process and removed;
and `model_HASH`, a database that others begin as copies of.
"""

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from server.launch.processes import is_alive

PREFIX = "test_"
MODEL = "model_"
_MODEL_LOCK = 7_002_026
_COPY_LOCK = 7_002_027


@contextmanager
def scratch_database(cluster_url: str) -> Iterator[str]:
    """A new empty database beside the one in `cluster_url`; yields its address and drops it afterwards."""
    with _made(cluster_url, sql.SQL("CREATE DATABASE {}")) as url:
        yield url


@contextmanager
def scratch_copy(cluster_url: str, model_url: str) -> Iterator[str]:
    """A copy of a database that nobody is connected to; yields its address and drops it afterwards."""
    model = sql.Identifier(model_url.partition("?")[0].rpartition("/")[2])
    with _made(cluster_url, sql.SQL("CREATE DATABASE {{}} TEMPLATE {}").format(model)) as url:
        yield url


@contextmanager
def _made(cluster_url: str, making: sql.SQL | sql.Composed) -> Iterator[str]:
    name = f"{PREFIX}{os.getpid()}_{secrets.token_hex(3)}"
    with psycopg.connect(cluster_url, autocommit=True) as connection:
        _drop_leftovers(connection)
        # What PostgreSQL copies nobody else may be copying at that moment.
        connection.execute("SELECT pg_advisory_lock(%s)", (_COPY_LOCK,))
        connection.execute(sql.SQL(making.as_string(connection)).format(sql.Identifier(name)))
    try:
        yield beside(cluster_url, name)
    finally:
        with psycopg.connect(cluster_url, autocommit=True) as connection:
            _drop(connection, name)


def beside(url: str, database: str) -> str:
    """The address of another database of the same cluster."""
    address, question, options = url.partition("?")
    return f"{address.rsplit('/', 1)[0]}/{database}{question}{options}"


def copy_of(url: str, build: Callable[[str], object], *, of: Path) -> None:
    """Make the database at `url` a copy of a model, which `build` builds once for each state of the files below `of`.

    A database that holds tables already is left as it is.
    """
    if _has_tables(url):
        return
    name = url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(beside(url, "postgres"), autocommit=True) as connection:
        # PostgreSQL copies no database that somebody else is copying or building at the moment.
        connection.execute("SELECT pg_advisory_lock(%s)", (_MODEL_LOCK,))
        model = MODEL + _hash_of(of)
        _build_model(connection, url, model, build)
        _drop(connection, name)
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(model))
        )


def _build_model(connection: psycopg.Connection, url: str, model: str, build: Callable[[str], object]) -> None:
    rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", (f"{MODEL}%",)).fetchall()
    names = {name for (name,) in rows}
    if model in names:
        return
    for name in names:
        _drop(connection, name)
    draft = f"{PREFIX}{os.getpid()}_{secrets.token_hex(3)}"
    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(draft)))
    build(beside(url, draft))
    connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(model)))


def _has_tables(url: str) -> bool:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'public')").fetchone()
    return bool(found and found[0])


def _hash_of(folder: Path) -> str:
    """The names and contents of all Python files below a folder, as 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _drop_leftovers(connection: psycopg.Connection) -> None:
    rows = connection.execute("SELECT datname FROM pg_database WHERE datname ~ '^test_[0-9]+_[0-9a-f]+$'").fetchall()
    for (name,) in rows:
        if not is_alive(int(name.split("_")[1])):
            _drop(connection, name)


def _drop(connection: psycopg.Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
