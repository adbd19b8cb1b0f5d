"""Drafts of more than one kind of area: parents follow what lies in them, and the gate looks at every kind."""

import pytest
from shapely import box

from geo.editions.publish import NewArea
from tests.api.drawing import COMMUNITY, COUNTY, THIRD, Drawing, desk, line, split, standing
from tests.cases.city import EAST, WEST
from tests.sync.redrawing import redraw, redrawn, strip

__all__ = ["desk", "redrawn"]
OTHER = "360725100002"
BORDER = (114.312, 25.67), (114.312, 25.70)


def halved(drawing):
    """The community cut in two along the border of the grids."""
    drawing.do({"kind": "split", "code": COMMUNITY, "line": line((114.31, 25.67), (114.31, 25.70)),
                "left": {"code": COMMUNITY}, "right": {"code": OTHER, "name": "新社区"}})  # fmt: skip
    done = drawing.do({"kind": "reassign", "code": EAST, "parent": OTHER})
    assert done.status_code == 201, done.text


@pytest.fixture
def communities(desk, redrawn):
    """Two communities in force, of one grid each."""
    drawing = Drawing(desk)
    halved(drawing)
    assert drawing.send("/publish").status_code == 201
    return redrawn


def faults(answer):
    return {(each["properties"]["code"], each["properties"]["parent"]) for each in answer["findings"]}


def shift(*codes):
    return {"kind": "reshape", "codes": list(codes), "line": line(*BORDER)}


def test_communities_drawn_away_from_their_grids_are_not_published(desk, communities):
    drawing = Drawing(desk)
    drawing.do(shift(COMMUNITY, OTHER))
    assert drawing.get("/findings")["open"] is False
    answer = drawing.send("/publish")
    assert (answer.status_code, faults(answer.json)) == (
        409, {("uncovered", COMMUNITY), ("outside-parent", OTHER)}
    )  # fmt: skip
    drawing.do(shift(WEST, EAST))
    assert drawing.send("/publish").status_code == 201


def test_a_community_cut_through_a_grid_is_not_published(desk, redrawn):
    drawing = Drawing(desk)
    drawing.do({"kind": "split", "code": COMMUNITY, "line": line((114.314, 25.67), (114.314, 25.70)),
                "left": {"code": COMMUNITY}, "right": {"code": OTHER, "name": "新社区"}})  # fmt: skip
    answer = drawing.send("/publish")
    # The grid is under the part that has most of it; the rest lies in the other.
    assert (answer.status_code, faults(answer.json)) == (
        409, {("outside-parent", OTHER), ("uncovered", COMMUNITY)}
    )  # fmt: skip
    assert set(standing(redrawn)) == {WEST, EAST}


def test_areas_whose_parent_is_given_up_are_found_before_publishing(desk, redrawn):
    drawing = Drawing(desk)
    drawing.do({"kind": "retire", "code": COMMUNITY})
    found = drawing.get("/findings")
    assert found["open"] is False
    assert {(each["properties"]["code"], *each["properties"]["areas"]) for each in found["features"]} == {
        ("unknown-parent", WEST), ("unknown-parent", EAST)
    }  # fmt: skip
    for code in (WEST, EAST):
        drawing.do({"kind": "reassign", "code": code, "parent": COUNTY})
    assert drawing.send("/publish").json["retired"] == [COMMUNITY]


def test_a_parent_that_got_another_name_follows_all_the_same(desk, communities):
    drawing = Drawing(desk)
    drawing.do({"kind": "rename", "code": COMMUNITY, "name": "新名社区"})
    drawing.do(shift(WEST, EAST))
    answer = drawing.send("/publish")
    assert answer.json.get("changed") == [COMMUNITY, OTHER, WEST, EAST], answer.text


def test_parents_that_the_draft_itself_made_follow_what_it_does_to_their_areas(desk, redrawn):
    drawing = Drawing(desk)
    halved(drawing)
    drawing.do(shift(WEST, EAST))
    answer = drawing.send("/publish")
    assert (answer.json.get("added"), standing(redrawn)[WEST]) == ([OTHER], (114.3, 114.312)), answer.text
    told = drawing.desk.get("/v1/editions/areas", kind="community").json["features"]
    east = {each["id"]: max(lon for lon, _ in each["geometry"]["coordinates"][0][0]) for each in told}
    assert east == pytest.approx({COMMUNITY: 114.312, OTHER: 114.32})


def test_what_was_wrong_before_does_not_stand_in_the_way(desk, redrawn):
    wide = box(114.2999, 25.6799, 114.3201, 25.6901)
    redraw(
        redrawn, NewArea(COMMUNITY, "community", "阳岭社区", COUNTY, wide), strip("x1", 114.30, 114.31), retired=[WEST]
    )
    drawing = Drawing(desk)
    assert drawing.do(split("x1")).status_code == 201
    found = drawing.get("/findings")
    # Not even that the code of x1 does not begin with its parent's.
    assert (found["open"], found["features"]) == (True, [])
    answer = drawing.send("/publish")
    assert (answer.status_code, answer.json.get("added")) == (201, [THIRD]), answer.text
