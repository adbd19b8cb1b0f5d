"""Vector tiles that are kept beside the SQL floor and TiPg, at zoom 12: authorised, tagged, never cut anew.

The floor is one ST_AsMVT of the same polygons from 4 processes straight to PostgreSQL; ours adds a layer of labels.
"""

import math
from typing import Any

from tests.bench import maps
from tests.bench.mapped import Race
from tests.bench.mapped import measure as race
from tests.bench.stage import Say

ZOOM = 12
_FLOOR = """
    SELECT ST_AsMVT(tile, 'areas') || 'x'::bytea FROM (
        SELECT id, code, name, ST_AsMVTGeom(ST_Transform(geom, 3857), ST_TileEnvelope(12, x, y)) AS geometry
        FROM (SELECT %s::int AS x, %s::int AS y) AS asked
        JOIN bench_grid ON geom && ST_Transform(ST_TileEnvelope(12, x, y), 4326)
    ) AS tile
"""


def _questions(side: int, seed: int) -> list[tuple[float, ...]]:
    return [_tile_of(west, south) for west, south, _, _ in maps.boxes(side, 1, 400, seed)]


def _tile_of(lon: float, lat: float) -> tuple[int, int]:
    across = 2**ZOOM
    north = math.log(math.tan(math.pi / 4 + math.radians(lat) / 2))
    return int((lon + 180) / 360 * across), int((1 - north / math.pi) / 2 * across)


def measure(say: Say) -> dict[str, Any]:
    """Run the rounds. Ours is asked the same tiles each round, and so answers from its shelf."""
    here = f"/ogc/collections/areas-{maps.KIND}/tiles/WebMercatorQuad/{ZOOM}"
    ours = {"ours, kept": lambda at, _: f"{here}/{at[1]}/{at[0]}"}
    peer = f"/collections/public.peer_grid/tiles/WebMercatorQuad/{ZOOM}"
    return race(Race(_FLOOR, _questions, ours, lambda at: f"{peer}/{at[0]}/{at[1]}", b"", frozenset(ours)), say)
