"""The ground of a city by its profile: every area of every level, with code, name and polygon.

Owns the order in which a city is divided, from its counties down, and how areas are numbered. Each level is made of
the same small cells, so that it fills the one above to the last unit. Pure: the same profile, outlines and seed give
the same city, byte for byte. Must not know the database.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np
import shapely
from numpy.random import Generator
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

from geo.geometry.datum import UNITS_PER_DEGREE
from server.demo.cities.division import Cells, divided, shares, warped
from server.demo.cities.mesh import Mesh, mesh_over
from server.demo.cities.profile import DATA, STREET, STREET_DIGITS, County, Level, Profile
from server.demo.cities.scatter import Settlement, settle, strewn
from server.demo.cities.tracing import traced

Outline = Polygon | MultiPolygon
Numbers = NDArray[np.int64]
Masses = NDArray[np.float64]
Say = Callable[[str], object]

_PLACES: Final[Mapping[str, Sequence[str]]] = json.loads((DATA / "place_names.json").read_text(encoding="utf-8"))
_CELLS_OF_AREA: Final = 6
_NUMERALS: Final = "零一二三四五六七八九"
_METRES_OF_DEGREE: Final = 111_000.0


@dataclass(frozen=True, slots=True)
class CityArea:
    """A piece of ground (lon, lat EPSG:4326, whole units of 1e-8 degree); ``parent`` is the code of the one above."""

    kind: str
    code: str
    name: str
    parent: str | None
    polygon: Outline
    households: int = 0


@dataclass(frozen=True, eq=False)
class CityLayout:
    """Areas from the whole city down, parents before children; ``leaves`` are those that the lowest level consists of.

    ``leaf_of`` (c,) is the place in ``leaves`` of each cell of the mesh.
    """

    profile: Profile
    areas: tuple[CityArea, ...]
    leaves: tuple[CityArea, ...]
    mesh: Mesh
    leaf_of: Numbers

    def of_kind(self, kind: str) -> tuple[CityArea, ...]:
        """Return the areas of one kind."""
        return tuple(area for area in self.areas if area.kind == kind)


@dataclass(frozen=True, slots=True)
class _Named:
    """An area without its polygon; ``community`` is the name of the one that it lies in."""

    kind: str
    code: str
    name: str
    parent: str | None
    community: str = ""


def laid_out(profile: Profile, outlines: Mapping[str, Outline], seed: int, say: Say) -> CityLayout:
    """Lay a city out inside the outlines of its counties (by code; a coverage). Raises GroundNotDrawn."""
    chance = np.random.default_rng(seed)
    counties = _in_units([outlines[each.code] for each in profile.counties])
    mesh, mass = _meshed(profile, counties, chance)
    say(f"  {len(mesh.near):,} 条细边 fine edges, {len(mesh.cell_point):,} 个细胞 cells")
    cells = Cells(warped(chance, mesh.points[mesh.cell_point]), mass, mesh.near)
    root = None if profile.root is None else profile.root.code
    standing = [_Named("county", each.code, each.name, root) for each in profile.counties]
    owner = mesh.cell_county
    found = _polygons(mesh, owner, standing)
    for step in (_streets(profile.counties), *(_children(level, chance) for level in profile.levels)):
        parts, named = step(standing, np.bincount(owner, mass).astype(np.float64), np.bincount(owner))
        owner = divided(chance, cells, owner, parts)
        before, standing = set(standing), named
        drawn = _polygons(mesh, owner, standing, besides=before)
        found += drawn
        say(f"  {len(drawn):,} {standing[-1].kind}")
    areas = _with_households(profile, [*_whole(profile, found[: len(counties)]), *found], chance)
    by_code = {area.code: area for area in areas}
    return CityLayout(profile, tuple(areas), tuple(by_code[each.code] for each in standing), mesh, owner)


def _in_units(outlines: Sequence[Outline]) -> list[Outline]:
    array = np.array(outlines, dtype=object)
    return list(shapely.transform(array, lambda degrees: np.rint(degrees * UNITS_PER_DEGREE)))


def _in_degrees(polygons: Sequence[Outline]) -> list[Outline]:
    array = np.array(polygons, dtype=object)
    return list(shapely.transform(array, lambda units: units / UNITS_PER_DEGREE))


def _meshed(profile: Profile, counties: Sequence[Outline], chance: Generator) -> tuple[Mesh, Masses]:
    """A mesh as fine as the lowest level wants it, in each county by its weight, and how many live in each cell."""
    cells = max(profile.levels[-1].total * _CELLS_OF_AREA, profile.cells)
    weights = np.array([each.weight for each in profile.counties])
    settlements, spots, spacings = [], [], []
    for county, outline, share in zip(profile.counties, counties, weights / weights.sum(), strict=True):
        seat = np.array(county.seat) * UNITS_PER_DEGREE
        radius = county.radius_km * 1000 / _METRES_OF_DEGREE * UNITS_PER_DEGREE
        settlement = settle(chance, outline, seat.tolist(), radius, max(1, len(county.streets)))
        found, spacing = strewn(chance, outline, settlement, round(cells * share))
        settlements.append(settlement)
        spots.append(found)
        spacings.append(spacing)
    mesh = mesh_over(counties, np.concatenate(spots), np.array(spacings))
    return mesh, _masses(mesh, settlements, weights)


def _masses(mesh: Mesh, settlements: Sequence[Settlement], weights: Masses) -> Masses:
    """How many live in each cell beside the others; in each county as many as its weight says."""
    mass = mesh.cell_sizes()
    for number, (settlement, weight) in enumerate(zip(settlements, weights.tolist(), strict=True)):
        own = mesh.cell_county == number
        mass[own] *= settlement.density(mesh.points[mesh.cell_point[own]])
        mass[own] *= weight / mass[own].sum()
    return mass


_Step = Callable[[Sequence[_Named], Masses, Numbers], tuple[Numbers, list[_Named]]]


def _streets(counties: Sequence[County]) -> _Step:
    """Streets by their names. A county that has none goes through as it is."""

    def step(standing: Sequence[_Named], _masses: Masses, _cells: Numbers) -> tuple[Numbers, list[_Named]]:
        named = []
        for county, area in zip(counties, standing, strict=True):
            named += [
                _Named(STREET, f"{area.code}{number:0{STREET_DIGITS}}", name, area.code)
                for number, name in enumerate(county.streets, start=1)
            ] or [area]
        return np.array([max(1, len(each.streets)) for each in counties]), named

    return step


def _children(level: Level, chance: Generator) -> _Step:
    """A level of so many areas, more where there are more cells."""

    def step(standing: Sequence[_Named], masses: Masses, cells: Numbers) -> tuple[Numbers, list[_Named]]:
        parts = shares(level.total, masses, cells, min(level.most, 10**level.digits - 1))
        # A code has the same length, also where a level is missing above.
        length = max(len(area.code) for area in standing)
        by_chance = _names_by_chance(chance)
        counts: dict[str, int] = defaultdict(int)
        named = []
        for area, count in zip(standing, parts.tolist(), strict=True):
            for k in range(1, count + 1):
                code = f"{area.code.ljust(length, '0')}{k:0{level.digits}}"
                counts[area.community] += 1
                name = by_chance(area) if level.name is None else _filled(level.name, area, counts[area.community], k)
                named.append(_Named(level.kind, code, name, area.code, area.community or name))
        return parts, named

    return step


def _filled(form: str, parent: _Named, n: int, k: int) -> str:
    return form.format(parent=parent.name, community=parent.community, n=n, k=k, k_zh=numeral(k))


def numeral(number: int) -> str:
    """Return a number from 1 to 99 in Chinese; larger ones are written in digits."""
    if number > 99:  # noqa: PLR2004  # nobody counts sections in hundreds
        return str(number)
    tens, ones = divmod(number, 10)
    return ("" if tens < 2 else _NUMERALS[tens]) + ("十" if tens else "") + (_NUMERALS[ones] if ones else "")  # noqa: PLR2004  # twenty


def _names_by_chance(chance: Generator) -> Callable[[_Named], str]:
    """Names of communities: none twice below the same parent, villages in the country."""
    bases = [head + tail for head, tail in product(_PLACES["heads"], _PLACES["tails"])]
    order = chance.permutation(len(bases)).tolist()
    position = 0

    def name(parent: _Named) -> str:
        nonlocal position
        position += 1
        rural = parent.name[-1] in "镇乡县"
        suffix = "村" if rural and chance.random() < 0.6 else "社区"  # noqa: PLR2004  # towns have both
        return str(bases[order[position % len(order)]] + suffix)

    return name


def _polygons(
    mesh: Mesh, owner: Numbers, standing: Sequence[_Named], besides: set[_Named] | None = None
) -> list[CityArea]:
    """The areas of a level with their polygons, but for those that are known from the level above."""
    polygons = _in_degrees(traced(mesh, owner, len(standing)))
    return [
        CityArea(each.kind, each.code, each.name, each.parent, polygon)
        for each, polygon in zip(standing, polygons, strict=True)
        if each not in (besides or ())
    ]


def _whole(profile: Profile, counties: Sequence[CityArea]) -> list[CityArea]:
    """The whole city, where it is more than one county."""
    if profile.root is None:
        return []
    whole = shapely.coverage_union_all([county.polygon for county in counties])
    if not isinstance(whole, Polygon | MultiPolygon):
        raise TypeError(whole.geom_type)
    return [CityArea(profile.root.kind, profile.root.code, profile.root.name, None, whole)]


def _with_households(profile: Profile, areas: Sequence[CityArea], chance: Generator) -> list[CityArea]:
    """Chance says how many live in the areas of one kind; those below share them, those above have them all."""
    said = profile.households
    below: dict[str, list[str]] = defaultdict(list)
    counts: dict[str, int] = {}
    for area in areas:
        below[area.parent or ""].append(area.code)
        if area.kind == said.of:
            counts[area.code] = int(chance.integers(said.least, said.most, endpoint=True))
    for area in areas:
        if area.code in counts:
            children = below[area.code]
            for number, child in enumerate(children):
                counts[child] = (counts[area.code] + number) // len(children)
    for area in reversed(areas):
        counts.setdefault(area.code, sum(counts[child] for child in below[area.code]))
    return [replace(area, households=counts[area.code]) for area in areas]
