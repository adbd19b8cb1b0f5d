"""From cells and whose they are to polygons that share every vertex of their borders.

Owns walking along borders. The borders of all areas of a level are made of the same pieces (`server.demo.cities.mesh`),
so that neighbours, and areas and those within them, agree to the last unit without any overlay. Pure.
"""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

from server.demo.cities.mesh import Mesh

Positions = NDArray[np.float64]
Numbers = NDArray[np.int64]


def traced(mesh: Mesh, owner: Numbers, count: int) -> list[Polygon | MultiPolygon]:
    """Return the polygons of areas, in whole units; `owner` (c,) is the area of each cell, from 0 to `count`."""
    whose, begins, ends = _steps(mesh, owner)
    walk, rings = _rings(whose, begins, ends)
    spots = _spots(mesh)[begins[walk]]
    number = np.repeat(np.arange(len(rings)), rings)
    lines = np.asarray(shapely.linearrings(spots, indices=number)).tolist()
    starts = np.cumsum(rings) - rings
    following = np.arange(len(walk)) + 1
    following[starts + rings - 1] = starts
    middle = spots.mean(axis=0)
    x, y = (spots - middle).T
    turns = np.add.reduceat(x * y[following] - x[following] * y, starts)
    return _polygons(lines, whose[walk[starts]], turns, count)


def _steps(mesh: Mesh, owner: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """The pieces of all borders: whose ground is on the left, and the numbers of the spots at both ends."""
    here = owner[mesh.cells]
    there = np.roll(here, -1, axis=1)
    middles = len(mesh.ends) + np.broadcast_to(np.arange(len(here))[:, None], here.shape)
    corners = len(mesh.ends) + len(here) + mesh.cells
    apart, rim = here != there, mesh.rim
    pieces = (
        (here[apart], mesh.edges[apart], middles[apart]),
        (there[apart], middles[apart], mesh.edges[apart]),
        (here[rim], corners[rim], mesh.edges[rim]),
        (there[rim], mesh.edges[rim], np.roll(corners, -1, axis=1)[rim]),
    )
    whose, begins, ends = (np.concatenate(each) for each in zip(*pieces, strict=True))
    return whose, begins, ends


def _spots(mesh: Mesh) -> Positions:
    """Where things are: the middles of edges, the middles of triangles, the points of cells."""
    edges = mesh.points[mesh.ends].mean(axis=1)
    triangles = mesh.points[mesh.triangles].mean(axis=1)
    return np.asarray(np.rint(np.concatenate([edges, triangles, mesh.points[mesh.cell_point]])))


def _rings(whose: Numbers, begins: Numbers, ends: Numbers) -> tuple[Numbers, Numbers]:
    """The pieces in the order in which borders are walked, and how many there are in each ring."""
    spots = int(max(begins.max(), ends.max())) + 1
    keys = whose * spots + begins
    order = np.argsort(keys)
    after: list[int] = order[np.searchsorted(keys[order], whose * spots + ends)].tolist()
    seen = bytearray(len(after))
    walk: list[int] = []
    rings: list[int] = []
    for first in order.tolist():
        if seen[first]:
            continue
        before, piece = len(walk), first
        while not seen[piece]:
            seen[piece] = 1
            walk.append(piece)
            piece = after[piece]
        rings.append(len(walk) - before)
    return np.array(walk), np.array(rings)


def _polygons(
    lines: Sequence[shapely.LinearRing], whose: Numbers, turns: NDArray[np.float64], count: int
) -> list[Polygon | MultiPolygon]:
    """Rings to polygons: those that turn left are shells, the others holes."""
    shells: list[list[shapely.LinearRing]] = [[] for _ in range(count)]
    holes: list[list[shapely.LinearRing]] = [[] for _ in range(count)]
    for line, area, turn in zip(lines, whose.tolist(), turns.tolist(), strict=True):
        (shells if turn > 0 else holes)[area].append(line)
    return [_polygon(outer, inner) for outer, inner in zip(shells, holes, strict=True)]


def _polygon(shells: list[shapely.LinearRing], holes: list[shapely.LinearRing]) -> Polygon | MultiPolygon:
    if len(shells) == 1:
        return Polygon(shells[0], holes)
    parts = []
    for shell in shells:
        whole = Polygon(shell)
        parts.append(Polygon(shell, [hole for hole in holes if whole.contains(hole.representative_point())]))
    return MultiPolygon(parts)
