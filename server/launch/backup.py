"""Backup and restore of the database: PostgreSQL's own tools, and what a restore must tell the phones.

A restore goes back in time: cursors and caches of what came after must not be believed. So it ends in a new epoch,
for which phones pull anew (410, keeping what they have not pushed), and in serials higher than any that a running
process may remember.
"""

import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from server.launch import cluster
from server.launch.errors import LaunchError

_SERIALS = "SELECT ground_serial, scope_serial FROM city_state"
_NEW_EPOCH = """
    UPDATE city_state SET epoch = gen_random_uuid(),
        ground_serial = greatest(ground_serial, %s) + 1, scope_serial = greatest(scope_serial, %s) + 1
"""


def dump(database_url: str, file: Path) -> int:
    """Write the database to a file that `restore` reads; return its size in bytes. An unfinished file is not left."""
    draft = file.with_name(f".{file.name}.unfinished")
    try:
        _run("pg_dump", "--format=custom", "--no-owner", f"--file={draft}", url=database_url)
        draft.chmod(0o600)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return file.stat().st_size


def restore(database_url: str, file: Path) -> None:
    """Replace the database by a backup, in one transaction: a file that does not hold changes nothing."""
    if not file.is_file():
        raise LaunchError(f"没有这个文件：{file}", f"There is no such file: {file}", "./patrol backup FILE")
    with psycopg.connect(database_url) as connection:
        row = connection.execute(_SERIALS).fetchone() if _has_city(connection) else None
    ground, scope = row or (0, 0)
    _run(
        "pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error",
        f"--dbname={_without_password(database_url)}", str(file), url=database_url,
    )  # fmt: skip
    with psycopg.connect(database_url) as connection:
        connection.execute(_NEW_EPOCH, (ground, scope))


def _has_city(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT to_regclass('city_state')").fetchone()
    return row is not None and row[0] is not None


def _run(program: str, *arguments: str, url: str) -> None:
    """Run one of PostgreSQL's programs, of the newest version on this machine; passwords go by the environment."""
    folder = cluster.binaries()
    path = str(folder / program) if folder else program
    named = () if program == "pg_restore" else (_without_password(url),)
    secret = {"PGPASSWORD": urlsplit(url).password or ""} if urlsplit(url).password else {}
    done = subprocess.run(
        [path, *arguments, *named], env=os.environ | secret, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise LaunchError(f"{program} 失败：{done.stderr.strip()}", f"{program} failed", "./patrol doctor")


def _without_password(url: str) -> str:
    """Return the address as it may stand among a program's arguments, which everybody on the machine can read."""
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{address[0].split(':')[0]}@{address[2]}" if address[1] else parts.netloc))
