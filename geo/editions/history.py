"""Editions as they were: which was in force when, what areas it had, what became of them, and the way back to one.

Owns reading ``edition``, ``area_version``, ``area_lineage`` and ``edition_fragment`` for people. Writes nothing; knows
nothing of records. Geometries leave as GeoJSON in lon, lat EPSG:4326 with 8 decimals, which is all that they have.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions.difference import NewArea
from geo.errors import NoSuchArea, UnknownEdition

_LAST_NUMBER: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class EditionFacts:
    """One edition. ``begins`` None: in force for all time before too; ``ends`` None: in force today."""

    number: int
    name: str
    note: str
    by: str
    published_at: dt.datetime
    begins: dt.datetime | None
    ends: dt.datetime | None


@dataclass(frozen=True, slots=True)
class AreasPage:
    """Areas as GeoJSON features (texts of JSON), in ascending code; ``after`` is where the next page begins."""

    features: Sequence[str]
    after: str | None


@dataclass(frozen=True, slots=True)
class Version:
    """What an area was from one edition to another (exclusive; None: it still is)."""

    edition: int
    until_edition: int | None
    name: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """What an edition made of an area. ``how``: see ``AreaLineage``; ``source`` and ``target`` are codes."""

    edition: int
    at: dt.datetime | None
    how: str
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """The life of an area."""

    uid: uuid.UUID
    code: str
    kind: str
    versions: Sequence[Version]
    events: Sequence[Event]


_NUMBER_AT = text("""
    SELECT coalesce(max(number) FILTER (WHERE lower_inf(in_force) OR lower(in_force) <= :at), min(number)) FROM edition
""")
_EDITIONS = """
    SELECT number, name, note, published_by, published_at, lower(in_force), upper(in_force) FROM edition
"""


def editions(session: Session, *, limit: int, before: int | None = None) -> list[EditionFacts]:
    """Return editions, the newest first; ``before``: only those of lower numbers."""
    listed = text(f"{_EDITIONS} WHERE number < :before ORDER BY number DESC LIMIT :limit")  # our own
    before = _LAST_NUMBER if before is None else before
    return [EditionFacts(*row) for row in session.execute(listed, {"before": before, "limit": limit})]


def edition(session: Session, number: int) -> EditionFacts:
    """Return one edition. Raises ``UnknownEdition``."""
    one = text(f"{_EDITIONS} WHERE number = :number")  # our own
    row = session.execute(one, {"number": number}).one_or_none() if 0 < number <= _LAST_NUMBER else None
    if row is None:
        raise UnknownEdition(number)
    return EditionFacts(*row)


def edition_at(session: Session, moment: dt.datetime) -> EditionFacts:
    """Return the edition in force at a moment (aware UTC); the first serves all times before it.

    Raises ``UnknownEdition`` where none was ever published.
    """
    number = session.scalar(_NUMBER_AT, {"at": moment})
    if number is None:
        raise UnknownEdition(0)
    return edition(session, number)


_AREAS = text("""
    SELECT area.code, json_build_object(
        'type', 'Feature', 'id', area.code, 'geometry', ST_AsGeoJSON(version.polygon, 8)::json,
        'properties', json_build_object('uid', area.uid, 'code', area.code, 'kind', area.kind, 'name', version.name,
            'parent', parent.code, 'since_edition', lower(version.editions)))::text
    FROM area_version AS version
    JOIN area ON area.id = version.area_id
    LEFT JOIN area AS parent ON parent.id = version.parent_id
    WHERE version.editions @> CAST(:number AS int) AND area.code > :after
        AND (CAST(:kind AS text) IS NULL OR area.kind = :kind)
        AND (CAST(:parent AS text) IS NULL OR parent.code = :parent)
    ORDER BY area.code LIMIT :limit
""")


def areas_page(
    session: Session, number: int, *, kind: str | None, parent: str | None, after: str, limit: int
) -> AreasPage:
    """Return a page of the areas of an edition, of one kind or below one parent where asked."""
    asked = {"number": number, "kind": kind, "parent": parent, "after": after, "limit": limit + 1}
    rows = session.execute(_AREAS, asked).all()
    return AreasPage([row[1] for row in rows[:limit]], rows[limit - 1][0] if len(rows) > limit else None)


_FRAGMENTS = text("""
    SELECT json_build_object(
        'type', 'Feature', 'geometry', ST_AsGeoJSON(polygon, 8)::json,
        'properties', json_build_object('from', came.code, 'to', went.code,
            'area_m2', round(ST_Area(polygon::geography)::numeric, 1)))::text
    FROM edition_fragment JOIN area AS came ON came.id = from_area_id LEFT JOIN area AS went ON went.id = to_area_id
    WHERE edition_number = :number ORDER BY came.code, went.code
""")


def fragments_of(session: Session, number: int) -> list[str]:
    """Return the ground that an edition took from areas, as GeoJSON features (texts of JSON)."""
    return list(session.scalars(_FRAGMENTS, {"number": number}))


_AREA = text("SELECT id, uid, code, kind FROM area WHERE code = :code")
_VERSIONS = text("""
    SELECT lower(editions), upper(editions), name, parent.code
    FROM area_version LEFT JOIN area AS parent ON parent.id = parent_id WHERE area_id = :id ORDER BY editions
""")
_EVENTS = text("""
    SELECT edition_number, lower(in_force), how, came.code, went.code
    FROM area_lineage JOIN edition ON number = edition_number
    JOIN area AS came ON came.id = from_area_id JOIN area AS went ON went.id = to_area_id
    WHERE from_area_id = :id OR to_area_id = :id ORDER BY edition_number, came.code, went.code, how
""")


def lineage(session: Session, code: str) -> Lineage:
    """Return the life of an area: what it was, what it came from and what became of it. Raises ``NoSuchArea``."""
    area: Any = session.execute(_AREA, {"code": code}).one_or_none()
    if area is None:
        raise NoSuchArea(code)
    versions = [Version(*row) for row in session.execute(_VERSIONS, {"id": area.id})]
    events = [Event(*row) for row in session.execute(_EVENTS, {"id": area.id})]
    return Lineage(area.uid, area.code, area.kind, versions, events)


_AS_IT_WAS = text("""
    SELECT area.code, area.kind, version.name, parent.code AS parent, ST_AsBinary(version.polygon) AS polygon
    FROM area_version AS version
    JOIN area ON area.id = version.area_id
    LEFT JOIN area AS parent ON parent.id = version.parent_id
    WHERE version.editions @> CAST(:number AS int) AND NOT upper_inf(version.editions)
    ORDER BY area.code
""")
_CAME_SINCE = text("""
    SELECT area.code FROM area_version AS version JOIN area ON area.id = version.area_id
    WHERE upper_inf(version.editions) AND lower(version.editions) > :number AND NOT EXISTS (
        SELECT FROM area_version AS older
        WHERE older.area_id = version.area_id AND older.editions @> CAST(:number AS int))
    ORDER BY area.code
""")


def way_back(session: Session, number: int) -> tuple[list[NewArea], list[str]]:
    """Return what must be published and retired for the ground to be as in an edition. Raises ``UnknownEdition``."""
    edition(session, number)
    rows = session.execute(_AS_IT_WAS, {"number": number})
    areas = [
        NewArea(row.code, row.kind, row.name, row.parent, _polygonal(shapely.from_wkb(bytes(row.polygon))))
        for row in rows
    ]
    return areas, list(session.scalars(_CAME_SINCE, {"number": number}))


def _polygonal(geometry: Any) -> shapely.MultiPolygon:
    polygon: shapely.MultiPolygon = geometry
    return polygon
