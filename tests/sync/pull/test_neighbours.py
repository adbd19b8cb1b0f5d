"""The grids next to a phone's own: their outlines, and nothing of what lies in them."""

import pytest
from sqlalchemy import text

from geo.editions.ground import load_ground
from sync.access.scope import Scope
from sync.pull.neighbours import neighbours
from tests.cases.city import EAST, WEST


def asked(phone, **headers):
    return phone.client.get("/v1/sync/neighbours", headers=phone.headers | headers)


def test_a_phone_is_told_the_outline_of_the_grid_next_to_its_own_and_nothing_more(phone_of):
    east = phone_of("east")
    east.push(east.issue(at=(114.315, 25.685), description="东边的事"))
    west = phone_of("west")
    answer = asked(west)
    [grid] = answer.json["grids"]
    assert grid.keys() == {"code", "name", "geometry"}
    assert (grid["code"], grid["name"]) == (EAST, "阳岭第二网格")
    corners = {tuple(corner) for ring in grid["geometry"]["coordinates"] for part in ring for corner in part}
    assert corners == {(114.31, 25.68), (114.32, 25.68), (114.32, 25.69), (114.31, 25.69)}
    assert "东边的事" not in answer.text
    assert [each["code"] for each in asked(east).json["grids"]] == [WEST]


def test_who_works_in_both_grids_has_no_neighbour(phone_of):
    assert asked(phone_of("west", "east")).json["grids"] == []


@pytest.mark.parametrize(("begins_m", "told"), [(200, True), (400, False)])
def test_a_grid_across_a_field_is_told_and_one_farther_away_is_not(session, begins_m, told):
    add = text("""
        WITH added AS (INSERT INTO area (code, kind) VALUES ('360725100001009', 'grid') RETURNING id)
        INSERT INTO area_version (area_id, name, parent_id, editions, polygon)
        SELECT added.id, '对面网格', version.parent_id, version.editions,
               ST_Multi(ST_Translate(version.polygon, 0, 0.01 + :begins_m / 111320.0))
        FROM added, area_version AS version JOIN area ON area.id = version.area_id WHERE area.code = :west
    """)
    session.execute(add, {"west": WEST, "begins_m": begins_m})
    ground = load_ground(session, 1)
    own = [facts.id for facts in ground.areas.values() if facts.code == WEST]
    found = {each.name for each in neighbours(session, ground, Scope(1, tuple(own)))}
    session.rollback()
    assert found == ({"阳岭第二网格", "对面网格"} if told else {"阳岭第二网格"})


def test_neighbours_that_did_not_change_are_not_sent_again(phone_of):
    phone = phone_of("west")
    answer = asked(phone)
    again = asked(phone, **{"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_nobody_without_a_device_is_told(app):
    assert app.test_client().get("/v1/sync/neighbours").status_code == 401
