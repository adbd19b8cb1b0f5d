"""Vector tiles beside the SQL floor and TiPg, at zoom 12: drawn anew, kept, and unchanged since the caller's last.

The floor is one ST_AsMVT of the same polygons from 4 processes straight to PostgreSQL. Ours is signed in, draws from
sketches, adds a layer of labels, tags and compresses. All over HTTP are asked for gzip.
"""

import math
from typing import Any

from tests.bench import maps
from tests.bench.mapped import Ours, Race
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
    """Run the rounds, with addresses as TileJSON gives them. ``drawn``: by a server that keeps no tile."""

    def path(at: tuple[float, ...], epoch: str) -> str:
        here = f"/ogc/collections/areas-{maps.KIND}/tiles/WebMercatorQuad/{ZOOM}"
        return f"{here}/{at[1]}/{at[0]}?edition=1&epoch={epoch}"

    ours = {
        "ours, drawn": Ours(path, keeps_nothing=True),
        "ours, kept": Ours(path, again=True),
        "ours, unchanged": Ours(path, again=True, is_held=True),
    }
    peer = f"/collections/public.peer_grid/tiles/WebMercatorQuad/{ZOOM}"
    return race(Race(_FLOOR, _questions, ours, lambda at: f"{peer}/{at[0]}/{at[1]}", b""), say)
