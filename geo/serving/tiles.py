"""The SQL of vector tiles: areas of one kind in one edition, cut to a Web Mercator tile.

Owns the tile's layers; knows nothing of requests, of who asks, or of records. An edition never changes, so neither do
its tiles. Layer ``areas``: polygons with ``id`` as the feature's id, and ``code`` and ``name`` where they are large
enough to be pointed at. Layer ``labels``: one point inside each area that is large enough to be written on, with
the same properties, in the one tile where the point lies: a polygon cut over many tiles would be labelled once in each.

A tile is drawn from the sketches of its edition. Until those are whole it is cut from the areas as they are: never
from some of either, which would not fit each other.
"""

from dataclasses import dataclass
from typing import Any, Final

import psycopg

from geo.serving.simplified import MAX_ZOOM, WORLD_M, pixel_m

EXTENT: Final = 4096
# Borders are drawn up to a few pixels wide: the cut edge of a tile must lie outside what is seen.
BUFFER: Final = 64
NAMED_FROM_PX: Final = 4
# A name takes some 60 pixels, and a tile is shown up to twice as wide.
LABELLED_FROM_PX: Final = 32
# Below it a tile may hold tens of thousands of areas.
NEAR_FROM_ZOOM: Final = 12


@dataclass(frozen=True, slots=True)
class TileAddress:
    """Zoom, column and row of a Web Mercator (EPSG:3857) tile in the XYZ scheme."""

    z: int
    x: int
    y: int

    @property
    def exists(self) -> bool:
        """Return whether there is such a tile."""
        return 0 <= self.z <= MAX_ZOOM and 0 <= self.x < 2**self.z and 0 <= self.y < 2**self.z


@dataclass(frozen=True, slots=True)
class TileName:
    """What a tile is known by for ever: the life of the city (its epoch's first 8 letters), edition, kind, place."""

    epoch: str
    edition: int
    kind: str
    at: TileAddress


@dataclass(frozen=True, slots=True)
class Tile:
    """A Mapbox Vector Tile 2.1; no bytes where nothing lies. ``is_sketched``: it was drawn from sketches."""

    content: bytes
    is_sketched: bool


_SKETCHED = """
    SELECT area_id AS id, code, name, across_m, shape, label
    FROM area_sketch
    WHERE shape && ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, 3857)
      AND kind = %(kind)s AND editions @> CAST(%(edition)s AS int) AND zooms @> CAST(%(z)s AS int)
"""

_AS_THEY_ARE = """
    SELECT id, code, name, sqrt(ST_Area(shape)) AS across_m, shape, ST_Transform(point, 3857) AS label
    FROM (
        SELECT area.id, area.code, version.name, version.polygon, ST_Transform(version.polygon, 3857) AS shape
        FROM area_version AS version
        JOIN area ON area.id = version.area_id AND area.kind = %(kind)s
        WHERE version.polygon && ST_Transform(ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, 3857), 4326)
          AND version.editions @> CAST(%(edition)s AS int)
    ) AS area, LATERAL (SELECT ST_Centroid(polygon) AS middle) AS centre, LATERAL (
        SELECT CASE WHEN ST_Contains(polygon, middle) THEN middle ELSE ST_PointOnSurface(polygon) END AS point
    ) AS inside
"""


def _layers(drawn: str, *, are_many: bool = False) -> str:
    """Return the statement of a tile whose areas are drawn by another.

    ``are_many``: they are looked for once for each layer, as they would not fit into the memory of one statement.
    """
    # OFFSET 0: a geometry is made once, and not again to find out whether it is there.
    return f"""
        WITH drawn AS {"NOT MATERIALIZED" if are_many else "MATERIALIZED"} ({drawn}),
             tile AS MATERIALIZED (SELECT ST_TileEnvelope(%(z)s, %(x)s, %(y)s) AS square)
        SELECT (
            SELECT coalesce(ST_AsMVT(area, 'areas', {EXTENT}, 'geometry', 'id'), ''::bytea)
            FROM (
                SELECT id, CASE WHEN across_m >= %(named_from_m)s THEN code END AS code,
                       CASE WHEN across_m >= %(named_from_m)s THEN name END AS name,
                       ST_AsMVTGeom(shape, square, {EXTENT}, {BUFFER}) AS geometry
                FROM drawn, tile OFFSET 0
            ) AS area WHERE geometry IS NOT NULL
        ) || (
            SELECT coalesce(ST_AsMVT(label, 'labels', {EXTENT}, 'geometry', 'id'), ''::bytea)
            FROM (
                SELECT id, code, name, ST_AsMVTGeom(label, square, {EXTENT}, 0) AS geometry
                FROM drawn, tile WHERE across_m >= %(labelled_from_m)s AND label && square OFFSET 0
            ) AS label WHERE geometry IS NOT NULL
        )
    """  # noqa: S608  # written here alone


def _tile(*, are_many: bool) -> str:
    """Return the statement that tells whether a tile is known and sketched, and draws it, all as of one moment.

    The sketches of the next edition may come at any time.
    """
    is_sketched = "EXISTS (SELECT FROM edition_sketch WHERE kind = %(kind)s AND edition_number = %(edition)s)"
    return f"""
        SELECT {is_sketched} AS is_sketched,
               CASE WHEN {is_sketched} THEN ({_layers(_SKETCHED, are_many=are_many)}) END AS content,
               EXISTS (SELECT FROM city_state WHERE left(epoch::text, 8) = %(epoch)s)
               AND EXISTS (SELECT FROM edition WHERE number = %(edition)s)
               AND EXISTS (SELECT FROM area_kind WHERE code = %(kind)s) AS is_known
    """  # noqa: S608  # written here alone


_NEAR, _FAR = _tile(are_many=False), _tile(are_many=True)
_CUT = f"SELECT ({_layers(_AS_THEY_ARE)})"


def read_tile(reader: psycopg.Connection[Any], name: TileName) -> Tile | None:
    """Return a tile; None where there is no such life of the city, edition or kind. Raises psycopg's errors.

    On the driver itself: what a session adds costs as much as a small tile.
    """
    asked = _asked(name)
    cursor = reader.cursor(binary=True)
    found = cursor.execute(_FAR if name.at.z < NEAR_FROM_ZOOM else _NEAR, asked).fetchone()
    is_sketched, content, is_known = found or (False, None, False)
    if not is_known:
        return None
    if not is_sketched:
        (content,) = cursor.execute(_CUT, asked).fetchone() or (b"",)
    return Tile(bytes(content or b""), is_sketched)


def _asked(name: TileName) -> dict[str, Any]:
    at = name.at
    width = WORLD_M / 2**at.z
    west, north = at.x * width - WORLD_M / 2, WORLD_M / 2 - at.y * width
    margin, end = width * BUFFER / EXTENT, WORLD_M / 2
    return {
        "epoch": name.epoch,
        "edition": name.edition,
        "kind": name.kind,
        "z": at.z,
        "x": at.x,
        "y": at.y,
        # Beyond the end of the world a longitude would come out on the other side.
        "west": max(west - margin, -end),
        "south": max(north - width - margin, -end),
        "east": min(west + width + margin, end),
        "north": min(north + margin, end),
        "named_from_m": NAMED_FROM_PX * pixel_m(at.z),
        "labelled_from_m": LABELLED_FROM_PX * pixel_m(at.z),
    }
