"""A whole city's phones: thousands of grid workers with a phone each, made set-wise as enrolment leaves them."""

import hashlib
from collections.abc import Sequence

import psycopg
import shapely

from tests.bench.batches import Device

_GRIDS = """
    SELECT DISTINCT ON (area_id) area_id, ST_AsBinary(ST_PointOnSurface(polygon))
    FROM assignment JOIN area_version USING (area_id)
    WHERE role = 'grid_worker' AND upper_inf(during) AND upper_inf(editions)
    ORDER BY area_id
"""
_PEOPLE = """
    INSERT INTO person (login, name)
    SELECT 'crowd-' || n, '网格员 ' || n FROM generate_series(0, %s - 1) AS n ORDER BY n RETURNING id
"""
_ASSIGNMENTS = """
    INSERT INTO assignment (person_id, role, area_id, during)
    SELECT person_id, 'grid_worker', area_id, tstzrange(now() - interval '1 year', NULL)
    FROM unnest(%s::int[], %s::int[]) AS new (person_id, area_id)
"""
_DEVICES = """
    INSERT INTO device (person_id, name, platform, app_version, token_hash, enrolled_at)
    SELECT person_id, 'crowd-' || person_id, 'bench', '1.0.0', hash, now()
    FROM unnest(%s::int[], %s::bytea[]) AS new (person_id, hash)
"""


Places = Sequence[tuple[int, bytes]]
"""Areas, and a point in each as WKB."""


def crowd(url: str, count: int, places: Places | None = None) -> list[Device]:
    """Return so many phones, each of another worker; grid after grid, so that phones `grids` apart share a grid.

    ``places``: in these areas, and not in all that have a worker.
    """
    with psycopg.connect(url) as connection:
        grids = places or connection.execute(_GRIDS).fetchall()
        people = [person_id for (person_id,) in connection.execute(_PEOPLE, [count])]
        mine = [grids[n % len(grids)] for n in range(count)]
        middles = [shapely.from_wkb(bytes(place)) for _, place in mine]
        tokens = [f"token-of-{person_id}-as-long-as-those-of-real-phones" for person_id in people]
        connection.execute(_ASSIGNMENTS, [people, [area_id for area_id, _ in mine]])
        connection.execute(_DEVICES, [people, [hashlib.sha256(token.encode()).digest() for token in tokens]])
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE person, assignment, device")
    return [Device(token, middle.x, middle.y) for token, middle in zip(tokens, middles, strict=True)]


def pairs(devices: list[Device]) -> list[tuple[Device, Device]]:
    """Return two phones of each grid."""
    by_grid: dict[tuple[float, float], list[Device]] = {}
    for device in devices:
        by_grid.setdefault((device.lon, device.lat), []).append(device)
    return [(each[0], each[1]) for each in by_grid.values() if len(each) > 1]
