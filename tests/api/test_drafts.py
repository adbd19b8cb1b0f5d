"""Drafts by the API on the real database: drawn, undone, checked, rebased, published, and what is refused."""

import datetime as dt

import pytest
from sqlalchemy import text

from server.grids import publishing
from sync.flip import publish_due
from tests.api.staff import Desk
from tests.cases import city
from tests.cases.city import EAST, WEST
from tests.sync.redrawing import follow, put_household, redraw, redrawn, strip

__all__ = ["redrawn"]
COUNTY, COMMUNITY = "360725", "360725100001"
THIRD, FOURTH = "360725100001003", "360725100001004"


def line(*points):
    return {"type": "LineString", "coordinates": [list(point) for point in points]}


def split(code=WEST, at=114.304, right=THIRD, left=None):
    pieces = {"left": {"code": left or code}, "right": {"code": right, "name": "新网格"}}
    return {"kind": "split", "code": code, "line": line((at, 25.67), (at, 25.70)), **pieces}


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


class Drawing:
    """A draft as somebody of the GIS staff works on it, always over the version that was seen last."""

    def __init__(self, desk, name="改划"):
        self.desk = desk
        made = desk.post("/v1/drafts", {"name": name})
        assert made.status_code == 201, made.text
        self.path, self.tag = made.headers["Location"], made.headers["ETag"]

    def send(self, action, sent=None, *, tag="seen", verb="post"):
        headers = {"X-CSRF-Token": self.desk.csrf}
        if tag is not None:
            headers["If-Match"] = self.tag if tag == "seen" else tag
        answer = getattr(self.desk.client, verb)(f"{self.path}{action}", json=sent or {}, headers=headers)
        if answer.status_code < 300 and "ETag" in answer.headers:
            self.tag = answer.headers["ETag"]
        return answer

    def do(self, operation, **options):
        return self.send("/operations", operation, **options)

    def get(self, part="", **query):
        answer = self.desk.get(self.path + part, **query)
        assert answer.status_code == 200, answer.text
        return answer.json

    def areas(self, **query):
        return {each["id"]: each["properties"] for each in self.get("/areas", **query)["features"]}


@pytest.fixture
def desk(app, redrawn):
    yield Desk.of(app, redrawn, "gis", COUNTY)
    redrawn.rollback()
    redrawn.execute(text("TRUNCATE draft_operation, draft RESTART IDENTITY"))
    redrawn.commit()


def standing(session):
    """The grids in force, with their bounds."""
    session.rollback()
    return {
        row.code: tuple(round(edge, 8) for edge in (row.west, row.east))
        for row in session.execute(
            text("""
                SELECT code, ST_XMin(polygon) AS west, ST_XMax(polygon) AS east
                FROM area JOIN area_version ON area_id = area.id WHERE kind = 'grid' AND upper_inf(editions)
            """)
        )
    }


def lineage(session):
    rows = session.execute(
        text("""
            SELECT came.code, went.code, how FROM area_lineage
            JOIN area AS came ON came.id = from_area_id JOIN area AS went ON went.id = to_area_id
        """)
    )
    return {tuple(row) for row in rows}


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


