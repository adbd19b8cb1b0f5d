"""One grid of a large city cut in two: publishing it, reading the new edition, and moving the records on it.

Each round beside its floor: for publishing, one validation of all polygons by GEOS; for moving, a single UPDATE that
knows which grid and which half. At a tenth of the records, and at all of them: what it costs must not follow the total.
By the clock, and in CPU seconds of this process and of PostgreSQL's, as the machine may be shared.
"""

import datetime as dt
import os
import time
from collections.abc import Callable
from contextlib import contextmanager
from statistics import median
from typing import Any

import numpy as np
import psycopg
import shapely
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from geo.editions.publish import NewArea, publish
from geo.locate.locator import Locator
from server.config import sqlalchemy_url
from server.database.ground_cache import ground_at
from server.launch.scratch import scratch_database
from sync.redraw import moving
from sync.redraw.cutover import into_force
from tests.bench import cost
from tests.bench.locate import SOUTH, SPAN, WEST
from tests.bench.locate import city as laid_out
from tests.cases import city

GRIDS = int(os.environ.get("PATROL_BENCH_GRIDS", "77000"))
RECORDS = int(os.environ.get("PATROL_BENCH_RECORDS", "1000000"))
ROUNDS = 5
CROWD = 2000
"""Records in each grid that is cut; the others lie anywhere."""

Say = Callable[[str], object]
Cut = tuple[int, shapely.Polygon]


def measure(say: Say) -> dict[str, Any]:
    """Return the figures and the lines that a person reads."""
    grids = laid_out(GRIDS)
    chosen = [grids[number] for number in np.linspace(100, GRIDS - 100, 4 * ROUNDS).astype(int)]
    say(f"{GRIDS:,} grids laid out")
    with scratch_database(os.environ["PATROL_TEST_DATABASE_URL"]) as url:
        city.migrate(url).dispose()
        _lay(url, grids)
        locator = Locator.build(grids)
        whole_s = _validation_s([polygon for _, polygon in grids])
        say(f"GEOS validates all of them in {whole_s:.2f} s")
        found: dict[str, Any] = {"grids": GRIDS, "validating all, CPU s": round(whole_s, 3)}
        lines = [f"{GRIDS:,} grids; floor of publishing: all validated by GEOS in {whole_s:.2f} s of CPU"]
        for share, cuts in ((10, chosen[: 2 * ROUNDS]), (1, chosen[2 * ROUNDS :])):
            total = RECORDS // share
            _fill(url, locator, total, cuts)
            say(f"{total:,} records in")
            found[f"{total}"] = one = _rounds(url, cuts, say)
            lines += [f"{total:,} records", *(f"  {name:<34} {each}" for name, each in one.items())]
    return found | {"lines": lines}


def _lay(url: str, grids: list[Cut]) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("""
            INSERT INTO area_kind VALUES ('grid', '网格', 'Grid', 5, true), ('city', '市', 'City', 0, false)
        """)
        connection.execute("""
            INSERT INTO edition (number, name, in_force, published_by) VALUES (1, '一', '[2026-01-01,)', 'bench')
        """)
        codes = "INSERT INTO area (code, kind) SELECT 'b' || n, 'grid' FROM generate_series(1, %s) AS n ORDER BY n"
        connection.execute(codes, (len(grids),))
        connection.execute("CREATE TEMP TABLE shape (code text, polygon geometry(POLYGON, 4326))")
        with connection.cursor() as cursor, cursor.copy("COPY shape FROM STDIN") as copy:
            for number, polygon in grids:
                located = shapely.set_srid(polygon, 4326)
                copy.write_row((f"b{number}", shapely.to_wkb(located, hex=True, include_srid=True)))
        connection.execute("""
            INSERT INTO area_version (area_id, name, polygon, editions)
            SELECT area.id, code, ST_Multi(polygon), '[1,)' FROM shape JOIN area USING (code)
        """)
        connection.execute("INSERT INTO area (code, kind) VALUES ('b', 'city')")
        connection.execute(
            """
            INSERT INTO area_version (area_id, name, polygon, editions)
            SELECT id, 'city', ST_Multi(ST_MakeEnvelope(%s, %s, %s, %s, 4326)), '[1,)' FROM area WHERE code = 'b'
        """,
            (WEST, SOUTH, WEST + SPAN, SOUTH + SPAN),
        )
        connection.execute("""
            UPDATE area_version SET parent_id = (SELECT id FROM area WHERE code = 'b')
            WHERE area_id <> (SELECT id FROM area WHERE code = 'b')
        """)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE area_version")


