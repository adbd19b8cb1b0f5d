"""Point to area: the rule, held against an oracle in exact fractions."""

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyproj import Geod
from shapely import MultiPolygon, Point, Polygon, box

from geo.errors import InvalidCoverage, InvalidShape
from geo.geometry.datum import dequantise
from geo.locate.borders import borders_of
from geo.locate.lattice import build_lattice
from geo.locate.locator import Locator, Place
from geo.locate.nearby import Nearby, metres_per_unit
from tests.geo import exact

WEST, SOUTH = 11_430_000_000, 2_568_000_000
OFFSET = np.array([WEST, SOUTH])
SIZE = 14


def degrees(geometry):
    """A geometry in units beside the county seat, as degrees."""
    return shapely.transform(geometry, lambda xy: np.stack(dequantise(*np.rint(xy + OFFSET).T), axis=1))


def every_point(size=SIZE):
    x, y = np.meshgrid(np.arange(-1, size + 2), np.arange(-1, size + 2))
    return x.ravel() + WEST, y.ravel() + SOUTH


def voronoi_city(count, seed, span_deg=0.05):
    """Areas with ids 10, 20, ... that tile a square."""
    square = box(114.28, 25.66, 114.28 + span_deg, 25.66 + span_deg)
    seeds = np.random.default_rng(seed).random((count, 2)) * span_deg + [114.28, 25.66]
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(seeds)))
    cells = shapely.set_precision(shapely.intersection(cells, square), 1e-8)
    return [(10 * (i + 1), cell) for i, cell in enumerate(cells)]


@st.composite
def divided_squares(draw):
    """A square of SIZE units, cut into triangles between few points, which three or four areas share at random.

    So small that most points lie on a vertex, on an edge or one unit beside it; areas have holes and parts that touch.
    """
    unit = st.integers(0, SIZE)
    corners = [(0, 0), (0, SIZE), (SIZE, 0), (SIZE, SIZE)]
    points = draw(st.lists(st.tuples(unit, unit), min_size=1, max_size=9))
    triangles = shapely.get_parts(shapely.delaunay_triangles(shapely.multipoints(corners + points)))
    owners = draw(st.lists(st.integers(1, 4), min_size=len(triangles), max_size=len(triangles)))
    together = [(n, shapely.coverage_union_all(triangles[np.array(owners) == n])) for n in sorted(set(owners))]
    return [(n, area) for n, area in together if not area.is_empty]


@settings(max_examples=60)
@given(divided_squares(), st.sampled_from([1, 5, 30, 300]))
def test_every_point_of_a_divided_square_is_where_exact_arithmetic_puts_it(areas, cells):
    geometries = [degrees(geometry) for _, geometry in areas]
    locator = Locator(np.array([-1, *(n for n, _ in areas)]), build_lattice(borders_of(geometries), cells=cells))
    x, y = every_point()
    rings = [(n, exact.rings_of(geometry)) for (n, _), geometry in zip(areas, geometries, strict=True)]
    expected = [exact.locate(rings, *point) for point in zip(x.tolist(), y.tolist(), strict=True)]
    assert locator.locate(*dequantise(x, y)).tolist() == expected


@settings(max_examples=60)
@given(divided_squares())
def test_a_divided_square_leaves_no_point_out_and_gives_none_twice(areas):
    locators = [Locator.build([(n, degrees(geometry))]) for n, geometry in areas]
    x, y = every_point()
    holders = sum((locator.locate(*dequantise(x, y)) >= 0).astype(int) for locator in locators)
    within = (x >= WEST) & (x < WEST + SIZE) & (y >= SOUTH) & (y < SOUTH + SIZE)
    assert holders.tolist() == within.astype(int).tolist()


