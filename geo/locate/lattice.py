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

from geo.geometry.datum import UNITS_PER_DEGREE, Floats, Integers
from geo.locate.borders import COUNT_BIT, Borders, Numbers

Whole = NDArray[np.signedinteger[Any]]
Rows = NDArray[np.void]
"""Rows of fields."""
Frame = tuple[int, int, int, int, int]
"""`x0, y0, shift, columns, rows` of a lattice."""

_CELLS_PER_EDGE: Final = 256
_FEWEST_CELLS: Final = 1 << 10
_MOST_CELLS: Final = 15_000_000
_BLOCK: Final = 1_000_000
"""Cells that are summed up at once."""
_MOST_BY_HAND: Final = 40
_ONE: Final = 1 << COUNT_BIT
_TWO: Final = 2 << COUNT_BIT
_SHORT_LEVELS: Final = 16
"""Below this shift, levels within a cell fit 16 bits."""
_SUM: Final = np.dtype([("base", np.int64), ("start", np.int32)], align=True)
_RECORD: Final = np.dtype([("low", np.int64), ("high", np.int64), ("step", np.int64), ("edge", np.int32)], align=True)
_SHORT_RECORD: Final = np.dtype([("low", np.uint16), ("high", np.uint16), ("edge", np.int32), ("step", np.int64)])
_INT64_SPAN: Final = 1 << 30
"""Edges that span less (10 degrees) multiply within int64; longer ones are counted in Python's integers."""


@dataclass(frozen=True, eq=False)
class Lattice:
    """Cells of `1 << shift` units, column by column from `x0, y0`, which are multiples of that.

    `cells`: the area of a cell, or `~n` for the n-th border cell. Border cell n begins with the sum `base[n]` and holds
    the records `start[n]` to `start[n + 1]`: levels `low` to `high` (half-open, in units above the cell's foot) of
    `edge` add `step`. The edge is the sentinel where every point has crossed. A record without levels only tells that
    the edge touches the cell. `sums` has a row of (base, start) for each border cell, and one more for the last end;
    `records` one of (low, high, edge, step) for each record: what is read together lies together, as most of what a
    point in a border cell costs is waiting for memory.
    """

    borders: Borders
    x0: int
    y0: int
    shift: int
    columns: int
    rows: int
    cells: Numbers
    sums: Rows
    records: Rows
    wide: bool

    @property
    def base(self) -> Integers:
        """The sums at the lower left corners of border cells; the last is none."""
        return self.sums["base"]

    @property
    def start(self) -> Numbers:
        """The first records of border cells, and where the last one's end."""
        return self.sums["start"]

    @property
    def edge(self) -> Numbers:
        """The edges of records."""
        return self.records["edge"]

    @cached_property
    def origin(self) -> Integers:
        """`x0, y0`, shape (2, 1)."""
        return np.array([[self.x0], [self.y0]])

    @cached_property
    def _limits(self) -> tuple[Floats, Floats]:
        """Degrees within the first cells and within the last, shape (2, 1)."""
        last = self.origin + (np.array([[self.columns], [self.rows]]) << self.shift) - 1
        return self.origin / UNITS_PER_DEGREE, last / UNITS_PER_DEGREE

    @cached_property
    def _first(self) -> int:
        """The number that the first cell would have if the lattice began at 0, 0."""
        return (self.x0 >> self.shift) * self.rows + (self.y0 >> self.shift)

    @cached_property
    def _by_hand(self) -> "_ByHand":
        return _ByHand(self)

    def areas_at(self, degrees: Floats) -> tuple[Numbers, list[int]]:
        """The area of each point (lon, lat, shape (2, n)), 0 outside; and which points lie where areas overlap (-1).

        Batches as small as a phone's are bound by the number of calls to numpy, not by the points.
        """
        # What is far away, or not a number, comes to lie in the outermost cells, which hold nothing.
        low, high = self._limits
        points = np.fmax(degrees, low)
        np.fmin(points, high, points)
        points *= UNITS_PER_DEGREE
        units = np.rint(points, points).astype(np.int64)
        cells = units >> self.shift
        cell = cells[0]
        cell *= self.rows
        cell += cells[1]
        cell -= self._first
        area: Numbers = self.cells.take(cell)
        border = (area < 0).nonzero()[0]
        if not border.size:
            return area, []
        held, whole = area.take(border), units.take(border, axis=1)
        if border.size <= _MOST_BY_HAND:
            area[border] = settled = self._by_hand.settle(held.tolist(), *whole.tolist())
            return area, border[np.array(settled) < 0].tolist() if -1 in settled else []
        area[border] = around = self._settle(~held, whole, whole[1] & ((1 << self.shift) - 1))
        return area, border[around < 0].tolist()

    def area_at(self, x: int, y: int) -> int:
        """The area of one point in units; as `areas_at`."""
        return self._by_hand.area_at(x, y)

    def _settle(self, number: Whole, points: Integers, level: Integers) -> Integers:
        """The areas of points on levels of border cells."""
        owner, record = spread(self.start[number], self.start[number + 1])
        levels = level[owner]
        held = self.records
        reached = ((held["low"][record] <= levels) & (levels < held["high"][record])).nonzero()[0]
        owner, record = owner[reached], record[reached]
        crossed = right_of(self.borders, held["edge"][record], points[0][owner], points[1][owner], wide=self.wide)
        around = self.base[number]
        np.add.at(around, owner, held["step"][record] * crossed)
        return area_of_sum(around)


