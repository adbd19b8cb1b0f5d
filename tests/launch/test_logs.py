"""What our programs log of an error of PostgreSQL: what is wrong, and never the row that it is wrong with."""

import json
import subprocess
import sys

import psycopg
import pytest
import structlog
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from server.config import sqlalchemy_url
from server.launch.state import CHECKOUT
from server.monitoring import logs

NOTE = "what a worker entered"


@pytest.mark.parametrize("through", ["psycopg", "sqlalchemy"])
def test_an_error_is_logged_without_the_row_that_it_is_about(cluster_url, capsys, through):
    statement = f"INSERT INTO pg_temp.noted VALUES (1, '{NOTE}')"
    make = "CREATE TEMP TABLE noted (id int PRIMARY KEY, note text CHECK (note = ''))"
    logs.configure()
    log = structlog.get_logger()
    if through == "psycopg":
        with psycopg.connect(cluster_url) as connection:
            connection.execute(make)
            with pytest.raises(psycopg.errors.CheckViolation) as caught:
                connection.execute(statement)
    else:
        engine = create_engine(sqlalchemy_url(cluster_url), hide_parameters=True)
        with engine.connect() as connection:
            connection.execute(text(make))
            with pytest.raises(IntegrityError) as caught:
                connection.execute(text("INSERT INTO pg_temp.noted VALUES (1, :note)"), {"note": NOTE})
        engine.dispose()
    assert NOTE in str(caught.value)
    log.error("failed", error=str(caught.value), exc_info=caught.value)
    line = capsys.readouterr().out.strip()
    assert "violates check constraint" in json.loads(line)["error"]
    assert NOTE not in line


def test_a_program_whose_keeper_was_killed_goes_on_without_its_log():
    """Found by the fault run: while web had no keeper, what it logged failed, and with it the answer (500)."""
    speaks = """
import sys, structlog
from server.monitoring import logs
logs.configure()
sys.stdin.read()
structlog.get_logger().error("nobody reads this", exc_info=True)
structlog.get_logger().error("nor this")
sys.stderr.write("goes on")
"""
    argv = [sys.executable, "-c", speaks]
    program = subprocess.Popen(
        argv, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    program.stdout.close()
    program.stdin.close()
    assert program.stderr.read().startswith("goes on")
    program.stderr.close()
    program.wait(30)