@pytest.mark.long
def test_points_of_a_city_on_vertices_on_edges_and_a_unit_beside_are_exact():
    areas = voronoi_city(60, seed=3)
    locator = Locator.build(areas)
    rings = [(n, exact.rings_of(geometry)) for n, geometry in areas]
    borders = locator.borders
    rng = np.random.default_rng(4)
    edge = rng.integers(0, borders.ax.size - 1, 400)
    along = rng.integers(0, 3, 400) / 2
    x = borders.ax[edge] + np.rint(along * borders.dx[edge]).astype(int) + rng.integers(-1, 2, 400)
    y = borders.ay[edge] + np.rint(along * borders.dy[edge]).astype(int) + rng.integers(-1, 2, 400)
    found = locator.locate(*dequantise(x, y)).tolist()
    assert found == [exact.locate(rings, *point) for point in zip(x.tolist(), y.tolist(), strict=True)]
    assert len(set(found)) > 30


def test_a_point_on_a_shared_west_border_is_inside_and_on_an_east_border_outside():
    locator = Locator.build([(1, degrees(box(0, 0, 5, 5))), (2, degrees(box(5, 0, 10, 5)))])
    x, y = np.array([0, 4, 5, 9, 10]) + WEST, np.array([2] * 5) + SOUTH
    assert locator.locate(*dequantise(x, y)).tolist() == [1, 1, 2, 2, -1]


def test_a_point_on_a_level_border_belongs_to_the_north():
    locator = Locator.build([(1, degrees(box(0, 0, 5, 5))), (2, degrees(box(0, 5, 5, 10)))])
    x, y = np.array([2] * 4) + WEST, np.array([0, 5, 9, 10]) + SOUTH
    assert locator.locate(*dequantise(x, y)).tolist() == [1, 2, 2, -1]


def test_a_hole_is_outside_and_an_island_in_it_is_not():
    ring = Polygon([(0, 0), (9, 0), (9, 9), (0, 9)], [[(2, 2), (2, 7), (7, 7), (7, 2)]])
    locator = Locator.build([(1, degrees(MultiPolygon([ring, box(4, 4, 5, 5)])))])
    x, y = np.array([1, 3, 4, 5, 8]) + WEST, np.array([4] * 5) + SOUTH
    assert locator.locate(*dequantise(x, y)).tolist() == [1, -1, 1, -1, 1]


def test_overlapping_areas_leave_the_point_to_the_lowest_id():
    areas = [(30, box(0, 0, 9, 9)), (20, box(3, 3, 12, 12)), (10, box(6, -3, 7, 20))]
    locator = Locator.build([(n, degrees(geometry)) for n, geometry in areas])
    rings = [(n, exact.rings_of(degrees(geometry))) for n, geometry in areas]
    x, y = every_point(20)
    expected = [exact.locate(rings, *point) for point in zip(x.tolist(), y.tolist(), strict=True)]
    assert locator.locate(*dequantise(x, y)).tolist() == expected
    assert set(expected) == {-1, 10, 20, 30}


def test_the_same_ground_given_twice_is_left_to_the_lowest_id():
    locator = Locator.build([(2, degrees(box(0, 0, 5, 5))), (1, degrees(box(0, 0, 5, 5)))])
    x, y = every_point(6)
    assert set(locator.locate(*dequantise(x, y)).tolist()) == {-1, 1}


def test_what_is_no_place_on_earth_is_outside_and_spoils_no_other():
    locator = Locator.build(voronoi_city(5, seed=1))
    lon = [float("nan"), 114.3, float("inf"), 114.3, 25.68, 1e300]
    lat = [25.68, 25.68, 25.68, float("nan"), 114.3, -1e300]
    found = locator.locate(lon, lat)
    assert (found >= 0).tolist() == [False, True, False, False, False, False]
    places = locator.places(lon, lat, 5.0, 50.0)
    assert [place.how for place in places] == ["outside", "inside", *["outside"] * 4]
    assert places[0] == Place(None, "outside", float("inf"), ())


def test_a_locator_over_nothing_finds_nothing():
    locator = Locator.build([])
    assert locator.locate_one(114.3, 25.68) is None
    assert locator.places([114.3], [25.68], 5.0, 50.0) == [Place(None, "outside", float("inf"), ())]


