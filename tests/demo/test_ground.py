"""The sample city's ground: all of its numbers, nested without a gap, the same each time."""

import itertools

import pytest
import shapely
from shapely import Point, box

from geo.coverage.coverage import check, check_nesting
from geo.files.reading import read_boundaries
from geo.geometry.shapes import in_degrees, in_units
from geo.locate.nearby import metres_per_unit
from server.demo.ground import COUNTY_CODE, COUNTY_FILE, COUNTY_SEAT, chongyi_ground

LEVELS = ("county", "committee", "community", "grid", "zone")


@pytest.fixture(scope="module")
def outline():
    return read_boundaries(COUNTY_FILE).features[0].geometry


@pytest.fixture(scope="module")
def ground(outline):
    return chongyi_ground(outline)


def polygons(ground, level):
    return [area.polygon for area in ground.of_level(level)]


def test_the_county_file_is_imported_with_its_faults_told():
    (county,) = read_boundaries(COUNTY_FILE).features
    assert (county.name, county.code) == ("崇义县", COUNTY_CODE)
    assert {"self-crossing", "spike", "repeated-points"} <= {fault.code for fault in county.faults}
    assert county.geometry.is_valid
    assert county.geometry.contains(Point(COUNTY_SEAT))


def test_there_are_as_many_areas_of_each_level_as_chongyi_has(ground):
    assert [len(ground.of_level(level)) for level in LEVELS] == [1, 1, 6, 25, 60]
    assert len(ground.centres) == 19


@pytest.mark.parametrize("level", LEVELS[1:])
def test_each_level_is_a_coverage_without_gaps(ground, level):
    assert check(polygons(ground, level), 1.0) == []


@pytest.mark.parametrize(("upper", "lower"), list(itertools.pairwise(LEVELS[1:])))
def test_each_level_fills_the_one_above_to_the_last_unit(ground, upper, lower):
    codes = [area.code for area in ground.of_level(upper)]
    parent_of = [codes.index(area.parent) for area in ground.of_level(lower)]
    children, parents = polygons(ground, lower), polygons(ground, upper)
    assert check_nesting(children, parents, parent_of, tolerance_m=0) == []
    for number, parent in enumerate(parents):
        own = [child for child, owner in zip(children, parent_of, strict=True) if owner == number]
        assert shapely.symmetric_difference(shapely.union_all(own), parent).area < 1e-12


def test_the_town_lies_in_the_county_around_its_seat(ground, outline):
    (town,) = polygons(ground, "committee")
    assert outline.contains(town)
    assert town.contains(Point(COUNTY_SEAT))
    west, south, east, north = town.bounds
    across_m, along_m = (float(scale) * 1e8 for scale in metres_per_unit(town.centroid.y * 1e8))
    assert 3000 < (east - west) * across_m < 5000
    assert 2500 < (north - south) * along_m < 5000


def test_every_area_is_one_piece_with_whole_units_for_vertices(ground):
    for area in ground.areas[1:]:
        assert area.polygon.geom_type == "Polygon"
    zones = shapely.GeometryCollection(polygons(ground, "zone")).geoms
    assert all(a.equals_exact(b, 0) for a, b in zip(in_degrees(in_units([*zones])), zones, strict=True))


def test_codes_follow_the_national_practice_and_names_and_codes_are_not_repeated(ground):
    lengths = dict(zip(LEVELS, (6, 9, 12, 15, 17), strict=True))
    assert all(len(area.code) == lengths[area.level] and area.code.isdigit() for area in ground.areas)
    assert all(area.code.startswith(area.parent) for area in ground.areas if area.parent)
    assert len({area.code for area in ground.areas}) == len({area.name for area in ground.areas}) == len(ground.areas)


def test_parents_come_before_their_children(ground):
    seen = {None}
    for area in ground.areas:
        assert area.parent in seen
        seen.add(area.code)


def test_grids_have_a_plausible_number_of_households_that_add_up(ground):
    assert all(300 <= grid.households <= 1000 for grid in ground.of_level("grid"))
    totals = {sum(area.households for area in ground.of_level(level)) for level in LEVELS}
    assert len(totals) == 1


def test_every_grid_is_served_and_the_links_are_no_tree(ground):
    grids = {grid.code: grid.polygon for grid in ground.of_level("grid")}
    links = [(centre.code, code) for centre in ground.centres for code in centre.serves]
    assert {code for _, code in links} == set(grids)
    assert len(links) == len(set(links)) > len(grids)
    assert any(len(centre.serves) > 1 for centre in ground.centres)
    for centre in ground.centres:
        assert grids[centre.serves[0]].contains(centre.point)


def test_borders_are_not_straight(ground):
    zone = ground.of_level("zone")[30].polygon
    assert shapely.get_num_coordinates(zone) > 30
    assert zone.area < 0.97 * zone.convex_hull.area


def test_the_same_seed_gives_the_same_ground_and_another_another(outline, ground):
    assert chongyi_ground(outline) == ground
    assert chongyi_ground(outline, seed=7).areas[1] != ground.areas[1]


@pytest.mark.parametrize("seed", range(5))
def test_other_seeds_give_a_sound_ground_too(outline, seed):
    other = chongyi_ground(outline, seed=seed)
    assert [len(other.of_level(level)) for level in LEVELS] == [1, 1, 6, 25, 60]
    assert check(polygons(other, "zone"), 1.0) == []


def test_the_ground_does_not_depend_on_the_outline_but_for_the_county():
    elsewhere = chongyi_ground(box(114, 25, 115, 26))
    assert elsewhere.areas[0].polygon == box(114, 25, 115, 26)
