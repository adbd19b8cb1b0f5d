"""A lattice of square cells over borders, from which the area of a point is read exactly.

Owns the cells and the arithmetic that fills them; all of it in integers. Must not know area ids, degrees or metres.

A cell that no border crosses holds its area. Any other holds the areas at its lower left corner and a few *records*,
each saying: on these levels of the cell, whoever is right of (or on) this edge has crossed it. Adding the steps of
the records that hold for a point to the corner's sum gives the areas around the point (see `Borders.steps`). The walk
that this stands for goes from the corner up the cell's left side, and then east to the point; both legs keep clear of
vertices, because the side lies half a unit west of the cell and a point stands for itself moved east and, much less,
north by less than anything.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from geo.borders import COUNT_BIT, Borders, Numbers
from geo.datum import Integers

Whole = NDArray[np.signedinteger[Any]]
Levels = NDArray[np.integer[Any]]

_CELLS_PER_EDGE: Final = 32
_FEWEST_CELLS: Final = 1 << 10
_MOST_CELLS: Final = 12_000_000
_SHORT_LEVELS: Final = 16
"""Below this shift, levels within a cell fit 16 bits."""
_INT64_SPAN: Final = 1 << 30
"""Edges that span less (10 degrees) multiply within int64; longer ones are counted in Python's integers."""


@dataclass(frozen=True, eq=False)
class Lattice:
    """Cells of `1 << shift` units, column by column from `x0, y0`.

    `cells`: the area of a cell, or `~n` for the n-th border cell. Border cell n begins with the sum `base[n]` and holds
    the records `start[n]` to `start[n + 1]`: levels `low` to `high` (half-open, in units above the cell's foot) of
    `edge` add `step`. The edge is the sentinel where every point has crossed. A record without levels only tells that
    the edge touches the cell.
    """

    borders: Borders
    x0: int
    y0: int
    shift: int
    columns: int
    rows: int
    cells: Numbers
    base: Integers
    start: Numbers
    low: Levels
    high: Levels
    edge: Numbers
    step: Integers
    wide: bool

    @cached_property
    def origin(self) -> Integers:
        """`x0, y0`, shape (2, 1)."""
        return np.array([[self.x0], [self.y0]])

    @cached_property
    def _size(self) -> NDArray[np.uint64]:
        """`columns, rows`, shape (2, 1). A negative position, seen as unsigned, is beyond any size."""
        return np.array([[self.columns], [self.rows]], dtype=np.uint64)

    def areas_at(self, points: Integers) -> Integers:
        """The area of each point (x, y in units, shape (2, n)); 0 outside; -1 where areas overlap."""
        above = points - self.origin
        position = above >> self.shift
        within = position.view(np.uint64) < self._size
        area: Integers = self.cells.take(position[0] * self.rows + position[1], mode="clip").astype(np.int64)
        if not within.all():
            area[~(within[0] & within[1])] = 0
        border = (area < 0).nonzero()[0]
        if border.size:
            level = above[1][border] & ((1 << self.shift) - 1)
            area[border] = self._settle(~area[border], points[:, border], level)
        return area

    def _settle(self, number: Integers, points: Integers, level: Integers) -> Integers:
        """The areas of points on levels of border cells."""
        owner, record = spread(self.start[number], self.start[number + 1])
        levels = level[owner]
        reached = ((self.low[record] <= levels) & (levels < self.high[record])).nonzero()[0]
        owner, record = owner[reached], record[reached]
        crossed = right_of(self.borders, self.edge[record], points[0][owner], points[1][owner], wide=self.wide)
        around = self.base[number]
        np.add.at(around, owner, self.step[record] * crossed)
        return area_of_sum(around)


def build_lattice(borders: Borders, *, cells: int | None = None) -> Lattice:
    """Lay a lattice over the borders, with about `cells` cells."""
    x0, y0, shift, columns, rows = _frame(borders, cells)
    east, north = np.maximum(borders.dx, 0), borders.dy
    wide = bool(max(east.max(), -borders.dx.min(), north.max()) >= _INT64_SPAN)
    edge, nth, line, level = _side_crossings(borders, x0, shift, wide=wide)
    sums, side = _cell_sums(borders, (edge, line, level), (y0, shift, columns, rows))
    inner = _edge_pieces(borders, (edge, nth, level), (x0, y0, shift, rows))
    cell, low, high, of_edge, step = (np.concatenate(pair) for pair in zip(side, inner, strict=True))
    order = np.argsort(cell, kind="stable")
    held = np.zeros(columns * rows, dtype=bool)
    held[cell] = True
    held |= (sums >> COUNT_BIT) > 1
    border = np.flatnonzero(held)
    kind = area_of_sum(sums)
    kind[border] = ~np.arange(border.size)
    start = np.searchsorted(cell[order], np.append(border, columns * rows))
    levels: type[np.signedinteger[Any] | np.unsignedinteger[Any]] = np.uint16 if shift < _SHORT_LEVELS else np.int64
    records = (low[order].astype(levels), high[order].astype(levels), of_edge[order].astype(np.int32), step[order])
    place = (x0, y0, shift, columns, rows)
    return Lattice(borders, *place, kind.astype(np.int32), sums[border], start.astype(np.int32), *records, wide)


def area_of_sum(around: Integers) -> Integers:
    """The one area in a sum of steps; 0 for none, -1 for several."""
    count = around >> COUNT_BIT
    area = around & ((1 << COUNT_BIT) - 1)
    area[count == 0] = 0
    area[count > 1] = -1
    return area


