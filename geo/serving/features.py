"""The SQL of OGC items: one statement reads a page of any layer as finished GeoJSON text.

Owns how a page is cut, counted and written; knows nothing of requests, of CQL2 or of who asks. A layer is a select
somebody made: its key, its geometry in EPSG:4326 (lon, lat) and its properties by name. Pages go by key, so that
none is skipped or told twice and the last page costs what the first one does.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import psycopg
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Text,
    and_,
    cast,
    func,
    literal,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session, aliased
from sqlalchemy.types import JSON

from geo.editions.tables import Area, AreaVersion

# 1e-8 degree is the unit that the ground is drawn in; a tenth of a millimetre where it is metres.
DEGREE_DIGITS, METRE_DIGITS = 8, 4
WGS84 = 4326


@dataclass(frozen=True)
class Layer:
    """What features are read from. ``key`` orders them and is their id; ``moment`` is the time of each, if any."""

    source: FromClause
    where: tuple[ColumnElement[bool], ...]
    key: ColumnElement[Any]
    geometry: ColumnElement[Any]
    properties: Mapping[str, ColumnElement[Any]]
    moment: ColumnElement[Any] | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """How coordinates are written. ``flipped``: the authority names north before east."""

    srid: int = WGS84
    flipped: bool = False
    digits: int = DEGREE_DIGITS


@dataclass(frozen=True, slots=True)
class FeaturePage:
    """``features``: GeoJSON features in UTF-8, commas between. ``last``: the key that the next page begins after."""

    features: bytes
    returned: int
    last: str | None
    more: bool


@lru_cache(maxsize=512)
def area_layer(edition: int, kind: str | None) -> Layer:
    """Return the areas of an edition, of one kind or (None) of all."""
    parent = aliased(Area)
    source = (
        AreaVersion.__table__.join(Area.__table__, Area.id == AreaVersion.area_id)
        .outerjoin(parent, parent.id == AreaVersion.parent_id)
    )  # fmt: skip
    where: tuple[ColumnElement[bool], ...] = (AreaVersion.editions.contains(edition),)
    if kind is not None:
        where += (Area.kind == kind,)
    properties = {
        "code": Area.code.expression,
        "name": AreaVersion.name.expression,
        "kind": Area.kind.expression,
        "parent": parent.code.expression,
    }
    return Layer(source, where, Area.id.expression, AreaVersion.polygon.expression, properties)


def read_page(
    session: Session,
    layer: Layer,
    conditions: Sequence[ColumnElement[bool]],
    *,
    after: Any = None,
    limit: int,
    frame: Frame = Frame(),  # frozen
) -> FeaturePage:
    """Return the features after a key, in the order of their keys."""
    beyond = () if after is None else (layer.key > after,)
    features, returned, last, more = session.execute(_page_of(layer, [*conditions, *beyond], frame, limit)).one()
    return FeaturePage((features or "").encode(), returned, last, more)


def _page_of(layer: Layer, where: Sequence[ColumnElement[bool]], frame: Frame, limit: int) -> Any:
    """Return the statement of one page. It reads one more than are shown, and so knows whether there are more."""
    inner = (
        select(
            layer.key.label("key"),
            layer.geometry.label("geometry"),
            *(column.label(f"p_{name}") for name, column in layer.properties.items()),
            func.row_number().over(order_by=layer.key).label("place"),
        )
        .select_from(layer.source)
        .where(*layer.where, *where)
        .order_by(layer.key)
        .limit(limit + 1)
        .subquery("page")
    )
    shown = inner.c.place <= limit
    return select(
        func.string_agg(_feature(inner.c, layer, frame), aggregate_order_by(literal_column("','"), inner.c.place))
        .filter(shown),
        func.count().filter(shown),
        func.max(cast(inner.c.key, Text)).filter(inner.c.place == limit),
        func.count() > limit,
    )  # fmt: skip


def read_feature(session: Session, layer: Layer, key: Any, frame: Frame) -> bytes | None:
    """Return one feature as GeoJSON; None where the layer has none of that key."""
    page = read_page(session, layer, (layer.key == key,), limit=1, frame=frame)
    return page.features or None


def count_matched(session: Session, layer: Layer, conditions: Sequence[ColumnElement[bool]]) -> int:
    """Return how many features there are in all."""
    counted = select(func.count()).select_from(layer.source).where(*layer.where, *conditions)
    return int(session.execute(counted).scalar_one())


_OUTLINES = text("""
    SELECT number, ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box)
    FROM (
        SELECT number, ST_Extent(polygon) AS box
        FROM unnest(CAST(:editions AS integer[])) AS number
        JOIN area_version ON parent_id IS NULL AND editions @> number
        GROUP BY number
    ) AS outline
