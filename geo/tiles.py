"""The SQL of vector tiles: areas of one kind in one edition, cut to a Web Mercator tile.

Owns the tile's layers; knows nothing of requests, of who asks, or of records. An edition never changes,
so neither do its tiles. Layer ``areas``: polygons with ``id`` as the feature's id, ``code`` and ``name``.
Layer ``labels``: one point inside each area, with the same properties, in the one tile where the point
lies: a polygon cut over many tiles would be labelled once in each.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

MAX_ZOOM = 20
EXTENT = 4096
# Borders are drawn up to a few pixels wide: the cut edge of a tile must lie outside what is seen.
BUFFER = 64


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


_TILE = text("""
    WITH tile AS (
        SELECT ST_TileEnvelope(:z, :x, :y) AS mercator,
               ST_Transform(ST_TileEnvelope(:z, :x, :y, margin => :margin), 4326) AS ground
    ), area_in AS MATERIALIZED (
        SELECT area.id, area.code, version.name, version.polygon
        FROM tile
        JOIN area_version AS version ON version.polygon && tile.ground AND version.editions @> CAST(:edition AS int)
        JOIN area ON area.id = version.area_id AND area.kind = :kind
    ), shape AS (
        SELECT id, code, name,
               ST_AsMVTGeom(ST_Transform(polygon, 3857), tile.mercator, :extent, :buffer) AS geometry
        FROM area_in, tile
    ), label AS (
        SELECT id, code, name,
               ST_AsMVTGeom(ST_Transform(point, 3857), tile.mercator, :extent, 0) AS geometry
        FROM tile, area_in, LATERAL (SELECT ST_Centroid(polygon) AS middle) AS centre,
             LATERAL (
                 SELECT CASE WHEN ST_Contains(polygon, middle) THEN middle ELSE ST_PointOnSurface(polygon) END AS point
             ) AS inside
        WHERE ST_Transform(point, 3857) && tile.mercator
    )
    SELECT (SELECT coalesce(ST_AsMVT(shape, 'areas', :extent, 'geometry', 'id'), ''::bytea)
            FROM shape WHERE geometry IS NOT NULL)
        || (SELECT coalesce(ST_AsMVT(label, 'labels', :extent, 'geometry', 'id'), ''::bytea)
            FROM label WHERE geometry IS NOT NULL)
""")


def area_tile(session: Session, edition: int, kind: str, at: TileAddress) -> bytes:
    """Return a Mapbox Vector Tile 2.1; empty bytes where nothing lies."""
    asked = {
        "edition": edition,
        "kind": kind,
        "z": at.z,
        "x": at.x,
        "y": at.y,
        "extent": EXTENT,
        "buffer": BUFFER,
        "margin": BUFFER / EXTENT,
    }
    return bytes(session.execute(_TILE, asked).scalar_one())


_KNOWN = text("""
    SELECT EXISTS (SELECT FROM edition WHERE number = :edition) AND EXISTS (SELECT FROM area_kind WHERE code = :kind)
""")


def edition_has_kind(session: Session, edition: int, kind: str) -> bool:
    """Return whether there are such an edition and such a kind of area."""
    return bool(session.execute(_KNOWN, {"edition": edition, "kind": kind}).scalar_one())
