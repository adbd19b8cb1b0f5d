"""Laying a division onto the ground of some areas: they, or others instead of them, share it anew.

Owns that nobody beyond loses or gains ground by it, and that each part comes out in as many pieces as it was given in.
Must not know how a division is found. A division that was laid once comes out the same again, vertex by vertex.
"""

from collections.abc import Collection, Mapping
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.geometry.tangle import require_untangled
from geo.redraw.errors import AreaVanishes, CodeTaken, FallsApart
from geo.redraw.layer import AreaShape, Ground, Layer, Redrawn, place, settle, to_degrees
from geo.redraw.noding import Woven, edges_of, weave
from geo.redraw.split import followed

_ON_UNITS: Final = 1.5
_MARGIN_DEG: Final = 2e-5


def divide(sheet: Layer, codes: Collection[str], parts: Mapping[str, AreaShape]) -> Redrawn:
    """Share the ground of areas among parts (lon, lat); those of the areas that are no part are gone.

    Without areas, the parts take ground that nobody holds. Ground of the areas that is in no part goes to the nearest.
    Raises UnknownTract, CodeTaken, AreaVanishes, FallsApart, BrokenCoverage.
    """
    for code in parts:
        if code not in codes and code in sheet.tracts:
            raise CodeTaken(code)
    before = sheet.units(codes)
    drawn = Layer(parts).units(parts)
    beside = before or sheet.units(_around(sheet, parts))
    require_untangled(list(drawn.values()), beside.values())
    woven = weave(sheet, beside, _new_lines(drawn, list(beside.values())))
    takers = _takers(woven, drawn, set(codes))
    grounds = woven.united(takers.get)
    for code, shape in drawn.items():
        if code not in grounds:
            raise AreaVanishes(code, *place(shape))
        pieces = sorted(shapely.get_parts(grounds[code]), key=lambda piece: piece.area)
        if len(pieces) > len(shapely.get_parts(shape)):
            raise FallsApart(code, *place(pieces[0]))
    put = {code: AreaShape(to_degrees(grounds[code]), each.name, each.parent_code) for code, each in parts.items()}
    return settle(sheet, put | followed(sheet, woven, set(codes)), set(codes) - set(parts))


def _around(sheet: Layer, parts: Mapping[str, AreaShape]) -> set[str]:
    return {code for part in parts.values() for code in sheet.near(part.polygon, _MARGIN_DEG)}


def _new_lines(parts: Mapping[str, Ground], before: list[Ground]) -> list[BaseGeometry]:
    """The edges of parts that do not run on borders that are there."""
    edges = np.array(sorted(edges_of(parts.values())), dtype=np.float64).reshape(-1, 4)
    if before:
        edges = edges[~_on(edges, shapely.union_all(shapely.boundary(np.array(before, dtype=object))))]
    return [shapely.multilinestrings(list(edges.reshape(-1, 2, 2)))] if len(edges) else []


def _on(edges: NDArray[np.float64], borders: BaseGeometry) -> NDArray[np.bool_]:
    shapely.prepare(borders)
    places = (edges[:, :2], (edges[:, :2] + edges[:, 2:]) / 2, edges[:, 2:])
    near = [shapely.dwithin(np.asarray(shapely.points(at), dtype=object), borders, _ON_UNITS) for at in places]
    return np.asarray(np.logical_and.reduce(near), dtype=bool)


def _takers(woven: Woven, parts: Mapping[str, Ground], givers: set[str]) -> dict[int, str | None]:
    """Who gets each face: the part that it lies in, if it is of the areas divided (where there are none: nobody's)."""
    codes = list(parts)
    tree = shapely.STRtree([parts[code] for code in codes])
    takers: dict[int, str | None] = dict(enumerate(woven.owners))
    ours = [n for n, owner in takers.items() if (owner in givers if givers else owner is None)]
    inside = shapely.point_on_surface(np.array([woven.faces[n] for n in ours], dtype=object))
    found: dict[int, list[int]] = {}
    for face, part in zip(*tree.query(inside, predicate="intersects").tolist(), strict=True):
        found.setdefault(face, []).append(part)
    for face, number in enumerate(ours):
        if face in found:
            takers[number] = codes[min(found[face])]
        elif givers:
            takers[number] = codes[int(tree.nearest(inside[face]))]
    return takers
