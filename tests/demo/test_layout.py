"""The five cities' ground, small: its numbers and levels, sound by the gate, the same each time."""

import itertools
from functools import cache

import pytest
import shapely
from shapely import Polygon, box

from geo.coverage.gate import Gate, GateArea, GateRules
from geo.geometry.shapes import in_degrees, in_units
from server.demo import chongyi
from server.demo.cities import profile as profiles
from server.demo.cities.layout import laid_out, numeral
from server.demo.cities.outlines import county_outlines

SMALL = {"enshi": 0.1, "jingdezhen": 0.05, "hefei": 0.03, "nantong": 0.01}
LEVELS = {
    "enshi": ("county", "street", "community", "section", "grid"),
    "jingdezhen": ("city", "county", "street", "community", "grid"),
    "hefei": ("city", "county", "street", "community", "section", "grid", "micro_grid"),
    "nantong": ("city", "county", "street", "community", "grid", "micro_grid"),
}
PROMISED = {
    "enshi": {"grid": 359},
    "jingdezhen": {"grid": 1021},
    "hefei": {"grid": 5800},
    "nantong": {"community": 349, "micro_grid": 77000},
}


def quietly(_line):
    pass


@cache
def outlines_of(name):
    return county_outlines(profiles.read(name).outline_file, quietly)


def lay_out(name, factor, seed=None):
    profile = profiles.read(name).scaled(factor)
    return laid_out(profile, outlines_of(name), profile.seed if seed is None else seed, quietly)


@cache
def small(name):
    return lay_out(name, SMALL[name])


@pytest.fixture(scope="module", params=sorted(SMALL))
def city(request):
    return small(request.param)


def gate_of(city, kind):
    by_code = {area.code: area for area in city.areas}
    areas = [GateArea(area.code, area.polygon, area.parent, area.households) for area in city.of_kind(kind)]
    parents = {code: by_code[code].polygon for code in {area.parent_code for area in areas} if code is not None}
    return Gate.of(areas, parents, GateRules())


def test_every_profile_is_laid_out_here():
    assert profiles.names() == sorted(SMALL)


@pytest.mark.parametrize("name", sorted(SMALL))
def test_a_profile_promises_the_numbers_that_its_city_is_known_by(name):
    profile = profiles.read(name)
    totals = {level.kind: level.total for level in profile.levels}
    assert PROMISED[name].items() <= totals.items()
    if name == "nantong":
        assert sum(len(county.streets) for county in profile.counties) == 39


def test_there_are_as_many_areas_of_each_level_as_the_profile_says(city):
    counts = {level.kind: level.total for level in city.profile.levels}
    counts["street"] = sum(len(county.streets) for county in city.profile.counties)
    counts["county"] = len(city.profile.counties)
    counts |= {} if city.profile.root is None else {"city": 1}
    assert {kind: len(city.of_kind(kind)) for kind in LEVELS[city.profile.name]} == counts
    assert len(city.areas) == sum(counts.values())


def test_the_gate_finds_no_error_at_any_level(city):
    for kind in LEVELS[city.profile.name]:
        errors = [finding for finding in gate_of(city, kind).findings if finding.severity == "error"]
        assert errors == []


def test_no_border_lacks_a_vertex_of_its_neighbour_and_no_code_leaves_its_parent(city):
    for kind in LEVELS[city.profile.name][2:]:
        assert {"unmatched", "code-prefix"}.isdisjoint(finding.code for finding in gate_of(city, kind).findings)


def test_the_city_lies_within_a_millimetre_of_its_outline(city):
    outlines = outlines_of(city.profile.name)
    for county in city.of_kind("county"):
        assert shapely.hausdorff_distance(county.polygon.boundary, outlines[county.code].boundary) < 1e-8 * 2


def test_vertices_are_whole_units_and_polygons_of_one_piece_but_for_islands(city):
    polygons = shapely.GeometryCollection([area.polygon for area in city.leaves]).geoms
    assert all(a.equals_exact(b, 0) for a, b in zip(in_degrees(in_units([*polygons])), polygons, strict=True))
    several = [polygon for polygon in polygons if not isinstance(polygon, Polygon)]
    assert len(several) <= 1


def test_parents_come_before_their_children_and_codes_are_not_repeated(city):
    seen = {None}
    for area in city.areas:
        assert area.parent in seen
        assert area.code not in seen
        seen.add(area.code)


def test_names_of_siblings_differ(city):
    by_parent = sorted(city.areas, key=lambda area: area.parent or "")
    for _, siblings in itertools.groupby(by_parent, key=lambda area: area.parent):
        names = [area.name for area in siblings]
        assert len(set(names)) == len(names)


def test_households_add_up_level_by_level(city):
    totals = {
        sum(area.households for area in city.of_kind(kind)) for kind in LEVELS[city.profile.name] if kind != "street"
    }
    assert len(totals) == 1
    assert all(area.households > 0 for area in city.areas)


def test_the_grids_of_hefei_keep_its_norm():
    city = small("hefei")
    assert all(300 <= grid.households <= 500 for grid in city.of_kind("grid"))


def test_fuliang_has_no_streets_and_its_communities_lie_in_the_county():
    city = small("jingdezhen")
    communities = [area for area in city.of_kind("community") if area.code.startswith("360222")]
    assert communities
    assert {area.parent for area in communities} == {"360222"}
    assert {len(area.code) for area in city.of_kind("community")} == {12}


def test_grids_are_smaller_where_many_live_and_borders_wind(city):
    sizes = sorted(area.polygon.area for area in city.of_kind("grid"))
    assert sizes[-1] > 8 * sizes[0]
    winding = [
        area.polygon for area in city.of_kind("grid") if area.polygon.area < 0.93 * area.polygon.convex_hull.area
    ]
    assert len(winding) > len(sizes) / 2


def as_bytes(city):
    return [(a.kind, a.code, a.name, a.parent, a.households, shapely.to_wkb(a.polygon)) for a in city.areas]


def test_the_same_seed_gives_the_same_bytes(city):
    assert as_bytes(lay_out(city.profile.name, SMALL[city.profile.name])) == as_bytes(city)


def test_another_seed_gives_another_ground_that_is_sound_too():
    city = lay_out("enshi", SMALL["enshi"], seed=2)
    assert as_bytes(city) != as_bytes(small("enshi"))
    assert gate_of(city, "grid").is_open


def test_the_gate_finds_no_error_in_chongyi_either():
    ground = chongyi.draw()
    for upper, lower in itertools.pairwise(("committee", "community", "grid", "zone")):
        parents = {area.code: area.polygon for area in ground.of_level(upper)}
        areas = [GateArea(area.code, area.polygon, area.parent, area.households) for area in ground.of_level(lower)]
        assert Gate.of(areas, parents, GateRules()).findings == ()


def test_two_counties_meet_without_a_gap_whatever_their_shape():
    profile = profiles.read("nantong").scaled(0.01)
    boxes = {each.code: box(120 + n, 32, 121 + n, 33) for n, each in enumerate(profile.counties)}
    city = laid_out(profile, boxes, 1, quietly)
    assert gate_of(city, "micro_grid").findings == ()
    assert city.areas[0].polygon.area == pytest.approx(8, abs=1e-6)


@pytest.mark.parametrize(
    ("number", "written"), [(3, "三"), (10, "十"), (14, "十四"), (20, "二十"), (35, "三十五"), (120, "120")]
)
def test_numbers_are_written_in_chinese(number, written):
    assert numeral(number) == written
