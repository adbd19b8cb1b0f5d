"""The reference systems that features are asked for in, and the way coordinates are written in each.

Owns the list of them and the authority's axis order; knows no SQL.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cache

from pyproj import CRS, Transformer

from geo.serving.features import DEGREE_DIGITS, METRE_DIGITS, Frame

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
# Web Mercator turns any number back; more than twice round the earth is a mistake.
MOST_M = 1e8
_EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
# WGS-84, CGCS2000, Web Mercator, and CGCS2000 in three-degree zones with and without the zone in the easting.
_CODES = (4326, 4490, 3857, *range(4513, 4534), *range(4534, 4555))


@cache
def frames() -> Mapping[str, Frame]:
    """Return every reference system by its URI."""
    return {CRS84: Frame(), **{f"{_EPSG}{code}": _frame(code) for code in _CODES}}


def _frame(code: int) -> Frame:
    definition = CRS.from_epsg(code)
    flipped = definition.axis_info[0].direction == "north"
    return Frame(code, flipped, DEGREE_DIGITS if definition.is_geographic else METRE_DIGITS)


def is_on_earth(frame: Frame, box: Sequence[float]) -> bool:
    """Return whether all corners of a box (x, y of two, east before north, in the frame's CRS) have lon and lat."""
    west, south, east, north = box
    if max(map(abs, box)) > MOST_M:
        return False
    lons, lats = _to_degrees(frame.srid).transform((west, east, west, east), (south, south, north, north))
    return all(map(math.isfinite, (*lons, *lats)))


@cache
def _to_degrees(code: int) -> Transformer:
    return Transformer.from_crs(code, 4326, always_xy=True)


def frame_named(uri: str) -> Frame | None:
    """Return a reference system by URI (brackets and the short forms EPSG:n and URN are taken too); None if unknown."""
    named = uri.strip().removeprefix("[").removesuffix("]").strip("<>")
    if named.upper() in ("OGC:CRS84", "CRS84", "URN:OGC:DEF:CRS:OGC:1.3:CRS84", "URN:OGC:DEF:CRS:OGC::CRS84"):
        named = CRS84
    for short in ("EPSG:", "urn:ogc:def:crs:EPSG::"):
        if named.startswith(short):
            named = _EPSG + named.removeprefix(short)
    return frames().get(named)
