"""A rule is made for ground where it applies, and is told when it applies no more, with what took its place."""

import pytest
from shapely import box
from sqlalchemy import text

from geo.editions.publish import NewArea, NewKind, put_kinds
from server.cases.errors import InvalidRule
from server.cases.routing.rulebook import Draft, listed_rules, save
from tests.cases.city import EAST, NOW, WEST
from tests.sync.redrawing import COMMUNITY, redraw, redrawn, strip

__all__ = ["redrawn"]


def keep(session, **more):
    return save(session, Draft("规则", "zhujian", **more), author_id=None, now=NOW)


@pytest.fixture
def zones(redrawn):
    put_kinds(redrawn, [NewKind("zone", "责任区", "Zone", 6)])
    redraw(redrawn, NewArea(f"{WEST}01", "zone", "责任区", WEST, box(114.30, 25.68, 114.305, 25.69)))
    yield redrawn
    redrawn.rollback()
    redrawn.execute(text("SET LOCAL session_replication_role = replica"))
    redrawn.execute(text("DELETE FROM area_kind WHERE code = 'zone'"))
    redrawn.commit()


def test_a_rule_for_a_zone_is_refused_as_issues_are_routed_by_grids(zones):
    with pytest.raises(InvalidRule) as caught:
        keep(zones, area=f"{WEST}01")
    assert (caught.value.field, caught.value.reason, caught.value.value) == ("area", "below-grids", f"{WEST}01")


def test_a_rule_for_a_retired_area_is_refused(redrawn):
    redraw(redrawn, strip("x1", 114.30, 114.31), retired=[WEST])
    with pytest.raises(InvalidRule) as caught:
        keep(redrawn, area=WEST)
    assert (caught.value.field, caught.value.reason) == ("area", "retired")


@pytest.mark.parametrize("area", [None, "360725", COMMUNITY, WEST])
def test_rules_for_grids_and_what_they_lie_in_apply(redrawn, area):
    keep(redrawn, area=area)
    (listed,) = listed_rules(redrawn)
    assert (listed.area_standing, listed.successors) == (None if area is None else "in-force", ())


def test_a_rule_whose_grid_was_merged_applies_no_more_and_names_the_grid_that_has_its_ground(redrawn):
    keep(redrawn, area=EAST)
    redrawn.commit()
    redraw(redrawn, strip(WEST, 114.30, 114.32), retired=[EAST])
    (listed,) = listed_rules(redrawn)
    assert (listed.area_standing, [each.code for each in listed.successors]) == ("retired", [WEST])


def test_of_several_successors_the_one_with_most_of_the_ground_is_first_and_crumbs_are_left_out(redrawn):
    keep(redrawn, area=WEST)
    redrawn.commit()
    parts = [strip("x1", 114.30, 114.303), strip("x2", 114.303, 114.3095), strip(EAST, 114.3095, 114.32)]
    redraw(redrawn, *parts, retired=[WEST])
    (listed,) = listed_rules(redrawn)
    assert [each.code for each in listed.successors] == ["x2", "x1"]


def test_a_rule_of_an_area_that_comes_back_applies_again(redrawn):
    keep(redrawn, area=EAST)
    redrawn.commit()
    redraw(redrawn, strip(WEST, 114.30, 114.32), retired=[EAST])
    redraw(redrawn, strip(WEST, 114.30, 114.31), strip(EAST, 114.31, 114.32))
    (listed,) = listed_rules(redrawn)
    assert (listed.area_standing, listed.successors) == ("in-force", ())
