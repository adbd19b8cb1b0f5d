"""Sketches: what a map shows of areas at each zoom, with as few vertices as nobody sees the difference.

Owns how far a border may be simplified at which zoom, and doing it to a whole coverage at once: a border that two
areas share stays one line, so that no sliver shows between them at any zoom. Pure: must not know editions or the
database. Areas come in lon, lat EPSG:4326; sketches are in Web Mercator (EPSG:3857), x and y in metres of the equator.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

Geometries = NDArray[np.object_]
Zooms = tuple[int, int]

WORLD_M: Final = 40_075_016.685578488
"""Width of the tile of zoom 0, in metres of the equator."""
TILE_PX: Final = 512
"""Width of a tile on the screen."""
MAX_ZOOM: Final = 20
_MOST_NORTHERN: Final = 85.06
_BANDS: Final[tuple[Zooms, ...]] = ((14, MAX_ZOOM), (12, 13), (10, 11), (8, 9), (0, 7))
"""First and last zoom of each, the nearest first; the first is drawn as it is."""
_TOLERANCE_PX: Final = 0.5
_FAR_TOLERANCE_PX: Final = 1.0
"""At the last zoom of a band. From far away an area is a few pixels wide, and thousands are in one tile."""
_FAR_UNTIL_ZOOM: Final = 9


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is drawn of one area. ``shapes``: first and last zoom, and a MultiPolygon in WKB; the nearest zooms first.

    ``label``: a point inside, in WKB. ``across_m``: the side of a square of its size. Both of the area as it is.
    """

    shapes: tuple[tuple[Zooms, bytes], ...]
    label: bytes
    across_m: float


def pixel_m(zoom: int) -> float:
    """Return the width of a pixel at a zoom, in metres of the equator."""
    return WORLD_M / (TILE_PX << zoom)


def sketched(areas: Sequence[BaseGeometry] | Geometries) -> list[Sketch]:
    """Sketch a coverage, area by area as they come.

    Where it is no coverage, what does not match is simplified by itself. The same areas in the same order give the
    same sketches; so do some of them at those edges whose both ends have all their areas with them.
    """
    exact = _multi(_on_map(areas))
    levels = [exact]
    for _, last in _BANDS[1:]:
        simpler = shapely.coverage_simplify(levels[-1], _tolerance_px(last) * pixel_m(last))
        levels.append(_multi(shapely.orient_polygons(simpler)))
    labels = shapely.to_wkb(_inside(exact))
    sizes = np.sqrt(shapely.area(exact))
    shapes = [shapely.to_wkb(level) for level in levels]
    return [
        Sketch(_bands([each[number] for each in shapes]), label, float(size))
        for number, (label, size) in enumerate(zip(labels, sizes, strict=True))
    ]


def _tolerance_px(last_zoom: int) -> float:
    return _FAR_TOLERANCE_PX if last_zoom <= _FAR_UNTIL_ZOOM else _TOLERANCE_PX


def fits(around: Sequence[bytes], before: Sequence[bytes], after: Sequence[bytes]) -> bool:
    """Return whether what lies around shares with the new sketches each edge that it shared with the old ones.

    Polygons in WKB, all of one zoom, oriented alike.
    """
    shared = _edges(around) & {(x, y, u, v) for u, v, x, y in _edges(before)}
    return shared <= {(x, y, u, v) for u, v, x, y in _edges(after)}


def at_zoom(sketch: Sketch, zoom: int) -> bytes:
    """Return the shape that is drawn at a zoom, in WKB. Raises ``StopIteration`` for a zoom beyond the last."""
    return next(shape for (first, last), shape in sketch.shapes if first <= zoom <= last)


LAST_ZOOMS: Final = tuple(last for _, last in _BANDS)
"""A zoom of each band."""


def _bands(shapes: Sequence[bytes]) -> tuple[tuple[Zooms, bytes], ...]:
    """Join bands that are drawn alike."""
    found: list[tuple[Zooms, bytes]] = []
    for (first, last), shape in zip(_BANDS, shapes, strict=True):
        if found and found[-1][1] == shape:
            (_, last_joined), _ = found.pop()
            found.append(((first, last_joined), shape))
        else:
            found.append(((first, last), shape))
    return tuple(found)


def _on_map(areas: Sequence[BaseGeometry] | Geometries) -> Geometries:
    """Project each vertex by itself: what is equal stays equal."""

    def project(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
        lat = np.clip(degrees[:, 1], -_MOST_NORTHERN, _MOST_NORTHERN)
        return np.column_stack(_mercator().transform(degrees[:, 0], lat))

    return np.asarray(shapely.orient_polygons(shapely.transform(np.asarray(areas, dtype=object), project)))


@cache
def _mercator() -> Transformer:
    return Transformer.from_crs(4326, 3857, always_xy=True)


def _multi(polygons: Geometries) -> Geometries:
    parts, owner = shapely.get_parts(polygons, return_index=True)
    return np.asarray(shapely.multipolygons(parts, indices=owner), dtype=object)


def _inside(areas: Geometries) -> Geometries:
    """Return the middle of each, where that lies inside."""
    middles = shapely.centroid(areas)
    outside = ~shapely.contains_properly(areas, middles)
    middles[outside] = shapely.point_on_surface(areas[outside])
    return middles


def _edges(polygons: Sequence[bytes]) -> set[tuple[float, ...]]:
    rings = shapely.get_rings(shapely.get_parts(shapely.from_wkb(np.asarray(polygons, dtype=object))))
    spots, ring = shapely.get_coordinates(rings, return_index=True)
    joined = ring[1:] == ring[:-1]
    return set(map(tuple, np.hstack([spots[:-1], spots[1:]])[joined].tolist()))
