"""PostgreSQL and the Locator agree: in exact numbers everywhere, and with ST_Contains away from borders."""

import itertools
import random

import numpy as np
import pytest
import shapely
from sqlalchemy import create_engine, text

from geo.locate.locator import Locator
from server.config import sqlalchemy_url
from server.launch.scratch import scratch_database

pytestmark = pytest.mark.long

SIDE = 7
WEST, SOUTH, STEP = 114.30, 25.68, 0.002
UNIT = 1e-8

# The rule as the Locator states it, in numeric: no rounding anywhere.
EXACT = text("""
    WITH edge AS (
        SELECT area.id,
               round(ST_X(ST_StartPoint(s.geom))::numeric * 100000000) AS x1,
               round(ST_Y(ST_StartPoint(s.geom))::numeric * 100000000) AS y1,
               round(ST_X(ST_EndPoint(s.geom))::numeric * 100000000) AS x2,
               round(ST_Y(ST_EndPoint(s.geom))::numeric * 100000000) AS y2
        FROM trial AS area, ST_DumpSegments(area.polygon) AS s
    ), directed AS (
        SELECT id, CASE WHEN y1 < y2 THEN x1 ELSE x2 END AS ax, least(y1, y2) AS ay,
               CASE WHEN y1 < y2 THEN x2 ELSE x1 END AS bx, greatest(y1, y2) AS by
        FROM edge WHERE y1 <> y2
    ), point AS (
        SELECT n, round(lon::numeric * 100000000) AS x, round(lat::numeric * 100000000) AS y
        FROM unnest(CAST(:lons AS float8[]), CAST(:lats AS float8[])) WITH ORDINALITY AS p (lon, lat, n)
    )
    SELECT n, id FROM point JOIN directed
        ON ay <= y AND y < by AND (bx - ax) * (y - ay) <= (by - ay) * (x - ax)
    GROUP BY n, id HAVING count(*) % 2 = 1
""")
CONTAINS = text("""
    SELECT n, id FROM unnest(CAST(:lons AS float8[]), CAST(:lats AS float8[])) WITH ORDINALITY AS p (lon, lat, n)
    JOIN trial ON ST_Contains(polygon, ST_SetSRID(ST_MakePoint(lon, lat), 4326))
""")


@pytest.fixture(scope="module")
def areas():
    """Quadrangles with shared, jittered corners: a coverage with slanted borders, on the integer grid."""
    source = random.Random(7)
    corner = {
        (i, j): (
            round(WEST + (i + source.uniform(-0.3, 0.3)) * STEP, 8),
            round(SOUTH + (j + source.uniform(-0.3, 0.3)) * STEP, 8),
        )
        for i in range(SIDE + 1)
        for j in range(SIDE + 1)
    }
    return [
        (1 + i * SIDE + j, shapely.Polygon([corner[i, j], corner[i + 1, j], corner[i + 1, j + 1], corner[i, j + 1]]))
        for i in range(SIDE)
        for j in range(SIDE)
    ]


@pytest.fixture(scope="module")
def connection(cluster_url, areas):
    with scratch_database(cluster_url) as url:
        engine = create_engine(sqlalchemy_url(url))
        with engine.connect() as connection:
            connection.execute(text("CREATE EXTENSION postgis"))
            connection.execute(text("CREATE TABLE trial (id int, polygon geometry(Polygon, 4326))"))
            connection.execute(
                text("INSERT INTO trial VALUES (:id, ST_GeomFromWKB(:wkb, 4326))"),
                [{"id": area_id, "wkb": shapely.to_wkb(polygon)} for area_id, polygon in areas],
            )
            yield connection
        engine.dispose()


def by_sql(connection, statement, lon, lat):
    found = np.full(len(lon), -1)
    for n, area_id in connection.execute(statement, {"lons": lon.tolist(), "lats": lat.tolist()}):
        assert found[n - 1] == -1, "a point has one area at most"
        found[n - 1] = area_id
    return found


def at_the_borders(areas):
    """Every vertex, points along every edge, and one unit beside each."""
    points = set()
    for _, polygon in areas:
        ring = list(polygon.exterior.coords)
        for (x1, y1), (x2, y2) in itertools.pairwise(ring):
            for share in (0.0, 0.25, 0.5, 0.9):
                x, y = round(x1 + (x2 - x1) * share, 8), round(y1 + (y2 - y1) * share, 8)
                points |= {(x, y), (x + UNIT, y), (x - UNIT, y), (x, y + UNIT), (x, y - UNIT)}
    return np.round(np.array(sorted(points)), 8).T


def test_postgresql_agrees_on_vertices_edges_and_one_unit_beside(connection, areas):
    lon, lat = at_the_borders(areas)
    located = Locator.build(areas).locate(lon, lat)
    assert (located == by_sql(connection, EXACT, lon, lat)).all()


def test_postgresql_agrees_on_random_points(connection, areas):
    source = np.random.default_rng(11)
    lon = np.round(source.uniform(WEST - STEP, WEST + (SIDE + 1) * STEP, 4000), 8)
    lat = np.round(source.uniform(SOUTH - STEP, SOUTH + (SIDE + 1) * STEP, 4000), 8)
    located = Locator.build(areas).locate(lon, lat)
    assert (located == by_sql(connection, EXACT, lon, lat)).all()
    assert (located == by_sql(connection, CONTAINS, lon, lat)).all()