def test_an_area_round_the_world_is_exact_too():
    world = Polygon([(-180, -90), (180, 89), (179, 90), (-179, 80)])
    locator = Locator.build([(7, world)])
    rings = [(7, exact.rings_of(world))]
    rng = np.random.default_rng(5)
    edge, along = rng.integers(0, locator.borders.ax.size - 1, 60), rng.random(60)
    x = locator.borders.ax[edge] + (along * locator.borders.dx[edge]).astype(int)
    y = locator.borders.ay[edge] + (along * locator.borders.dy[edge]).astype(int)
    found = locator.locate(*dequantise(x, y)).tolist()
    assert found == [exact.locate(rings, *point) for point in zip(x.tolist(), y.tolist(), strict=True)]
    assert set(found) == {7, -1}


def test_a_self_crossing_area_is_mended_and_still_found():
    bow_tie = degrees(Polygon([(0, 0), (10, 10), (10, 0), (0, 10)]))
    locator = Locator.build([(1, bow_tie)])
    x, y = np.array([1, 9, 5]) + WEST, np.array([5, 5, 9]) + SOUTH
    assert locator.locate(*dequantise(x, y)).tolist() == [1, 1, -1]


def test_one_point_is_located_as_in_a_batch():
    areas = voronoi_city(40, seed=8)
    locator = Locator.build(areas)
    lon, lat = np.random.default_rng(8).random((2, 200)) * 0.06 + [[114.275], [25.655]]
    one_by_one = [locator.locate_one(x, y) for x, y in zip(lon.tolist(), lat.tolist(), strict=True)]
    assert one_by_one == [None if n < 0 else n for n in locator.locate(lon, lat).tolist()]


@pytest.mark.parametrize("wrong", [Point(114.3, 25.6), shapely.LineString([(114, 25), (115, 26)])])
def test_what_is_not_a_polygon_is_refused_by_its_index(wrong):
    with pytest.raises(InvalidShape) as caught:
        Locator.build([(1, box(114, 25, 115, 26)), (2, wrong)])
    assert (caught.value.reason, caught.value.feature) == ("wrong-type", 1)


def test_an_area_that_is_not_on_earth_is_refused_by_its_index():
    with pytest.raises(InvalidShape) as caught:
        Locator.build([(1, box(114, 25, 115, 26)), (2, box(39_500_000, 2_840_000, 39_500_100, 2_840_100))])
    assert (caught.value.reason, caught.value.feature) == ("out-of-range", 1)


def test_two_areas_of_one_id_are_refused():
    with pytest.raises(InvalidCoverage) as caught:
        Locator.build([(1, box(114, 25, 115, 26)), (1, box(115, 25, 116, 26))])
    assert caught.value.reason == "repeated-area-id"


