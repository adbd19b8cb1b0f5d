"""Areas laid one after the other, as programs tell of them: the sheet between may be no coverage, the last one is."""

import math

import pytest
import shapely
from shapely import Polygon

from geo.coverage.survey import Survey
from geo.errors import InvalidShape
from geo.redraw import AreaShape, Layer, add, lay_alone, merge, retire, split
from geo.redraw.errors import AreaVanishes, DrawnOverAnother, GroundHeldTwice
from geo.redraw.split import Piece

SOUTH, NORTH = 25.68, 25.69
BENT = [(114.308, SOUTH), (114.3085, 25.685), (114.307, NORTH)]


def box(west, east):
    return shapely.box(west, SOUTH, east, NORTH)


@pytest.fixture
def sheet():
    return Layer({"W": AreaShape(box(114.30, 114.31), "西"), "E": AreaShape(box(114.31, 114.32), "东")})


def west_of(line, west=114.30):
    return Polygon([(west, SOUTH), *line, (west, NORTH)])


def east_of(line, east=114.32):
    return Polygon([(east, SOUTH), *line, (east, NORTH)])


def laid(sheet, code, polygon):
    return lay_alone(
        sheet, code, AreaShape(polygon, sheet[code].name, None) if code in sheet.tracts else AreaShape(polygon)
    )


def faults(sheet):
    return {each.code for each in Survey.of({code: each.polygon for code, each in sheet.tracts.items()}, 1.0).findings}


@pytest.mark.parametrize("order", ["WE", "EW"])
def test_two_neighbours_drawn_one_after_the_other_end_as_a_coverage(sheet, order):
    drawn = {"W": west_of(BENT), "E": east_of(BENT)}
    between = laid(sheet, order[0], drawn[order[0]]).sheet
    done = laid(between, order[1], drawn[order[1]]).sheet
    assert faults(done) == set()
    assert done["W"].polygon.equals(drawn["W"])
    assert shapely.union_all([each.polygon for each in done.tracts.values()]).equals(box(114.30, 114.32))


def test_ground_drawn_over_a_neighbour_is_held_by_both_until_one_gives_way(sheet):
    done = laid(sheet, "E", east_of(BENT)).sheet
    assert faults(done) == {"overlap"}
    assert done["W"].polygon.area == sheet["W"].polygon.area


def test_rounding_to_six_digits_leaves_no_trace(sheet):
    done = laid(sheet, "W", west_of(BENT)).sheet
    done = laid(done, "E", east_of([(114.3080000001, SOUTH), (114.308500449, 25.685000449), (114.307, NORTH)])).sheet
    assert faults(done) == set()


def test_corners_that_a_program_rounded_stay_where_they_were():
    ragged = Polygon([(114.30000045, SOUTH), (114.31, SOUTH), (114.3100004, NORTH), (114.30000012, 25.69000031)])
    sheet = Layer({"W": AreaShape(ragged), "E": AreaShape(box(114.32, 114.33))})
    rounded = shapely.transform(ragged, lambda degrees: degrees.round(6))
    assert laid(sheet, "W", rounded).put == {}


def test_a_corner_that_only_one_of_the_two_has_leaves_no_sliver(sheet):
    done = laid(sheet, "W", west_of(BENT)).sheet
    middle = (114.30825 + 3e-8, 25.6825)
    done = laid(done, "E", east_of([BENT[0], middle, *BENT[1:]])).sheet
    assert faults(done) == set()


@pytest.mark.parametrize("aside_deg", [4e-6, -4e-6])
def test_where_a_border_is_drawn_past_a_corner_by_less_than_a_metre_it_keeps_the_corner(aside_deg):
    corner = (114.31 + aside_deg, 25.685)
    border = [(114.31, SOUTH), corner, (114.31, NORTH)]
    sheet = Layer({"W": AreaShape(west_of(border)), "E": AreaShape(east_of(border))})
    done = laid(sheet, "E", box(114.31, 114.33)).sheet
    assert faults(done) == set()
    assert corner in done["E"].polygon.exterior.coords


def test_beside_an_overlap_nothing_is_given_to_either_in_silence(sheet):
    over = laid(sheet, "E", east_of(BENT)).sheet
    cut = shapely.LineString([(114.305, 25.67), (114.305, 25.70)])
    done = split(over, "W", cut, Piece("W"), Piece("N")).sheet
    assert faults(done) == {"overlap"}
    done = laid(over, "N", box(114.32, 114.33)).sheet
    assert faults(done) == {"overlap"}
    with pytest.raises(GroundHeldTwice) as refused:
        add(over, "N", AreaShape(Polygon([(114.30, NORTH), (114.32, NORTH), (114.31, 25.70)])))
    assert 114.307 <= refused.value.lon <= 114.31
    assert faults(merge(over, ["W", "E"], "W").sheet) == set()
    assert faults(retire(over, "W").sheet) == set()


def test_a_new_area_may_lie_over_another_for_a_while(sheet):
    new = box(114.316, 114.32)
    with pytest.raises(DrawnOverAnother):
        add(sheet, "N", AreaShape(new))
    done = laid(sheet, "N", new)
    assert faults(done.sheet) == {"overlap"}
    ended = laid(done.sheet, "E", box(114.31, 114.316)).sheet
    assert faults(ended) == set()


def test_what_is_drawn_within_a_neighbours_border_alone_vanishes(sheet):
    width = math.ulp(1.0) + 3e-8
    with pytest.raises((AreaVanishes, InvalidShape)):
        laid(sheet, "N", Polygon([(114.31, SOUTH), (114.31 + width, 25.685), (114.31, NORTH)]))
