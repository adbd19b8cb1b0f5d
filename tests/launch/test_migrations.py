"""The migrations both ways: whoever updated and must go back can, and comes to the same schema when going on again."""

import re
import subprocess

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from server.config import sqlalchemy_url
from server.launch import cluster
from server.launch.scratch import scratch_database
from server.launch.state import CHECKOUT


@pytest.fixture
def database(cluster_url):
    with scratch_database(cluster_url) as url:
        engine = create_engine(sqlalchemy_url(url))
        with engine.connect() as connection:
            configuration = Config(CHECKOUT / "migrations" / "alembic.ini")
            configuration.attributes["connection"] = connection
            yield url, configuration
        engine.dispose()


def schema(url):
    """Everything that there is but rows; lines that differ from run to run are left out."""
    argv = [str(cluster.binaries() / "pg_dump"), "--schema-only", "--no-owner", "--no-privileges", url]
    told = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return sorted(line for line in told.splitlines() if not re.match(r"--|\\(un)?restrict", line))


def test_all_are_taken_back_and_made_again(database):
    url, configuration = database
    empty = schema(url)
    command.upgrade(configuration, "head")
    whole = schema(url)
    for _ in ScriptDirectory.from_config(configuration).walk_revisions():
        command.downgrade(configuration, "-1")
        command.upgrade(configuration, "+1")
        command.downgrade(configuration, "-1")
    left = [line for line in schema(url) if line and line not in empty]
    command.upgrade(configuration, "head")
    assert schema(url) == whole
    assert not [line for line in left if re.match("CREATE (TABLE|FUNCTION|TYPE|TRIGGER|SEQUENCE)", line)
                and "alembic_version" not in line]  # fmt: skip
