"""OGC items beside their SQL floor and TiPg: a box of 10 x 10 grids of 24 corners, at most 1,000 features.

The floor is one statement that makes the whole GeoJSON text, from 4 processes straight to PostgreSQL. Ours and TiPg
answer 4 connections over HTTP; ours signs the program in, limits it to its charge, counts and links.
"""

from typing import Any

from tests.bench import maps
from tests.bench.mapped import Ours, Race
from tests.bench.mapped import measure as race
from tests.bench.stage import Say

_FLOOR = """
    SELECT json_build_object('type', 'FeatureCollection', 'features', json_agg(json_build_object(
        'type', 'Feature', 'id', id, 'geometry', ST_AsGeoJSON(geom, 8)::json,
        'properties', json_build_object('code', code, 'name', name))))::text
    FROM (SELECT * FROM bench_grid WHERE ST_Intersects(geom, ST_MakeEnvelope(%s, %s, %s, %s, 4326))
          ORDER BY id LIMIT 1000) AS page
"""


def _questions(side: int, seed: int) -> list[tuple[float, ...]]:
    return list(maps.boxes(side, 10, 400, seed))


def _asked(box: tuple[float, ...]) -> str:
    return f"items?limit=1000&bbox={','.join(f'{each:.6f}' for each in box)}"


def measure(say: Say) -> dict[str, Any]:
    """Run the rounds."""
    ours = {"ours": Ours(lambda box, _: f"/ogc/collections/areas-{maps.KIND}/{_asked(box)}")}
    return race(
        Race(_FLOOR, _questions, ours, lambda box: f"/collections/public.peer_grid/{_asked(box)}", b'"Feature"'), say
    )