class TestPublishing:
    """A draft comes into force whole, or not at all."""

    def test_a_draft_becomes_the_next_edition_with_its_lineage(self, desk, redrawn):
        drawing = Drawing(desk, "西街拆分")
        drawing.do(split())
        assert drawing.get("/findings")["open"] is True
        answer = drawing.send("/publish", {"note": "人口增加"})
        assert answer.status_code == 201, answer.text
        assert answer.json == {"edition": 2, "added": [THIRD], "changed": [WEST], "retired": []}
        assert standing(redrawn) == {WEST: (114.3, 114.304), THIRD: (114.304, 114.31), EAST: (114.31, 114.32)}
        assert (WEST, THIRD, "split") in lineage(redrawn)
        read = drawing.get()
        assert (read["published_edition"], read["superseded"]) == (2, False)
        assert drawing.do({"kind": "rename", "code": WEST, "name": "x"}).status_code == 409

    def test_what_it_changes_for_whom_is_told_beforehand(self, desk, redrawn):
        put_household(redrawn, (114.302, 25.685), WEST)
        moving = put_household(redrawn, (114.306, 25.685), WEST)
        drawing = Drawing(desk)
        drawing.do(split())
        told = drawing.get("/impact")
        assert [(each["from"]["code"], each["to"]["code"], each["households"]) for each in told["pairs"]] == [
            (WEST, THIRD, 1)
        ]
        assert {each["code"]: each["after"]["households"] for each in told["grids"]} == {WEST: 1, THIRD: 1}
        drawing.send("/publish")
        follow(redrawn)
        at = text("SELECT code FROM household JOIN area ON area.id = grid_now WHERE household.id = :id")
        assert redrawn.scalar(at, {"id": moving}) == THIRD

    def test_a_draft_is_planned_for_a_time_to_come_and_refused_for_one_that_is_past(self, desk, redrawn):
        drawing = Drawing(desk)
        drawing.do(split())
        assert drawing.send("/publish", {"at": "2020-01-01T00:00:00+08:00"}).status_code == 422
        at = (dt.datetime.now(dt.UTC) + dt.timedelta(days=1)).isoformat()
        planned = drawing.send("/publish", {"at": at})
        assert (planned.status_code, planned.json["state"], planned.json["base"]) == (202, "waiting", 1)
        assert set(standing(redrawn)) == {WEST, EAST}

    def test_a_planned_draft_is_marked_and_closed_until_its_plan_is_withdrawn(self, desk):
        drawing = Drawing(desk)
        drawing.do(split())
        due = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
        plan = drawing.send("/publish", {"at": due.isoformat()}).json["id"]
        (listed,) = desk.get("/v1/drafts").json["drafts"]
        told = {"plan": plan, "at": due.isoformat(), "state": "waiting", "problem": None}
        assert listed["planned"] == drawing.get()["planned"] == told
        for refused in (
            drawing.do(split(EAST, 114.315, FOURTH)),
            drawing.send("/undo"),
            drawing.send("", verb="delete"),
        ):
            assert (refused.status_code, refused.json["type"], refused.json["plan"]) == (
                409, "/problems/draft-planned", plan,
            )  # fmt: skip
        desk.client.delete(f"/v1/editions/plans/{plan}", headers={"X-CSRF-Token": desk.csrf})
        assert drawing.get()["planned"]["state"] == "withdrawn"
        assert drawing.send("/undo").status_code == 200

    def test_a_draft_whose_time_has_come_is_marked_as_published(self, desk, redrawn):
        drawing = Drawing(desk)
        drawing.do(split())
        due = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
        drawing.send("/publish", {"at": due.isoformat()})
        publish_due(redrawn, lambda: due)
        publishing.note_published(redrawn)
        redrawn.commit()
        (listed,) = desk.get("/v1/drafts").json["drafts"]
        assert (listed["published_edition"], listed["planned"]) == (2, None)
        assert drawing.send("/undo", tag="*").json["type"] == "/problems/draft-published"

    def test_a_merge_retires_what_went_into_another(self, desk, redrawn):
        drawing = Drawing(desk)
        drawing.do({"kind": "merge", "codes": [WEST, EAST], "into": WEST})
        answer = drawing.send("/publish")
        assert answer.json["retired"] == [EAST], answer.text
        assert (EAST, WEST, "merged") in lineage(redrawn)

    def test_ground_given_to_a_grid_of_another_community_takes_the_communities_border_along(self, desk):
        other = "360725100002"
        drawing = Drawing(desk)
        drawing.do({"kind": "split", "code": COMMUNITY, "line": line((114.31, 25.67), (114.31, 25.70)),
                    "left": {"code": COMMUNITY}, "right": {"code": other, "name": "新社区"}})  # fmt: skip
        drawing.do({"kind": "reassign", "code": EAST, "parent": other})
        assert drawing.send("/publish").status_code == 201
        moved = Drawing(desk)
        moved.do({"kind": "reshape", "codes": [WEST, EAST], "line": line((114.312, 25.67), (114.312, 25.70))})
        # Warned of, and no more: its code is that of its first community.
        assert [each["properties"]["code"] for each in moved.get("/findings")["features"]] == ["code-prefix"]
        assert moved.send("/publish").json["changed"] == [COMMUNITY, other, WEST, EAST]

    def test_a_draft_that_changes_nothing_is_not_published(self, desk):
        assert Drawing(desk).send("/publish").json["type"] == "/problems/nothing-to-publish"

    def test_the_gate_is_shut_for_ground_without_a_parent_and_wrong_codes(self, desk, redrawn):
        drawing = Drawing(desk)
        drawing.do(split(right="moon"))
        found = drawing.get("/findings")
        assert (found["open"], [each["properties"]["code"] for each in found["features"]]) == (
            False, ["code-format", "code-prefix"]
        )  # fmt: skip
        answer = drawing.send("/publish")
        assert (answer.status_code, answer.json["type"]) == (409, "/problems/gate-closed")
        assert [each["properties"]["areas"] for each in answer.json["findings"]] == [["moon"]]
        assert set(standing(redrawn)) == {WEST, EAST}

    def test_a_community_gives_up_the_ground_of_a_grid_that_is_retired(self, desk, redrawn):
        drawing = Drawing(desk)
        drawing.do({"kind": "retire", "code": EAST})
        answer = drawing.send("/publish")
        assert (answer.json["changed"], answer.json["retired"]) == ([COUNTY, COMMUNITY], [EAST])
        assert standing(redrawn) == {WEST: (114.3, 114.31)}


