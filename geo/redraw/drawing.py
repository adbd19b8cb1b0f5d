"""What people draw: lines and polygons, checked and brought to whole units of 1e-8 degree.

Owns refusing what cannot be meant, with its place on the ground, and letting the ends of a line reach the border that
they were drawn to. Nothing else is mended. Must not know the areas that are redrawn.
"""

import math
from collections.abc import Iterable
from typing import Final

import numpy as np
import shapely
from shapely import LineString, MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

from geo.errors import InvalidCoordinate, InvalidShape
from geo.geometry.datum import UNITS_PER_DEGREE
from geo.geometry.shapes import MOST_POINTS, WIDEST_DEG, is_flat, validity_fault
from geo.geometry.tangle import first_crossing, require_untangled
from geo.redraw.errors import LineAlongBorder, LineCrossesItself, LineEndsInside
from geo.redraw.layer import GAP_UNITS, Ground, place, to_units

MOST_LINE_POINTS: Final = 20_000
"""A line is drawn by hand, or follows a road; areas may have more."""
REACH_UNITS: Final = 100.0
"""An end within this (a decimetre) of the border was meant to be on it."""
_BEYOND_UNITS: Final = 2.0
_ALONG_UNITS: Final = 1.5
_MARGIN_UNITS: Final = 4.0
_LEAST_POINTS: Final = 2


def line_in_units(line: LineString, borders: Iterable[BaseGeometry] = ()) -> LineString:
    """A drawn line (lon, lat) in whole units; ``borders`` (areas or lines, units) are what it will be joined with.

    Raises InvalidCoordinate, InvalidShape (too few or too many points, repeated points, round the world, tangled with
    the borders) and LineCrossesItself.
    """
    if not isinstance(line, LineString):
        raise InvalidShape("wrong-type")
    if shapely.get_num_points(line) > MOST_LINE_POINTS:
        raise InvalidShape("too-many-points")
    _require_on_earth(line, "line")
    units = shapely.transform(shapely.force_2d(line), lambda degrees: np.rint(degrees * UNITS_PER_DEGREE))
    if len(units.coords) < _LEAST_POINTS:
        raise InvalidShape("too-few-points")
    _require_no_repetition(units)
    if not units.is_simple:
        raise LineCrossesItself(*place(first_crossing(units)))
    require_untangled([units], borders)
    return units


def lines_in_units(lines: Iterable[LineString], borders: Iterable[BaseGeometry]) -> list[LineString]:
    """Several drawn lines that may meet each other, as `line_in_units`."""
    units = [line_in_units(line) for line in lines]
    require_untangled(units, borders)
    return units


def polygon_in_units(polygon: Ground, feature: int | None = None) -> Ground:
    """A drawn polygon (lon, lat) in whole units, shells counter-clockwise.

    Raises InvalidCoordinate and InvalidShape: empty, repeated points, zero area, a ring that touches or crosses itself
    (bow-tie), holes outside or nested, round the world. `feature` is its number among several.
    """
    if not isinstance(polygon, Polygon | MultiPolygon):
        raise InvalidShape("wrong-type", feature=feature)
    if polygon.is_empty:
        raise InvalidShape("empty", feature=feature)
    _require_on_earth(polygon, "polygon")
    for ring in shapely.get_rings(shapely.get_parts(polygon)):
        _require_no_repetition(shapely.transform(ring, lambda degrees: np.rint(degrees * UNITS_PER_DEGREE)), feature)
    drawn = polygon
    if is_flat(drawn):
        raise InvalidShape("zero-area", *_first(drawn), feature=feature)
    fault = validity_fault(drawn)
    if fault is not None:
        raise InvalidShape(*fault, feature=feature)
    units: Ground = to_units([drawn])[0]
    if not units.area > 0:
        raise InvalidShape("zero-area", *_first(drawn), feature=feature)
    return units


def reaching(line: LineString, within: Ground, border: BaseGeometry) -> LineString:
    """A line (units) whose ends that all but reach a border do so, by a unit or two more.

    Raises LineEndsInside where an end stays inside `within`.
    """
    points = list(line.coords)
    points = _reached(points[::-1], within, border)
    points = _reached(points[::-1], within, border)
    return LineString(points)


def clipped(line: LineString, within: Ground) -> BaseGeometry:
    """What of a line is in an area, and a few units more."""
    return shapely.intersection(line, shapely.buffer(within, _MARGIN_UNITS))


def require_not_along(line: LineString, border: BaseGeometry) -> None:
    """Raise LineAlongBorder where a line runs on a border for a metre or more."""
    beside = shapely.intersection(line, shapely.buffer(border, _ALONG_UNITS, cap_style="flat"))
    for stretch in shapely.get_parts(shapely.line_merge(beside)):
        if stretch.length >= GAP_UNITS:
            raise LineAlongBorder(*place(stretch.interpolate(0.5, normalized=True)))


def _reached(points: list[tuple[float, ...]], within: Ground, border: BaseGeometry) -> list[tuple[float, ...]]:
    """The points of a line with its last end on the border."""
    end = Point(points[-1])
    if not shapely.contains_properly(within, end):
        return points
    foot = shapely.shortest_line(end, border).coords[-1]
    away = math.dist(points[-1], foot)
    if away == 0:
        return points
    if away > REACH_UNITS:
        raise LineEndsInside(*place(end))
    ahead = (away + _BEYOND_UNITS) / away
    return [*points, tuple(a + (b - a) * ahead for a, b in zip(points[-1], foot, strict=True))]


def _require_on_earth(shape: BaseGeometry, field: str) -> None:
    positions = shapely.get_coordinates(shape)
    if len(positions) > MOST_POINTS:
        raise InvalidShape("too-many-points")
    for axis, name, most in ((0, "lon", 180.0), (1, "lat", 90.0)):
        wrong = np.flatnonzero(~(np.abs(positions[:, axis]) <= most))
        if wrong.size:
            value = float(positions[wrong[0], axis])
            reason = "out-of-range" if math.isfinite(value) else "not-finite"
            raise InvalidCoordinate(f"{field}.{name}", value, reason, int(wrong[0]))
    west, _, east, _ = shape.bounds
    if east - west > WIDEST_DEG:
        raise InvalidShape("round-the-world", *_first(shape))


def _require_no_repetition(units: BaseGeometry, feature: int | None = None) -> None:
    positions = shapely.get_coordinates(units)
    again = np.flatnonzero((positions[1:] == positions[:-1]).all(axis=1))
    if again.size:
        raise InvalidShape("repeated-points", *place(Point(positions[again[0]])), feature=feature)


def _first(shape: BaseGeometry) -> tuple[float, float]:
    lon, lat = shapely.get_coordinates(shape)[0].tolist()
    return lon, lat
