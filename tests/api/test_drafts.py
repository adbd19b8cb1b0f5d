"""Drafts by the API on the real database: drawn, undone, checked, rebased, published, and what is refused."""

import pytest

from tests.api.drawing import COMMUNITY, COUNTY, FOURTH, THIRD, Drawing, desk, line, split, standing
from tests.api.staff import Desk
from tests.cases.city import EAST, WEST
from tests.sync.redrawing import redrawn

__all__ = ["desk", "redrawn"]


WRONG_LINES = (
    ([(114.29, 25.67), (114.29, 25.70)], "line-does-not-cross", (114.29, 25.685)),
    ([(114.305, 25.67), (114.305, 25.685)], "line-ends-inside", (114.305, 25.685)),
    ([(114.303, 25.67), (114.303, 25.70), (114.306, 25.70), (114.306, 25.67)], "line-crosses-twice", (114.306, 25.685)),
    ([(114.31, 25.67), (114.31, 25.70)], "line-along-border", (114.31, 25.685)),
)


WRONG_RINGS = (
    ([[114.32, 25.68], [114.33, 25.69], [114.33, 25.68], [114.32, 25.69], [114.32, 25.68]], "self-crossing"),
    ([[114.32, 25.68], [114.33, 25.68], [114.325, 25.68], [114.32, 25.68]], "zero-area"),
    ([[114.32, 25.68], [114.33, 25.68], [114.33, 25.68], [114.33, 25.69], [114.32, 25.68]], "repeated-points"),
    ([[-179, 25.0], [179, 25.0], [179, 26.0], [-179, 26.0], [-179, 25.0]], "round-the-world"),
)


WRONG_OPERATIONS = (
    {"kind": "fly"}, {}, {"kind": "split"}, {"kind": "merge", "codes": [WEST]},
    {"kind": "merge", "codes": [WEST, EAST]}, {"kind": "merge", "codes": [WEST, COMMUNITY], "into": WEST},
    {"kind": "reshape", "codes": [WEST, EAST, THIRD], "line": line((1, 1), (2, 2))},
    {"kind": "rename", "code": "moon", "name": "月"}, {"kind": "rename", "code": WEST},
    {"kind": "reassign", "code": WEST, "parent": "moon"}, {"kind": "reassign", "code": WEST, "parent": EAST},
    {"kind": "reassign", "code": COUNTY, "parent": WEST}, {"kind": "retire", "code": "moon"},
    {"kind": "add", "code": WEST, "name": "x", "polygon": {"type": "Polygon", "coordinates": []}},
    {"kind": "add", "code": THIRD, "name": "x", "polygon": {}}, {"kind": "replace", "areas": []},
    {"kind": "replace"}, {"kind": "replace", "area_kind": "grid"}, {"kind": "replace", "retired": ["moon"]},
    {"kind": "replace", "area_kind": "grid", "areas": [{"code": THIRD, "polygon": {"type": "Polygon"}}]},
    {"kind": "add", "code": THIRD, "name": "x", "area_kind": "moon", "polygon": {"type": "Point"}},
    {"kind": "replace", "areas": [{"code": WEST, "polygon": {"type": "Polygon", "coordinates": [[[1]]]}}]},
    {**split(), "left": {"code": COMMUNITY}}, {**split(), "right": {"code": WEST}}, {**split(), "line": {}},
    {**split(), "line": {"type": "LineString", "coordinates": [[114.3, 1e999], [114.3, "x"]]}},
    {"kind": "rename", "code": WEST, "name": "\x00"},
)  # fmt: skip


