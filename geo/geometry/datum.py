"""Datums that phones and maps in China speak, and the integer grid that places are compared on.

Owns WGS-84, CGCS2000, GCJ-02 and BD-09, and quantising. Must not know files or databases; reference systems of
files are `geo.geometry.crs`.

CGCS2000 is taken as WGS-84: the two differ by centimetres, far below a phone's fix. GCJ-02 is the published
approximation that every open implementation shares (first seen in `eviltransform`), identity outside the rectangle
that it shares with them. BD-09 is Baidu's shift over GCJ-02. Both forward formulas are taken as exact, and inverted by
fixed-point iteration: the usual one-step inverse is off by up to 4.8 m, this one by less than 1e-9 degree (0.1 mm).
"""

from collections.abc import Callable
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.errors import InvalidCoordinate, UnknownDatum

Datum = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]
DATUMS: Final[tuple[Datum, ...]] = get_args(Datum)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Shift = Callable[[Floats, Floats], tuple[Floats, Floats]]

UNITS_PER_DEGREE: Final = 100_000_000
"""One unit of the integer grid is 1e-8 degree: 1.1 mm of latitude."""

# Krasovsky 1940, as the GCJ-02 formula has it.
_AXIS_M: Final = 6378245.0
_ECCENTRICITY_SQUARED: Final = 0.00669342162296594323
_CHINA: Final = (72.004, 0.8293, 137.8347, 55.8271)

_INVERSE_STEPS: Final = 12
_INVERSE_TOLERANCE_DEG: Final = 1e-11

_BD09_X: Final = np.pi * 3000.0 / 180.0


def known_datum(datum: str) -> Datum:
    """Return the datum, or raise UnknownDatum."""
    if datum not in DATUMS:
        raise UnknownDatum(datum, DATUMS)
    return datum


def to_wgs84(lon: ArrayLike, lat: ArrayLike, datum: str) -> tuple[Floats, Floats]:
    """Convert coordinates of a datum to WGS-84.

    `lon`, `lat`: degrees, any one shape; not-a-number stays so. Returns float64 arrays of that shape. Applying
    `from_wgs84` to the result gives the input back to less than 1 mm. Raises UnknownDatum.
    """
    known = known_datum(datum)
    x, y = _floats(lon, lat)
    if known == "gcj02":
        return _invert(_gcj02_of_wgs84, x, y)
    if known == "bd09":
        return _invert(_gcj02_of_wgs84, *_invert(_bd09_of_gcj02, x, y))
    return x, y


def from_wgs84(lon: ArrayLike, lat: ArrayLike, datum: str) -> tuple[Floats, Floats]:
    """Convert WGS-84 coordinates (degrees, any one shape) to a datum. Raises UnknownDatum."""
    known = known_datum(datum)
    x, y = _floats(lon, lat)
    if known == "gcj02":
        return _gcj02_of_wgs84(x, y)
    if known == "bd09":
        return _bd09_of_gcj02(*_gcj02_of_wgs84(x, y))
    return x, y


def quantise(lon: ArrayLike, lat: ArrayLike) -> tuple[Integers, Integers]:
    """Round degrees to integers of 1e-8 degree, ties to even: `rint(degrees * 1e8)` in IEEE double.

    Raises InvalidCoordinate for the first coordinate that is not finite or not on earth, with its index.
    """
    x, y = _floats(lon, lat)
    _require_on_earth("lon", x, 180.0)
    _require_on_earth("lat", y, 90.0)
    return np.rint(x * UNITS_PER_DEGREE).astype(np.int64), np.rint(y * UNITS_PER_DEGREE).astype(np.int64)


def dequantise(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    """Degrees of units. `quantise(*dequantise(x, y))` is `x, y`, exactly."""
    return np.asarray(x) / UNITS_PER_DEGREE, np.asarray(y) / UNITS_PER_DEGREE


def _floats(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)


def _require_on_earth(field: str, values: Floats, limit: float) -> None:
    on_earth = np.abs(values) <= limit
    if on_earth.all():
        return
    index = int(np.argmin(on_earth))
    value = float(values.reshape(-1)[index])
    raise InvalidCoordinate(field, value, "out-of-range" if np.isfinite(value) else "not-finite", index)


def _invert(forward: Shift, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Find `u, v` with `forward(u, v) == x, y`, by `u <- u + (x - forward(u))`.

    The shifts vary slowly (their derivative is below 0.03), so that each step gains two digits.
    """
    u, v = x, y
    for _ in range(_INVERSE_STEPS):
        forward_x, forward_y = forward(u, v)
        error_x, error_y = x - forward_x, y - forward_y
        u, v = u + error_x, v + error_y
        # Not-a-number compares as settled, so that one bad phone does not cost the batch all the steps.
        unsettled = (np.abs(error_x) > _INVERSE_TOLERANCE_DEG) | (np.abs(error_y) > _INVERSE_TOLERANCE_DEG)
        if not unsettled.any():
            break
    return u, v


def _gcj02_of_wgs84(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    west, south, east, north = _CHINA
    in_china = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    x, y = np.where(in_china, lon - 105.0, 0.0), np.where(in_china, lat - 35.0, 0.0)
    ripple = 20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)
    root = np.sqrt(np.abs(x))
    north_shift = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north_shift += (ripple + 20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    north_shift += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    east_shift = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east_shift += (ripple + 20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    east_shift += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    radians = np.radians(lat)
    flattening = 1.0 - _ECCENTRICITY_SQUARED * np.sin(radians) ** 2
    meridian_m = _AXIS_M * (1.0 - _ECCENTRICITY_SQUARED) / (flattening * np.sqrt(flattening))
    parallel_m = _AXIS_M / np.sqrt(flattening) * np.cos(radians)
    with np.errstate(divide="ignore", invalid="ignore"):  # at the poles, which are not in China
        shifted_lon = lon + np.degrees(east_shift / parallel_m)
        shifted_lat = lat + np.degrees(north_shift / meridian_m)
    return np.where(in_china, shifted_lon, lon), np.where(in_china, shifted_lat, lat)


def _bd09_of_gcj02(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD09_X)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD09_X)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006
