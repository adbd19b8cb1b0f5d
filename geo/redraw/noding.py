"""Areas and drawn lines woven into one linework of fixed precision, and the faces between.

Owns snap rounding (new nodes stand on whole units, and whoever shares an edge that got one receives it) and finding
whose a face is. Must not know what is done with the faces. Everything is in whole units of 1e-8 degree.

**How.** Boundaries and lines are united with a grid of one unit: no vertex of the result lies in the same unit as an
edge that does not end there, so it stays what it is when it is rounded again. An edge of an area beyond that the
rounding divided or moved draws that area in, and all is woven anew, until nobody beyond is concerned.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely import LineString, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geo.geometry.datum import UNITS_PER_DEGREE
from geo.redraw.layer import Edge, Ground, Layer

GRID_UNITS = 1.0


@dataclass(frozen=True, eq=False)
class Woven:
    """Faces in units and their owners: the code of the area that they are of, None for nobody's.

    `shared` are the faces that two areas hold, with their codes; the first of them is the owner.
    """

    before: Mapping[str, Ground]
    faces: tuple[Polygon, ...]
    owners: tuple[str | None, ...]
    shared: tuple[tuple[str, str, Polygon], ...] = ()

    def of(self, code: str) -> list[Polygon]:
        """The faces of one area."""
        return [face for face, owner in zip(self.faces, self.owners, strict=True) if owner == code]

    def united(self, owner_of: Callable[[int], str | None]) -> dict[str, Ground]:
        """The areas when each face (by its number) goes to somebody; those without any face are left out."""
        gathered: dict[str, list[Polygon]] = {}
        for number, face in enumerate(self.faces):
            owner = owner_of(number)
            if owner is not None:
                gathered.setdefault(owner, []).append(face)
        return {code: unite(faces) for code, faces in gathered.items()}


def weave(
    sheet: Layer, codes: Iterable[str], drawn: Sequence[BaseGeometry], without: frozenset[str] = frozenset()
) -> Woven:
    """Weave areas and drawn lines (units); areas `without` are looked upon as not there."""
    region = set(codes) - without
    while True:
        before = sheet.units(region)
        lines = [*(shapely.boundary(shape) for shape in before.values()), *drawn]
        linework = shapely.union_all(lines, grid_size=GRID_UNITS)
        polygonized = shapely.polygonize(shapely.get_parts(linework))
        faces = [face for face in shapely.get_parts(polygonized) if face.area > 0]
        beyond = _holding(sheet, edges_of(before.values()) - edges_of(faces), region | without)
        if not beyond:
            holders = holders_of(faces, before)
            shared = [(held[0], held[1], face) for face, held in zip(faces, holders, strict=True) if len(held) > 1]
            owners = tuple(next(iter(held), None) for held in holders)
            return Woven(before, tuple(faces), owners, tuple(shared))
        region |= beyond


def unite(faces: Sequence[Polygon]) -> Ground:
    """One area of faces that match along their edges; its vertices stay as they are."""
    if len(faces) == 1:
        return faces[0]
    whole: Any = shapely.coverage_union_all(np.array(faces, dtype=object))
    parts = [part for part in shapely.get_parts(whole) if isinstance(part, Polygon)]
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def edges_of(shapes: Iterable[BaseGeometry]) -> set[Edge]:
    """The edges of polygons, each once, whichever way it runs."""
    rings = shapely.get_rings(shapely.get_parts(np.array(list(shapes), dtype=object)))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    start, end = points[:-1][same], points[1:][same]
    turned = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    low, high = np.where(turned[:, None], end, start), np.where(turned[:, None], start, end)
    return set(map(tuple, np.hstack([low, high]).tolist()))


def _holding(sheet: Layer, edges: set[Edge], known: Iterable[str]) -> set[str]:
    """The codes of other areas that hold one of these edges."""
    if not edges:
        return set()
    ends = np.array(sorted(edges)).reshape(-1, 2) / UNITS_PER_DEGREE
    around = sheet.units(set(sheet.near(LineString(ends))) - set(known))
    return {code for code, shape in around.items() if not edges.isdisjoint(edges_of([shape]))}


def holders_of(faces: Sequence[Polygon], areas: Mapping[str, Ground]) -> list[tuple[str, ...]]:
    """The codes of the areas that each face is in, in their order."""
    found: list[list[str]] = [[] for _ in faces]
    if not areas or not faces:
        return [()] * len(faces)
    codes = list(areas)
    inside = shapely.point_on_surface(np.array(faces, dtype=object))
    face, area = shapely.STRtree(list(areas.values())).query(inside, predicate="intersects")
    for number, at in sorted(zip(face.tolist(), area.tolist(), strict=True)):
        found[number].append(codes[at])
    return [tuple(each) for each in found]
