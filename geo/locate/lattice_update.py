"""A lattice after some areas changed: only the cells that the change touches are laid anew.

Owns finding those cells, laying them and putting them in place of the old ones; and when to begin from nothing instead.
Must not know area ids. What the old lattice held for those cells stays behind unused, until too much of it is.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.geometry.datum import Integers
from geo.locate.borders import Borders, HalfEdges, Numbers, half_edges, join, quantised
from geo.locate.lattice import Frame, Lattice, Rows, aligned, build_lattice, lay, spread

Window = tuple[int, int, int, int]
"""First column, first row, and the column and row behind the last ones."""

_MOST_DEAD: Final = 0.2
_MOST_TOUCHED: Final = 0.1


def relaid(lattice: Lattice, outlines: Mapping[int, BaseGeometry | None]) -> Lattice:
    """The lattice with new outlines (lon, lat; None: gone) of some areas; numbers may go beyond those that there are.

    Raises InvalidShape as `geo.locate.borders.borders_of`.
    """
    numbers = np.array(sorted(outlines), dtype=np.int64)
    fresh = _drawn(outlines)
    borders, dead = _spliced(lattice.borders, numbers, fresh)
    windows = _windows(lattice, numbers, borders)
    touched = sum((east - west) * (north - south) for west, south, east, north in windows)
    if dead > _MOST_DEAD * borders.left.size or touched > _MOST_TOUCHED * lattice.cells.size:
        return build_lattice(redrawn(borders, {}, np.arange(borders.areas + 1)))
    for window in windows:
        lattice = _put(lattice, borders, window)
    return lattice


def redrawn(borders: Borders, outlines: Mapping[int, BaseGeometry | None], place: Integers) -> Borders:
    """The borders joined anew with new outlines (as `relaid`); area n gets the number `place[n]`."""
    kept = _halves(borders, np.arange(borders.left.size - 1), np.array(sorted(outlines), dtype=np.int64))
    *ends, owner = _together(kept, _drawn(outlines))
    ax, ay, bx, by = ends
    return join(ax, ay, bx, by, place[owner].astype(np.int32), areas=place.size - 1)


def _drawn(outlines: Mapping[int, BaseGeometry | None]) -> HalfEdges:
    """The edges of the outlines, with the areas' numbers."""
    shapes = {number: outline for number, outline in sorted(outlines.items()) if outline is not None}
    array = np.empty(len(shapes), dtype=object)
    array[:] = list(shapes.values())
    ax, ay, bx, by, owner = half_edges(quantised(array))
    return ax, ay, bx, by, np.array([0, *shapes], dtype=np.int32)[owner]


def _spliced(borders: Borders, numbers: Integers, fresh: HalfEdges) -> tuple[Borders, int]:
    """The borders with the edges of some areas dead (nothing beside them) and new ones behind; how many are dead."""
    touched = np.isin(borders.left, numbers) | np.isin(borders.right, numbers)
    pool = _together(_halves(borders, np.flatnonzero(touched), numbers), fresh)
    new = join(*pool, areas=_most(borders, fresh))
    left = np.append(np.where(touched, 0, borders.left)[:-1], new.left).astype(np.int32)
    right = np.append(np.where(touched, 0, borders.right)[:-1], new.right).astype(np.int32)
    ax, ay = np.append(borders.ax[:-1], new.ax), np.append(borders.ay[:-1], new.ay)
    dx, dy = np.append(borders.dx[:-1], new.dx), np.append(borders.dy[:-1], new.dy)
    return Borders(ax, ay, dx, dy, left, right, new.areas), int((left == right).sum())


def _halves(borders: Borders, edges: Integers, without: Integers) -> HalfEdges:
    """Edges as those have them whose borders they are, but for some areas: the area is on the left."""
    ax, ay = borders.ax[edges], borders.ay[edges]
    bx, by = ax + borders.dx[edges], ay + borders.dy[edges]
    owner = np.append(borders.left[edges], borders.right[edges])
    kept = (owner > 0) & ~np.isin(owner, without)
    ends = [np.append(*pair)[kept] for pair in ((ax, bx), (ay, by), (bx, ax), (by, ay))]
    return ends[0], ends[1], ends[2], ends[3], owner[kept]


def _together(one: HalfEdges, other: HalfEdges) -> HalfEdges:
    ax, ay, bx, by = (np.append(a, b) for a, b in zip(one[:4], other[:4], strict=True))
    return ax, ay, bx, by, np.append(one[4], other[4])


def _most(borders: Borders, fresh: HalfEdges) -> int:
    return max(borders.areas, int(fresh[4].max(initial=0)))


