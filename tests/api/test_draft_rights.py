"""What of a draft somebody of the GIS staff may add, undo, redo, give up, rebase and publish."""

import pytest
from sqlalchemy import text

from tests.api.drawing import Drawing, line, split
from tests.api.staff import Desk
from tests.api.test_charge_today import assign as assign_role
from tests.api.test_charge_today import end
from tests.cases.city import EAST, WEST
from tests.emptying import empty
from tests.sync.redrawing import redraw, redrawn, strip

__all__ = ["redrawn"]
COUNTY, COMMUNITY, THIRD = "360725", "360725100001", "360725100001003"
EAST_NAMED = {"kind": "rename", "code": EAST, "name": "东"}
WEST_NAMED = {"kind": "rename", "code": WEST, "name": "西"}


@pytest.fixture
def staff(app, redrawn):
    yield lambda place: Desk.of(app, redrawn, "gis", place)
    redrawn.rollback()
    empty(redrawn, "draft_operation, draft")
    redrawn.commit()


def assign(session, login, area):
    assign_role(session, login, area, "gis")


def end_in(session, login, area):
    session.execute(
        text("""
            UPDATE assignment SET during = tstzrange(lower(during) - interval '1 hour', now())
            FROM person, area WHERE person.id = person_id AND login = :login AND area.id = area_id AND code = :area
        """),
        {"login": login, "area": area},
    )
    session.commit()


def seen_by(drawing, desk):
    """The same draft, as another works on it."""
    other = Drawing.__new__(Drawing)
    other.desk, other.path, other.tag = desk, drawing.path, "*"
    return other


def status(answer):
    return answer.status_code, answer.json and answer.json.get("type", "").rpartition("/")[2]


REFUSED = (404, "outside-charge")


def test_staff_of_one_area_neither_undo_nor_give_up_the_citys_draft(staff):
    drawing = Drawing(staff(COUNTY))
    drawing.do(split())
    east = seen_by(drawing, staff(EAST))
    for action, sent in (("/undo", {}), ("/rebase", {}), ("/publish", {}), ("/impact", None)):
        verb = "get" if sent is None else "post"
        assert status(east.send(action, sent, verb=verb, tag="*")) == REFUSED, action
    assert status(east.send("", verb="delete", tag="*")) == REFUSED
    assert drawing.get()["operations"] == 1
    west = seen_by(drawing, staff(WEST))
    assert west.send("/undo", tag="*").status_code == 200, "what it changed lies in the west"
    assert status(west.send("", verb="delete", tag="*")) == REFUSED, "it is the city's draft still"


def test_what_was_undone_is_redone_or_discarded_only_by_those_whose_it_is(staff):
    drawing = Drawing(staff(COUNTY))
    drawing.do(split())
    drawing.send("/undo")
    east = seen_by(drawing, staff(EAST))
    assert status(east.send("/redo", tag="*")) == REFUSED
    assert status(east.do(EAST_NAMED, tag="*")) == REFUSED, "it would take the undone step away for good"
    assert [each["undone"] for each in drawing.get()["done"]] == [True]
    assert seen_by(drawing, staff(WEST)).send("/redo", tag="*").status_code == 200


def test_an_empty_draft_is_given_up_by_its_owner_or_whoever_has_the_owners_areas(staff):
    west = staff(WEST)
    drawing = Drawing(west)
    assert status(seen_by(drawing, staff(EAST)).send("", verb="delete", tag="*")) == REFUSED
    assert seen_by(drawing, staff(WEST)).send("", verb="delete", tag="*").status_code == 204
    assert Drawing(west).send("", verb="delete").status_code == 204
    assert seen_by(Drawing(west), staff(COMMUNITY)).send("", verb="delete", tag="*").status_code == 204


@pytest.mark.parametrize("undone", [False, True])
def test_whoever_lost_an_area_does_not_dispose_of_what_was_drawn_in_it(staff, redrawn, undone):
    owner = staff(WEST)
    assign(redrawn, owner.login, EAST)
    drawing = Drawing(owner)
    assert drawing.do(EAST_NAMED).status_code == 201
    if undone:
        assert drawing.send("/undo", tag="*").status_code == 200
    end_in(redrawn, owner.login, EAST)
    for desk in (owner, staff(WEST)):
        mine = seen_by(drawing, desk)
        assert status(mine.send("", verb="delete", tag="*")) == REFUSED
        assert status(mine.send("/rebase", {"on_conflict": "leave-out"}, tag="*")) == REFUSED
    assert seen_by(drawing, staff(COMMUNITY)).send("", verb="delete", tag="*").status_code == 204


