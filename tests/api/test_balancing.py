"""Dividing evenly and healing by the API: counted on the real database, kept as what came out, refused in words."""

import pytest
from sqlalchemy import text

from tests.api.drawing import COMMUNITY, COUNTY, THIRD, Drawing, split
from tests.api.staff import Desk
from tests.cases.city import EAST, WEST
from tests.emptying import empty
from tests.sync.redrawing import follow, put_household, redrawn

__all__ = ["redrawn"]
ROAD = {"type": "LineString", "coordinates": [[114.299, 25.6853], [114.311, 25.6853]]}
HOMES = [(114.3002 + n * 0.0004, 25.681 + n % 4 * 0.002) for n in range(24)]
WRONG = (
    {"kind": "propose"},
    {"kind": "propose", "code": WEST},
    {"kind": "propose", "code": "moon", "count": 2},
    {"kind": "propose", "code": WEST, "count": 0},
    {"kind": "propose", "code": WEST, "count": 101},
    {"kind": "propose", "code": WEST, "count": 2.5},
    {"kind": "propose", "code": COUNTY, "count": 2},
    {"kind": "propose", "code": WEST, "households": [5]},
    {"kind": "propose", "code": WEST, "households": [9, 5]},
    {"kind": "propose", "code": WEST, "count": 2, "parts": []},
    {"kind": "propose", "code": WEST, "count": 2, "lines": [{"type": "Point", "coordinates": [1, 2]}]},
    {"kind": "propose", "code": WEST, "count": 2, "lines": [{}]},
    {"kind": "heal"},
    {"kind": "heal", "codes": [WEST, EAST]},
    {"kind": "heal", "codes": [WEST, WEST], "households": [1, 9]},
    {"kind": "heal", "codes": [WEST, COMMUNITY], "households": [1, 9]},
    {"kind": "heal", "codes": [COMMUNITY, COUNTY], "households": [1, 9]},
    {"kind": "heal", "codes": [WEST, "moon"], "households": [1, 9]},
    {"kind": "heal", "code": WEST, "households": [1, 9]},
    {"kind": "propose", "code": WEST, "households": [0, 0]},
)


@pytest.fixture
def desk(app, redrawn):
    """GIS staff of a city with 24 households in the west grid and 2 in the east one."""
    for at in HOMES:
        put_household(redrawn, at, WEST)
    for at in ((114.3111, 25.6849), (114.3112, 25.6851)):
        put_household(redrawn, at, EAST)
    yield Desk.of(app, redrawn, "gis", COUNTY)
    redrawn.rollback()
    empty(redrawn, "draft_operation, draft")
    redrawn.execute(text("DELETE FROM household"))
    redrawn.commit()


def done_last(drawing):
    return drawing.get()["done"][-1]["parameters"]


