"""The list of issues and one issue in full: who sees which, what is masked, filters, pages, reasons, history."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import text

from geo.editions.ground import load_ground
from server.api.issue_schemas import IssueSchema, IssuesSchema
from server.cases.lists.issue_list import YELLOW_FROM
from server.cases.routing.service import route_awaiting
from server.database.extensions import db
from tests.api.staff import Desk
from tests.cases import city

COUNTY = "360725"
QUARREL = "0601"


@pytest.fixture
def desk(app, session):
    return lambda role="supervisor", place=COUNTY: Desk.of(app, session, role, place)


@pytest.fixture
def report(session):
    def make(*args, **more):
        issue_id = city.report(session, *args, **more)
        session.commit()
        return str(issue_id)

    return make


@pytest.fixture
def route(session):
    def run(now=None):
        route_awaiting(session, now or dt.datetime.now(dt.UTC), load_ground(session, 1))
        session.commit()

    return run


def ids(answer):
    assert answer.status_code == 200, answer.text
    return {issue["id"] for issue in answer.json["issues"]}


def test_a_supervisor_sees_their_own_grids_and_no_others(desk, report):
    west, east = report(), report(at=city.IN_EAST, grid=city.EAST)
    chief = desk("supervisor", city.WEST)
    assert ids(chief.get("/v1/issues")) == {west}
    assert chief.get(f"/v1/issues/{west}").status_code == 200
    hidden, unknown = chief.get(f"/v1/issues/{east}"), chief.get(f"/v1/issues/{uuid.uuid4()}")
    assert hidden.status_code == unknown.status_code == 404
    assert hidden.json["type"] == unknown.json["type"]


def test_who_is_in_charge_of_the_whole_sees_what_lies_in_no_grid(desk, report):
    lost = report(at=city.IN_SEA, grid=None)
    inside = report()
    assert ids(desk().get("/v1/issues")) == {lost, inside}
    assert ids(desk().get("/v1/issues", place="outside")) == {lost}
    assert ids(desk("supervisor", "360725100001").get("/v1/issues")) == {inside}


def test_a_handler_sees_what_their_body_has_and_nothing_else(desk, report, route):
    report(category="0702")
    street = report(category="0201", at=city.IN_EAST, grid=city.EAST)
    route()
    body = desk("handler", "chengguan")
    assert ids(body.get("/v1/issues")) == {street}


def test_a_deleted_issue_is_gone(desk, report, session):
    issue = report()
    session.execute(text("UPDATE issue SET deleted_at = now()"))
    session.commit()
    assert ids(desk().get("/v1/issues", progress="all")) == set()
    assert desk().get(f"/v1/issues/{issue}").status_code == 404


@pytest.mark.parametrize("role", ["auditor", "gis", "grid_worker"])
def test_what_is_private_is_masked_for_roles_without_a_duty_in_it(desk, report, role):
    issue = report(category=QUARREL, description="邻里争执", address_text="东门巷 3 号", photos=[str(uuid.uuid4())])
    (brief,) = desk(role).get("/v1/issues").json["issues"]
    assert (brief["private"], brief["masked"], brief["summary"], brief["address"]) == (True, True, None, None)
    whole = desk(role).get(f"/v1/issues/{issue}")
    for word in ("邻里争执", "东门巷", str(city.IN_WEST[0])):
        assert word not in whole.text
    assert whole.json["photos"] == []
    assert whole.json["location"] is None
    assert whole.json["reporter"] is None


@pytest.mark.parametrize("role", ["supervisor", "dispatcher", "admin"])
def test_what_is_private_is_open_to_whoever_has_the_duty(desk, report, role):
    issue = report(category=QUARREL, description="邻里争执")
    told = desk(role, city.WEST).get(f"/v1/issues/{issue}").json
    assert (told["private"], told["masked"], told["description"]) == (True, False, "邻里争执")


def test_what_is_private_is_open_to_the_body_that_handles_it(desk, report, route):
    issue = report(category=QUARREL, description="邻里争执")
    route()
    assert desk("handler", "sifa").get(f"/v1/issues/{issue}").json["description"] == "邻里争执"


def test_an_issue_its_author_marked_private_is_masked_whatever_its_category(desk, report):
    report(category="0301", private=True)
    (brief,) = desk("auditor").get("/v1/issues").json["issues"]
    assert brief["masked"]


def test_masked_text_cannot_be_found_by_searching_for_it(desk, report):
    report(category=QUARREL, description="张家与李家争执")
    assert ids(desk("auditor").get("/v1/issues", q="张家")) == set()
    assert len(ids(desk().get("/v1/issues", q="张家"))) == 1


@pytest.mark.long
def test_filters_narrow_the_list(desk, report, session):
    manhole = report(category="0301", description="井盖缺失", address_text="东门 100% 处")
    lamp = report(category="0302", description="路灯不亮")
    shop = report(category="0201", description="占道")
    session.execute(text("UPDATE issue SET state = 'closed', closed_at = now() WHERE category = '0201'"))
    session.execute(
        text("UPDATE issue SET state = 'dispatched', due_at = now() - interval '1 h' WHERE category = '0302'")
    )
    session.commit()
    chief = desk()
    for query, expected in (
        ({}, {manhole, lamp}),
        ({"progress": "overdue"}, {lamp}),
        ({"progress": "closed"}, {shop}),
        ({"progress": "all"}, {manhole, lamp, shop}),
        ({"category": "03"}, {manhole, lamp}),
        ({"category": "0301,0302"}, {manhole, lamp}),
        ({"category": "0302"}, {lamp}),
        ({"state": "dispatched,closed", "progress": "all"}, {lamp, shop}),
        ({"q": "路灯"}, {lamp}),
        ({"q": "100%"}, {manhole}),
        ({"q": manhole[:8].upper()}, {manhole}),
        ({"area": city.EAST}, set()),
        ({"area": COUNTY}, {manhole, lamp}),
    ):
        assert ids(chief.get("/v1/issues", **query)) == expected, query


def test_days_are_those_of_the_city(desk, report, session):
    issue = report()
    session.execute(text("UPDATE issue SET captured_at = '2026-11-17T16:30:00Z'"))  # half past midnight on the 18th
    session.commit()
    chief = desk()
    assert ids(chief.get("/v1/issues", **{"from": "2026-11-18"})) == {issue}
    assert ids(chief.get("/v1/issues", **{"from": "2026-11-18", "to": "2026-11-18"})) == {issue}
    assert ids(chief.get("/v1/issues", to="2026-11-17")) == set()
    assert ids(chief.get("/v1/issues", to="2026-11-17T16:31:00Z")) == {issue}


def test_a_wrong_filter_is_named(desk):
    chief = desk()
    for query, field in (
        ({"progress": "soon"}, "progress"),
        ({"state": "lost"}, "state"),
        ({"category": "3"}, "category"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-11-18T08:00:00"}, "to"),
        ({"from": "2026-11-19", "to": "2026-11-18"}, "from"),
        ({"place": "moon"}, "place"),
        ({"limit": "0"}, "limit"),
        ({"limit": "many"}, "limit"),
    ):
        answer = chief.get("/v1/issues", **query)
        assert answer.status_code == 422, query
        (error,) = answer.json["errors"]
        assert error["field"].endswith(field), query
        assert error["message"], query


def test_an_unknown_area_is_named(desk):
    answer = desk().get("/v1/issues", area="999")
    assert (answer.status_code, answer.json["area"]) == (422, "999")


@pytest.mark.parametrize("sort", ["due", "new"])
def test_pages_show_each_issue_once_while_others_come_and_go(desk, report, session, sort):
    chief = desk()
    there = {report() for _ in range(7)}
    session.execute(text("UPDATE issue SET due_at = now() + interval '1 h' WHERE id IN (SELECT id FROM issue LIMIT 3)"))
    session.commit()
    seen, cursor = [], None
    while True:
        answer = chief.get("/v1/issues", sort=sort, limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [issue["id"] for issue in answer.json["issues"]]
        cursor = answer.json["cursor"]
        if cursor is None:
            break
        session.execute(text("DELETE FROM issue WHERE id = :id"), {"id": seen[0]})
        report()
    assert len(seen) == len(set(seen))
    assert there <= set(seen)


@pytest.mark.parametrize("cursor", ["x", "AAAA", "WyJkdWUiLCJ4IiwieSJd"])
def test_a_cursor_of_somebody_elses_making_is_refused(desk, cursor):
    answer = desk().get("/v1/issues", cursor=cursor)
    assert (answer.status_code, answer.json["type"]) == (400, "/problems/cursor-invalid")


def test_a_cursor_of_another_order_is_refused(desk, report):
    chief = desk()
    report()
    report()
    cursor = chief.get("/v1/issues", sort="due", limit=1).json["cursor"]
    assert chief.get("/v1/issues", sort="new", cursor=cursor).status_code == 400


def test_lights_change_at_four_fifths_of_the_time_and_at_its_end(desk, report, route, session):
    report()
    route(dt.datetime.now(dt.UTC) - dt.timedelta(hours=10))
    chief = desk()
    for used, expected in ((YELLOW_FROM - 0.05, "green"), (YELLOW_FROM + 0.05, "yellow"), (1.05, "red")):
        session.execute(text("UPDATE issue SET due_at = now() + (1 / :used - 1) * interval '10 h'"), {"used": used})
        session.commit()
        assert chief.get("/v1/issues").json["issues"][0]["light"] == expected
    for stopped in ("state = 'suspended'", "due_at = NULL", "state = 'closed', closed_at = now()"):
        session.execute(text(f"UPDATE issue SET {stopped}"))
        session.commit()
        assert chief.get("/v1/issues", progress="all").json["issues"][0]["light"] == "none"


def test_an_issue_in_full_tells_where_it_was_routed_and_why(desk, report, route):
    issue = report(description="井盖缺失", photos=[str(uuid.uuid4())])
    route()
    told = desk().get(f"/v1/issues/{issue}").json
    assert told["body"]["name"]
    assert told["due_at"]
    assert told["state"] == "dispatched"
    assert all(reason["zh"] and reason["en"] for reason in told["routing"]["reasons"])
    assert told["routing"]["margin_m"] > 0
    assert [area["code"] for area in told["path"]] == [COUNTY, "360725100001", city.WEST]
    assert told["photos"][0]["awaited"]
    assert told["grid"]["code"] == told["grid_at_capture"]["code"] == city.WEST


def test_a_photo_is_awaited_until_it_has_come(desk, report, session):
    come, awaited = str(uuid.uuid4()), str(uuid.uuid4())
    issue = report(photos=[come, awaited])
    session.execute(
        text("""
            INSERT INTO attachment (id, rev, doc_rev, doc, captured_at, received_at, changed_at, collection, record_id,
                                    bond, media_type, served_sha256, served_size, preview)
            VALUES (:id, 1, 1, '{}', now(), now(), now(), 'issues', :issue, 'bound', 'image/jpeg', '\\x00', 1, 'ready')
        """),
        {"id": come, "issue": issue},
    )
    session.commit()
    first, second = desk().get(f"/v1/issues/{issue}").json["photos"]
    assert first == {"id": come, "awaited": False, "type": "image/jpeg", "preview": "ready"}
    assert second == {"id": awaited, "awaited": True}
    session.execute(text("DELETE FROM attachment"))
    session.commit()


def test_the_history_tells_what_phones_and_the_server_did(desk, phone_of, route):
    phone = phone_of("west")
    put = phone.issue(description="井盖缺失")
    phone.push(put)
    route()
    newest, first = desk().get(f"/v1/issues/{put['id']}").json["history"]
    assert (first["from"], first["by"], first["action"], first["status"]) == ("device", phone.login, "put", "applied")
    assert (newest["from"], newest["by"], newest["state"]) == ("server", None, "dispatched")
    assert newest["body"]


def test_answers_are_of_the_shape_that_the_documentation_shows(desk, report, route):
    issue = report(category=QUARREL)
    report(at=city.IN_SEA, grid=None)
    route()
    for role in ("supervisor", "auditor"):
        assert IssuesSchema().validate(desk(role).get("/v1/issues").json) == {}
        assert IssueSchema().validate(desk(role).get(f"/v1/issues/{issue}").json) == {}


def test_an_unchanged_list_costs_a_304(desk, report):
    chief = desk()
    report()
    tag = chief.get("/v1/issues").headers["ETag"]
    same = chief.client.get("/v1/issues", headers={"If-None-Match": tag})
    assert (same.status_code, same.data) == (304, b"")
    report()
    assert chief.client.get("/v1/issues", headers={"If-None-Match": tag}).status_code == 200


def test_statements_do_not_grow_with_the_issues(app, desk, report):
    chief = desk()

    def statements():
        with app.app_context():
            engine = db.engine
        with city.counting(engine) as seen:
            chief.get("/v1/issues")
        return len(seen)

    report()
    few = statements()
    for _ in range(20):
        report()
    assert statements() == few


@pytest.mark.parametrize(
    "path", ["/v1/issues", f"/v1/issues/{uuid.UUID(int=1)}", "/v1/map/issues", "/v1/map/grids", "/v1/areas"]
)
def test_strangers_see_nothing(app, path):
    answer = app.test_client().get(path)
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