class _ByHand:
    """A lattice for one point at a time, where a call to numpy would cost more than all the arithmetic."""

    def __init__(self, lattice: Lattice) -> None:
        borders = lattice.borders
        self._frame = (lattice.x0, lattice.y0, lattice.shift, lattice.columns, lattice.rows)
        self._mask = (1 << lattice.shift) - 1
        self._cells = _view(lattice.cells)
        self._records = tuple(_view(lattice.records[name]) for name in ("low", "high", "edge", "step"))
        self._of_cell = _view(lattice.base), _view(lattice.start)
        ends = np.stack([borders.ax, borders.ay, borders.dx, borders.dy], axis=1)
        self._edges = tuple(_view(column) for column in ends.T)

    def area_at(self, x: int, y: int) -> int:
        x0, y0, shift, columns, rows = self._frame
        column, row = (x - x0) >> shift, (y - y0) >> shift
        if not (0 <= column < columns and 0 <= row < rows):
            return 0
        area = self._cells[column * rows + row]
        return area if area >= 0 else self.settle([area], [x], [y])[0]

    def settle(self, cells: list[int], xs: list[int], ys: list[int]) -> list[int]:
        """The areas of points in border cells."""
        low, high, edges, steps = self._records
        ax, ay, dx, dy = self._edges
        (base, start), mask = self._of_cell, self._mask
        settled = []
        for cell, x, y in zip(cells, xs, ys, strict=True):
            level, around = y & mask, base[~cell]
            for record in range(start[~cell], start[-cell]):
                if low[record] <= level < high[record]:
                    edge = edges[record]
                    if dx[edge] * (y - ay[edge]) <= dy[edge] * (x - ax[edge]):
                        around += steps[record]
            settled.append(around - _ONE if _ONE <= around < _TWO else 0 if around < _ONE else -1)
        return settled


def _view(values: NDArray[Any]) -> memoryview:
    """Single items of it are Python's integers, and come faster than from the array."""
    return memoryview(values)  # type: ignore[arg-type]  # arrays are buffers


def build_lattice(borders: Borders, *, cells: int | None = None) -> Lattice:
    """Lay a lattice over the borders, with about `cells` cells."""
    return lay(borders, _frame(borders, cells))


