"""The reference systems that boundary files come in.

Owns telling which one a file is in, and the way from it to lon, lat in EPSG:4326. Must not know file formats. Taken
are WGS-84 and CGCS2000, geographic or projected (among them EPSG:4490; 4513-4533, Gauss-Kruger with the zone in the
easting; 4534-4554, the same without it), and whatever carries its own parameters to WGS-84. x is always east or
longitude, y north or latitude, as files have them, whatever order the authority names.
"""

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from pyproj.transformer import TransformerGroup

from geo.errors import CrsContradicted, CrsNeedsParameters, InvalidCoordinate, UnknownCrs

Bounds = tuple[float, float, float, float]
"""x and y of the lower left corner, then of the upper right."""

_SAME_DATUMS: Final = ("World Geodetic System 1984", "World Geodetic System 1984 ensemble", "China 2000")
_SECRET_DATUMS: Final = ("Xian 1980", "Beijing 1954", "New Beijing")
_LEAST_CONFIDENCE: Final = 20
_NEAR_M: Final = 10.0
_OVER_THE_EDGE_DEG: Final = 3.0
"""How far beyond its own area a projection is commonly used: a county does not end where a zone does."""

_CHINA_LON: Final = (72.0, 138.0)
_CHINA_LAT: Final = (3.0, 55.0)
_ZONE: Final = 1_000_000.0
_EASTINGS: Final = (100_000.0, 900_000.0)
_NORTHINGS: Final = (300_000.0, 6_200_000.0)


@dataclass(frozen=True)
class FileCrs:
    """The reference system of a file. `assumed`: the file did not name it, the coordinates did.

    `accuracy_m`: how near the way to WGS-84 comes, where that is not exact.
    """

    name: str
    definition: CRS
    assumed: bool = False
    accuracy_m: float | None = None

    def to_ground(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Convert x, y (shape (n, 2)) to lon, lat in EPSG:4326; infinite where there is no such place."""
        return np.stack(self._way.transform(positions[:, 0], positions[:, 1]), axis=1)

    @cached_property
    def _way(self) -> Transformer:
        # Finding the way costs as much as going it with thousands of points.
        return Transformer.from_crs(self.definition, CRS.from_epsg(4326), always_xy=True)


def crs_named(text: str, *, nearly: bool = False) -> FileCrs:
    """Read a reference system: "EPSG:4547", "4547", WKT or PROJ.

    `nearly`: also one whose public way to WGS-84 is only near, to less than 10 m, as EPSG:5070 (NAD83, 4 m). Raises
    UnknownCrs, and CrsNeedsParameters for Xian 80 and Beijing 54 without parameters to WGS-84.
    """
    try:
        definition = CRS.from_user_input(int(text) if text.strip().isdigit() else text)
    except CRSError as error:
        raise UnknownCrs(text) from error
    name = _name(definition)
    datum = definition.datum or (definition.geodetic_crs.datum if definition.geodetic_crs else None)
    datum_name = datum.name if datum else ""
    if definition.is_bound or datum_name in _SAME_DATUMS:
        if definition.is_geocentric:
            raise UnknownCrs(name, "geocentric")
        return FileCrs(name, definition)
    if datum_name in _SECRET_DATUMS:
        raise CrsNeedsParameters(name, datum_name)
    accuracy_m = _accuracy_m(definition)
    if accuracy_m is None:
        raise UnknownCrs(name, "no-way-to-wgs84")
    if not nearly:
        raise UnknownCrs(name, "approximate")
    return FileCrs(name, definition, accuracy_m=accuracy_m)


def _accuracy_m(definition: CRS) -> float | None:
    """How near the best public way to WGS-84 comes; None where there is none, or it is not known to be near."""
    with warnings.catch_warnings():
        # That a better way would need a file from the network: we do not go there.
        warnings.simplefilter("ignore", UserWarning)
        ways = TransformerGroup(definition, CRS.from_epsg(4326), always_xy=True).transformers
    return next((way.accuracy for way in ways[:1] if 0 <= way.accuracy < _NEAR_M), None)


def crs_of_file(bounds: Bounds, *, declared: str | None, given: str | None) -> FileCrs:
    """Settle the reference system of a file: what a person gave, what the file declares, or a guess.

    `bounds` of its coordinates as `is_degrees` takes them. Raises what `crs_named` and `guess` raise, and
    CrsContradicted where the bounds cannot be of what was named.
    """
    text = given or declared
    if text is None:
        return guess(bounds)
    crs = crs_named(text, nearly=given is not None)
    if not _can_be_of(crs, bounds):
        raise CrsContradicted(crs.name, bounds[0], bounds[1], _suggestion(bounds))
    return crs


def is_degrees(bounds: Bounds) -> bool:
    """Whether the bounds (least x, least y, greatest x, greatest y) can be lon, lat in degrees."""
    return _within(bounds, (-180.0, 180.0), (-90.0, 90.0))


def guess(bounds: Bounds) -> FileCrs:
    """Tell the reference system from the bounds (as `is_degrees`) of coordinates alone.

    Degrees are taken as EPSG:4326, eastings with a zone as CGCS2000 in that zone. Raises InvalidCoordinate for degrees
    in China with latitude first, and UnknownCrs where the coordinates do not tell (eastings without a zone: of which
    meridian?).
    """
    west = bounds[0]
    if _within(bounds, _CHINA_LAT, _CHINA_LON):
        raise InvalidCoordinate("x", west, "swapped")
    if is_degrees(bounds):
        return FileCrs("EPSG:4326", CRS.from_epsg(4326), assumed=True)
    zone = int(west // _ZONE)
    eastings = (zone * _ZONE + _EASTINGS[0], zone * _ZONE + _EASTINGS[1])
    if _within(bounds, eastings, _NORTHINGS):
        first_zone, first_code = (25, 4513) if zone >= 25 else (13, 4491)  # noqa: PLR2004 - 3 and 6 degree zones
        if 13 <= zone <= 23 or 25 <= zone <= 45:  # noqa: PLR2004 - those that China has
            code = first_code + zone - first_zone
            return FileCrs(f"EPSG:{code}", CRS.from_epsg(code), assumed=True)
        if zone == 0:
            raise UnknownCrs(None, "meridian-not-told")
    raise UnknownCrs(None, "not-told")


def _name(definition: CRS) -> str:
    code = definition.to_epsg(min_confidence=_LEAST_CONFIDENCE)
    return f"EPSG:{code}" if code else str(definition.name)


def _within(bounds: Bounds, x: tuple[float, float], y: tuple[float, float]) -> bool:
    west, south, east, north = bounds
    return x[0] <= west and east <= x[1] and y[0] <= south and north <= y[1]


def _can_be_of(crs: FileCrs, bounds: Bounds) -> bool:
    corners = np.array([bounds[:2], bounds[2:]])
    if crs.definition.is_geographic:
        return is_degrees(bounds)
    ground = crs.to_ground(corners)
    if not np.isfinite(ground).all():
        return False
    area = crs.definition.area_of_use
    if area is None:
        return bool((np.abs(ground) <= (180.0, 90.0)).all())
    low, high = ground.min(axis=0), ground.max(axis=0)
    edge = _OVER_THE_EDGE_DEG
    west, south, east, north = area.west - edge, area.south - edge, area.east + edge, area.north + edge
    return bool((low >= (west, south)).all() and (high <= (east, north)).all())


def _suggestion(bounds: Bounds) -> str | None:
    try:
        return guess(bounds).name
    except (UnknownCrs, InvalidCoordinate):
        return None
