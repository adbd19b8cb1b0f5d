"""The ground of the sample city 崇义: levels, names, codes, households and service centres.

Owns what `chongyi_ground` returns: a working committee, 6 communities, 25 grids and 60 responsibility zones around the
county seat, inside the county's real outline, each level a coverage that fills the one above it. All of it but the
outline is invented. Pure: the same seed gives the same ground. Must not know the database.
"""

import cmath
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final, Literal, cast

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Point, Polygon

from geo.geometry.datum import UNITS_PER_DEGREE
from geo.locate.nearby import metres_per_unit
from server.demo.terrain import GroundNotDrawn, Neighbours, cells_within, deal_out, neighbours_of, ragged_ellipse

AreaLevel = Literal["county", "committee", "community", "grid", "zone"]

COUNTY_FILE: Final = Path(__file__).parent / "data" / "chongyi.geojson"
COUNTY_CODE: Final = "360725"
COUNTY_SEAT: Final = (114.308, 25.682)

_COMMITTEE: Final = ("360725400", "崇义县城市社区工作委员会")
_COMMUNITIES: Final[Mapping[str, tuple[str, ...]]] = {
    "中山社区": (
        "中山街北",
        "中山街南",
        "老县衙",
        "城隍巷",
        "横街",
        "县医院",
        "人民广场",
        "新华书店",
        "供销社",
        "粮食局",
    ),
    "西城社区": (
        "西门口",
        "西城花苑",
        "石罗坪",
        "林业局",
        "教师村",
        "崇义中学",
        "西坑口",
        "木材厂",
        "锦绣家园",
        "公租房",
    ),
    "阳岭社区": (
        "阳岭大道",
        "阳岭新城",
        "森林公园",
        "茶亭",
        "党校",
        "师范坡",
        "金岭花园",
        "电力公司",
        "阳明小学",
        "梅子坑",
    ),
    "章源社区": (
        "章源大道",
        "章源花园",
        "水南新村",
        "滨河东路",
        "文化广场",
        "体育馆",
        "章江一品",
        "老水厂",
        "河东小学",
        "竹苑小区",
    ),
    "水口社区": (
        "水口桥",
        "塔下",
        "南竹小区",
        "自来水厂",
        "职教中心",
        "朱坑",
        "万长山",
        "江南明珠",
        "环城南路",
        "老车站",
    ),
    "金坑社区": (
        "金坑路",
        "矿山新村",
        "钨矿公寓",
        "工业大道",
        "汽车站",
        "农机厂",
        "金坑桥",
        "物流园",
        "安置一区",
        "安置二区",
    ),
}
"""From the middle, then from the west by the north: each with ten places, which give their names to its zones."""

_GRIDS_OF_COMMUNITY: Final = (5, 4, 4, 4, 4, 4)
_ZONES_OF_COMMUNITY: Final = 10
_HOUSEHOLDS_OF_ZONE: Final = (190, 330)
_CENTRES: Final = 19
_FURTHER_GRIDS: Final = (0, 0, 1, 1, 1, 2)
_NUMERALS: Final = "一二三四五"
_HALF_LENGTH_M: Final = 2250.0
_HALF_WIDTH_M: Final = 1400.0
_CORE_M: Final = 850.0
_BEARING_DEG: Final = 24.0
_FIRST_SECTOR_DEG: Final = 215.0
_REDRAWS: Final = 30


@dataclass(frozen=True)
class GroundArea:
    """A piece of ground (lon, lat EPSG:4326, whole units of 1e-8 degree); `parent` is the code of the one above."""

    level: AreaLevel
    code: str
    name: str
    parent: str | None
    polygon: Polygon | MultiPolygon
    households: int


@dataclass(frozen=True)
class ServiceCentre:
    """A 知行家: a point, and the codes of the grids that it serves, its own first."""

    code: str
    name: str
    point: Point
    serves: tuple[str, ...]


@dataclass(frozen=True)
class SampleGround:
    """Areas from the county down, parents before children, and the service centres beside the tree."""

    areas: tuple[GroundArea, ...]
    centres: tuple[ServiceCentre, ...]

    def of_level(self, level: AreaLevel) -> tuple[GroundArea, ...]:
        """The areas of one level."""
        return tuple(area for area in self.areas if area.level == level)


@dataclass(frozen=True)
class _Town:
    """Zones drawn on the ground, and who is beside whom."""

    zones: Sequence[Polygon]
    middles: NDArray[np.float64]
    near: Neighbours


def chongyi_ground(outline: Polygon | MultiPolygon, seed: int = 360725) -> SampleGround:
    """Lay out the sample city inside the outline of 崇义县 (valid, lon, lat). Raises GroundNotDrawn."""
    chance = Random(seed)
    town, communities = _divided_town(chance)
    zones = list(_named(chance, town, communities))
    grids = _merged(zones, "grid")
    above = _merged(grids, "community")
    committee = _merged(above, "committee")
    county = GroundArea("county", COUNTY_CODE, "崇义县", None, outline, committee[0].households)
    return SampleGround((county, *committee, *above, *grids, *zones), tuple(_centres(chance, grids, zones)))


