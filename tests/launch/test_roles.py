"""What the running application may do in PostgreSQL, what its owner may, and that a backup goes back as the owner."""

import json
import os
import subprocess
import sys

import psycopg
import pytest

from server.launch import backup, cluster, processes
from server.launch import roles as set_up_roles
from server.launch.state import CHECKOUT
from tests.launch.waiting import until


@pytest.fixture(scope="module")
def roles(running_home):
    """The database of a home, migrated by its owner."""
    with running_home.lock():
        made = cluster.prepare(running_home, cluster.start(running_home))
    env = os.environ | {"DATABASE_URL": made.owner.url()}
    subprocess.run([sys.executable, "-m", "server.launch.migrate"], env=env, cwd=CHECKOUT, check=True)
    return made


def refused():
    return pytest.raises(psycopg.errors.InsufficientPrivilege)


@pytest.mark.parametrize("who", ["owner", "application"])
@pytest.mark.parametrize(
    "statement",
    [
        "SET session_replication_role = replica",
        "ALTER SYSTEM SET fsync = off",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "DO $$ BEGIN CREATE TEMP TABLE t (x text); COPY t FROM '/etc/passwd'; END $$",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')",
        "CREATE ROLE another SUPERUSER",
        "CREATE EXTENSION dblink",
        "CREATE DATABASE another",
        "SELECT rolpassword FROM pg_authid",
    ],
)
def test_nobody_at_work_reaches_beyond_the_database(roles, who, statement):
    with psycopg.connect(getattr(roles, who).url(), autocommit=True) as connection, refused():
        connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE another (x int)",
        "DROP TABLE visit",
        "ALTER TABLE operation DISABLE TRIGGER ALL",
        "ALTER TABLE operation ADD COLUMN x int",
        "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP EXTENSION postgis",
    ],
)
def test_the_application_changes_rows_and_nothing_else(roles, statement):
    with psycopg.connect(roles.application.url()) as connection:
        connection.execute("UPDATE city_state SET ground_serial = ground_serial")
        with refused():
            connection.execute(statement)


def test_the_application_may_use_every_table_and_sequence_of_the_owner(roles):
    with psycopg.connect(roles.application.url()) as connection:
        denied = connection.execute("""
            SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
            AND relowner = CAST('gridpatrol_owner' AS regrole)
            AND NOT CASE relkind WHEN 'S' THEN has_sequence_privilege(oid, 'USAGE')
                WHEN 'r' THEN has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT') ELSE true END
        """).fetchall()
        tables = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname = 'visit'"
        ).fetchone()
    assert (denied, tables) == ([], (1,))


def test_a_database_of_a_superuser_is_handed_over_and_setting_up_again_is_harmless(running_home, roles):
    superuser = cluster.start(running_home)
    with psycopg.connect(superuser.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE of_before (x int GENERATED ALWAYS AS IDENTITY)")
    with running_home.lock():
        assert cluster.prepare(running_home, superuser) == roles
    with psycopg.connect(roles.application.url()) as connection:
        connection.execute("INSERT INTO of_before DEFAULT VALUES")
    with psycopg.connect(roles.owner.url(), autocommit=True) as connection:
        connection.execute("DROP TABLE of_before")


def test_the_roles_of_a_server_that_others_keep_are_set_up_by_its_superuser(running_home, roles):
    superuser = cluster.start(running_home)
    told = {
        "DATABASE_SUPERUSER_URL": superuser.url(),
        "DATABASE_OWNER_URL": roles.owner.url(),
        "DATABASE_URL": roles.application.url(),
    }
    assert set_up_roles.main(told) == 0
    with psycopg.connect(roles.application.url()) as connection:
        connection.execute("UPDATE city_state SET ground_serial = ground_serial")


@pytest.mark.parametrize("variable", ["DATABASE_OWNER_URL", "DATABASE_URL"])
def test_an_address_of_another_role_is_refused_by_name(variable, capsys):
    told = {
        "DATABASE_OWNER_URL": "postgresql://gridpatrol_owner:a@h/d",
        "DATABASE_URL": "postgresql://gridpatrol_app:b@h/d",
    }
    assert set_up_roles.main(told | {variable: "postgresql://patrol:c@h/d"}) == 1
    assert variable in capsys.readouterr().err


def test_a_backup_goes_back_as_the_owner_while_the_application_is_at_work(roles, tmp_path):
    file = tmp_path / "city.dump"
    backup.dump(roles.owner.url(), file)
    busy = psycopg.connect(roles.application.url())
    busy.execute("SELECT count(*) FROM city_state")
    backup.restore(roles.owner.url(), file)
    busy.close()
    with psycopg.connect(roles.application.url()) as connection:
        connection.execute("UPDATE city_state SET ground_serial = ground_serial")
        assert connection.execute("SELECT ST_AsText(ST_MakePoint(1, 2))").fetchone() == ("POINT(1 2)",)


def test_what_fails_is_logged_without_what_was_entered(roles, running_home):
    with psycopg.connect(roles.application.url(), autocommit=True) as connection:
        for _ in range(2):
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute(
                    "INSERT INTO area_kind (code, name_zh, name_en, rank) "
                    "VALUES ('a', %(note)s, '', 1), ('a', %(note)s, '', 1)",
                    {"note": "what a worker entered"},
                )
    log = processes.log_file(running_home, cluster.NAME)
    text = until(lambda: "duplicate key" in log.read_text() and log.read_text())
    assert all(json.loads(line) for line in text.splitlines())
    assert "what a worker entered" not in text
    assert "(a)" not in text