""")


def read_extent(session: Session, layer: Layer) -> tuple[float, float, float, float] | None:
    """Return west, south, east, north in degrees; None where the layer is empty."""
    box = func.ST_Extent(layer.geometry)
    extent = select(box.label("box")).select_from(layer.source).where(*layer.where).subquery()
    sides = (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)
    west, south, east, north = session.execute(select(*(side(extent.c.box) for side in sides))).one()
    return None if west is None else (west, south, east, north)


def read_outlines(session: Session, editions: Collection[int]) -> dict[int, tuple[float, float, float, float]]:
    """Return west, south, east, north in degrees of all that editions hold: of the areas that lie in no other."""
    found = session.execute(_OUTLINES, {"editions": list(editions)})
    return {number: (west, south, east, north) for number, west, south, east, north in found}


def meets_box(layer: Layer, box: Sequence[float], frame: Frame) -> ColumnElement[bool]:
    """Return the condition that a feature meets a box (x, y of two corners, east before north, in the frame's CRS).

    In degrees a box whose west is greater than its east goes over the antimeridian.
    """
    west, south, east, north = box
    if frame.srid == WGS84 and west > east:
        parts = (_box(west, south, 180.0, north, frame), _box(-180.0, south, east, north, frame))
        return func.ST_Intersects(layer.geometry, parts[0]) | func.ST_Intersects(layer.geometry, parts[1])
    return and_(func.ST_Intersects(layer.geometry, _box(west, south, east, north, frame)))


def _box(west: Any, south: Any, east: Any, north: Any, frame: Frame) -> ColumnElement[Any]:
    envelope = func.ST_MakeEnvelope(west, south, east, north, frame.srid)
    return envelope if frame.srid == WGS84 else func.ST_Transform(envelope, WGS84)


def _feature(columns: Any, layer: Layer, frame: Frame) -> ColumnElement[str]:
    shape = columns.geometry
    if frame.srid != WGS84:
        shape = func.ST_Transform(shape, frame.srid)
    if frame.flipped:
        shape = func.ST_FlipCoordinates(shape)
    parts: list[Any] = ['{"type":"Feature","id":', _json(columns.key), ',"geometry":']
    parts += [func.coalesce(func.ST_AsGeoJSON(shape, frame.digits, 0), "null"), ',"properties":{']
    for number, name in enumerate(layer.properties):
        parts += [("," if number else "") + json.dumps(name, ensure_ascii=False) + ":", _json(columns[f"p_{name}"])]
    parts.append("}}")
    return func.concat(*(literal(part) if isinstance(part, str) else part for part in parts), type_=Text)


def _json(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(cast(func.to_json(column, type_=JSON), Text), literal("null"))


_IN_FORCE = """
    SELECT city.epoch, city.ground_serial,
           (SELECT number FROM edition WHERE in_force @> now() ORDER BY number DESC LIMIT 1) AS number
    FROM city_state AS city
"""
_IN_FORCE_BY_SESSION = text(_IN_FORCE)


@dataclass(frozen=True, slots=True)
class EditionInForce:
    """Which life of the city this is, how often its editions changed, and which is in force (None: none ever)."""

    epoch: str
    serial: int
    edition: int | None


def read_standing(session: Session) -> EditionInForce:
    """Return what every answer about the ground depends on."""
    epoch, serial, number = session.execute(_IN_FORCE_BY_SESSION).one()
    return EditionInForce(str(epoch)[:8], serial, number)


def read_standing_at_once(reader: psycopg.Connection[Any]) -> EditionInForce:
    """Return the same by the driver itself. Raises psycopg's errors."""
    cursor = psycopg.RawCursor(reader)
    epoch, serial, number = cursor.execute(_IN_FORCE).fetchone() or ("", 0, None)
    return EditionInForce(str(epoch)[:8], serial, number)


@dataclass(frozen=True, slots=True)
class KindName:
    """A kind of area by code and names."""

    code: str
    name_zh: str
    name_en: str


def read_kinds(session: Session) -> list[KindName]:
    """Return the kinds that have areas, the highest first."""
    rows = session.execute(
        text("""
            SELECT code, name_zh, name_en FROM area_kind
            WHERE EXISTS (SELECT FROM area WHERE area.kind = area_kind.code) ORDER BY rank, code
        """)
    )
    return [KindName(*row) for row in rows]


def read_editions(session: Session, most: int) -> list[tuple[int, str]]:
    """Return number and name of the newest editions, the newest first."""
    rows = session.execute(text("SELECT number, name FROM edition ORDER BY number DESC LIMIT :most"), {"most": most})
    return [(number, name) for number, name in rows]
