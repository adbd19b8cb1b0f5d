"""The plane on which polygons are compared: integers of 1e-8 degree times whole factors, nearly isometric.

Owns the way from degrees to the plane and back, and lengths and widths on it. Must not know what is compared. The
factors depend on the latitude by steps, so that a set of polygons keeps its plane while a few of them change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geo.coverage.findings import Finding, FindingCode
from geo.errors import InvalidCoverage
from geo.geometry.datum import UNITS_PER_DEGREE
from geo.geometry.shapes import in_degrees, in_units
from geo.locate.nearby import metres_per_unit

Geometries = NDArray[np.object_]

AXIS_FACTOR: Final = 1024
_STEPS_PER_DEGREE: Final = 64
"""Within a step of latitude the scale changes by less than 0.1 % (up to 70 degrees)."""


@dataclass(frozen=True)
class Plane:
    """`across` and `AXIS_FACTOR` multiply units of 1e-8 degree; `metre` is the length of one unit of the plane."""

    across: int
    metre: float

    @classmethod
    def around(cls, south: float, north: float) -> Self:
        """The plane for polygons between two latitudes (degrees; not-a-number for none)."""
        middle = np.rint(np.nan_to_num((south + north) / 2) * _STEPS_PER_DEGREE) / _STEPS_PER_DEGREE
        across_m, along_m = (float(scale) for scale in metres_per_unit(middle * UNITS_PER_DEGREE))
        return cls(max(1, round(AXIS_FACTOR * across_m / along_m)), along_m / AXIS_FACTOR)

    @classmethod
    def under(cls, polygons: Sequence[BaseGeometry] | Geometries) -> Self:
        """The plane for polygons (lon, lat). Raises InvalidCoverage for what is none, or has no vertex."""
        array = np.asarray(list(polygons), dtype=object)
        require_polygons(array)
        _, south, _, north = shapely.bounds(shapely.geometrycollections(array))
        return cls.around(float(south), float(north))

    @property
    def _factors(self) -> NDArray[np.float64]:
        return np.array([self.across, AXIS_FACTOR], dtype=np.float64)

    def lay(self, geometries: Sequence[BaseGeometry] | Geometries) -> Geometries:
        """From degrees to the plane."""
        units = in_units(np.asarray(list(geometries), dtype=object))
        return np.asarray(shapely.transform(units, lambda units: units * self._factors), dtype=object)

    def raise_all(self, geometries: Geometries) -> Geometries:
        """From the plane to degrees, vertices rounded to units, and valid there."""
        return in_degrees(np.asarray(shapely.transform(geometries, lambda plane: plane / self._factors), dtype=object))

    def to_ground(self, geometry: BaseGeometry) -> BaseGeometry:
        """From the plane to degrees, as it is."""
        return shapely.transform(geometry, lambda plane: plane / self._factors / UNITS_PER_DEGREE)

    def finding(
        self, code: FindingCode, members: tuple[int, ...], geometry: BaseGeometry, parent: int | None = None
    ) -> Finding:
        """A finding about a geometry on the plane."""
        area_m2, width_m = geometry.area * self.metre**2, width(geometry) * self.metre
        return Finding(code, members, self.to_ground(geometry), area_m2, width_m, parent)


def require_polygons(geometries: Sequence[BaseGeometry] | Geometries) -> None:
    """Raise InvalidCoverage for what is not a polygon or has no vertex, with its index."""
    for index, geometry in enumerate(geometries):
        if not isinstance(geometry, Polygon | MultiPolygon):
            raise InvalidCoverage("not-a-polygon", index)
        if geometry.is_empty:
            raise InvalidCoverage("empty", index)


def polygons_of(geometry: BaseGeometry) -> list[Polygon]:
    """The polygons with an area in a geometry of any type."""
    return [part for part in shapely.get_parts(geometry) if isinstance(part, Polygon) and part.area > 0]


def width(geometry: BaseGeometry) -> float:
    """Diameter of the widest circle within, in units of the plane, as GEOS measures gaps; 0 for lines."""
    if not isinstance(geometry, Polygon | MultiPolygon):
        return 0.0
    return 2 * float(shapely.maximum_inscribed_circle(geometry).length)
