"""A mesh of triangles over counties, and the small cells about its points that all areas are made of.

Owns the triangulation (of which every border of a county is an edge) and its dual: each point has a cell that reaches
to the middles of the triangles and edges around it. Cells tile the counties exactly, and no two of them touch in a
point alone, so that connected groups of cells are polygons of one piece. Pure. Must not know what areas are.

Works in whole units of 1e-8 degree: points are rounded before they are joined, and nothing is cut afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from server.demo.terrain import GroundNotDrawn

Positions = NDArray[np.float64]
Numbers = NDArray[np.int64]

_REFINEMENTS: Final = 24
_FREE_OF_BORDER: Final = 1.1
_SHORTEST: Final = 2000.0


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles over counties, and the cells about their corners.

    - `points` (p, 2); `triangles` (t, 3) point numbers, counter-clockwise; `edges` (t, 3): number of the edge from
      corner k to the next; `ends` (e, 2) point numbers of each edge
    - `rim` (t, 3): whether that edge is a border of the county that the triangle lies in
    - `cells` (t, 3): the cell of each corner. A point on a border has one cell in each county.
    - `cell_point`, `cell_county`, `cell_on_rim` (c,)
    - `near` (n, 2): pairs of cells that share a border
    """

    points: Positions
    triangles: Numbers
    edges: Numbers
    ends: Numbers
    rim: NDArray[np.bool_]
    cells: Numbers
    cell_point: Numbers
    cell_county: Numbers
    cell_on_rim: NDArray[np.bool_]
    near: Numbers

    def cell_sizes(self) -> NDArray[np.float64]:
        """The area of each cell (c,), a third of each triangle about it."""
        a, b, c = (self.points[self.triangles[:, corner]] for corner in range(3))
        (bx, by), (cx, cy) = (b - a).T, (c - a).T
        return np.bincount(self.cells.ravel(), np.repeat((bx * cy - by * cx) / 6, 3)).astype(np.float64)


def mesh_over(counties: Sequence[BaseGeometry], strewn: Positions, longest: NDArray[np.float64]) -> Mesh:
    """Mesh counties (a coverage) with points strewn within. `longest` (c,): of border edges. Raises GroundNotDrawn."""
    borders, tree = _borders(counties, longest), shapely.STRtree(np.asarray(shapely.points(strewn)))
    for _ in range(_REFINEMENTS):
        points, fixed, triangles = _joined(np.delete(strewn, _close(tree, borders), axis=0), borders)
        missing = ~np.isin(_packed(fixed), _packed(_sides(triangles).reshape(-1, 2)))
        if not missing.any():
            return _dual(points, *_inside(points, triangles, counties))
        borders = _split(borders, missing)
    raise GroundNotDrawn("the borders cannot be meshed")


def _borders(counties: Sequence[BaseGeometry], longest: NDArray[np.float64]) -> Positions:
    """The border edges of all counties, each once, (n, 4), cut into pieces of about the same length."""
    pieces = []
    for county, limit in zip(counties, longest.tolist(), strict=True):
        for ring in shapely.get_rings(shapely.get_parts(county)):
            spots = shapely.get_coordinates(ring)
            pieces.append(np.column_stack([spots[:-1], spots[1:], np.full(len(spots) - 1, limit)]))
    edges = np.concatenate(pieces)
    turned = (edges[:, 0] > edges[:, 2]) | ((edges[:, 0] == edges[:, 2]) & (edges[:, 1] > edges[:, 3]))
    edges[turned] = edges[turned][:, [2, 3, 0, 1, 4]]
    order = np.lexsort(edges.T[::-1])
    edges = edges[order]
    # Of two counties' limits the lower counts, so that both cut their border alike.
    once = edges[np.append(True, (edges[1:, :4] != edges[:-1, :4]).any(axis=1))]
    borders = once[:, :4]
    while True:
        long = np.hypot(*(borders[:, 2:] - borders[:, :2]).T) > once[:, 4]
        if not long.any():
            return np.asarray(borders)
        once = np.column_stack([_split(borders, long), np.append(once[~long, 4], np.repeat(once[long, 4], 2))])
        borders = once[:, :4]


def _split(borders: Positions, chosen: NDArray[np.bool_]) -> Positions:
    """Cut the chosen edges in halves, which come last."""
    ends = borders[chosen]
    middles = np.rint((ends[:, :2] + ends[:, 2:]) / 2)
    if (np.abs(ends[:, 2:] - ends[:, :2]).max(axis=1) < _SHORTEST / 1000).any():
        raise GroundNotDrawn("a border is too narrow to be meshed")
    halves = np.stack([np.column_stack([ends[:, :2], middles]), np.column_stack([middles, ends[:, 2:]])], axis=1)
    return np.concatenate([borders[~chosen], halves.reshape(-1, 4)])


def _close(tree: shapely.STRtree, borders: Positions) -> Numbers:
    """The points so close to a border edge that it would not be an edge of the triangulation, or nearly not."""
    middles, halves = (borders[:, :2] + borders[:, 2:]) / 2, np.hypot(*(borders[:, 2:] - borders[:, :2]).T) / 2
    # With nothing in the circle about an edge, the edge is one of the triangulation.
    reach = np.maximum(halves * _FREE_OF_BORDER, _SHORTEST)
    return np.unique(tree.query(np.asarray(shapely.points(middles)), predicate="dwithin", distance=reach)[1])


