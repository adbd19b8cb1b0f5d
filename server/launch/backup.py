"""Backup and restore of the database: PostgreSQL's own tools, and what a restore must tell the phones.

A restore goes back in time: what anybody remembers of the time after the backup must not be believed. So in the same
transaction comes a new epoch, for which phones pull anew (410, keeping what they have not pushed), serials higher than
any that a running process may remember, and for each record, also one that phones bring back whole, a revision higher
than any that it may have had, however often the same backup is restored: an operation that names a revision that is
gone then counts as based on the backup, and neither waits for that revision nor passes for one whose author had seen
what another has written under the same number since. For the same reason disputes and operations get higher numbers:
what is open in somebody's browser must not decide about another.
"""

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from server.launch import cluster
from server.launch.errors import LaunchError

# A database from before a column came has none.
_REVISIONS_FROM = "coalesce(CAST(to_jsonb(city_state) ->> 'revisions_from' AS int), 0)"
_SERIALS = f"SELECT ground_serial, scope_serial, {_REVISIONS_FROM} FROM city_state"  # noqa: S608  # our own
_EXTENSIONS_OF_OTHERS = """
    SELECT count(*) = 2 AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
    FROM pg_extension WHERE extname IN ('postgis', 'btree_gist')
"""
_OF_EXTENSIONS = re.compile(
    r"^\d+; \d+ \d+ (EXTENSION|COMMENT - EXTENSION|SCHEMA - public|.* public spatial_ref_sys) ?"
)
# No record is changed as often between a backup and its restore.
REVISIONS_APART = 100_000
# Nor do as many operations come in between.
NUMBERS_APART = 100_000_000
# Readers and writers go on while a restore begins, and hold tables that it wants to replace. Taken one by one, as the
# backup drops them, one would sooner or later be held by a reader that waits for what is gone: so all are locked at
# once, those of every exchange in the order in which it reads them, and let go again where one is not to be had soon.
# Whoever is under way after that is ended: it would fail on a table that is no more, and is asked for again.
_ALONE = """
DO $$
DECLARE
    first text[] := ARRAY['device', 'person', 'city_state', 'feed_counter', 'scope_snapshot'];
    wanted text := (
        SELECT string_agg(format('%I.%I', schemaname, tablename), ', '
                          ORDER BY array_position(first, tablename::text), tablename)
        FROM pg_tables WHERE schemaname = 'public' AND pg_has_role(tableowner, 'USAGE')
    );
    attempt int := 0;
BEGIN
    WHILE wanted IS NOT NULL LOOP
        attempt := attempt + 1;
        IF attempt > 2 THEN
            PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
                AND pg_has_role(current_user, usesysid, 'MEMBER');
        END IF;
        -- More than the second after which PostgreSQL cancels its own cleaning for somebody who waits.
        PERFORM set_config('lock_timeout', CASE WHEN attempt > 2 THEN '1500' ELSE '300' END, true);
        BEGIN
            EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', wanted);
            EXIT;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            IF attempt = 30 THEN
                RAISE;
            END IF;
        END;
    END LOOP;
    PERFORM set_config('lock_timeout', '0', true);
END $$;
"""
_NEW_EPOCH = """
RESET search_path;
UPDATE city_state SET epoch = gen_random_uuid(),
    ground_serial = greatest(ground_serial, {ground}) + 1, scope_serial = greatest(scope_serial, {scope}) + 1;
DO $$
DECLARE
    records text;
    numbered text;
    serial text;
    before int := (SELECT {revisions_from} FROM city_state);
    since int := greatest(before, {revisions}) + {apart};
BEGIN
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'city_state'::regclass AND attname = 'revisions_from') THEN
        UPDATE city_state SET revisions_from = since;
    END IF;
    FOREACH records IN ARRAY string_to_array('{tables}', ',') LOOP
        -- A backup from before a collection came has no table of it.
        IF to_regclass(records) IS NOT NULL THEN
            EXECUTE format('UPDATE %I SET rev = rev + %s', records, since - before);
        END IF;
    END LOOP;
    FOREACH numbered IN ARRAY ARRAY['conflict', 'operation'] LOOP
        IF to_regclass(numbered) IS NOT NULL THEN
            serial := pg_get_serial_sequence(numbered, 'id');
            PERFORM setval(serial, nextval(serial) + {numbers} * CAST((since - before) / {apart} AS bigint));
        END IF;
    END LOOP;
END $$;
COMMIT;
"""


