"""Areas below the grids (责任区, 微网格, 楼栋) as somebody's duty: what lies in one, and what lies only in its grid.

Records lie in grids; a zone, micro-grid or building is a polygon of its own, and what its holder works on is judged by
position. Few people hold one: for all others nothing is read.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import cos, radians
from typing import Final

import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions.ground import Ground

_DEGREE_M: Final = 111_320.0
"""Of latitude. A few per mille are nothing beside the accuracy of a fix."""

_POLYGONS = text("""
    SELECT area_id, lower(editions), ST_AsBinary(polygon) FROM area_version
    WHERE area_id = ANY (CAST(:ids AS int[])) AND editions @> CAST(:edition AS int)
""")


@dataclass(frozen=True)
class Zone:
    """One area below a grid in one edition. ``since``: the edition from which its polygon is as it is."""

    area_id: int
    grid_id: int
    since: int
    polygon: shapely.Geometry


@dataclass(frozen=True)
class Zones:
    """The zones that some people hold, by area id."""

    known: Mapping[int, Zone] = field(default_factory=dict)

    def hold(
        self, area_ids: Collection[int], grid_id: int, point: tuple[float, float] | None, accuracy_m: float
    ) -> bool:
        """Return whether a point (lon, lat in EPSG:4326) in a grid lies in one of these areas, by its accuracy."""
        if point is None or not self.known:
            return False
        return any(
            _is_near(zone.polygon, point, accuracy_m)
            for area in area_ids
            if (zone := self.known.get(area)) is not None and zone.grid_id == grid_id
        )


NO_ZONES: Final = Zones()


def _is_near(polygon: shapely.Geometry, point: tuple[float, float], accuracy_m: float) -> bool:
    lon, lat = point
    if shapely.intersects_xy(polygon, lon, lat):
        return True
    if accuracy_m <= 0:
        return False
    across = _DEGREE_M * cos(radians(lat))

    def from_here(degrees: NDArray) -> NDArray:  # type: ignore[type-arg]  # float64 pairs, in and out
        return (degrees - [lon, lat]) * [across, _DEGREE_M]

    return bool(shapely.distance(shapely.transform(polygon, from_here), shapely.Point(0, 0)) <= accuracy_m)


def grids_around(ground: Ground, area_ids: Collection[int]) -> dict[int, int]:
    """Return those of the areas that lie below a grid, each with that grid."""
    around = {}
    for area in area_ids:
        for upper in ground.ancestors(area)[1:]:
            if ground.areas[upper].kind == ground.locating_kind:
                around[area] = upper
    return around


def read_zones(session: Session, ground: Ground, area_ids: Collection[int]) -> Zones:
    """Return those of the areas that lie below grids, as this edition draws them; without such, nothing is read."""
    around = grids_around(ground, area_ids)
    if not around:
        return NO_ZONES
    rows = session.execute(_POLYGONS, {"ids": sorted(around), "edition": ground.number})
    zones = [Zone(area, around[area], since, shapely.from_wkb(bytes(wkb))) for area, since, wkb in rows]
    return Zones({zone.area_id: zone for zone in zones})
