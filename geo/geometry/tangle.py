"""Lines that meet so often that joining them would take time and memory without end.

Owns counting where drawn lines meet each other and borders, up to a bound, and finding where a line first meets itself;
both without computing all the meetings. Two zigzags of some thousand points meet millions of times. Must not know what
lines are drawn for. Everything is in whole units of 1e-8 degree.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, Point
from shapely.geometry.base import BaseGeometry

from geo.errors import InvalidShape
from geo.geometry.datum import UNITS_PER_DEGREE

MOST_CROSSINGS: Final = 200_000
"""So many crossings are joined in a second or two."""
_BESIDE_EACH: Final = 20
"""Segments of borders have no more others beside them, in the mean: themselves, neighbours, and twins."""
_MOST_BESIDE: Final = 20_000_000
_AT_ONCE: Final = 1_000_000

_Edges = NDArray[np.float64]


def require_untangled(drawn: Sequence[BaseGeometry], beside: Iterable[BaseGeometry] = ()) -> None:
    """Raise InvalidShape ("tangled", with a place) where drawn lines or areas (units) cross too often; see below."""
    found = tangled_at(drawn, beside)
    if found is not None:
        raise InvalidShape("tangled", *(each / UNITS_PER_DEGREE for each in found))


def tangled_at(drawn: Sequence[BaseGeometry], beside: Iterable[BaseGeometry] = ()) -> tuple[float, float] | None:
    """Return a place where lines or areas cross each other, or the borders ``beside``, too often; None: they do not.

    What is there already may cross as it likes. Any unit will do; the place is in the same.
    """
    edges = _edges(drawn)
    if not len(edges):
        return None
    everything = np.concatenate([edges, _edges(list(beside))])
    tree = shapely.STRtree(_lines(everything))
    # In any order, so that what the next ones come to is as what the last ones came to, and memory is bounded.
    edges = np.random.default_rng().permutation(edges)
    start = near = crossings = 0
    step = max(1, _AT_ONCE // len(everything))
    while start < len(edges):
        one, other = tree.query(_lines(edges[start : start + step]))
        near += len(one)
        crossings += _crossings(edges[start + one], everything[other])
        if crossings > MOST_CROSSINGS or near > _MOST_BESIDE + _BESIDE_EACH * len(edges):
            x, y = edges[start, 0].tolist()
            return x, y
        start += step
        step = min(2 * step, max(1, _AT_ONCE * start // max(near, 1)))
    return None


def first_crossing(line: LineString) -> Point:
    """Return where a line that meets itself first does so, seen along it."""
    points = shapely.get_coordinates(line)
    # Up to `simple` points it does not meet itself; with `crossed` it does.
    simple, crossed = 2, len(points)
    while crossed - simple > 1:
        middle = (simple + crossed) // 2
        if LineString(points[:middle]).is_simple:
            simple = middle
        else:
            crossed = middle
    before, last = LineString(points[: crossed - 1]), LineString(points[crossed - 2 : crossed])
    met = shapely.difference(shapely.intersection(before, last), Point(points[crossed - 2]))
    return Point(shapely.get_coordinates(met)[0]) if not met.is_empty else Point(points[crossed - 2])


def _edges(shapes: Sequence[BaseGeometry]) -> _Edges:
    """The edges of lines and polygons: (n, 2, 2)."""
    parts = shapely.get_parts(np.array(shapes, dtype=object))
    areas = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    lines = np.concatenate([parts[~areas], shapely.get_rings(parts[areas])])
    points, line = shapely.get_coordinates(lines, return_index=True)
    same = line[1:] == line[:-1]
    return np.stack([points[:-1][same], points[1:][same]], axis=1)


def _lines(edges: _Edges) -> NDArray[np.object_]:
    return np.asarray(shapely.linestrings(edges), dtype=object) if len(edges) else np.empty(0, dtype=object)


def _crossings(one: _Edges, other: _Edges) -> int:
    """How many of these pairs of edges cross; those that touch, or run along each other, do not."""
    apart = _side(one, other[:, 0]) * _side(one, other[:, 1]) < 0
    return int(np.count_nonzero(apart & (_side(other, one[:, 0]) * _side(other, one[:, 1]) < 0)))


def _side(edge: _Edges, point: NDArray[np.float64]) -> NDArray[np.float64]:
    """On which side of edges points are: above 0 on the left."""
    along, aside = edge[:, 1] - edge[:, 0], point - edge[:, 0]
    side: NDArray[np.float64] = np.sign(along[:, 0] * aside[:, 1] - along[:, 1] * aside[:, 0])
    return side
