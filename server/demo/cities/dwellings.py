"""The houses and households of a city, drawn from its ground by chance. Pure; all invented, nobody is named.

Owns where houses stand (in the small cells of the ground, clear of every border, so that no point has to be tried) and
what is known of a household. One household in so many is drawn, as the profile says.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.random import Generator
from numpy.typing import NDArray

from geo.geometry.datum import UNITS_PER_DEGREE
from server.demo.cities.layout import CityArea, CityLayout
from server.demo.cities.mesh import Mesh
from sync.collections import Doc

Positions = NDArray[np.float64]
Numbers = NDArray[np.int64]

# Units: a house is 32 m long at most, and fills a part of the free circle about its middle.
_HALF_DIAGONAL: Final = 1.6e4
_FILLING: Final = 0.7
_CORNERS_DEG: Final = (27.0, 153.0, 207.0, 333.0)
_TIERS: Final = ("general", "key", "high")
_TIER_SHARES: Final = (0.78, 0.17, 0.05)
_NEEDS: Final = {
    "key": ("独居老人", "慢性病随访", "残疾人照护", "低保复核", "留守儿童"),
    "high": ("危房监测", "精神障碍随访", "社区矫正", "重大疾病"),
}
_CONTACT: Final = ("door", "phone", "message", "weekend", "evening")
_SAID_SHARE: Final = 0.4
_DOORS_OF_FLOOR: Final = 4


@dataclass(frozen=True, slots=True)
class House:
    """A house in an area of the lowest level. ``code`` and ``name`` as an area; ``doors`` drawn in it."""

    leaf: CityArea
    code: str
    name: str
    lon: float
    lat: float
    doors: int


@dataclass(frozen=True, eq=False)
class Houses:
    """All houses, leaf by leaf, and where they are areas of their own, these."""

    houses: tuple[House, ...]
    areas: tuple[CityArea, ...]


def houses_of(city: CityLayout, chance: Generator) -> Houses:
    """Draw the houses that the drawn households live in."""
    said = city.profile.households
    drawn = np.array([leaf.households // said.drawn_of for leaf in city.leaves])
    places = _places(city.mesh)
    wanted = -(-drawn // said.doors)
    most = 99 if city.profile.buildings is None else city.profile.buildings.most
    chosen = _chosen(chance, city.leaf_of, np.minimum(wanted, most), places.radius)
    houses = _named(city, chosen, drawn, places.middle)
    if city.profile.buildings is None:
        return Houses(tuple(houses), ())
    shapes = _footprints(chance, places.middle[chosen], places.radius[chosen])
    kind = city.profile.buildings.kind
    areas = [
        CityArea(kind, house.code, house.name, house.leaf.code, shape)
        for house, shape in zip(houses, shapes, strict=True)
    ]
    return Houses(tuple(houses), tuple(areas))


@dataclass(frozen=True, eq=False)
class _Places:
    """For each cell a `middle` (c, 2) and the `radius` (c,) of a circle about it within the cell."""

    middle: Positions
    radius: NDArray[np.float64]


def _places(mesh: Mesh) -> _Places:
    """In a whole cell its point is the middle; in one on a border a triangle of it has the circle that is asked for."""
    corner = mesh.points[mesh.triangles]
    heart = corner.mean(axis=1, keepdims=True)
    after = (corner + np.roll(corner, -1, axis=1)) / 2
    before = np.roll(after, 1, axis=1)
    cells = mesh.cells.ravel()
    free = np.minimum(_away(corner, after, heart), _away(corner, before, heart)).ravel()
    radius = np.full(len(mesh.cell_point), np.inf)
    np.minimum.at(radius, cells, free)
    middle = mesh.points[mesh.cell_point].copy()
    inner, inradius = _incircles(corner, after, np.broadcast_to(heart, corner.shape))
    order = np.lexsort((-inradius.ravel(), cells))
    best = order[np.searchsorted(cells[order], np.arange(len(radius)))]
    rim = mesh.cell_on_rim
    middle[rim], radius[rim] = inner.reshape(-1, 2)[best][rim], inradius.ravel()[best][rim]
    return _Places(middle, radius)


def _away(spot: Positions, begin: Positions, end: Positions) -> NDArray[np.float64]:
    """How far spots lie from pieces of line."""
    along = end - begin
    part = np.clip(((spot - begin) * along).sum(axis=-1) / (along**2).sum(axis=-1), 0, 1)
    return np.asarray(np.hypot(*np.moveaxis(begin + part[..., None] * along - spot, -1, 0)))


def _incircles(a: Positions, b: Positions, c: Positions) -> tuple[Positions, NDArray[np.float64]]:
    """Middles and radii of the circles within triangles."""
    sides = [np.hypot(*np.moveaxis(one - other, -1, 0))[..., None] for one, other in ((b, c), (c, a), (a, b))]
    whole = sides[0] + sides[1] + sides[2]
    middle = (a * sides[0] + b * sides[1] + c * sides[2]) / whole
    (bx, by), (cx, cy) = np.moveaxis(b - a, -1, 0), np.moveaxis(c - a, -1, 0)
    return middle, np.abs(bx * cy - by * cx) / whole[..., 0]


def _chosen(chance: Generator, leaf_of: Numbers, wanted: Numbers, radius: NDArray[np.float64]) -> Numbers:
    """The cells that houses stand in, leaf by leaf: by chance, but rather in wide ones; one at least in each leaf."""
    order = np.lexsort((chance.exponential(size=len(leaf_of)) / radius, leaf_of))
    begins = np.searchsorted(leaf_of[order], np.arange(len(wanted)))
    rank = np.arange(len(order)) - begins[leaf_of[order]]
    return order[rank < np.maximum(wanted, 1)[leaf_of[order]]]


def _named(city: CityLayout, chosen: Numbers, drawn: Numbers, middle: Positions) -> list[House]:
    """The houses with codes and names; the drawn doors of a leaf are shared among its houses."""
    leaf_of = city.leaf_of[chosen]
    counts = np.bincount(leaf_of, minlength=len(city.leaves))
    at = np.rint(middle[chosen]) / UNITS_PER_DEGREE
    digits = 2 if city.profile.buildings is None else city.profile.buildings.digits
    houses, number = [], 0
    for index, (leaf, (lon, lat)) in enumerate(zip(leaf_of.tolist(), at.tolist(), strict=True)):
        number = number + 1 if index and leaf == leaf_of[index - 1] else 1
        area = city.leaves[leaf]
        doors = (int(drawn[leaf]) + number - 1) // int(counts[leaf])
        houses.append(House(area, f"{area.code}{number:0{digits}}", f"{area.name}{number}栋", lon, lat, doors))
    return houses


def _footprints(chance: Generator, middle: Positions, radius: NDArray[np.float64]) -> list[shapely.Polygon]:
    """Oblong houses turned by chance, in degrees."""
    turn = chance.uniform(0, 2 * np.pi, len(middle))[:, None] + np.radians(_CORNERS_DEG)
    reach = np.minimum(radius * _FILLING, _HALF_DIAGONAL)[:, None]
    corners = np.stack([middle[:, :1] + reach * np.cos(turn), middle[:, 1:] + reach * np.sin(turn)], axis=2)
    return list(np.asarray(shapely.polygons(np.rint(corners) / UNITS_PER_DEGREE)))


@dataclass(frozen=True, slots=True)
class Household:
    """One household: what names it in its city, its house, its fields."""

    key: tuple[str, int]
    house: House
    doc: Doc


def households_of(houses: Sequence[House], chance: Generator) -> Iterator[Household]:
    """Yield the households, house by house."""
    total = sum(house.doors for house in houses)
    tiers = chance.choice(len(_TIERS), total, p=_TIER_SHARES).tolist()
    residents = chance.choice(6, total, p=np.array([3, 5, 6, 5, 2, 1]) / 22).tolist()
    need, contact = chance.integers(0, 60, total).tolist(), chance.integers(0, len(_CONTACT), total).tolist()
    said = (chance.random(total) < _SAID_SHARE).tolist()
    number = 0
    for house in houses:
        for door in range(house.doors):
            tier = _TIERS[tiers[number]]
            doc: Doc = _address(house, door) | {"risk_tier": tier, "extra": {"residents": residents[number] + 1}}
            if tier in _NEEDS:
                doc["needs"] = [_NEEDS[tier][need[number] % len(_NEEDS[tier])]]
            if said[number]:
                doc["contact_preference"] = _CONTACT[contact[number]]
            yield Household((house.code, door), house, doc)
            number += 1


def _address(house: House, door: int) -> Doc:
    floor, side = divmod(door, _DOORS_OF_FLOOR)
    return {
        "building": house.name,
        "unit": f"{side // 2 + 1}单元",
        "room": f"{floor + 1}0{side % 2 + 1}",
        "location": {"lon": house.lon, "lat": house.lat, "datum": "wgs84"},
    }
