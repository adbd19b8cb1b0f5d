"""GeoJSON geometries to valid shapes, and mending what files hold.

Owns the strict reading of what people and programs draw (nothing is mended there: the author is told what is wrong and
where), and the mending of what files hold (nothing is mended silently: every fault is listed with its place). Must not
know files or databases. Coordinates are lon, lat in EPSG:4326; a third coordinate is dropped.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, cast

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

from geo.errors import InvalidCoordinate, InvalidShape
from geo.geometry.datum import UNITS_PER_DEGREE
from geo.geometry.tangle import tangled_at

Severity = Literal["error", "warning", "note"]
FaultCode = Literal[
    "unclosed-ring",
    "too-few-points",
    "repeated-points",
    "self-crossing",
    "spike",
    "hole-outside",
    "nested-holes",
    "disconnected",
    "nested-parts",
    "duplicate-rings",
    "zero-area-part",
    "area-changed",
    "invalid",
]
Shape = Polygon | MultiPolygon | LineString | Point

MOST_POINTS: Final = 2_000_000
WIDEST_DEG: Final = 180.0

_MOST_PLACES: Final = 50
_LEAST_AREA_CHANGE: Final = 1e-9
_REASON: Final = re.compile(r"(?P<reason>[^\[]+)(?:\[(?P<x>\S+) (?P<y>\S+)\])?")
_REASONS: Final[Mapping[str, FaultCode]] = MappingProxyType(
    {
        "Self-intersection": "self-crossing",
        "Ring Self-intersection": "self-crossing",
        "Hole lies outside shell": "hole-outside",
        "Holes are nested": "nested-holes",
        "Interior is disconnected": "disconnected",
        "Nested shells": "nested-parts",
        "Duplicate Rings": "duplicate-rings",
        "Too few points in geometry component": "too-few-points",
    }
)
_DEPTHS: Final = MappingProxyType({"Point": 0, "LineString": 1, "Polygon": 2, "MultiPolygon": 3})
_LEAST_POSITIONS: Final = MappingProxyType({"LineString": 2, "Polygon": 4, "MultiPolygon": 4})


@dataclass(frozen=True)
class Fault:
    """Something wrong with a shape, and where on the ground (None where it has no place).

    `detail` holds what a text about it needs: counts, areas in square metres, names.
    """

    code: str
    severity: Severity
    lon: float | None = None
    lat: float | None = None
    detail: Mapping[str, object] = field(default_factory=dict)


def polygon_of(value: object, *, feature: int | None = None) -> Polygon | MultiPolygon:
    """Read a GeoJSON Polygon or MultiPolygon; shells come back counter-clockwise. Errors as `shape_of`."""
    return cast("Polygon | MultiPolygon", shape_of(value, ("Polygon", "MultiPolygon"), feature=feature))


def point_of(value: object) -> Point:
    """Read a GeoJSON Point. Errors as `shape_of`."""
    return cast("Point", shape_of(value, ("Point",)))


def line_of(value: object) -> LineString:
    """Read a GeoJSON LineString. Errors as `shape_of`."""
    return cast("LineString", shape_of(value, ("LineString",)))


def shape_of(value: object, kinds: tuple[str, ...], *, feature: int | None = None) -> Shape:
    """Read a GeoJSON geometry (RFC 7946) of one of the kinds Point, LineString, Polygon, MultiPolygon.

    Raises InvalidShape (with the place, and `feature` as given) and InvalidCoordinate (with the field's path). What
    comes back is valid: a polygon crosses and touches itself nowhere but in points, and has an area.
    """
    kind, coordinates = _kind_and_coordinates(value, kinds, feature)
    _require_positions(coordinates, kind, feature)
    match kind:
        case "Point":
            shape: Shape = Point(coordinates[:2])
        case "LineString":
            shape = LineString([position[:2] for position in coordinates])
        case "Polygon":
            shape = _polygon(coordinates)
        case _:
            shape = MultiPolygon([_polygon(rings) for rings in coordinates])
    _require_valid(shape, feature)
    return shapely.orient_polygons(shape)


def repair(geometry: BaseGeometry) -> tuple[Polygon | MultiPolygon, list[Fault]]:
    """Mend a Polygon or MultiPolygon, and list what was wrong.

    By the structure method of GEOS (parts and holes keep their meaning), shells counter-clockwise, parts without area
    dropped, elevation dropped. Raises InvalidShape for another type, and when no area is left.
    """
    if not isinstance(geometry, Polygon | MultiPolygon):
        raise InvalidShape("wrong-type")
    flat = shapely.force_2d(geometry)
    faults = list(_ring_faults(flat))
    faults += _part_faults(flat, explained={fault.code for fault in faults})
    try:
        mended = shapely.make_valid(_with_extent(flat), method="structure", keep_collapsed=False)
    except shapely.errors.GEOSException as error:
        raise InvalidShape("invalid", *_somewhere(flat)) from error
    parts = [part for part in shapely.get_parts(mended) if isinstance(part, Polygon) and part.area > 0]
    if not parts:
        raise InvalidShape("zero-area", *_somewhere(flat))
    whole = parts[0] if len(parts) == 1 else MultiPolygon(parts)
    if not whole.is_valid:
        # The structure method may leave two parts side by side that share an edge.
        whole = cast("Polygon | MultiPolygon", shapely.union_all(parts))
    if faults:
        faults += _area_fault(flat, whole)
    return shapely.orient_polygons(shapely.remove_repeated_points(whole)), faults


def _with_extent(geometry: BaseGeometry) -> BaseGeometry:
    """Without rings that lie in a point or on a line along an axis, over which GEOS stumbles (GEOSException)."""
    parts = []
    for part in shapely.get_parts(geometry):
        shell, *holes = (ring for ring in shapely.get_rings(part))
        if shapely.area(shapely.envelope(shell)) > 0:
            parts.append(Polygon(shell, [hole for hole in holes if shapely.area(shapely.envelope(hole)) > 0]))
    return MultiPolygon(parts)


def in_units(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Polygons in degrees to polygons in whole units of 1e-8 degree, without height.

    Vertices are rounded one by one, so that neighbours keep sharing theirs. What rounding (or its author) made invalid
    is mended, by the structure method and snap rounding.
    """
    units = shapely.transform(shapely.force_2d(geometries), lambda degrees: np.rint(degrees * UNITS_PER_DEGREE))
    broken = ~shapely.is_valid(units)
    if broken.any():
        units[broken] = _snap_rounded(units[broken])
    return np.asarray(units, dtype=object)


def in_degrees(units: NDArray[np.object_]) -> NDArray[np.object_]:
    """Valid geometries in units to valid ones in degrees; `in_units` of them is what they are here.

    A polygon that is valid in whole units, because a vertex lies exactly on one of its edges, may not be so in degrees,
    which are not exact: there, snap rounding gives the edge that vertex.
    """
    whole = shapely.transform(units, np.rint)
    degrees = shapely.transform(whole, lambda position: position / UNITS_PER_DEGREE)
    broken = ~shapely.is_valid(degrees)
    if broken.any():
        degrees[broken] = shapely.transform(_snap_rounded(whole[broken]), lambda position: position / UNITS_PER_DEGREE)
    return np.asarray(degrees, dtype=object)


def _snap_rounded(units: NDArray[np.object_]) -> NDArray[np.object_]:
    extended = np.array([_with_extent(each) for each in units], dtype=object)
    mended = shapely.make_valid(extended, method="structure", keep_collapsed=False)
    return np.asarray(shapely.set_precision(mended, 1.0), dtype=object)


def is_flat(geometry: BaseGeometry) -> bool:
    """Whether a polygon covers no ground at all, whatever else is wrong with it."""
    if shapely.is_valid(geometry):
        return not shapely.area(geometry) > 0
    # What crosses itself without end covers some ground; all its crossings are not computed to find that.
    return tangled_at([geometry]) is None and not shapely.make_valid(geometry).area > 0


def validity_fault(geometry: BaseGeometry) -> tuple[FaultCode, float | None, float | None] | None:
    """What GEOS finds wrong first, with lon and lat; None for a valid geometry."""
    if shapely.is_valid(geometry):
        return None
    found = _REASON.match(str(shapely.is_valid_reason(geometry)))
    if found is None:
        return "invalid", None, None
    lon, lat = (None if found[name] is None else float(found[name]) for name in ("x", "y"))
    return _REASONS.get(found["reason"], "invalid"), lon, lat


def _kind_and_coordinates(value: object, kinds: tuple[str, ...], feature: int | None) -> tuple[str, list[Any]]:
    if not isinstance(value, Mapping):
        raise InvalidShape("not-an-object", feature=feature)
    kind, coordinates = value.get("type"), value.get("coordinates")
    if not isinstance(kind, str) or kind not in kinds:
        raise InvalidShape("wrong-type", feature=feature, path="type")
    if not isinstance(coordinates, list | tuple):
        raise InvalidShape("no-coordinates", feature=feature, path="coordinates")
    if not coordinates:
        raise InvalidShape("empty", feature=feature, path="coordinates")
    return kind, list(coordinates)


def _require_positions(coordinates: list[Any], kind: str, feature: int | None) -> None:
    """Require rings and lines of positions on earth, closed and long enough."""
    points = 0
    for line, path in _lines(coordinates, _DEPTHS[kind], "coordinates", feature):
        for index, position in enumerate(line):
            _require_position(position, f"{path}[{index}]" if kind != "Point" else path, feature)
        points += len(line)
        if points > MOST_POINTS:
            raise InvalidShape("too-many-points", feature=feature)
        if kind != "Point":
            _require_line(line, path, kind, feature)


def _lines(value: object, depth: int, path: str, feature: int | None) -> Iterator[tuple[list[list[float]], str]]:
    """The lists of positions in nested coordinates, with their paths."""
    if not isinstance(value, list | tuple) or not value:
        raise InvalidShape("not-a-position" if depth == 0 else "empty", feature=feature, path=path)
    if depth == 0:
        yield [list(value)], path
    elif depth == 1:
        yield list(value), path
    else:
        for index, inner in enumerate(value):
            yield from _lines(inner, depth - 1, f"{path}[{index}]", feature)


def _require_position(position: object, path: str, feature: int | None) -> None:
    if not isinstance(position, list | tuple) or not 2 <= len(position) <= 4:  # noqa: PLR2004 - height and measure too
        raise InvalidShape("not-a-position", feature=feature, path=path)
    for number, axis in zip(position, ("lon", "lat"), strict=False):
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise InvalidCoordinate(f"{path}.{axis}", number, "not-a-number")
        if isinstance(number, float) and not math.isfinite(number):
            raise InvalidCoordinate(f"{path}.{axis}", number, "not-finite")
    lon, lat = position[:2]
    if abs(lon) > 180 or abs(lat) > 90:  # noqa: PLR2004 - degrees
        swapped = abs(lon) <= 90 and abs(lat) <= 180  # noqa: PLR2004 - degrees
        field = "lat" if abs(lat) > 90 else "lon"  # noqa: PLR2004 - degrees
        raise InvalidCoordinate(
            f"{path}.{field}", lat if field == "lat" else lon, "swapped" if swapped else "out-of-range"
        )


def _require_line(line: list[list[float]], path: str, kind: str, feature: int | None) -> None:
    lon, lat = line[0][:2]
    if len(line) < _LEAST_POSITIONS[kind]:
        raise InvalidShape("too-few-points", lon, lat, feature=feature, path=path)
    if kind != "LineString" and line[0][:2] != line[-1][:2]:
        raise InvalidShape("unclosed-ring", *line[-1][:2], feature=feature, path=path)


def _polygon(rings: Any) -> Polygon:
    shell, *holes = [[position[:2] for position in ring] for ring in rings]
    return Polygon(shell, holes)


def _require_valid(shape: Shape, feature: int | None) -> None:
    west, _, east, _ = shape.bounds
    if east - west > WIDEST_DEG:
        raise InvalidShape("round-the-world", *_somewhere(shape), feature=feature)
    fault = validity_fault(shape)
    if fault is not None:
        raise InvalidShape(*fault, feature=feature)
    if shape.geom_type in ("Polygon", "MultiPolygon") and not shape.area > 0:
        raise InvalidShape("zero-area", *_somewhere(shape), feature=feature)


def _somewhere(geometry: BaseGeometry) -> tuple[float | None, float | None]:
    """The first vertex, for a fault that is everywhere in a geometry."""
    positions = shapely.get_coordinates(geometry)
    return (float(positions[0][0]), float(positions[0][1])) if len(positions) else (None, None)


def _ring_faults(geometry: Polygon | MultiPolygon) -> Iterator[Fault]:
    """What is wrong with single rings: repeated points, crossings, spikes."""
    rings = shapely.get_rings(shapely.get_parts(geometry))
    again = [position for ring in rings for position in _repeated_points(ring)]
    if again:
        yield Fault("repeated-points", "note", *again[0], {"count": len(again)})
    crossings, tips = [], []
    for ring in () if shapely.is_valid(geometry) else rings:
        if not shapely.is_simple(ring):
            ends = _ends(ring)
            crossings += [place for place, pieces in ends.items() if pieces > 2]  # noqa: PLR2004 - in and out
            tips += [place for place, pieces in ends.items() if pieces == 1]
    yield from _placed("self-crossing", crossings)
    yield from _placed("spike", tips)


def _repeated_points(ring: BaseGeometry) -> list[tuple[float, float]]:
    positions = shapely.get_coordinates(ring)
    return [(float(lon), float(lat)) for lon, lat in positions[1:][(positions[1:] == positions[:-1]).all(axis=1)]]


def _ends(ring: BaseGeometry) -> Counter[tuple[float, float]]:
    """Where the pieces end that a ring falls into when it is cut wherever it meets itself, and how many do there.

    The first vertex of a ring that meets itself elsewhere is such an end too, of two pieces.
    """
    ends: Counter[tuple[float, float]] = Counter()
    for piece in shapely.get_parts(shapely.node(LineString(ring.coords))):
        positions = shapely.get_coordinates(piece)
        ends.update((float(lon), float(lat)) for lon, lat in (positions[0], positions[-1]))
    return ends


def _placed(code: FaultCode, places: list[tuple[float, float]]) -> Iterator[Fault]:
    """One fault a place, as many as a person may want to look at; the last one says how many more there are."""
    for place in places[:_MOST_PLACES]:
        yield Fault(code, "error", *place)
    if len(places) > _MOST_PLACES:
        yield Fault(code, "error", *places[_MOST_PLACES], {"more": len(places) - _MOST_PLACES})


def _part_faults(geometry: Polygon | MultiPolygon, explained: set[str]) -> Iterator[Fault]:
    """What is wrong between rings, and with parts that have no area."""
    fault = validity_fault(geometry)
    if fault is not None and fault[0] not in explained:
        yield Fault(fault[0], "error", *fault[1:])
    for part in shapely.get_parts(geometry):
        if not _area(part) > 0:
            yield Fault("zero-area-part", "warning", *_somewhere(part))


def _area(geometry: BaseGeometry) -> float:
    """The area as a map shows it: what is inside an odd number of rings."""
    return geometry.area if shapely.is_valid(geometry) else float(shapely.make_valid(_with_extent(geometry)).area)


def _area_fault(before: BaseGeometry, after: BaseGeometry) -> Iterator[Fault]:
    """How much mending changed the area; it is what a person needs to judge the mending by."""
    change = (after.area - _area(before)) / after.area
    if abs(change) > _LEAST_AREA_CHANGE:
        place = after.representative_point()
        yield Fault("area-changed", "warning", place.x, place.y, {"percent": round(100 * change, 6)})