class TestRebasing:
    """Where another edition came in between, the draft says what does not fit."""

    def test_of_two_drafts_that_split_the_same_grid_the_second_is_refused_with_the_place(self, desk, redrawn):
        first, second = Drawing(desk), Drawing(desk)
        first.do(split())
        second.do(split(at=114.306, right=FOURTH))
        second.do({"kind": "rename", "code": EAST, "name": "东"})
        assert first.send("/publish").status_code == 201
        refused = second.send("/publish")
        assert (refused.status_code, refused.json["type"]) == (409, "/problems/draft-base-superseded")
        (conflict,) = refused.json["conflicts"]
        assert (conflict["position"], conflict["kind"], conflict["areas"]) == (1, "split", [WEST])
        assert 114.304 < conflict["lon"] < 114.31
        assert second.get()["superseded"] is True
        assert set(standing(redrawn)) == {WEST, THIRD, EAST}

    def test_a_rebase_is_refused_or_leaves_out_what_does_not_fit(self, desk, redrawn):
        drawing = Drawing(desk)
        drawing.do(split(at=114.306))
        drawing.do({"kind": "rename", "code": THIRD, "name": "中"})
        drawing.do({"kind": "rename", "code": EAST, "name": "东"})
        redraw(redrawn, strip(WEST, 114.30, 114.303), strip(FOURTH, 114.303, 114.31))
        refused = drawing.send("/rebase")
        assert (refused.status_code, len(refused.json["conflicts"])) == (409, 2)
        done = drawing.send("/rebase", {"on_conflict": "leave-out"})
        assert done.status_code == 200, done.text
        assert [each["problem"] for each in done.json["conflicts"]] == ["line-does-not-cross", "redraw-unknown-area"]
        assert (done.json["draft"]["base_edition"], done.json["draft"]["superseded"]) == (2, False)
        assert [each["kind"] for each in drawing.get()["done"]] == ["rename"]
        assert drawing.send("/publish").json["edition"] == 3

    def test_what_fits_is_done_anew_over_the_newer_edition(self, desk, redrawn):
        drawing = Drawing(desk)
        drawing.do(split(EAST, 114.316))
        redraw(redrawn, strip(WEST, 114.30, 114.303), strip(FOURTH, 114.303, 114.31))
        assert drawing.send("/rebase").json["conflicts"] == []
        assert set(drawing.areas()) == {WEST, EAST, THIRD, FOURTH}
        assert drawing.send("/publish").status_code == 201

    def test_a_changed_area_can_be_worked_on_all_the_same(self, desk, redrawn):
        drawing = Drawing(desk)
        drawing.do(split(at=114.302))
        redraw(redrawn, strip(WEST, 114.30, 114.308), strip(FOURTH, 114.308, 114.31))
        refused = drawing.send("/rebase")
        assert [(each["problem"], each["fits"]) for each in refused.json["conflicts"]] == [("area-changed", True)]
        drawing.do({"kind": "rename", "code": THIRD, "name": "中"})
        done = drawing.send("/rebase", {"on_conflict": "apply"})
        assert len(done.json["conflicts"]) == 1
        assert set(drawing.areas()) == {WEST, EAST, THIRD, FOURTH}

    def test_what_depends_on_what_is_left_out_is_left_out_too(self, desk, redrawn):
        drawing = Drawing(desk)
        drawing.do(split(at=114.302))
        drawing.do({"kind": "rename", "code": THIRD, "name": "中"})
        redraw(redrawn, strip(WEST, 114.30, 114.308), strip(FOURTH, 114.308, 114.31))
        done = drawing.send("/rebase", {"on_conflict": "leave-out"})
        assert [(each["position"], each["problem"]) for each in done.json["conflicts"]] == [
            (1, "area-changed"), (2, "redraw-unknown-area")
        ]  # fmt: skip
        assert done.json["draft"]["operations"] == 0


def test_the_small_city_is_as_it_was(session):
    assert city.ground(session).number == 1