class TestPlaces:
    """Distance, nearness and ambiguity, which never change the area that a point is in."""

    metre = 1 / metres_per_unit(np.array(SOUTH))[0]

    def locator(self):
        """Two squares of 100 m side by side, and a third 40 m east of them."""
        sides = np.array([0, 100, 200, 240, 340]) * self.metre
        height = 100 * self.metre
        west, middle, east = ((sides[0], sides[1]), (sides[1], sides[2]), (sides[3], sides[4]))
        return Locator.build(
            [(n, degrees(box(low, 0, high, height))) for n, (low, high) in ((1, west), (2, middle), (3, east))]
        )

    def place(self, east_m, accuracy_m, near_m=15.0):
        lon, lat = dequantise(WEST + east_m * self.metre, SOUTH + 50 * self.metre)
        return self.locator().places([lon], [lat], accuracy_m, near_m)[0]

    def test_a_point_well_inside_is_given_its_area_and_nothing_else(self):
        assert self.place(50, accuracy_m=12.0) == Place(1, "inside", 0.0, (1,))

    def test_a_bad_fix_adds_the_neighbour_but_stays_where_it_is(self):
        place = self.place(90, accuracy_m=12.0)
        assert place == Place(1, "inside", 0.0, (1, 2))
        assert place.ambiguous

    def test_candidates_come_nearest_first(self):
        assert self.place(190, accuracy_m=95.0).candidates == (2, 3, 1)

    def test_a_point_in_the_street_between_is_near_the_nearer_area(self):
        place = self.place(210, accuracy_m=5.0)
        assert (place.area, place.how, place.candidates) == (2, "near", (2,))
        assert place.distance_m == pytest.approx(10, rel=1e-3)

    def test_a_point_far_out_belongs_to_nobody_and_says_how_far(self):
        place = self.place(640, accuracy_m=5.0)
        assert (place.area, place.how, place.candidates) == (None, "outside", ())
        assert place.distance_m == pytest.approx(300, rel=1e-3)

    def test_a_point_outside_with_a_bad_fix_names_whom_it_may_belong_to(self):
        assert self.place(220, accuracy_m=25.0).candidates == (2, 3)
        assert self.place(220, accuracy_m=25.0).area is None

    def test_unknown_accuracy_adds_no_candidate(self):
        assert self.place(99, accuracy_m=float("nan")) == Place(1, "inside", 0.0, (1,))

    def test_the_margin_is_the_distance_to_the_nearest_border_of_the_own_area(self):
        lon, lat = dequantise(WEST + 93 * self.metre, SOUTH + 50 * self.metre)
        assert self.locator().margins_m([lon], [lat]).tolist() == [pytest.approx(7, rel=1e-3)]

    def test_a_vertex_that_only_touches_the_next_row_of_cells_is_near_from_there(self):
        lattice = build_lattice(borders_of([degrees(Polygon([(0, 0), (10, 0), (5, 8)]))]), cells=4)
        assert (lattice.shift, lattice.rows) == (3, 4)
        above = np.array([[WEST + 5], [SOUTH + 9]])
        assert Nearby(lattice).areas_within(above, np.array([1.05 * 0.00111])) == {0: [1]}

    @pytest.mark.parametrize("lat", [0.0, 25.682, 53.0, -40.0])
    def test_a_unit_is_as_long_as_the_ellipsoid_says(self, lat):
        across_m, along_m = metres_per_unit(np.array(lat * 1e8))
        geod = Geod(ellps="WGS84")
        assert across_m * 1e5 == pytest.approx(geod.inv(114.0, lat, 114.001, lat)[2], rel=1e-6)
        assert along_m * 1e5 == pytest.approx(geod.inv(114.0, lat - 0.0005, 114.0, lat + 0.0005)[2], rel=1e-6)

    @pytest.mark.long
    def test_distances_and_candidates_are_those_of_a_plane_laid_at_the_point(self):
        areas = voronoi_city(60, seed=9)
        locator = Locator.build(areas)
        lon, lat = np.random.default_rng(9).random((2, 100)) * 0.06 + [[114.275], [25.655]]
        for x, y, place in zip(lon, lat, locator.places(lon, lat, 60.0, 30.0), strict=True):
            scale = np.array(metres_per_unit(np.rint(np.array(y) * 1e8))) * 1e8
            away_m = {
                n: shapely.distance(shapely.transform(geometry, lambda xy: (xy - [x, y]) * scale), Point(0, 0))  # noqa: B023
                for n, geometry in areas
            }
            given_to = {place.area} - {None}
            assert set(place.candidates) == {n for n, away in away_m.items() if away <= 60} | given_to
            assert place.distance_m == pytest.approx(min(away_m.values()), abs=0.01)
            assert place.how == ("inside" if min(away_m.values()) == 0 else "near" if place.area else "outside")

    @pytest.mark.long
    def test_margins_are_the_distances_to_the_outline_of_the_own_area_or_of_the_nearest(self):
        areas = voronoi_city(60, seed=9)
        hole = shapely.buffer(areas[7][1].representative_point(), 1e-4)
        areas[7] = (areas[7][0], shapely.difference(areas[7][1], hole))
        lon, lat = np.random.default_rng(5).random((2, 200)) * 0.08 + [[114.265], [25.645]]
        lon[0], lat[0] = hole.centroid.x, hole.centroid.y
        lon[1], lat[1] = hole.centroid.x + 1.5e-4, hole.centroid.y
        told = Locator.build(areas).margins_m(lon, lat)
        for x, y, margin in zip(lon, lat, told.tolist(), strict=True):
            scale = np.array(metres_per_unit(np.rint(np.array(y) * 1e8))) * 1e8
            away_m = [
                shapely.distance(shapely.transform(geometry.boundary, lambda xy: (xy - [x, y]) * scale), Point(0, 0))  # noqa: B023
                for _, geometry in areas
                if geometry.contains(Point(x, y)) or not any(other.contains(Point(x, y)) for _, other in areas)
            ]
            assert margin == pytest.approx(min(away_m), abs=0.01)

    def test_where_there_is_no_area_or_no_place_on_earth_the_margin_is_infinite(self):
        assert np.isinf(Locator.build([]).margins_m([114.3, float("nan")], [25.6, 25.6])).all()
        assert np.isinf(self.locator().margins_m([float("nan"), 400.0], [25.6, 25.6])).all()