class TestDrawing:
    """What is drawn can be read, undone and done again."""

    def test_a_split_is_told_and_leaves_what_is_in_force_alone(self, desk, redrawn):
        drawing = Drawing(desk)
        done = drawing.do(split())
        assert done.status_code == 201, done.text
        told = done.json["changes"]
        assert (told["kind"], told["before"], told["after"]) == ("grid", [WEST], [WEST, THIRD])
        assert [(each["properties"]["from"], each["properties"]["to"]) for each in told["moved"]["features"]] == [
            (WEST, THIRD)
        ]
        assert {"source": WEST, "target": THIRD, "how": "split"} in told["lineage"]
        assert set(drawing.areas()) == {WEST, EAST, THIRD}
        assert set(standing(redrawn)) == {WEST, EAST}

    def test_areas_are_those_of_a_kind_a_box_and_of_what_changed(self, desk):
        drawing = Drawing(desk)
        drawing.do(split())
        assert set(drawing.areas(changed="true")) == {WEST, THIRD}
        assert set(drawing.areas(bbox="114.315,25.681,114.316,25.682")) == {EAST}
        assert set(drawing.areas(kind="community")) == {COMMUNITY}
        found = drawing.get("/areas", limit=1)
        assert (found["numberMatched"], found["numberReturned"]) == (3, 1)
        assert desk.get(f"{drawing.path}/areas", kind="moon").status_code == 422

    def test_every_operation_does_what_it_says(self, desk):
        drawing = Drawing(desk)
        square = {
            "type": "Polygon",
            "coordinates": [[[114.32, 25.68], [114.33, 25.68], [114.33, 25.69], [114.32, 25.69], [114.32, 25.68]]],
        }
        back = {**square, "coordinates": [[[x - 0.01, y] for x, y in square["coordinates"][0]]]}
        for operation in (
            split(),
            {"kind": "rename", "code": THIRD, "name": "东街"},
            {"kind": "reshape", "codes": [WEST, THIRD], "line": line((114.305, 25.67), (114.305, 25.70))},
            {"kind": "merge", "codes": [THIRD, EAST], "into": EAST},
            {"kind": "add", "code": FOURTH, "name": "新区", "parent": COMMUNITY, "polygon": square},
            {"kind": "reassign", "code": FOURTH, "parent": COUNTY},
            {"kind": "retire", "code": FOURTH},
            {"kind": "split", **{k: v for k, v in split(EAST, 114.31).items() if k != "kind"}},
            {"kind": "replace", "areas": [{"code": THIRD, "polygon": back}]},
        ):
            done = drawing.do(operation)
            assert done.status_code == 201, (operation, done.text)
        assert set(drawing.areas()) == {WEST, EAST, THIRD}
        assert [each["kind"] for each in drawing.get()["done"]][:3] == ["split", "rename", "reshape"]

    def test_replacing_may_add_rename_put_under_another_parent_and_give_up(self, desk):
        drawing = Drawing(desk)
        ring = [[114.30, 25.68], [114.305, 25.68], [114.305, 25.69], [114.30, 25.69], [114.30, 25.68]]
        half, rest = ({"type": "Polygon", "coordinates": [[[x + east, y] for x, y in ring]]} for east in (0, 0.005))
        operation = {
            "kind": "replace",
            "area_kind": "grid",
            "areas": [
                {"code": WEST, "name": "西", "parent": COUNTY, "polygon": half},
                {"code": THIRD, "name": "新", "parent": COMMUNITY, "polygon": rest},
            ],
            "retired": [EAST],
        }
        assert drawing.do(operation).status_code == 201
        told = {code: (each["name"], each["parent"]) for code, each in drawing.areas().items()}
        assert told == {WEST: ("西", COUNTY), THIRD: ("新", COMMUNITY)}
        taken = drawing.do({**operation, "retired": [], "areas": [{**operation["areas"][1], "code": COMMUNITY}]})
        assert (taken.status_code, taken.json["type"]) == (422, "/problems/redraw-code-taken")

    def test_undo_and_redo_go_back_and_forth(self, desk):
        drawing = Drawing(desk)
        drawing.do(split())
        drawing.do({"kind": "rename", "code": THIRD, "name": "东街"})
        assert drawing.send("/undo").json["operations"] == 1
        assert drawing.areas()[THIRD]["name"] == "新网格"
        drawing.send("/undo")
        assert set(drawing.areas()) == {WEST, EAST}
        assert drawing.send("/undo").status_code == 409
        for _ in range(2):
            assert drawing.send("/redo").status_code == 200
        assert drawing.areas()[THIRD]["name"] == "东街"
        assert drawing.send("/redo").status_code == 409

    def test_another_operation_takes_away_what_was_undone(self, desk):
        drawing = Drawing(desk)
        drawing.do(split())
        drawing.send("/undo")
        drawing.do(split(right=FOURTH))
        assert drawing.send("/redo").status_code == 409
        assert set(drawing.areas()) == {WEST, EAST, FOURTH}

    def test_changes_are_against_the_edition_however_they_came_about(self, desk):
        drawing = Drawing(desk)
        drawing.do(split())
        drawing.do({"kind": "merge", "codes": [WEST, THIRD], "into": WEST, "name": "阳岭第一网格"})
        (told,) = drawing.get("/changes")["changes"]
        assert (told["after"], told["moved"]["features"]) == ([WEST], [])
        assert told["lineage"] == [{"source": WEST, "target": WEST, "how": "reshaped"}]

    def test_drafts_stand_side_by_side_and_can_be_given_up(self, desk):
        one, other = Drawing(desk, "甲"), Drawing(desk, "乙")
        one.do(split())
        assert [(each["name"], each["operations"]) for each in desk.get("/v1/drafts").json["drafts"]] == [
            ("乙", 0),
            ("甲", 1),
        ]
        assert one.send("", verb="delete").status_code == 204
        assert desk.get(one.path).status_code == 404
        assert set(other.areas()) == {WEST, EAST}