def _divided_town(chance: Random) -> tuple[_Town, list[list[frozenset[int]]]]:
    """A town whose zones could be dealt out; not every one that chance draws can be."""
    for _ in range(_REDRAWS):
        with suppress(GroundNotDrawn):
            town = _drawn_town(chance)
            return town, _dealt_out(chance, town)
    raise GroundNotDrawn("no town could be divided")


def _drawn_town(chance: Random) -> _Town:
    outline = ragged_ellipse(chance, _HALF_LENGTH_M, _HALF_WIDTH_M, _BEARING_DEG)
    cells = cells_within(chance, outline, _ZONES_OF_COMMUNITY * len(_COMMUNITIES), _CORE_M)
    middles = shapely.get_coordinates(shapely.centroid(cells))
    seat = np.array(COUNTY_SEAT)
    metres = np.array(metres_per_unit(np.array(seat[1] * UNITS_PER_DEGREE))) * UNITS_PER_DEGREE
    zones = shapely.transform(np.asarray(cells), lambda spot: np.round(seat + spot / metres, 8))
    return _Town(shapely.orient_polygons(zones).tolist(), middles, neighbours_of(cells, least=5.0))


def _dealt_out(chance: Random, town: _Town) -> list[list[frozenset[int]]]:
    """The zones of each grid of each community."""
    everything = frozenset(range(len(town.zones)))
    sizes = [_ZONES_OF_COMMUNITY] * len(_COMMUNITIES)
    communities = _clockwise(deal_out(chance, everything, sizes, town.near, town.middles), town.middles)
    return [
        deal_out(chance, community, _shares(_ZONES_OF_COMMUNITY, grids), town.near, town.middles)
        for community, grids in zip(communities, _GRIDS_OF_COMMUNITY, strict=True)
    ]


def _clockwise(communities: list[frozenset[int]], middles: NDArray[np.float64]) -> list[frozenset[int]]:
    """The community in the middle first, then the others from the west by the north."""
    places = {community: complex(*middles[sorted(community)].mean(axis=0)) for community in communities}
    inner, *outer = sorted(communities, key=lambda community: abs(places[community]))
    start = math.radians(_FIRST_SECTOR_DEG)
    return [inner, *sorted(outer, key=lambda community: (start - cmath.phase(places[community])) % math.tau)]


def _shares(whole: int, parts: int) -> list[int]:
    """A whole number in parts that differ by one at most."""
    return [whole // parts + (n < whole % parts) for n in range(parts)]


def _named(chance: Random, town: _Town, communities: list[list[frozenset[int]]]) -> Iterator[GroundArea]:
    """The zones with codes and names."""
    for community, (grids, places) in enumerate(zip(communities, _COMMUNITIES.values(), strict=True), start=1):
        names = iter(places)
        for grid, zones in enumerate(grids, start=1):
            code = f"{_COMMITTEE[0]}{community:03}{grid:03}"
            for number, zone in enumerate(sorted(zones), start=1):
                households = chance.randint(*_HOUSEHOLDS_OF_ZONE)
                yield GroundArea(
                    "zone", f"{code}{number:02}", f"{next(names)}责任区", code, town.zones[zone], households
                )


def _merged(parts: Sequence[GroundArea], level: AreaLevel) -> list[GroundArea]:
    """The areas above, made of those below; their codes are the parents' codes."""
    merged = []
    for code in sorted({part.parent for part in parts if part.parent}):
        own = [part for part in parts if part.parent == code]
        polygon = cast("Polygon | MultiPolygon", shapely.coverage_union_all([part.polygon for part in own]))
        households = sum(part.households for part in own)
        # Every level from the grid up adds three digits to the code of the one above.
        merged.append(
            GroundArea(level, code, _name(level, code), code[:-3], shapely.orient_polygons(polygon), households)
        )
    return merged


def _name(level: AreaLevel, code: str) -> str:
    if level == "committee":
        return _COMMITTEE[1]
    community = list(_COMMUNITIES)[int(code[9:12]) - 1]
    return community if level == "community" else f"{community}第{_NUMERALS[int(code[12:15]) - 1]}网格"


def _centres(chance: Random, grids: Sequence[GroundArea], zones: Sequence[GroundArea]) -> Iterator[ServiceCentre]:
    """Centres in as many grids; those without one are served by the nearest, and most serve a neighbour or two."""
    homes = sorted(chance.sample(range(len(grids)), _CENTRES))
    polygons = [grid.polygon for grid in grids]
    near = {n: sorted(others) for n, others in neighbours_of(polygons, least=1e-4).items()}
    serves = {home: [home] for home in homes}
    for grid in sorted(set(range(len(grids))) - set(homes)):
        middle = polygons[grid].centroid
        serves[min(homes, key=lambda home: (polygons[home].centroid.distance(middle), home))].append(grid)
    for number, home in enumerate(homes, start=1):
        further = [grid for grid in near[home] if grid not in serves[home]]
        serves[home] += chance.sample(further, min(chance.choice(_FURTHER_GRIDS), len(further)))
        zone = next(zone for zone in zones if zone.parent == grids[home].code)
        place = shapely.point_on_surface(zone.polygon)
        point = Point(round(place.x, 8), round(place.y, 8))
        name = f"{zone.name.removesuffix('责任区')}知行家"
        yield ServiceCentre(f"ZXJ{number:02}", name, point, tuple(grids[grid].code for grid in serves[home]))
