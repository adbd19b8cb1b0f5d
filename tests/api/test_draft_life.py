"""Drafts are published once, follow the edition in force, and leave nothing behind."""

import datetime as dt

from sqlalchemy import text

from server.grids import publishing
from server.jobs.editions import permit
from sync.redraw.cutover import publish_due
from tests.api.drawing import COMMUNITY, COUNTY, FOURTH, THIRD, Drawing, desk, line, lineage, split, standing
from tests.cases import city
from tests.cases.city import EAST, WEST
from tests.sync.redrawing import follow, put_household, redraw, redrawn, strip

__all__ = ["desk", "redrawn"]


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
        publish_due(redrawn, lambda: due, permit)
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
        # Warned of, and no more: its code is that of its first community.
        assert [each["properties"]["code"] for each in drawing.get("/findings")["features"]] == ["code-prefix"]
        assert drawing.send("/publish").status_code == 201
        moved = Drawing(desk)
        moved.do({"kind": "reshape", "codes": [WEST, EAST], "line": line((114.312, 25.67), (114.312, 25.70))})
        # Once: no later draft is warned of what it did not do.
        assert moved.get("/findings")["features"] == []
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