def _joined(free: Positions, borders: Positions) -> tuple[Positions, Numbers, Numbers]:
    """Triangulate; return points, the border edges as pairs of their numbers, and the triangles."""
    points = np.unique(np.concatenate([borders[:, :2], borders[:, 2:], free]), axis=0)
    # Far corners keep borders off the hull, where a triangulation may be ragged.
    low, high = points.min(axis=0), points.max(axis=0)
    span = (high - low).max()
    far = np.array([[low[0] - span, low[1] - span], [high[0] + span, low[1] - span], [low[0], high[1] + 2 * span]])
    points = np.unique(np.concatenate([points, np.rint(far)]), axis=0)
    faces = shapely.get_parts(shapely.delaunay_triangles(shapely.multipoints(points)))
    corners = shapely.get_coordinates(shapely.orient_polygons(faces)).reshape(-1, 4, 2)[:, :3]
    fixed = _numbers_of(points, borders.reshape(-1, 2)).reshape(-1, 2)
    return points, fixed, _numbers_of(points, corners.reshape(-1, 2)).reshape(-1, 3)


def _numbers_of(points: Positions, spots: Positions) -> Numbers:
    """The numbers of spots among points, which are in order of x and y."""
    low = points.min(axis=0)
    span = int((points[:, 1] - low[1]).max()) + 1
    keys, asked = ((each - low).astype(np.int64) @ np.array([span, 1]) for each in (points, spots))
    return np.asarray(np.searchsorted(keys, asked), dtype=np.int64)


def _sides(triangles: Numbers) -> Numbers:
    """(t, 3, 2): the edges of triangles, from each corner to the next."""
    return np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=2)


def _packed(pairs: Numbers) -> Numbers:
    """One number for each pair, whichever of the two comes first."""
    return np.asarray(pairs.min(axis=1) * 2**31 + pairs.max(axis=1))


def _inside(points: Positions, triangles: Numbers, counties: Sequence[BaseGeometry]) -> tuple[Numbers, Numbers]:
    """The triangles that lie in a county, and which."""
    middles = points[triangles].mean(axis=1)
    owner = np.full(len(triangles), -1, dtype=np.int64)
    for number, county in enumerate(counties):
        shapely.prepare(county)
        owner[shapely.contains_xy(county, middles)] = number
    return triangles[owner >= 0], owner[owner >= 0]


def _dual(points: Positions, triangles: Numbers, county: Numbers) -> Mesh:
    sides = _sides(triangles)
    packed, edges = np.unique(_packed(sides.reshape(-1, 2)), return_inverse=True)
    edges = edges.reshape(-1, 3).astype(np.int64)
    ends = np.stack([packed // 2**31, packed % 2**31], axis=1)
    one, other = _facing(edges.ravel(), np.repeat(county, 3))
    rim = np.ones(edges.size, dtype=bool)
    rim[one] = rim[other] = False
    cells, at = _cells(triangles, one, other, rim)
    on_rim = np.zeros(len(at), dtype=bool)
    for end in (cells, np.roll(cells, -1, axis=1)):
        on_rim[end.ravel()[rim]] = True
    pairs = np.stack([cells, np.roll(cells, -1, axis=1)], axis=2).reshape(-1, 2)
    near = np.unique(np.sort(pairs, axis=1), axis=0)
    return Mesh(
        points, triangles, edges, ends, rim.reshape(-1, 3), cells, triangles.ravel()[at], county[at // 3], on_rim, near
    )


def _facing(edges: Numbers, county: Numbers) -> tuple[Numbers, Numbers]:
    """The two sides of each edge within a county, as positions of (triangle, corner)."""
    order = np.lexsort((county, edges))
    same = (edges[order][1:] == edges[order][:-1]) & (county[order][1:] == county[order][:-1])
    return order[:-1][same], order[1:][same]


def _cells(triangles: Numbers, one: Numbers, other: Numbers, rim: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
    """Number the cells: (t, 3) the cell of each corner, and a corner of each cell.

    Within a county a point has one cell, but where the county touches itself: there it has one on each side.
    """
    corners = triangles.ravel()
    following = np.arange(len(corners)).reshape(-1, 3)[:, [1, 2, 0]].ravel()
    on_border = np.zeros(int(corners.max()) + 1, dtype=bool)
    on_border[corners[rim]] = on_border[corners[following[rim]]] = True
    first = np.full(len(on_border), len(corners), dtype=np.int64)
    np.minimum.at(first, corners, np.arange(len(corners)))
    label = np.where(on_border[corners], np.arange(len(corners)), first[corners])
    # The side of an edge begins at the point where the side that faces it ends.
    pairs = np.concatenate([np.stack([one, following[other]]), np.stack([following[one], other])], axis=1)
    pairs = pairs[:, on_border[corners[pairs[0]]]]
    while (label[pairs[0]] != label[pairs[1]]).any():
        lower = label[pairs].min(axis=0)
        for side in pairs:
            np.minimum.at(label, side, lower)
    at, cells = np.unique(label, return_inverse=True)
    return cells.reshape(-1, 3).astype(np.int64), at