class TestProposing:
    def test_a_grid_is_divided_by_who_lives_there_and_keeps_its_code_for_a_part(self, desk):
        drawing = Drawing(desk)
        done = drawing.do({"kind": "propose", "code": WEST, "count": 3})
        assert done.status_code == 201, done.text
        told = done.json["changes"]
        fourth = "360725100001004"
        assert {WEST, THIRD, fourth} <= set(told["after"]) <= {WEST, THIRD, fourth, EAST}
        assert done_last(drawing)["balance"] == {"households": {WEST: 8, THIRD: 8, fourth: 8}, "out": []}
        assert set(drawing.areas()) == {WEST, EAST, THIRD, fourth}
        assert {each["parent"] for each in drawing.areas().values()} == {COMMUNITY}
        assert drawing.get("/findings")["open"]
        drawing.send("/undo")
        assert set(drawing.areas()) == {WEST, EAST}
        drawing.send("/redo")
        assert set(drawing.areas()) == {WEST, EAST, THIRD, fourth}

    def test_what_was_proposed_stays_whoever_moves_in_later(self, desk, redrawn):
        drawing = Drawing(desk)
        drawing.do({"kind": "propose", "code": WEST, "households": [10, 14]})
        before = drawing.get("/areas")["features"]
        redrawn.execute(text("DELETE FROM household"))
        redrawn.commit()
        drawing.do({"kind": "rename", "code": EAST, "name": "东"})
        drawing.send("/undo")
        assert drawing.get("/areas")["features"] == before

    @pytest.mark.long
    def test_a_range_that_cannot_be_kept_is_told_with_how_much_is_missing(self, desk):
        drawing = Drawing(desk)
        assert drawing.do({"kind": "propose", "code": WEST, "households": [15, 20]}).status_code == 201
        balance = done_last(drawing)["balance"]
        assert sum(balance["households"].values()) == 24
        assert balance["out"]
        for each in balance["out"]:
            assert each["by"] == each["households"] - (20 if each["households"] > 20 else 15)

    def test_a_community_is_divided_anew_and_its_grids_keep_their_codes(self, desk):
        drawing = Drawing(desk)
        assert drawing.do({"kind": "propose", "code": COMMUNITY, "count": 2}).status_code == 201
        assert done_last(drawing)["balance"]["households"] == {WEST: 13, EAST: 13}
        assert drawing.get("/findings")["open"]
        assert drawing.do({"kind": "propose", "code": COMMUNITY, "count": 1}).status_code == 201
        assert len(drawing.areas()) == 1

    def test_a_community_without_grids_gets_its_first(self, desk):
        drawing = Drawing(desk)
        for code in (WEST, EAST):
            drawing.do({"kind": "retire", "code": code})
        done = drawing.do({"kind": "propose", "code": COMMUNITY, "count": 2})
        assert done.status_code == 201, done.text
        assert set(drawing.areas()) == {THIRD, "360725100001004"}
        assert done_last(drawing)["balance"]["households"] == {THIRD: 13, "360725100001004": 13}

    def test_borders_run_along_roads(self, desk):
        drawing = Drawing(desk)
        drawing.do({"kind": "propose", "code": WEST, "count": 2, "lines": [ROAD]})
        features = {each["id"]: each["geometry"]["coordinates"][0] for each in drawing.get("/areas")["features"]}
        level = [lat for code in (WEST, THIRD) for _, lat in features[code]]
        assert level.count(25.6853) >= 4

    def test_households_are_counted_on_the_ground_as_the_draft_has_it(self, desk):
        drawing = Drawing(desk)
        drawing.do(split())
        drawing.do({"kind": "propose", "code": THIRD, "count": 2})
        assert sum(done_last(drawing)["balance"]["households"].values()) == sum(lon > 114.304 for lon, _ in HOMES)

    def test_a_proposal_is_published_and_the_records_follow(self, desk, redrawn):
        drawing = Drawing(desk)
        drawing.do({"kind": "propose", "code": WEST, "count": 2})
        done = drawing.send("/publish", {"note": "均分"})
        assert (done.status_code, done.json["added"]) == (201, [THIRD])
        follow(redrawn)
        rows = redrawn.execute(
            text("SELECT code, count(*) FROM household JOIN area ON area.id = grid_now GROUP BY code")
        )
        assert {row.code: row.count for row in rows} == {WEST: 12, THIRD: 12, EAST: 2}


class TestHealing:
    def test_as_few_households_as_are_missing_change_grids(self, desk):
        drawing = Drawing(desk)
        done = drawing.do({"kind": "heal", "codes": [WEST, EAST], "households": [8, 18]})
        assert done.status_code == 201, done.text
        balance = done_last(drawing)["balance"]
        assert (balance["households"], balance["moved"], balance["out"]) == ({WEST: 18, EAST: 8}, 6, [])
        assert {
            (each["properties"]["from"], each["properties"]["to"]) for each in done.json["changes"]["moved"]["features"]
        } == {(WEST, EAST)}
        assert drawing.get("/findings")["open"]
        assert {each["households"] for each in drawing.get("/impact")["pairs"]} == {6}

    def test_all_grids_of_a_community_are_healed_at_once(self, desk):
        drawing = Drawing(desk)
        assert drawing.do({"kind": "heal", "code": COMMUNITY, "households": [13, 13]}).status_code == 201
        assert done_last(drawing)["balance"]["households"] == {WEST: 13, EAST: 13}

    def test_where_all_are_within_the_range_nothing_is_done(self, desk):
        refused = Drawing(desk).do({"kind": "heal", "codes": [WEST, EAST], "households": [0, 90]})
        assert (refused.status_code, refused.json["reason"]) == (422, "nothing-to-move")

    def test_a_rebase_names_what_was_divided_and_has_changed(self, desk):
        one, other = Drawing(desk, "甲"), Drawing(desk, "乙")
        one.do({"kind": "heal", "codes": [WEST, EAST], "households": [8, 18]})
        other.do(split())
        assert other.send("/publish").status_code == 201
        refused = one.send("/publish")
        assert refused.status_code == 409
        assert [each["kind"] for each in refused.json["conflicts"]] == ["heal"]


@pytest.mark.parametrize("sent", WRONG)
def test_what_cannot_be_divided_is_refused_and_changes_nothing(desk, sent):
    drawing = Drawing(desk)
    refused = drawing.do(sent)
    assert refused.status_code in (400, 422), refused.text
    assert drawing.get()["operations"] == 0


def test_only_staff_of_the_area_divide_it(app, desk, redrawn):
    elsewhere = Desk.of(app, redrawn, "gis", EAST)
    drawing = Drawing(elsewhere)
    assert drawing.do({"kind": "propose", "code": WEST, "count": 2}).status_code == 404
    assert drawing.do({"kind": "heal", "codes": [WEST, EAST], "households": [8, 18]}).status_code == 404