def lay(borders: Borders, frame: Frame) -> Lattice:
    """Lay a lattice of a given frame over borders that lie within it, clear of its outermost cells."""
    x0, y0, shift, columns, rows = frame
    wide = bool(max(np.abs(borders.dx).max(), borders.dy.max()) >= _INT64_SPAN)
    edge, nth, line, level = _side_crossings(borders, x0, shift, wide=wide)
    step = np.where(borders.dx > 0, -borders.steps(), borders.steps())[edge]
    side = _side_records(borders, (line, level, step), frame)
    inner = _edge_pieces(borders, (edge, nth, level), (x0, y0, shift, rows))
    cell = np.concatenate([side[0], inner[0]])
    order = np.argsort(cell, kind="stable")
    held = np.zeros(columns * rows, dtype=bool)
    held[cell] = True
    kinds, border, base = _cells(held, (line, level, step), frame)
    sums = np.zeros(border.size + 1, dtype=_SUM)
    sums["base"][:-1] = base
    sums["start"] = np.searchsorted(cell[order], np.append(border, columns * rows))
    records = np.empty(order.size, dtype=_SHORT_RECORD if shift < _SHORT_LEVELS else _RECORD)
    for name, *pair in zip(("low", "high", "edge", "step"), side[1:], inner[1:], strict=True):
        records[name] = np.concatenate(pair)[order]
    return Lattice(borders, *frame, kinds, sums, records, wide)


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


def _frame(borders: Borders, cells: int | None) -> Frame:
    """Origin, shift, columns and rows, with empty cells all around. Without any edge: one cell."""
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
    return aligned(x0, y0, x0 + width, y0 + height, shift)


def aligned(west: int, south: int, east: int, north: int, shift: int) -> Frame:
    """The frame of whole cells around a box, and one more on each side."""
    column, row = (west >> shift) - 1, (south >> shift) - 1
    return column << shift, row << shift, shift, (east >> shift) - column + 2, (north >> shift) - row + 2


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


def _cells(
    held: NDArray[np.bool_], crossings: tuple[Integers, Integers, Integers], frame: Frame
) -> tuple[Numbers, Integers, Integers]:
    """What the cells hold, which are border cells, and the sums at the lower left corners of those.

    `held` are the cells with records, `crossings` those of the left sides of columns: column, level, and the step of
    going up across. A column's steps end at nothing, because rings are closed: that is why one cumulated sum can run
    through several columns, and why they can be taken by blocks, which saves memory.
    """
    column, level, step = crossings
    _, y0, shift, columns, rows = frame
    row = (level - y0 + (1 << shift) - 1) >> shift
    order = np.argsort(column, kind="stable")
    kinds = np.empty(columns * rows, dtype=np.int32)
    borders, bases, count = [], [], 0
    width = max(1, _BLOCK // rows)
    for first in range(0, columns, width):
        last = min(first + width, columns)
        within = order[slice(*np.searchsorted(column, [first, last], sorter=order))]
        sums = np.zeros((last - first) * rows + 1, dtype=np.int64)
        np.add.at(sums, (column[within] - first) * rows + row[within], step[within])
        sums = np.cumsum(sums, out=sums)[:-1]
        block = slice(first * rows, last * rows)
        border = np.flatnonzero(held[block] | ((sums >> COUNT_BIT) > 1))
        kinds[block] = area_of_sum(sums.copy())
        kinds[block][border] = ~np.arange(count, count + border.size)
        borders.append(border + first * rows)
        bases.append(sums[border])
        count += border.size
    return kinds, np.concatenate(borders), np.concatenate(bases)


def _side_records(
    borders: Borders, crossings: tuple[Integers, Integers, Integers], frame: Frame
) -> tuple[Integers, Integers, Integers, Integers, Integers]:
    """The records of the crossings within cells' left sides.

    Going up a side across an edge that runs east leads from its right to its left, across one that runs west from
    its left to its right.
    """
    column, level, step = crossings
    _, y0, shift, _, rows = frame
    row, above_foot = (level - y0) >> shift, (level - y0) & ((1 << shift) - 1)
    inner = np.flatnonzero(above_foot)
    top = np.full(inner.size, 1 << shift)
    sentinel = np.full(inner.size, borders.ax.size - 1)
    return column[inner] * rows + row[inner], above_foot[inner], top, sentinel, step[inner]


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
