"""Point to grid beside Shapely's STRtree and PostGIS: the same points over the same grids, in alternating rounds.

CPU seconds of this process for ours and STRtree, so that neighbours on the machine count little; PostGIS works in
another process and is taken by the clock. Ours and STRtree answer with an id for each point; ours alone is exact on
borders. A city of 77,000 grids, and one of 5,821.
"""

import gc
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import psycopg
import shapely

from geo.locate.locator import Locator, _give_back
from server.launch.scratch import scratch_database
from tests.bench.table import Table

CITIES = (77_000, 5_821)
ROUNDS = 5
BULK = 1_000_000
BATCH = 50
WEST, SOUTH, SPAN = 120.6, 31.8, 0.6
PAGE = os.sysconf("SC_PAGE_SIZE")


def measure(say: Callable[[str], object]) -> dict[str, Any]:
    """Both cities; returns the figures and the lines that a person reads."""
    found = {str(count): _of_city(count, say) for count in CITIES}
    return found | {"lines": [line for city in found.values() for line in city["lines"]]}


def city(count: int) -> list[tuple[int, shapely.Polygon]]:
    """So many grids, ids from 1 on, that tile a square of 0.6 degrees."""
    side = int(np.ceil(count**0.5))
    column, row = np.divmod(np.arange(count), side)
    jitter = np.random.default_rng(1).random((count, 2)) * 0.8 + 0.1
    seeds = (np.stack([column, row], axis=1) + jitter) / side * SPAN + [WEST, SOUTH]
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(seeds)))
    cells = shapely.intersection(cells, shapely.box(WEST, SOUTH, WEST + SPAN, SOUTH + SPAN))
    return list(enumerate(shapely.set_precision(cells, 1e-8), start=1))


def _of_city(count: int, say: Callable[[str], object]) -> dict[str, Any]:
    areas = city(count)
    say(f"{count:,} grids laid out")
    # What laying out the city took is not the Locator's.
    gc.collect()
    _give_back()
    before_mb, began = _resident_mb(), time.process_time()
    locator = Locator.build(areas)
    built_s, held_mb = time.process_time() - began, _resident_mb() - before_mb
    polygons = np.array([polygon for _, polygon in areas], dtype=object)
    tree = shapely.STRtree(polygons)
    shapely.prepare(polygons)
    source = np.random.default_rng(5)
    points = source.random((2, BULK)) * SPAN + [[WEST], [SOUTH]]
    bulk = Table(f"bulk, {count:,} grids; floor: STRtree", "points/s")
    batches = Table(f"batches of {BATCH}; floor: STRtree", "points/s")
    for number in range(ROUNDS):
        bulk.ours.append(_per_cpu_s(lambda: locator.locate(*points), BULK))
        bulk.floor.append(_per_cpu_s(lambda: _by_tree(tree, *points[:, : BULK // 4]), BULK // 4))
        batches.ours.append(_in_batches(locator.locate, points[:, : BULK // 4]))
        batches.floor.append(_in_batches(lambda lon, lat: _by_tree(tree, lon, lat), points[:, : BULK // 50]))
        say(f"{number + 1}: bulk {bulk.ours[-1]:,.0f}/s, batches {batches.ours[-1]:,.0f}/s")
    sql = _beside_postgis(areas, locator, points[:, : BULK // 10])
    one_us = _one_by_one_us(locator, points[:, :20_000])
    rest = {
        "one, us p50 / p99": " / ".join(f"{np.percentile(one_us, share):.1f}" for share in (50, 99)),
        "build, CPU s": round(built_s, 2),
        "memory, MB": round(held_mb),
        "one grid split, CPU s": round(_split_s(locator, areas), 3),
    }
    tables = [bulk, batches, sql]
    lines = "\n".join(table.as_text().rstrip() for table in tables).split("\n")
    facts = {table.name: table.as_json() for table in tables}
    return facts | rest | {"lines": [*lines, *(f"{key}: {value}" for key, value in rest.items())]}


def _by_tree(tree: shapely.STRtree, lon: Any, lat: Any) -> Any:
    """As `Locator.locate`, as far as a tree can: on a border any of the areas."""
    point, area = tree.query(shapely.points(lon, lat), predicate="intersects")
    found = np.full(len(lon), -1)
    found[point] = area + 1
    return found


def _per_cpu_s(work: Callable[[], object], points: int) -> float:
    began = time.process_time()
    work()
    return points / (time.process_time() - began)


def _in_batches(locate: Callable[[Any, Any], object], points: Any) -> float:
    cuts = range(0, points.shape[1], BATCH)
    batches = [(points[0, at : at + BATCH].copy(), points[1, at : at + BATCH].copy()) for at in cuts]
    return _per_cpu_s(lambda: [locate(*batch) for batch in batches], points.shape[1])


def _one_by_one_us(locator: Locator, points: Any) -> list[float]:
    took = []
    for lon, lat in points.T.tolist():
        began = time.perf_counter_ns()
        locator.locate_one(lon, lat)
        took.append((time.perf_counter_ns() - began) / 1000)
    return took


def _split_s(locator: Locator, areas: list[tuple[int, shapely.Polygon]]) -> float:
    """The next edition: a grid in the middle cut in two."""
    number, polygon = areas[len(areas) // 2]
    west, south, east, north = polygon.bounds
    middle = round((west + east) / 2, 8)
    halves = [shapely.intersection(polygon, shapely.box(*side)) for side in
              ((west, south, middle, north), (middle, south, east, north))]  # fmt: skip
    began = time.process_time()
    locator.with_changes([(number, halves[0]), (len(areas) + 1, halves[1])])
    return time.process_time() - began


def _beside_postgis(areas: list[tuple[int, shapely.Polygon]], locator: Locator, points: Any) -> Table:
    """An indexed table of grids, joined with points held in another; both by the clock."""
    table = Table(f"{points.shape[1]:,} points; floor: PostGIS", "points/s")
    with (
        scratch_database(os.environ["PATROL_TEST_DATABASE_URL"]) as url,
        psycopg.connect(url, autocommit=True, options="-c jit=off") as connection,
    ):
        connection.execute("CREATE EXTENSION IF NOT EXISTS postgis")
        connection.execute("CREATE TABLE grid (id int, polygon geometry(POLYGON, 4326))")
        connection.execute("CREATE TABLE point (lon float8, lat float8)")
        with connection.cursor() as cursor, cursor.copy("COPY grid FROM STDIN") as copy:
            for area_id, polygon in areas:
                copy.write_row((area_id, shapely.to_wkb(shapely.set_srid(polygon, 4326), hex=True, include_srid=True)))
        with connection.cursor() as cursor, cursor.copy("COPY point FROM STDIN") as copy:
            for point in points.T.tolist():
                copy.write_row(point)
        connection.execute("CREATE INDEX ON grid USING gist (polygon)")
        connection.execute("VACUUM ANALYZE grid")
        query = """
            SELECT count(id) FROM point
            LEFT JOIN grid ON ST_Intersects(polygon, ST_SetSRID(ST_MakePoint(lon, lat), 4326))
        """
        for _ in range(3):
            began = time.perf_counter()
            connection.execute(query).fetchone()
            table.floor.append(points.shape[1] / (time.perf_counter() - began))
            began = time.perf_counter()
            locator.locate(*points)
            table.ours.append(points.shape[1] / (time.perf_counter() - began))
    return table


def _resident_mb() -> float:
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - a line of the kernel's
        return int(statm.read().split()[1]) * PAGE / 1e6
