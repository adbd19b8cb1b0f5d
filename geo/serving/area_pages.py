"""The areas of one edition, page by page, as maps ask for them: all or those in a box, as finished GeoJSON text.

Owns one statement and what it costs. It answers as ``geo.serving.features`` does, which answers everything else; knows
nothing of requests or of who asks. The driver is spoken to itself, and text stays the bytes that came.

The edition is written into the statement: PostgreSQL keeps a plan for it that is made without knowing the box, and
would guess of an unknown edition that it holds next to nothing, where it holds nearly all. Rows are cut to a page
before they are numbered and written, so that a box over half a city sorts no more than it shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import psycopg
from psycopg.types.numeric import Float8, Int4

from geo.serving.features import WGS84, FeaturePage, Frame

Sides = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class AreaQuestion:
    """The areas of an edition, of one kind or (None) of all, written in ``frame``. ``box``: the frame of a box."""

    edition: int
    kind: str | None
    frame: Frame
    box: Frame | None = None


def read_area_page(
    reader: psycopg.Connection[Any], asked: AreaQuestion, box: Sequence[float], *, after: int | None, limit: int
) -> FeaturePage:
    """Return the areas after a key, in the order of their keys. Raises psycopg's errors.

    ``box``: x, y of two corners in its frame, east before north, not over the antimeridian; () where there is none.
    """
    begun = [] if after is None else [Int4(after)]
    features, returned, last, more = _ask(
        reader, _page(asked, is_first=after is None), [*_given(asked, box), Int4(limit), *begun]
    )
    return FeaturePage(features or b"", int(returned or 0), None if last is None else last.decode(), more == b"t")


def count_areas(reader: psycopg.Connection[Any], asked: AreaQuestion, box: Sequence[float]) -> int:
    """Return how many areas there are in all, before any key. Raises psycopg's errors."""
    return int(_ask(reader, _count(asked), _given(asked, box))[0] or 0)


def read_area_extent(reader: psycopg.Connection[Any], edition: int, kind: str | None) -> Sides | None:
    """Return west, south, east and north of all areas, in degrees; None where there are none. Raises psycopg's errors.

    It is as long as reading them all: for whoever keeps it.
    """
    asked = AreaQuestion(edition, kind, Frame())
    west, south, east, north = _ask(reader, _extent(asked), _given(asked, ()))
    if west is None or south is None or east is None or north is None:
        return None
    return float(west), float(south), float(east), float(north)


def _given(asked: AreaQuestion, box: Sequence[float]) -> list[Any]:
    return [*map(Float8, box), *([] if asked.kind is None else [asked.kind])]


def _ask(reader: psycopg.Connection[Any], statement: str, given: Sequence[Any]) -> list[bytes | None]:
    """Return the columns of the one row as PostgreSQL writes them: decoding a page costs as much as reading it."""
    cursor = psycopg.RawCursor(reader)
    cursor.execute(statement, given)
    result = cursor.pgresult
    return [] if result is None else [result.get_value(0, column) for column in range(result.nfields)]


def _found(asked: AreaQuestion) -> tuple[str, int]:
    """Return what areas are looked for by, and the number of the next parameter."""
    of_box = "" if asked.box is None else f"AND ST_Intersects(version.polygon, {_box(asked.box)})"
    taken = 0 if asked.box is None else _SIDES
    of_kind = "" if asked.kind is None else f"AND area.kind = ${taken + 1}::text"
    found = f"""
        FROM area_version AS version JOIN area ON area.id = version.area_id
        WHERE version.editions @> {int(asked.edition)} {of_box} {of_kind}
    """
    return found, taken + 1 + (asked.kind is not None)


_SIDES: Final = 4


def _box(frame: Frame) -> str:
    envelope = f"ST_MakeEnvelope($1::float8, $2::float8, $3::float8, $4::float8, {frame.srid})"
    return envelope if frame.srid == WGS84 else f"ST_Transform({envelope}, {WGS84})"


@lru_cache(maxsize=512)
def _count(asked: AreaQuestion) -> str:
    return f"SELECT count(*) {_found(asked)[0]}"


@lru_cache(maxsize=512)
def _extent(asked: AreaQuestion) -> str:
    return f"""
        SELECT ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box)
        FROM (SELECT ST_Extent(version.polygon) AS box {_found(asked)[0]}) AS extent
    """  # noqa: S608  # written here alone


@lru_cache(maxsize=512)
def _page(asked: AreaQuestion, *, is_first: bool) -> str:
    """Return the statement of one page. It finds one more than are shown, and so knows whether there are more."""
    found, number = _found(asked)
    limit, beyond = f"${number}::int", "" if is_first else f"AND area.id > ${number + 1}::int"
    return f"""
        SELECT string_agg(feature, ',') FILTER (WHERE place <= {limit}), count(*) FILTER (WHERE place <= {limit}),
               max(id) FILTER (WHERE place = {limit}), count(*) > {limit}
        FROM (
            SELECT id, row_number() OVER (ORDER BY id) AS place, {_feature(asked.frame)} AS feature
            FROM (
                SELECT area.id, area.code, area.kind, version.name, version.parent_id, version.polygon {found} {beyond}
                ORDER BY area.id LIMIT {limit} + 1
            ) AS few
        ) AS page
    """  # noqa: S608  # written here alone


def _feature(frame: Frame) -> str:
    shape = "polygon" if frame.srid == WGS84 else f"ST_Transform(polygon, {frame.srid})"
    shape = f"ST_FlipCoordinates({shape})" if frame.flipped else shape
    return f"""
        '{{"type":"Feature","id":' || id || ',"geometry":' || ST_AsGeoJSON({shape}, {frame.digits}, 0)
        || ',"properties":{{"code":' || to_json(code) || ',"name":' || to_json(name) || ',"kind":' || to_json(kind)
        || ',"parent":' || coalesce((SELECT to_json(code)::text FROM area WHERE id = few.parent_id), 'null') || '}}}}'
    """  # noqa: S608  # written here alone
