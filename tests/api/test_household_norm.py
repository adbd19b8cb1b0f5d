"""The norm of households at the gate: counted on the real database, for grids that a draft changes."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from server.config import household_norm_of
from server.database.extensions import db
from tests.api.drawing import COUNTY, FOURTH, THIRD, Drawing, split
from tests.api.staff import Desk
from tests.cases.city import EAST, WEST, counting
from tests.emptying import empty
from tests.sync.redrawing import follow, put_household, redrawn

__all__ = ["redrawn"]
OUT = "households-out-of-norm"


@pytest.fixture
def desk(app, redrawn, monkeypatch):
    """GIS staff of a city with 6 households in the west grid, 4 of them west of the split, and none in the east one."""
    for lon in (114.3005, 114.301, 114.302, 114.303, 114.306, 114.308):
        put_household(redrawn, (lon, 25.685), WEST)
    monkeypatch.setitem(app.config, "PATROL", replace(app.config["PATROL"], household_norm=(3, 5)))
    yield Desk.of(app, redrawn, "gis", COUNTY)
    redrawn.rollback()
    empty(redrawn, "draft_operation, draft")
    redrawn.execute(text("DELETE FROM household"))
    redrawn.commit()


def told(drawing):
    """What is said of households: code of the grid -> how many."""
    found = drawing.get("/findings")["features"]
    return {
        each["properties"]["areas"][0]: each["properties"]["households"]
        for each in found
        if each["properties"]["code"] == OUT
    }


def test_a_grid_out_of_the_norm_is_warned_of_with_its_place_its_count_and_the_range(desk):
    drawing = Drawing(desk)
    drawing.do(split())
    answer = drawing.get("/findings")
    (found,) = [each for each in answer["features"] if each["properties"]["code"] == OUT]
    facts = found["properties"]
    assert (facts["areas"], facts["severity"]) == ([THIRD], "warning")
    assert (facts["households"], facts["least"], facts["most"]) == (2, 3, 5)
    assert "2 户" in facts["text"]["zh"]
    assert "households: 2;" in facts["text"]["en"]
    lons = [lon for lon, _ in found["geometry"]["coordinates"][0]]
    assert (min(lons), max(lons)) == (114.304, 114.31)
    assert answer["open"]
    assert drawing.send("/publish").status_code == 201


def test_grids_whose_ground_stays_are_not_asked(desk):
    drawing = Drawing(desk)
    assert told(drawing) == {}
    drawing.do({"kind": "rename", "code": WEST, "name": "西"})
    assert told(drawing) == {}
    drawing.do(split(EAST, 114.316, right=FOURTH))
    assert told(drawing) == {EAST: 0, FOURTH: 0}


def test_too_many_are_told_too_and_those_without_a_position_stay_with_their_grid(desk, redrawn):
    redrawn.execute(text("UPDATE household SET position = NULL"))
    redrawn.commit()
    drawing = Drawing(desk)
    drawing.do(split())
    assert told(drawing) == {WEST: 6, THIRD: 0}


def test_a_merge_is_told_what_both_have_together(desk, redrawn):
    put_household(redrawn, (114.315, 25.685), EAST)
    drawing = Drawing(desk)
    drawing.do({"kind": "merge", "codes": [WEST, EAST], "into": EAST})
    assert told(drawing) == {EAST: 7}


def test_the_count_before_is_the_count_after_the_records_followed(desk, redrawn):
    drawing = Drawing(desk)
    drawing.do(split(at=114.3015))
    before = told(drawing)
    drawing.send("/publish")
    follow(redrawn)
    counts = text("SELECT code, count(*) FROM household JOIN area ON area.id = grid_now GROUP BY code")
    assert before == {WEST: 2}
    assert {row.code: row.count for row in redrawn.execute(counts)} == {WEST: 2, THIRD: 4}


def test_households_are_counted_in_one_statement(app, desk):
    drawing = Drawing(desk)
    drawing.do(split())
    drawing.do(split(EAST, 114.316, right=FOURTH))
    with app.app_context():
        engine = db.engine
    with counting(engine) as said:
        assert told(drawing) == {THIRD: 2, EAST: 0, FOURTH: 0}
    assert sum("FROM household" in each for each in said) == 1


def test_without_a_norm_nothing_is_said(app, desk, monkeypatch):
    monkeypatch.setitem(app.config, "PATROL", replace(app.config["PATROL"], household_norm=None))
    drawing = Drawing(desk)
    drawing.do(split())
    assert told(drawing) == {}


@pytest.mark.parametrize(("said", "norm"), [("", None), ("300-500", (300, 500)), (" 0 - 5 ", (0, 5))])
def test_the_norm_is_read_from_the_environment(said, norm):
    assert household_norm_of({"PATROL_HOUSEHOLD_NORM": said}) == norm


@pytest.mark.parametrize("said", ["500-300", "300", "-5", "300-", "a-b", "٣-٥", "1-9999999999"])
def test_a_norm_that_is_no_range_is_refused_by_its_name(said):
    with pytest.raises(ValueError, match="PATROL_HOUSEHOLD_NORM"):
        household_norm_of({"PATROL_HOUSEHOLD_NORM": said})
