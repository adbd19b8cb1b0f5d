"""A visit that lies in no grid is found by whoever is in charge of its author today, and by nobody else."""

import datetime as dt

import pytest

from tests.api.staff import Desk
from tests.cases.city import EAST, WEST
from tests.sync.pull.test_what_a_phone_knows import reassigned

COUNTY = "360725"
THIRD_STREET = "阳岭大道 3 号"


@pytest.fixture
def desk(app, session):
    return lambda place=COUNTY, role="supervisor": Desk.of(app, session, role, place)


def by_address(phone):
    """A visit of a worker of two grids, so that it lies in neither."""
    visit = phone.op("visits", {"outcome": "met", "address_text": THIRD_STREET, "note": "无人"})
    assert phone.push(visit)[0]["status"] == "applied"
    return visit["id"]


def found(desk, **query):
    answer = desk.get("/v1/support/adrift", **query)
    assert answer.status_code == 200, answer.text
    assert answer.json["count"] >= len(answer.json["visits"])
    return [each["id"] for each in answer.json["visits"]]


def life(desk, visit):
    return desk.get(f"/v1/support/records/visits/{visit}")


@pytest.mark.long
def test_supervisors_of_each_area_of_the_author_find_it_and_read_its_life(phone_of, desk):
    phone = phone_of("west", "east")
    visit, placed = by_address(phone), phone.visit()
    phone.push(placed)
    for place in (WEST, EAST, COUNTY):
        chief = desk(place)
        assert found(chief) == [visit]
        (told,) = chief.get("/v1/support/adrift").json["visits"]
        assert (told["author"], told["data"]["address_text"]) == (phone.login, THIRD_STREET)
        (operation,) = life(chief, visit).json["operations"]
        assert operation["data"]["note"] == "无人"


def test_nobody_else_finds_it_or_reads_it(phone_of, desk):
    phone = phone_of("community")
    visit = by_address(phone)
    assert found(desk()) == [visit]
    for other in (desk(EAST), desk(WEST)):
        assert found(other) == []
        assert life(other, visit).status_code == 404
    assert desk(role="gis").get("/v1/support/adrift").status_code == 403
    assert phone.client.get("/v1/support/adrift", headers=phone.headers).status_code in (401, 403)


def test_it_goes_with_its_author_to_the_areas_of_today(phone_of, desk, session):
    phone = phone_of("west", "county")
    visit = by_address(phone)
    west, east = desk(WEST), desk(EAST)
    assert (found(west), found(east)) == ([visit], [])
    reassigned(session, phone.login, EAST, dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1))
    assert (found(west), found(east)) == ([], [visit])
    assert (life(west, visit).status_code, life(east, visit).status_code) == (404, 200)


def test_once_it_is_given_a_place_it_is_adrift_no_more(phone_of, desk):
    phone = phone_of("west", "east")
    visit = by_address(phone)
    phone.push(phone.visit(id=visit, base={"rev": 1}))
    assert found(desk()) == []
    assert life(desk(WEST), visit).status_code == 200
    assert life(desk(EAST), visit).status_code == 404


def test_the_list_comes_page_by_page_and_by_area(phone_of, desk):
    phone, other = phone_of("west", "east"), phone_of("east", "west")
    visits = [by_address(each) for each in (phone, other, phone)]
    chief = desk()
    assert found(chief, limit=2) + found(chief, limit=2, offset=2) == found(chief)
    assert sorted(found(chief)) == sorted(visits)
    assert sorted(found(chief, area=WEST)) == sorted(visits)
    assert chief.get("/v1/support/adrift", area="none").status_code == 404


def test_an_issue_outside_all_grids_stays_with_the_whole_city(phone_of, desk):
    phone = phone_of("west")
    issue = phone.issue(at=(114.5, 25.9))
    (result,) = phone.push(issue)
    if result["status"] == "applied":
        path = f"/v1/support/records/issues/{issue['id']}"
        assert desk(WEST).get(path).status_code == 404
        assert desk().get(path).status_code == 200