def test_nothing_goes_into_anothers_draft_that_its_owner_could_not_take_back(staff):
    west = Drawing(staff(WEST))
    assert status(seen_by(west, staff(EAST)).do(EAST_NAMED, tag="*")) == REFUSED
    assert seen_by(west, staff(COMMUNITY)).do(WEST_NAMED, tag="*").status_code == 201
    assert west.send("/undo", tag="*").status_code == 200
    citys = Drawing(staff(COUNTY))
    assert seen_by(citys, staff(EAST)).do(EAST_NAMED, tag="*").status_code == 201


def test_what_an_owner_only_reads_is_not_what_they_could_take_back(staff, redrawn):
    owner = staff(WEST)
    assign_role(redrawn, owner.login, COUNTY, "auditor")
    assert status(seen_by(Drawing(owner), staff(EAST)).do(EAST_NAMED, tag="*")) == REFUSED


def test_nothing_is_put_under_an_area_of_others(staff):
    drawing = Drawing(staff(WEST))
    assert status(drawing.do({"kind": "reassign", "code": WEST, "parent": COUNTY})) == REFUSED
    assert drawing.get()["operations"] == 0


def test_a_border_between_two_is_moved_by_those_of_both(staff):
    moved = {
        "kind": "reshape",
        "codes": [WEST, EAST],
        "line": line((114.31, 25.67), (114.312, 25.685), (114.31, 25.70)),
    }
    drawing = Drawing(staff(WEST))
    assert status(drawing.do(moved)) == REFUSED
    assert drawing.get()["operations"] == 0
    assert seen_by(drawing, staff(COMMUNITY)).do(moved, tag="*").status_code == 201
    assert status(drawing.send("/publish", tag="*")) == REFUSED


ACROSS = line((114.295, 25.6853), (114.3101, 25.6868))


def test_a_neighbour_that_only_receives_a_node_is_nobodys_to_ask_for(staff):
    """A line that ends on the border of others changes nothing of their ground."""
    drawing = Drawing(staff(WEST))
    done = drawing.do(
        {"kind": "split", "code": WEST, "line": ACROSS, "left": {"code": WEST}, "right": {"code": THIRD, "name": "新"}}
    )
    assert done.status_code == 201, done.text
    assert EAST in done.json["changes"]["after"], "it has a node more"
    assert drawing.send("/publish").status_code == 201


def test_an_even_division_is_for_whoever_has_the_areas_that_are_divided(staff):
    drawing = Drawing(staff(WEST))
    done = drawing.do({"kind": "propose", "code": WEST, "count": 3})
    assert done.status_code == 201, done.text
    assert drawing.send("/undo").status_code == 200


def test_what_a_draft_made_belongs_to_those_it_was_made_of(staff):
    drawing = Drawing(staff(COUNTY))
    assert drawing.do(split()).status_code == 201
    named = {"kind": "rename", "code": THIRD, "name": "三"}
    assert status(seen_by(drawing, staff(EAST)).do(named, tag="*")) == REFUSED
    assert seen_by(drawing, staff(WEST)).do(named, tag="*").status_code == 201


def test_who_was_staff_does_nothing_to_a_draft_any_more_not_even_their_own(staff, redrawn):
    desk = staff(WEST)
    drawing = Drawing(desk)
    drawing.do(WEST_NAMED)
    end(redrawn, desk.login)
    for action in ("/undo", "/redo", "/publish", "/rebase", "/operations"):
        assert drawing.send(action, tag="*").status_code == 403
    assert drawing.send("", verb="delete", tag="*").status_code == 403
    assert seen_by(drawing, staff(WEST)).send("/undo", tag="*").status_code == 200


def test_rebasing_is_for_those_who_might_take_all_of_it_away(staff, redrawn):
    drawing = Drawing(staff(COUNTY))
    drawing.do(WEST_NAMED)
    redraw(redrawn, strip(EAST, 114.31, 114.32, name="新东"))
    assert status(seen_by(drawing, staff(EAST)).send("/rebase", {"on_conflict": "leave-out"}, tag="*")) == REFUSED
    assert drawing.send("/rebase", {"on_conflict": "leave-out"}, tag="*").status_code == 200