def right_of(borders: Borders, edge: Numbers, x: Integers, y: Integers, *, wide: bool) -> NDArray[np.bool_]:
    """Whether each point is right of, or on, the line of its edge; exact. `y` must be a level that the edge has."""
    run, rise = x - borders.ax[edge], y - borders.ay[edge]
    dx, dy = borders.dx[edge], borders.dy[edge]
    if wide:
        run, rise, dx, dy = (values.astype(object) for values in (run, rise, dx, dy))
    return np.asarray(dx * rise <= dy * run, dtype=bool)


def spread(start: Whole, stop: Whole) -> tuple[Integers, Integers]:
    """All the integers of ranges, one after another, and before them the number of the range that each is of."""
    length = stop - start
    owner = np.arange(length.size).repeat(length)
    skipped = start - length.cumsum() + length
    return owner, np.arange(owner.size) + skipped[owner]


def _frame(borders: Borders, cells: int | None) -> tuple[int, int, int, int, int]:
    """Origin, shift, columns and rows. Without any edge: one cell, far from everything."""
    ax, ay = borders.ax[:-1], borders.ay[:-1]
    if not ax.size:
        return 1 << 40, 1 << 40, 0, 1, 1
    bx, by = ax + borders.dx[:-1], ay + borders.dy[:-1]
    x0, y0 = int(min(ax.min(), bx.min())), int(ay.min())
    width, height = int(max(ax.max(), bx.max())) - x0, int(by.max()) - y0
    wanted = cells or min(max(_CELLS_PER_EDGE * ax.size, _FEWEST_CELLS), _MOST_CELLS)
    shift = 0
    while ((width >> shift) + 1) * ((height >> shift) + 1) > wanted:
        shift += 1
    return x0, y0, shift, (width >> shift) + 1, (height >> shift) + 1


def _side_crossings(
    borders: Borders, x0: int, shift: int, *, wide: bool
) -> tuple[Integers, Integers, Integers, Integers]:
    """Where edges cross the left sides of columns, in each edge's own order.

    Returns edge, number of the crossing on its edge, column, and level: the lowest y that is not below the edge there.
    The side is half a unit west of its column, so that it passes between all vertices.
    """
    first = (borders.ax - x0) >> shift
    last = (borders.ax + borders.dx - x0) >> shift
    edge, nth = spread(np.zeros_like(first), np.abs(last - first))
    ax, dx, dy = borders.ax[edge], borders.dx[edge], borders.dy[edge]
    column = np.where(dx > 0, first[edge] + 1 + nth, first[edge] - nth)
    doubled_run = 2 * (x0 + (column << shift) - ax) - 1
    if wide:
        doubled_run, dx, dy = (values.astype(object) for values in (doubled_run, dx, dy))
    climb = np.asarray(-((-dy * doubled_run) // (2 * dx)), dtype=np.int64)
    return edge, nth, column, borders.ay[edge] + climb


def _cell_sums(
    borders: Borders, crossings: tuple[Integers, Integers, Integers], frame: tuple[int, int, int, int]
) -> tuple[Integers, tuple[Integers, Integers, Integers, Integers, Integers]]:
    """The sums at the cells' lower left corners, and the records of the crossings within their left sides.

    Going up a side across an edge that runs east leads from its right to its left, across one that runs west from
    its left to its right. A column's steps end at nothing, because rings are closed: that is why one cumulated sum
    can run through all columns.
    """
    edge, column, level = crossings
    y0, shift, columns, rows = frame
    step = borders.steps()[edge]
    step = np.where(borders.dx[edge] > 0, -step, step)
    row, above_foot = (level - y0) >> shift, (level - y0) & ((1 << shift) - 1)
    sums = np.zeros(columns * rows + 1, dtype=np.int64)
    np.add.at(sums, column * rows + row + (above_foot > 0), step)
    np.cumsum(sums, out=sums)
    inner = np.flatnonzero(above_foot)
    top = np.full(inner.size, 1 << shift)
    sentinel = np.full(inner.size, borders.ax.size - 1)
    return sums[:-1], (column[inner] * rows + row[inner], above_foot[inner], top, sentinel, step[inner])


def _edge_pieces(
    borders: Borders, crossings: tuple[Integers, Integers, Integers], frame: tuple[int, int, int, int]
) -> tuple[Integers, Integers, Integers, Integers, Integers]:
    """Cut each edge where it passes from column to column and from row to row: the records of the pieces.

    The levels of an edge, `ay <= y < ay + dy`, are dealt out whole: none is in two columns, none is lost.
    """
    crossing, nth, level = crossings
    x0, y0, shift, rows = frame
    column = (borders.ax[:-1] - x0) >> shift
    reach = np.abs(((borders.ax + borders.dx)[:-1] - x0 >> shift) - column)
    edge, piece = spread(np.zeros_like(reach), reach + 1)
    low, high = borders.ay[edge], (borders.ay + borders.dy)[edge]
    at = (np.cumsum(reach + 1) - reach - 1)[crossing] + nth
    high[at] = level
    low[at + 1] = level
    column = np.where(borders.dx[edge] > 0, column[edge] + piece, column[edge] - piece)
    first = (low - y0) >> shift
    last = np.maximum((high - 1 - y0) >> shift, first)
    cut, row = spread(first, last + 1)
    foot = y0 + (row << shift)
    low, high = np.maximum(low[cut] - foot, 0), np.minimum(high[cut] - foot, 1 << shift)
    edge = edge[cut]
    return column[cut] * rows + row, low, high, edge, borders.steps()[edge]