def _windows(lattice: Lattice, numbers: Integers, borders: Borders) -> list[Window]:
    """The cells around the areas before and after; windows that meet are made one. All of it, if that does not do."""
    whole = [(0, 0, lattice.columns, lattice.rows)]
    before = lattice.borders.boxes[:, numbers[numbers <= lattice.borders.areas]]
    boxes = np.concatenate([before, borders.boxes[:, numbers]], axis=1)
    boxes = boxes[:, boxes[0] <= boxes[2]]
    cells = (boxes - np.tile(lattice.origin, (2, 1))) >> lattice.shift
    beyond = np.array([[lattice.columns], [lattice.rows]]) - 1
    if (cells[:2] < 1).any() or (cells[2:] >= beyond).any():
        return whole
    windows: list[Window] = []
    for west, south, east, north in cells.T.tolist():
        window = (west - 1, south - 1, east + 2, north + 2)
        for other in [other for other in windows if _meet(window, other)]:
            windows.remove(other)
            window = (*np.minimum(window[:2], other[:2]).tolist(), *np.maximum(window[2:], other[2:]).tolist())
        windows.append(window)
    return whole if any(_meet(a, b) for a in windows for b in windows if a is not b) else windows


def _meet(one: Window, other: Window) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _put(lattice: Lattice, borders: Borders, window: Window) -> Lattice:
    """The lattice with the cells of a window laid anew; its edges are those of the new borders then."""
    piece, edges = _piece(lattice, borders, window)
    first, foot = (piece.x0 - lattice.x0) >> piece.shift, (piece.y0 - lattice.y0) >> piece.shift
    west, south, east, north = window
    cells = lattice.cells.copy().reshape(lattice.columns, lattice.rows)
    inside = np.s_[west - first : east - first, south - foot : north - foot]
    new = piece.cells.reshape(piece.columns, piece.rows)[inside].copy()
    border = new < 0
    number = ~new[border].astype(np.int64)
    new[border] = ~(lattice.sums.size - 1 + np.arange(number.size))
    cells[west:east, south:north] = new
    _, record = spread(piece.start[number], piece.start[number + 1])
    records = np.append(lattice.records, piece.records[record])
    gone, last = lattice.borders.ax.size - 1, borders.ax.size - 1
    kept, laid = np.split(records["edge"], [lattice.records.size])
    if gone != last:
        kept[kept == gone] = last
    laid[:] = edges[laid]
    return replace(
        lattice,
        borders=borders,
        cells=cells.ravel(),
        sums=_further(lattice, piece, number),
        records=records,
        wide=lattice.wide or piece.wide,
    )


def _further(lattice: Lattice, piece: Lattice, number: Integers) -> Rows:
    """The sums of a lattice, and behind them those of some border cells of a piece."""
    count = lattice.sums.size - 1
    sums = np.append(lattice.sums, np.zeros(number.size, dtype=lattice.sums.dtype))
    sums["base"][count:-1] = piece.base[number]
    sums["start"][count + 1 :] += lattice.start[-1] + np.cumsum(piece.start[number + 1] - piece.start[number])
    return sums


def _piece(lattice: Lattice, borders: Borders, window: Window) -> tuple[Lattice, Numbers]:
    """A lattice over all the areas that reach into a window, whole, and what its edges are in the borders.

    Sums in the window need no other area, as none of the others holds a point there.
    """
    low = lattice.origin[:, 0] + (np.array(window[:2]) << lattice.shift)
    high = lattice.origin[:, 0] + (np.array(window[2:]) << lattice.shift) - 1
    west, south, east, north = borders.boxes
    held: NDArray[np.bool_] = (west <= high[0]) & (low[0] <= east) & (south <= high[1]) & (low[1] <= north)
    left, right = np.where(held[borders.left], borders.left, 0), np.where(held[borders.right], borders.right, 0)
    edges = np.append(np.flatnonzero(left != right), borders.left.size - 1)
    ax, ay, dx, dy = (each[edges] for each in (borders.ax, borders.ay, borders.dx, borders.dy))
    own = Borders(ax, ay, dx, dy, left[edges].astype(np.int32), right[edges].astype(np.int32), borders.areas)
    return lay(own, _frame(own, low, high, lattice.shift)), edges.astype(np.int32)


def _frame(borders: Borders, low: Integers, high: Integers, shift: int) -> Frame:
    """Around a window and all the edges."""
    ax, ay, dx, dy = (each[:-1] for each in (borders.ax, borders.ay, borders.dx, borders.dy))
    west, south = (np.append(np.minimum(a, a + d), n).min() for a, d, n in ((ax, dx, low[0]), (ay, dy, low[1])))
    east, north = (np.append(np.maximum(a, a + d), n).max() for a, d, n in ((ax, dx, high[0]), (ay, dy, high[1])))
    return aligned(int(west), int(south), int(east), int(north), shift)
