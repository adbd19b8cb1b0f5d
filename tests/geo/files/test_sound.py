"""What is taken from a file without a closer look is what a closer look would have made of it."""

import numpy as np
import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st
from shapely import MultiPolygon, Point, Polygon, box

from geo.errors import InvalidShape
from geo.files.reading import _on_ground, _sound
from geo.geometry.crs import crs_named

DEGREES = crs_named("EPSG:4490")
SQUARE = [(0, 0), (6, 0), (6, 6), (0, 6), (0, 0)]

positions = st.tuples(st.integers(0, 6), st.integers(0, 6))
rings = st.lists(positions, min_size=3, max_size=7).map(lambda ring: [*ring, ring[0]])
holes = st.lists(st.just([(2, 2), (2, 4), (4, 4), (2, 2)]) | rings, max_size=2)
parts = st.lists(st.tuples(rings | st.just(SQUARE), holes), min_size=1, max_size=2)


def on_ground(parts, *, is_multi, scale=0.001, height=None):
    tail = () if height is None else (height,)

    def laid(ring):
        return [(114.0 + x * scale, 30.0 + y * scale, *tail) for x, y in ring]

    polygons = [Polygon(laid(shell), [laid(hole) for hole in inner]) for shell, inner in parts]
    return MultiPolygon(polygons) if is_multi else polygons[0]


def sound(geometry, *, unclosed=False, crs=DEGREES):
    (found,) = _sound(np.array([geometry], dtype=object), np.array([unclosed]), crs)
    return found


def turns(geometry):
    return shapely.is_ccw(shapely.get_exterior_ring(shapely.get_parts(geometry))).tolist()


@given(parts, st.booleans(), st.sampled_from([0.001, 1e-7, 1e-9]), st.sampled_from([None, 12.5]))
@example([(SQUARE, [])], True, 0.001, 12.5)
@example([(SQUARE, []), ([(8, 8), (9, 8), (9, 9), (8, 8)], [])], True, 0.001, None)
@example([([*reversed(SQUARE)], [])], False, 0.001, None)
@example([(SQUARE, [[(0, 1), (2, 2), (2, 4), (0, 1)]])], False, 0.001, None)
def test_what_is_sound_comes_out_as_if_it_were_looked_at_by_itself(parts, is_multi, scale, height):
    geometry = on_ground(parts, is_multi=is_multi, scale=scale, height=height)
    found = sound(geometry)
    if found is not None:
        mended, faults = _on_ground(geometry, DEGREES)
        assert faults == []
        assert shapely.equals_identical(*shapely.normalize([found, mended]))
        assert turns(found) == turns(mended)


@pytest.mark.parametrize("is_multi", [False, True])
def test_a_polygon_without_fault_needs_no_closer_look(is_multi):
    assert sound(on_ground([(SQUARE, [])], is_multi=is_multi)) is not None


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        Point(114, 30),
        Polygon(),
        box(114, 30, 114 + 1e-10, 30 + 1e-10),
        box(179, 30, 181, 31),
        box(-170, 30, 170, 31),
        Polygon([(114, 30), (115, 31), (115, 30), (114, 31), (114, 30)]),
        Polygon([(114, 30), (115, 30), (115, 30), (115, 31), (114, 30)]),
    ],
)
def test_all_else_gets_a_closer_look(geometry):
    assert sound(geometry) is None
    try:
        _, faults = _on_ground(geometry, DEGREES)
    except InvalidShape:
        return
    assert faults


def test_what_has_no_numbers_gets_a_closer_look():
    with np.errstate(invalid="ignore"):
        nowhere = Polygon([(114, 30), (115, 30), (115, float("nan")), (114, 30)])
        assert sound(nowhere) is None


def test_a_ring_that_was_closed_by_the_reader_gets_a_closer_look():
    assert sound(box(114, 30, 115, 31), unclosed=True) is None


def test_what_a_projection_cannot_turn_back_gets_a_closer_look():
    assert sound(box(1e9, 0, 1e9 + 1, 1), crs=crs_named("EPSG:4547")) is None