def _fill(url: str, locator: Locator, total: int, cuts: list[Cut]) -> None:
    """Bring the visits to ``total``: a crowd in each grid to be cut, the rest anywhere."""
    source = np.random.default_rng(total)
    crowds = [source.random((2, 6 * CROWD)) * SPAN / GRIDS**0.5 * 3 + [[p.bounds[0]], [p.bounds[1]]] for _, p in cuts]
    with psycopg.connect(url) as connection:
        there = connection.execute("SELECT count(*) FROM visit").fetchone()[0]
        anywhere = source.random((2, max(0, total - there - CROWD * len(cuts)))) * SPAN + [[WEST], [SOUTH]]
        points = np.round(np.concatenate([anywhere, *crowds], axis=1), 8)
        grids = locator.locate(*points)
        wanted = np.isin(grids, [number for number, _ in cuts])
        keep = grids > 0
        keep[anywhere.shape[1] :] &= wanted[anywhere.shape[1] :]
        connection.execute("CREATE TEMP TABLE place (lon float8, lat float8, grid int)")
        with connection.cursor() as cursor, cursor.copy("COPY place FROM STDIN") as copy:
            for row in zip(*points[:, keep].tolist(), grids[keep].tolist(), strict=True):
                copy.write_row(row)
        connection.execute("""
            INSERT INTO visit (id, rev, doc_rev, doc, captured_at, received_at, changed_at, position, located,
                               edition_at_capture, grid_at_capture, grid_now)
            SELECT gen_random_uuid(), 1, 1, '{"outcome": "met"}', now(), now(), now(),
                   ST_SetSRID(ST_MakePoint(lon, lat), 4326), 'inside', 1, grid, grid FROM place
        """)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE visit")


def _validation_s(polygons: list[shapely.Polygon]) -> float:
    """CPU seconds to ask GEOS whether all are a coverage: what a publication that looks at everything cannot beat."""
    began = time.process_time()
    shapely.coverage_is_valid(np.array(polygons, dtype=object), 0.0)
    return time.process_time() - began


def _rounds(url: str, cuts: list[Cut], say: Say) -> dict[str, str]:
    """Cut grids by turns through ours and by the floor's single statement; medians over the rounds."""
    engine = create_engine(sqlalchemy_url(url), connect_args={"options": "-c jit=off -c timezone=UTC"})
    with Session(engine) as session:
        ground_at(session)(_now())
    taken: dict[str, list[float]] = {}
    for number, cut in enumerate(cuts):
        if number % 2:
            taken.setdefault("moving, floor: one UPDATE", []).append(_floor_s(engine, cut))
            continue
        for name, took in _ours_s(engine, cut, url).items():
            taken.setdefault(name, []).append(took)
        say(f"cut {number}: " + ", ".join(f"{name} {values[-1]:.3f}" for name, values in taken.items()))
    engine.dispose()
    return {name: _told(name, values) for name, values in taken.items()}


def _ours_s(engine: Engine, cut: Cut, url: str) -> dict[str, float]:
    """Seconds of each step, and how many records moved."""
    with Session(engine) as session:
        published = _clocked(lambda: _publish(session, cut))
        began = time.process_time()
        read = _clocked(lambda: ground_at(session)(_now()))
        read_cpu = time.process_time() - began
    before = time.process_time() + cost.spent(cost.of_database(url))
    began = time.perf_counter()
    moved = moving.follow(moving_city(engine)).moved
    took = time.perf_counter() - began
    spent = time.process_time() + cost.spent(cost.of_database(url)) - before
    return {
        "publishing": published,
        "reading the edition": read,
        "reading the edition, CPU": read_cpu,
        "moved": moved,
        "moving": took,
        "moving, CPU of ours and PostgreSQL": spent,
    }


def moving_city(engine: Engine) -> moving.JobContext:
    """What moving needs of its process."""

    @contextmanager
    def opened() -> Any:
        with Session(engine, expire_on_commit=False) as session, session.begin():
            yield session

    return moving.JobContext(opened, _now, ground_at, 50.0)


def _publish(session: Session, cut: Cut) -> None:
    number, polygon = cut
    left, right = _halves(polygon)
    areas = [NewArea(f"b{number}", "grid", f"b{number}", "b", left), NewArea(f"c{number}", "grid", "new", "b", right)]
    into_force(session, publish(session, areas, by="bench", name="cut", now=_now()), _now)
    session.commit()


def _floor_s(engine: Engine, cut: Cut) -> float:
    number, polygon = cut
    move = text("""
        UPDATE visit SET grid_now = -1, rev = rev + 1, changed_at = now()
        WHERE grid_now = (SELECT id FROM area WHERE code = :code) AND ST_Contains(ST_GeomFromWKB(:half, 4326), position)
    """)
    half = {"code": f"b{number}", "half": shapely.to_wkb(_halves(polygon)[1])}
    began = time.perf_counter()
    with Session(engine) as session, session.begin():
        session.execute(move, half)
    return time.perf_counter() - began


def _halves(polygon: shapely.Polygon) -> tuple[shapely.Polygon, shapely.Polygon]:
    """Cut from corner to corner, so that no neighbour gets a new node; these are convex."""
    ring = np.array(polygon.exterior.coords)[:-1]
    upper = len(ring) // 2
    return shapely.Polygon(ring[: upper + 1]), shapely.Polygon(np.concatenate([ring[upper:], ring[:1]]))


def _clocked(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _told(name: str, values: list[float]) -> str:
    if name == "moved":
        return f"{median(values):,.0f} records ({min(values):,.0f} - {max(values):,.0f})"
    return f"{median(values):.3f} s ({min(values):.3f} - {max(values):.3f})"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