@st.composite
def redrawings(draw):
    """Turns of what is put, by id, and what is dropped."""
    shapes = divided_squares().map(lambda areas: areas[0][1])
    ids = st.integers(0, 9)
    turn = st.tuples(st.dictionaries(ids, shapes, max_size=2), st.sets(ids, max_size=2))
    return draw(st.lists(turn, max_size=3))


@settings(max_examples=30, deadline=None)
@example([(1, box(0, 0, 5, 5)), (2, box(5, 0, 10, 5))], [({1: box(0, 0, 4, 5)}, {2})], 30)
@given(divided_squares(), redrawings(), st.sampled_from([30, 300, 3000]))
def test_a_locator_after_changes_answers_as_one_built_afresh(areas, changes, cells):
    now = {n: degrees(geometry) for n, geometry in areas}
    locator = Locator(np.array([-1, *now]), build_lattice(borders_of(list(now.values())), cells=cells))
    x, y = every_point(SIZE + 3)
    lon, lat = dequantise(x, y)
    for drawn, dropped in changes:
        put = {n: degrees(shape) for n, shape in drawn.items()}
        now = {n: shape for n, shape in now.items() if n not in dropped} | put
        locator = locator.with_changes(list(put.items()), dropped)
        fresh = Locator.build(sorted(now.items()))
        assert locator.locate(lon, lat).tolist() == fresh.locate(lon, lat).tolist()
        assert [locator.locate_one(*point) for point in zip(lon, lat, strict=True)] == [
            None if n < 0 else n for n in fresh.locate(lon, lat).tolist()
        ]
        assert locator.places(lon, lat, 0.005, 0.01) == fresh.places(lon, lat, 0.005, 0.01)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_a_city_redrawn_again_and_again_answers_as_one_built_afresh(seed):
    now = dict(voronoi_city(300, seed))
    locator = Locator.build(sorted(now.items()))
    rng = np.random.default_rng(seed)
    for turn in range(6):
        which = int(rng.choice(sorted(now)))
        west, south, east, north = now[which].bounds
        middle = round((west + east) / 2, 8)
        halves = [shapely.intersection(now[which], box(*side)) for side in ((0, 0, middle, 90), (middle, 0, 180, 90))]
        put = {which: halves[0], 10_000 + turn: halves[1]} if turn % 3 else {}
        now = {n: shape for n, shape in now.items() if n != which} | put
        locator = locator.with_changes(list(put.items()), [] if put else [which])
        fresh = Locator.build(sorted(now.items()))
        lon, lat = rng.uniform((west - 0.002, south - 0.002), (east + 0.002, north + 0.002), (3000, 2)).T
        everywhere = rng.random((2, 3000)) * 0.06 + [[114.275], [25.655]]
        for points in ((lon, lat), everywhere):
            assert (locator.locate(*points) == fresh.locate(*points)).all()
        assert (locator.margins_m(lon, lat) == fresh.margins_m(lon, lat)).all()
