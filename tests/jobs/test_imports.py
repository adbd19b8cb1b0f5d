"""Real job processes over boundary files, killed in the middle: each file is taken once, or told to be beyond us."""

from datetime import UTC, datetime, timedelta

import pytest
from shapely import box
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.attachments.store import open_store
from server.grids.imports import rows as imports
from server.grids.imports import store as import_store
from server.grids.imports.rows import KEPT_FOR, Asked
from server.jobs.sweeper import waiting
from server.launch.scratch import scratch_database
from tests.cases import city
from tests.files.importing import geojson, importer_of
from tests.jobs.conftest import eventually, programs_over
from tests.sync.redrawing import redraw

pytestmark = pytest.mark.chaos
COMMUNITY = "360725100001"
ROWS = 36


def now():
    return datetime.now(UTC)


@pytest.fixture
def engine(cluster_url):
    with scratch_database(cluster_url) as url:
        engine = city.migrate(url)
        with Session(engine) as session, session.begin():
            city.found(session)
            session.execute(
                text("""
                    INSERT INTO assignment (person_id, role, area_id, during)
                    SELECT person.id, 'gis', area.id, '[2026-01-01,)' FROM person, area
                    WHERE login = 'worker' AND code = '360725'
                """)
            )
        yield engine
        engine.dispose()


@pytest.fixture
def files_url(tmp_path):
    return (tmp_path / "files").as_uri()


@pytest.fixture
def programs(engine, redis_url, tmp_path, files_url):
    with programs_over(engine.url.render_as_string(hide_password=False), redis_url, tmp_path) as running:
        running.environment["PATROL_FILES_URL"] = files_url
        yield running


def put(engine, files_url, content):
    """A file that came whole and waits."""
    asked = Asked("grid", parent=COMMUNITY)
    with Session(engine) as session, session.begin():
        person = city.id_of(session, "person", "worker")
        import_id = imports.begin(session, person, "worker", "网格.geojson", asked, dry_run=False, now=now())
        kept = import_store.keep(open_store(files_url), import_id, [content], 1 << 30)
        imports.sent(session, import_id, suffix=kept.suffix, size=kept.size, parts=kept.parts)
    return import_id


def told(engine, column="state"):
    with Session(engine) as session:
        return session.scalar(text(f"SELECT {column} FROM boundary_import"))


def let_the_claim_end(engine):
    """Let the minute pass after which another may begin."""
    with Session(engine) as session, session.begin():
        session.execute(text("UPDATE boundary_import SET claimed_until = now() WHERE state = 'working'"))


def many_grids():
    """Grids beside the city, enough to be busy with for a while."""
    side = 0.0005
    places = [(114.33 + column * side, 25.68 + row * side) for column in range(ROWS) for row in range(ROWS)]
    return geojson(
        *(
            (f"g{n:05d}", f"网格{n}", box(west, south, west + side, south + side))
            for n, (west, south) in enumerate(places)
        )
    )


def test_a_worker_killed_while_it_reads_leaves_a_file_that_the_next_one_takes_once(engine, programs, files_url):
    put(engine, files_url, many_grids())
    worker = programs.worker()
    programs.sweeper()
    eventually(lambda: told(engine, "counts -> 'read'"), "it has begun")
    worker.kill()
    assert told(engine) == "working", "it was killed in the middle"
    with Session(engine) as session:
        assert "imports" not in waiting(session, now(), held_too=False), "its claim still holds"
        assert session.scalar(text("SELECT max(number) FROM edition")) == 1
    let_the_claim_end(engine)
    programs.worker()
    eventually(lambda: told(engine) == "done", "the next one has taken it")
    with Session(engine) as session:
        assert session.scalar(text("SELECT max(number) FROM edition")) == 2
        assert session.scalar(text("SELECT count(*) FROM area WHERE code LIKE 'g%'")) == ROWS**2
    assert told(engine, "attempts") == 2


def test_a_file_that_ends_its_worker_again_and_again_is_given_up(engine, files_url):
    put(engine, files_url, geojson(("g1", "网格", box(114.33, 25.68, 114.34, 25.69))))
    for _ in range(imports.ATTEMPTS):
        with Session(engine) as session, session.begin():
            assert imports.claim(session, now()) is not None
            assert imports.claim(session, now()) is None, "one at a time"
        let_the_claim_end(engine)
    assert importer_of(engine, files_url).import_next() is not None
    assert told(engine) == "refused"
    assert told(engine, "problem ->> 'code'") == "import-given-up"


def test_a_claim_that_another_took_over_ends_nothing(engine, files_url):
    put(engine, files_url, geojson(("g1", "网格", box(114.33, 25.68, 114.34, 25.69))))
    with Session(engine) as session, session.begin():
        slow = imports.claim(session, now())
    let_the_claim_end(engine)
    importer = importer_of(engine, files_url)
    assert importer.import_next() is not None
    with Session(engine) as session:
        # What the slow one would do now is not the same as nothing.
        redraw(session, retired=("g1",))
    assert importer._do(slow) is False
    with Session(engine) as session:
        assert session.scalar(text("SELECT max(number) FROM edition")) == 3
        assert session.scalar(text("SELECT attempts FROM boundary_import")) == 2


def test_an_import_is_taken_away_a_week_after_it_ended_with_its_bytes(engine, files_url):
    import_id = put(engine, files_url, geojson(("g1", "网格", box(114.33, 25.68, 114.34, 25.69))))
    importer = importer_of(engine, files_url)
    importer.import_next()
    folder = open_store(files_url).root + f"/imports/{import_id}"
    assert open_store(files_url).fs.exists(folder)
    with Session(engine) as session, session.begin():
        assert "imports" not in waiting(session, now(), held_too=False)
        session.execute(
            text("UPDATE boundary_import SET ended_at = :at"), {"at": now() - KEPT_FOR - timedelta(hours=1)}
        )
        assert "imports" in waiting(session, now(), held_too=False)
    assert importer.expire() == 1
    assert told(engine) is None
    assert not open_store(files_url).fs.exists(folder)
