"""Lines and areas that cross without end are refused, with the memory and time of a small drawing."""

import resource
import subprocess
import sys
from itertools import pairwise
from textwrap import dedent

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString

from geo.geometry.tangle import MOST_CROSSINGS, first_crossing, tangled_at

pytestmark = pytest.mark.long

MEMORY = 1_500_000_000
WHOLE = st.integers(0, 12)


def zigzag(teeth, *, upright):
    """A line of so many teeth; a level one and an upright one cross in each of their teeth."""
    steps = np.linspace(-1, 1, teeth)
    ends = np.where(np.arange(teeth) % 2, 1.0, -1.0)
    points = np.stack([ends, steps] if upright else [steps, ends], axis=1)
    return LineString(points)


def comb(teeth, *, upright):
    """A polygon with so many teeth."""
    return shapely.buffer(zigzag(teeth, upright=upright), 0.2 / teeth, cap_style="flat", join_style="mitre")


def test_two_zigzags_are_tangled_and_two_short_ones_are_not():
    assert tangled_at([zigzag(3000, upright=True), zigzag(3000, upright=False)]) is not None
    assert tangled_at([zigzag(3000, upright=True)], [zigzag(3000, upright=False)]) is not None
    assert tangled_at([zigzag(300, upright=True), zigzag(300, upright=False)]) is None


def test_what_was_there_before_may_cross_as_it_likes():
    there = [zigzag(3000, upright=True), zigzag(3000, upright=False)]
    assert tangled_at([LineString([(-1, 0.5), (1, 0.5001)])], there) is None


def test_a_coverage_of_many_areas_is_not_tangled_in_itself():
    cells = [shapely.box(x, y, x + 1, y + 1) for x in range(60) for y in range(60)]
    assert tangled_at([shapely.segmentize(cell, 0.05) for cell in cells]) is None
    assert MOST_CROSSINGS < 60 * 60 * 80, "it has more segments than crossings are allowed"


@given(points=st.lists(st.tuples(WHOLE, WHOLE), min_size=3, max_size=14))
def test_where_a_line_first_meets_itself_is_the_end_of_its_longest_simple_beginning(points):
    line = LineString([(-1, -1), *(other for one, other in pairwise([(-1, -1), *points]) if one != other)])
    if line.is_simple:
        return
    place = first_crossing(line)
    length = next(n for n in range(2, len(line.coords) + 1) if not LineString(line.coords[:n]).is_simple)
    assert shapely.distance(place, LineString(line.coords[length - 2 : length])) < 1e-9
    assert shapely.distance(place, LineString(line.coords[: length - 1])) < 1e-9


BOMBS = {
    "a line that crosses itself": "line_in_units(LineString(scattered))",
    "an area that crosses itself": "_polygon(mapping(Polygon(scattered)))",
    "a line over the border of an area": "split(sheet, 'comb', level, Piece('comb'), Piece('x'))",
    "a line over the borders of two areas": "reshape(sheet, 'comb', 'beside', level)",
    "a proposal along lines": "propose(box(114, 25, 114.01, 25.01), none, count=3, lines=[level, upright])",
    "an area over another": "lay_all(sheet, {'comb': AreaShape(combs[1]), 'x': AreaShape(combs[0])})",
    "an area alone over another": "lay_alone(sheet, 'x', AreaShape(combs[1]))",
    "an area over one that is there": "add(sheet, 'x', AreaShape(combs[1]))",
    "a division": "divide(sheet, ['comb'], {'comb': AreaShape(combs[0]), 'x': AreaShape(combs[1])})",
}
PRELUDE = """
    import numpy as np, shapely
    from shapely import LineString, Polygon, box
    from shapely.geometry import mapping
    from geo.balance.dwellings import Dwellings
    from geo.balance.propose import propose
    from geo.errors import GeoError
    from geo.redraw.divide import divide
    from geo.redraw.drawing import line_in_units
    from geo.redraw.laying import add, lay_all, lay_alone
    from geo.redraw.reshape import reshape
    from geo.redraw.layer import Layer, AreaShape
    from geo.redraw.split import Piece, split
    from server.grids.operations import _polygon
    from tests.geo.geometry.test_tangle import comb, zigzag

    there = lambda shape: shapely.transform(shape, lambda at: [114.005, 25.005] + at / 200)
    scattered = 114 + np.random.default_rng(1).random((15_000, 2)) * [0.01, 0.01] - [0, 89]
    upright, level = (there(zigzag(6000, upright=each)) for each in (True, False))
    combs = [shapely.transform(there(comb(4000, upright=each)), lambda at: np.rint(at * 1e8) / 1e8) for each in (1, 0)]
    around = shapely.difference(box(113.99, 24.99, 114.02, 25.02), combs[0])
    sheet = Layer({"comb": AreaShape(combs[0]), "beside": AreaShape(around)})
    none = Dwellings(np.empty((0, 2)), np.empty(0, dtype=np.int64))
"""


@pytest.mark.parametrize("what", BOMBS)
def test_a_drawing_that_crosses_without_end_is_refused_in_little_memory(what):
    program = dedent(PRELUDE) + dedent(f"""
        try:
            {BOMBS[what]}
        except GeoError as error:
            print(error.code, error.data.get("reason"))
    """)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY)),  # no threads yet
    )  # fmt: skip
    assert done.stdout.strip() in {
        "invalid-shape tangled", "line-crosses-itself None", "invalid-shape self-crossing",
    }, done.stdout + done.stderr[-2000:]  # fmt: skip
