"""The clock of edges and jobs: asked in one place, and moved for one process alone."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server import clock
from server.jobs import process

SERVER = Path(__file__).parents[2] / "server"
EDGES = ("api", "database", "events", "files", "http", "jobs", "ogc", "pages", "tiles")
ASKS_ELSEWHERE = re.compile(r"\bdatetime\.(now|utcnow)\(")


@pytest.mark.parametrize("edge", EDGES)
def test_an_edge_asks_the_clock_and_nothing_else_for_the_time(edge):
    found = [path.name for path in (SERVER / edge).rglob("*.py") if ASKS_ELSEWHERE.search(path.read_text("utf-8"))]
    assert not found


def test_a_moved_clock_is_what_jobs_go_by_and_is_put_right_again():
    then = datetime(2026, 9, 18, 1, 0, tzinfo=UTC)
    with clock.moved(lambda: then):
        assert (clock.now(), process.now()) == (then, then)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_what_breaks_while_it_is_moved_leaves_it_right():
    with pytest.raises(ZeroDivisionError), clock.moved(lambda: datetime(2020, 1, 1, tzinfo=UTC)):
        raise ZeroDivisionError
    assert clock.now().year > 2020
