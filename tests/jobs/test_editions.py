"""Real job processes over a redraw, killed in the middle: plans come into force, and every record follows."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions import plans
from geo.serving.simplifying import waits
from server.accounts.service import add_person
from server.launch.scratch import scratch_database
from sync.redraw import moving
from tests.cases import city
from tests.cases.city import WEST
from tests.jobs.conftest import eventually, programs_over
from tests.sync.redrawing import redraw, strip

pytestmark = pytest.mark.chaos
THIRD = "360725100001003"
VISITS = 6000


@pytest.fixture
def engine(cluster_url):
    """A small city of its own, whose west grid has many visits on both sides of its middle."""
    with scratch_database(cluster_url) as url:
        engine = city.migrate(url)
        with Session(engine) as session, session.begin():
            city.found(session)
            session.execute(
                text("""
                    INSERT INTO visit (id, rev, doc_rev, doc, captured_at, received_at, changed_at, position, located,
                                       edition_at_capture, grid_at_capture, grid_now)
                    SELECT gen_random_uuid(), 1, 1, '{"outcome": "met"}', now(), now(), now(),
                           ST_SetSRID(ST_MakePoint(114.3000005 + n * 0.0099999 / :count, 25.685), 4326), 'inside', 1,
                           area.id, area.id
                    FROM generate_series(0, :count - 1) AS n, area WHERE code = :code
                """),
                {"count": VISITS, "code": WEST},
            )
        yield engine
        engine.dispose()


@pytest.fixture
def programs(engine, redis_url, tmp_path):
    with programs_over(engine.url.render_as_string(hide_password=False), redis_url, tmp_path) as running:
        yield running


def progress(engine):
    with Session(engine) as session:
        return moving.progress(session, 2)


def grids(engine):
    with Session(engine) as session:
        rows = session.execute(text("SELECT code, count(*) FROM visit JOIN area ON area.id = grid_now GROUP BY code"))
        return dict(map(tuple, rows))


def is_sketched(engine, edition):
    with Session(engine) as session:
        newest = session.scalar(text("SELECT max(number) FROM edition"))
        return newest == edition and not waits(session)


def test_a_worker_killed_while_records_move_leaves_a_move_that_the_next_one_ends(engine, programs):
    with Session(engine) as session:
        redraw(session, strip(WEST, 114.30, 114.301), strip(THIRD, 114.301, 114.31))
    worker = programs.worker()
    programs.sweeper()
    eventually(lambda: progress(engine).moved > 0, "some records have moved")
    worker.kill()
    broken_off = progress(engine)
    programs.worker()
    eventually(lambda: progress(engine).finished_at, "all have moved")
    moved = grids(engine)[THIRD]
    assert broken_off.stage == "visits"
    assert broken_off.moved < moved, "it was killed in the middle"
    assert progress(engine).moved == moved == 5400
    with Session(engine) as session:
        assert session.scalar(text("SELECT count(*) FROM visit WHERE rev = 2")) == moved, "each moved once"


def test_a_planned_edition_comes_into_force_and_records_follow_with_nobody_there(engine, programs):
    now = datetime.now(UTC)
    with Session(engine) as session, session.begin():
        add_person(session, "gis", role="gis", place="360725", password=None, now=now)
        areas = [strip(WEST, 114.30, 114.305), strip(THIRD, 114.305, 114.31)]
        order = plans.Order(areas, (), 1, "gis", "改")
        planned = plans.plan(session, order, due_at=now + timedelta(seconds=1), now=now)
        draft = text("INSERT INTO draft (name, base_edition, author, plan_id) VALUES ('改', 1, 'gis', :plan)")
        session.execute(draft, {"plan": planned.id})
    programs.worker()
    programs.sweeper()
    eventually(lambda: (told := progress(engine)) and told.finished_at, "the records have followed")
    assert grids(engine) == {WEST: 3000, THIRD: 3000}
    eventually(lambda: is_sketched(engine, 2), "the maps have their sketches")
    with Session(engine) as session:
        begins = session.scalar(text("SELECT lower(in_force) FROM edition WHERE number = 2"))
        assert session.scalar(text("SELECT published_edition FROM draft")) == 2
    assert begins >= now + timedelta(seconds=1)