def dump(database_url: str, file: Path) -> int:
    """Write the database to a file that `restore` reads; return its size in bytes. An unfinished file is not left."""
    draft = file.with_name(f".{file.name}.unfinished")
    try:
        _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={draft}", url=database_url)
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
        keep_extensions = _has_extensions_of_others(connection)
    ground, scope, revisions = row or (0, 0, 0)
    known = {"ground": ground, "scope": scope, "revisions": revisions, "revisions_from": _REVISIONS_FROM}
    then = _NEW_EPOCH.format(**known, tables=",".join(_tables()), apart=REVISIONS_APART, numbers=NUMBERS_APART)
    with tempfile.NamedTemporaryFile("w") as contents:
        if keep_extensions:
            contents.write(_without_extensions(file))
            contents.flush()
        _replay(database_url, file, then, contents.name if keep_extensions else None)


def _tables() -> list[str]:
    from sync.collections import COLLECTIONS

    return [collection.table.name for collection in COLLECTIONS.values()]


def _has_extensions_of_others(connection: psycopg.Connection) -> bool:
    """Whether a superuser has put the extensions in, whom the role at work is not: they stay as they are."""
    row = connection.execute(_EXTENSIONS_OF_OTHERS).fetchone()
    return row is not None and bool(row[0])


def _without_extensions(file: Path) -> str:
    """Return what a backup holds, for the reader to go by, less the extensions and the rows that are their own."""
    listing = subprocess.run([_program("pg_restore"), "--list", str(file)], capture_output=True, text=True, check=False)
    lines = listing.stdout.splitlines(keepends=True)
    return "".join(line for line in lines if not _OF_EXTENSIONS.search(line))


def _replay(database_url: str, file: Path, then: str, contents: str | None) -> None:
    """Run a backup and what comes after it as one transaction: a reader or a connection that breaks leaves nothing."""
    options = ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--file=-"]
    options += [f"--use-list={contents}"] if contents else []
    settings = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--output={os.devnull}")
    reader = [_program("pg_restore"), *options, str(file)]
    writer = [_program("psql"), *settings, _without_password(database_url)]
    env = _environment(database_url)
    with tempfile.TemporaryFile() as told:
        with (
            subprocess.Popen(reader, stdout=subprocess.PIPE, stderr=told) as read,
            subprocess.Popen(writer, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=told, env=env) as write,
        ):
            complete = _pour(read, write, then)
        if read.returncode or write.returncode or not complete:
            told.seek(0)
            raise LaunchError(
                f"恢复失败，数据未变：{told.read().decode(errors='replace').strip()}",
                "The restore failed; the database is as it was.",
                "./patrol doctor",
            )


def _pour(read: "subprocess.Popen[bytes]", write: "subprocess.Popen[bytes]", then: str) -> bool:
    """Hand on what one program reads to the one that writes; end with ``then`` only where all of it was read."""
    if read.stdout is None or write.stdin is None:
        raise AssertionError
    try:
        write.stdin.write(b"BEGIN;\n" + _ALONE.encode())
        shutil.copyfileobj(read.stdout, write.stdin)
        if complete := read.wait() == 0:
            write.stdin.write(then.encode())
        write.stdin.close()
    except BrokenPipeError:
        # It has said why, and ended.
        with suppress(BrokenPipeError):
            write.stdin.close()
        return False
    return complete


def _has_city(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT to_regclass('city_state')").fetchone()
    return row is not None and row[0] is not None


def _run(program: str, *arguments: str, url: str) -> None:
    """Run one of PostgreSQL's programs, of the newest version on this machine; passwords go by the environment."""
    done = subprocess.run(
        [_program(program), *arguments, _without_password(url)],
        env=_environment(url), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise LaunchError(f"{program} 失败：{done.stderr.strip()}", f"{program} failed", "./patrol doctor")


def _program(name: str) -> str:
    folder = cluster.binaries()
    return str(folder / name) if folder else name


def _environment(url: str) -> dict[str, str]:
    password = urlsplit(url).password
    return dict(os.environ) | ({"PGPASSWORD": password} if password else {})


def _without_password(url: str) -> str:
    """Return the address as it may stand among a program's arguments, which everybody on the machine can read."""
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{address[0].split(':')[0]}@{address[2]}" if address[1] else parts.netloc))
