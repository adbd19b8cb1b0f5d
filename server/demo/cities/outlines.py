"""The real outlines of a city's counties, as a file brings them, made into a coverage.

Owns leaving out crumbs (parts too small to hold a community), filling the holes that they leave, and the report of it.
Reading and mending is ``geo.files.reading``, cleaning ``geo.coverage.coverage``. Must not know what is laid out inside.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon

from geo.coverage.coverage import clean
from geo.geometry.shapes import in_degrees, in_units
from server.grids.imports.parse import Wanted, read_areas

Outline = Polygon | MultiPolygon
Say = Callable[[str], object]

_GAP_WIDTH_M: Final = 200.0
# Square degrees, about half a square kilometre.
_CRUMB: Final = 5e-5


def county_outlines(path: Path, say: Say) -> dict[str, Outline]:
    """Return code -> polygon (lon, lat, whole units of 1e-8 degree) of the counties of a file, which share vertices.

    Says what was wrong with the file. Raises ``GeoError`` for a file that cannot be read.
    """
    read = read_areas(Wanted(path, "county"))
    for line in read.summary:
        say(line)
    whole = [_without_crumbs(area.polygon) for area in read.areas]
    cleaned = list(clean(whole, _GAP_WIDTH_M).polygons) if len(whole) > 1 else whole
    filled = _filled([_without_crumbs(each) for each in cleaned])
    in_whole_units = in_degrees(in_units(np.array(filled, dtype=object)))
    return {area.code: polygon for area, polygon in zip(read.areas, in_whole_units, strict=True)}


def _without_crumbs(polygon: Outline) -> Outline:
    parts = [Polygon(part.exterior, _lakes(part)) for part in shapely.get_parts(polygon)]
    kept = [part for part in parts if part.area > _CRUMB] or [max(parts, key=lambda part: part.area)]
    return kept[0] if len(kept) == 1 else MultiPolygon(kept)


def _lakes(part: Polygon) -> list[shapely.LinearRing]:
    return [ring for ring in part.interiors if Polygon(ring).area > _CRUMB]


def _filled(counties: list[Outline]) -> list[Outline]:
    """Give each small hole between counties to the first that has a border on it."""
    for part in shapely.get_parts(shapely.coverage_union_all(counties)):
        for ring in part.interiors:
            hole = Polygon(ring)
            if hole.area > _CRUMB:
                continue
            shared = [shapely.length(shapely.intersection(ring, county.boundary)) for county in counties]
            taker = int(np.argmax(shared))
            counties[taker] = _joined(counties[taker], hole)
    return counties


def _joined(county: Outline, hole: Polygon) -> Outline:
    joined = shapely.coverage_union_all([county, hole])
    if not isinstance(joined, Polygon | MultiPolygon):
        raise TypeError(joined.geom_type)
    return joined
