"""The roles of PostgreSQL that the patrol works as, none of them a superuser: one owns, one runs.

The owner has the database and what the migrations make; it migrates, backs up and restores. The application reads and
writes rows, and can neither change a table nor the server, read its files or start its programs. The superuser makes
both, and the extensions that only it may make, and is not used after that. Owns these rights; knows no table.

`python -m server.launch.roles` sets them up on a server that somebody else keeps, as a container: by the superuser of
DATABASE_SUPERUSER_URL, with the passwords of DATABASE_OWNER_URL and DATABASE_URL.
"""

import os
import sys
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

OWNER = "gridpatrol_owner"
APPLICATION = "gridpatrol_app"
EXTENSIONS = ("postgis", "btree_gist")

# What a superuser has made before there was an owner, or what the image of a container made: all but extensions' own.
_HAND_OVER = """
DO $$
DECLARE
    thing record;
BEGIN
    FOR thing IN
        SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                    ELSE 'TABLE' END AS kind, c.oid::regclass::text AS name
        FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'S', 'v', 'm')
          AND c.relowner <> CAST('{owner}' AS regrole)
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                          AND d.deptype IN ('e', 'a', 'i'))
        UNION ALL
        SELECT CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, p.oid::regprocedure::text
        FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.prokind IN ('f', 'p')
          AND p.proowner <> CAST('{owner}' AS regrole)
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                          AND d.deptype = 'e')
        UNION ALL
        SELECT CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, t.oid::regtype::text
        FROM pg_type t
        WHERE t.typnamespace = 'public'::regnamespace AND t.typowner <> CAST('{owner}' AS regrole)
          AND t.typtype IN ('e', 'd')
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid
                          AND d.deptype = 'e')
    LOOP
        EXECUTE format('ALTER %s %s OWNER TO {owner}', thing.kind, thing.name);
    END LOOP;
END $$
"""
_TO_COME = "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public"
_RIGHTS = (
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE, CREATE ON SCHEMA public TO {owner}",
    "GRANT USAGE ON SCHEMA public TO {application}",
    "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO {application}",
    "GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO {application}",
    f"{_TO_COME} GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON TABLES TO {{application}}",
    f"{_TO_COME} GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO {{application}}",
)


def set_up(connection: psycopg.Connection, owner_password: str, application_password: str) -> None:
    """Make roles, extensions and rights in the database of a superuser's connection; safe to run again.

    The owner may end what the application has under way, as a restore must.
    """
    names = {"owner": sql.Identifier(OWNER), "application": sql.Identifier(APPLICATION)}
    with connection.transaction():
        # Two that set up at once would make the same role twice.
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('gridpatrol roles'))")
        for role, password in ((OWNER, owner_password), (APPLICATION, application_password)):
            _make_role(connection, role, password)
        connection.execute(sql.SQL("GRANT {application} TO {owner}").format(**names))
        for extension in EXTENSIONS:
            connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))
        database = {"database": sql.Identifier(connection.info.dbname)}
        connection.execute(sql.SQL("ALTER DATABASE {database} OWNER TO {owner}").format(**names, **database))
        connection.execute(sql.SQL("REVOKE CONNECT, TEMPORARY ON DATABASE {database} FROM PUBLIC").format(**database))
        grant = sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {application}")
        connection.execute(grant.format(**names, **database))
        connection.execute(_HAND_OVER.format(owner=OWNER).encode())
        for statement in _RIGHTS:
            connection.execute(sql.SQL(statement).format(**names))


def _make_role(connection: psycopg.Connection, role: str, password: str) -> None:
    known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is not None
    verb = sql.SQL("ALTER" if known else "CREATE")
    connection.execute(
        sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD {}").format(
            verb, sql.Identifier(role), sql.Literal(password)
        )
    )


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Set up the roles that the environment names; 1 where one of its addresses is another role's."""
    passwords = []
    for variable, role in (("DATABASE_OWNER_URL", OWNER), ("DATABASE_URL", APPLICATION)):
        address = urlsplit(environ[variable])
        if address.username != role or not address.password:
            sys.stderr.write(f"{variable} must be an address of {role}, with its password\n")
            return 1
        passwords.append(unquote(address.password))
    with psycopg.connect(environ["DATABASE_SUPERUSER_URL"], autocommit=True) as connection:
        set_up(connection, *passwords)
    return 0


if __name__ == "__main__":
    sys.exit(main())