class TestRefusals:
    """Each has its own answer, and the draft stays as it is."""

    def test_a_change_must_name_the_version_that_was_seen(self, desk):
        drawing = Drawing(desk)
        assert drawing.do(split(), tag=None).status_code == 428
        assert drawing.do(split(), tag='"v9"').status_code == 412
        assert drawing.do(split(), tag="rubbish").status_code == 412
        assert drawing.do(split(), tag="*").status_code == 201
        for action in ("/undo", "/redo", "/rebase", "/publish"):
            assert drawing.send(action, tag='"v1"').status_code == 412
            assert drawing.send(action, tag=None).status_code == 428
        assert drawing.send("", verb="delete", tag='"v1"').status_code == 412

    def test_a_line_that_cannot_be_meant_is_told_with_its_place(self, desk):
        drawing = Drawing(desk)
        for points, problem, place in WRONG_LINES:
            answer = drawing.do({**split(), "line": line(*points)})
            assert (answer.status_code, answer.json["type"]) == (422, f"/problems/{problem}")
            assert (round(answer.json["lon"], 6), round(answer.json["lat"], 6)) == place
        assert drawing.get()["operations"] == 0

    def test_a_ring_that_is_none_is_told_with_its_place(self, desk):
        drawing = Drawing(desk)
        for ring, reason in WRONG_RINGS:
            polygon = {"type": "Polygon", "coordinates": [ring]}
            answer = drawing.do({"kind": "add", "code": THIRD, "name": "新", "polygon": polygon})
            assert (answer.status_code, answer.json["reason"]) == (422, reason)
            assert "lon" in answer.json

    def test_an_operation_that_cannot_be_read_is_told(self, desk):
        drawing = Drawing(desk)
        for operation in WRONG_OPERATIONS:
            answer = drawing.do(operation)
            assert answer.status_code in (400, 422), (operation, answer.text)
            assert answer.json["title"]
        assert drawing.get()["version"] == 1

    @pytest.mark.long
    def test_drafts_are_for_gis_staff_and_areas_for_those_in_charge(self, app, desk, redrawn):
        assert app.test_client().get("/v1/drafts").status_code == 401
        supervisor = Desk.of(app, redrawn, "supervisor", COUNTY)
        assert supervisor.get("/v1/drafts").status_code == 403
        drawing = Drawing(desk)
        drawing.desk = Desk.of(app, redrawn, "gis", EAST)
        assert drawing.do(split()).status_code == 404
        assert drawing.do(split(EAST, 114.316)).status_code == 201
        square = [[114.32, 25.68], [114.33, 25.68], [114.33, 25.69], [114.32, 25.69], [114.32, 25.68]]
        added = {"kind": "add", "code": FOURTH, "name": "x", "polygon": {"type": "Polygon", "coordinates": [square]}}
        assert drawing.do(added).status_code == 404
        assert drawing.do({**added, "parent": COMMUNITY}).status_code == 404

    def test_drafts_that_are_not_there_are_told(self, desk):
        for path in ("77", "77/areas", "77/changes", "77/findings", "99999999999"):
            assert desk.get(f"/v1/drafts/{path}").status_code == 404
        for sent in ({}, {"name": ""}, {"name": "x", "base_edition": 77}):
            assert desk.post("/v1/drafts", sent).status_code == 422
