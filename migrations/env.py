"""Run migrations on the connection in ``config.attributes``, on the current app's engine, or on DATABASE_URL."""

import os

from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy import Connection, create_engine

import server.tables  # noqa: F401  # fills the metadata
from geo.orm import metadata


def _engine_url() -> str:
    from flask import current_app, has_app_context

    if has_app_context():
        return str(current_app.config["SQLALCHEMY_DATABASE_URI"])
    from server.config import sqlalchemy_url

    return sqlalchemy_url(os.environ["DATABASE_URL"])


def _include_object(obj: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
    if kind == "table" and reflected and compare_to is None and name == "spatial_ref_sys":
        return False
    # The primary key of every identity and the expressions of EXCLUDE constraints are not autogenerate's to compare.
    return bool(alembic_helpers.include_object(obj, name, kind, reflected, compare_to))


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=_include_object,
        process_revision_directives=alembic_helpers.writer,
        render_item=alembic_helpers.render_item,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


connection = context.config.attributes.get("connection")
if connection is not None:
    _run(connection)
else:
    with create_engine(_engine_url()).connect() as opened:
        _run(opened)
