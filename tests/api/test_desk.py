"""The desk of a handling body, and what a phone sees of its case, over HTTP on the real database."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import text

from geo.editions.ground import Grounds
from server.cases.routing.service import route_awaiting
from sync.resolution.conflicts import settle_waiting
from tests.api.staff import Desk


@pytest.fixture
def route(session):
    grounds = Grounds()

    def run(now=None):
        moment = now or dt.datetime.now(dt.UTC)
        routed = route_awaiting(session, moment, grounds.at(session, 1, moment))
        session.commit()
        return routed

    return run


@pytest.fixture
def desk_of(app, session):
    return lambda code: Desk.of(app, session, "handler", code)


def cases(desk, **query):
    answer = desk.get("/v1/desk/cases", **query)
    assert answer.status_code == 200, answer.text
    return answer.json


def reported(phone, *categories, **more):
    made = [phone.issue(category=category, description="阳岭大道", **more) for category in categories]
    assert {each["status"] for each in phone.push(*made)} == {"applied"}
    return [each["id"] for each in made]


def test_a_body_sees_the_cases_that_it_leads_and_those_that_it_assists(phone_of, route, desk_of):
    lamp, manhole = reported(phone_of("west"), "0302", "0301")
    route()
    leads = {each["id"]: each["part"] for each in cases(desk_of("zhujian"))["cases"]}
    assists = {each["id"]: each["part"] for each in cases(desk_of("chengguan"))["cases"]}
    assert leads == {lamp: "lead", manhole: "lead"}
    assert assists == {manhole: "assisting"}


def test_a_body_sees_no_case_of_another_and_cannot_tell_that_it_exists(phone_of, route, desk_of):
    [issue_id] = reported(phone_of("west"), "0302")
    route()
    stranger = desk_of("minzheng")
    assert cases(stranger)["cases"] == []
    for unknown in (issue_id, uuid.uuid4()):
        answer = stranger.get(f"/v1/desk/cases/{unknown}")
        assert (answer.status_code, answer.json["type"]) == (404, "/problems/unknown-case")


def test_a_case_says_what_where_by_when_and_why(phone_of, route, desk_of):
    [issue_id] = reported(phone_of("west"), "0302")
    route()
    case = desk_of("zhujian").get(f"/v1/desk/cases/{issue_id}").json
    assert case["description"] == "阳岭大道"
    assert case["category"] == {"code": "0302", "name_zh": "路灯", "name_en": "Street lamp"}
    assert case["location"] == {"lon": 114.305, "lat": 25.685, "datum": "wgs84"}
    assert case["grid"]["name"] == "阳岭第一网格"
    assert case["due_at"] is not None
    assert [each["code"] for each in case["routing"]["reasons"]][:2] == ["category-default", "deadline"]
    assert case["decisions"][0]["body"] == "zhujian"
    assert [(each["channel"], each["state"]) for each in case["deliveries"]] == [("desk", "delivered")]


def test_of_a_private_case_the_lead_sees_all_and_an_assistant_only_that_it_is_called(phone_of, route, desk_of):
    [issue_id] = reported(phone_of("west"), "0604")
    route()
    lead = desk_of("sifa").get(f"/v1/desk/cases/{issue_id}").json
    assistant = desk_of("renshe").get(f"/v1/desk/cases/{issue_id}").json
    assert (lead["masked"], lead["description"]) == (False, "阳岭大道")
    assert (assistant["private"], assistant["masked"], assistant["lead"]) == (True, True, "sifa")
    hidden = ("description", "address", "location", "routing")
    assert [assistant[name] for name in hidden] == [None] * 4
    assert assistant["decisions"][0]["reasons"] == []


def test_nobody_but_handlers_has_a_desk(app, session):
    supervisor = Desk.of(app, session, "supervisor", "360725")
    assert supervisor.get("/v1/desk/cases").json["type"] == "/problems/role-missing"
    assert app.test_client().get("/v1/desk/cases").status_code == 401


def test_the_nearest_deadline_comes_first_and_pages_neither_skip_nor_repeat(phone_of, route, desk_of):
    phone = phone_of("west")
    wanted = reported(phone, *["0302", "0301", "0303"] * 5)
    route()
    desk, seen, cursor = desk_of("zhujian"), [], None
    while True:
        page = cases(desk, limit=4, **({"cursor": cursor} if cursor else {}))
        seen += page["cases"]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert sorted(each["id"] for each in seen) == sorted(wanted)
    assert [each["due_at"] for each in seen] == sorted(each["due_at"] for each in seen)


def test_a_case_goes_from_green_to_yellow_to_red_and_can_be_asked_for_by_its_light(phone_of, route, desk_of, session):
    issue_id = reported(phone_of("west"), "0301")[0]
    route()
    desk = desk_of("zhujian")
    # A manhole has two hours: yellow from 96 minutes on.
    for minutes, light in ((90, "green"), (100, "yellow"), (130, "red")):
        since = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minutes)
        session.execute(
            text("""
                UPDATE issue SET due_at = :due,
                    routing = jsonb_set(routing, '{since}', to_jsonb(CAST(:since AS text)))
                WHERE id = :id
            """),
            {"id": issue_id, "due": since + dt.timedelta(hours=2), "since": since.isoformat()},
        )
        session.commit()
        assert [each["light"] for each in cases(desk)["cases"]] == [light]
        assert len(cases(desk, light=light)["cases"]) == 1
        assert cases(desk, light="none")["cases"] == []


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"part": "lead"}, 2), ({"part": "assisting"}, 0), ({"category": "03"}, 2), ({"category": "0301"}, 1),
        ({"category": "0301,0302"}, 2), ({"state": "dispatched"}, 2), ({"state": "closed"}, 0),
        ({"progress": "closed"}, 0), ({"progress": "all"}, 2),
    ],
)  # fmt: skip
def test_the_desk_can_be_filtered(phone_of, route, desk_of, query, count):
    reported(phone_of("west"), "0301", "0302")
    route()
    assert len(cases(desk_of("zhujian"), **query)["cases"]) == count


@pytest.mark.parametrize("query", [{"part": "boss"}, {"light": "blue"}, {"limit": 0}, {"category": "3"}])
def test_a_filter_that_means_nothing_is_refused_by_its_name(desk_of, query):
    answer = desk_of("zhujian").get("/v1/desk/cases", **query)
    assert answer.status_code == 422
    assert next(iter(query)) in answer.json["errors"][0]["field"]


@pytest.mark.parametrize("cursor", ["x", "!!!!", "WyJub3doZXJlIiwgMV0", "WzEsMl0"])
def test_a_cursor_that_is_not_ours_is_refused(desk_of, cursor):
    answer = desk_of("zhujian").get("/v1/desk/cases", cursor=cursor)
    assert (answer.status_code, answer.json["type"]) == (400, "/problems/cursor-invalid")


def test_the_worker_sees_by_pull_who_handles_it_by_when_and_why(phone_of, route):
    phone = phone_of("west")
    [issue_id] = reported(phone, "0301")
    phone.pull()
    assert phone.records("issues")[issue_id]["data"]["state"] == "reported"
    route()
    phone.pull()
    seen = phone.records("issues")[issue_id]
    assert (seen["rev"], seen["data"]["state"], seen["data"]["body"]) == (2, "dispatched", "住房和城乡建设局")
    assert seen["data"]["deadline"] is not None
    assert seen["data"]["routing"]["reasons"][0]["code"] == "category-default"


def test_routing_does_not_turn_a_phones_next_edit_into_a_conflict(phone_of, route, session):
    phone = phone_of("west")
    [issue_id] = reported(phone, "0301")
    route()
    [result] = phone.push(phone.patch("issues", issue_id, {"rev": 1}, description="更正"))
    assert (result["status"], result["rev"]) == ("applied", 3)


def test_another_category_from_the_phone_gets_another_body(phone_of, route, desk_of):
    phone = phone_of("west")
    [issue_id] = reported(phone, "0301")
    route()
    phone.push(phone.patch("issues", issue_id, {"rev": 1}, category="0101"))
    route()
    assert cases(desk_of("zhujian"))["cases"] == []
    folder = desk_of("chengguan").get(f"/v1/desk/cases/{issue_id}").json
    assert (folder["part"], folder["category"]["code"]) == ("lead", "0101")
    assert [each["body"] for each in folder["decisions"]] == ["chengguan", "zhujian"]


def test_merging_after_routing_writes_nothing_of_the_case_into_the_issue(phone_of, route, session):
    one, two = phone_of("west"), phone_of("west")
    [issue_id] = reported(one, "0301")
    route()
    one.push(one.patch("issues", issue_id, {"rev": 1}, severity="urgent"))
    [late] = two.push(two.patch("issues", issue_id, {"rev": 1}, tags=["夜间"]))
    assert late["status"] == "pending"
    grounds, now = Grounds(), dt.datetime.now(dt.UTC)
    settle_waiting(
        session, now, lambda moment: grounds.at(session, 1, moment), limit=9, hold_for=dt.timedelta(1), near_m=50.0
    )
    session.commit()
    doc, state = session.execute(text("SELECT doc, state FROM issue")).one()
    assert not {"state", "body", "deadline"} & set(doc)
    assert (doc["severity"], doc["tags"], state) == ("urgent", ["夜间"], "dispatched")


def test_a_phone_takes_back_what_no_body_has_and_nothing_that_one_has(phone_of, route, session):
    one = phone_of("west")
    kept, taken_back = reported(one, "0301"), reported(one, "0301")
    [result] = one.push(one.op("issues", action="delete", id=taken_back[0], base={"rev": 1}))
    assert result["status"] == "applied"
    route()
    [result] = one.push(one.op("issues", action="delete", id=kept[0], base={"rev": 1}))
    assert (result["status"], result["error"]["type"]) == ("quarantined", "/problems/case-dispatched")
    gone = session.scalars(text("SELECT id::text FROM issue WHERE deleted_at IS NOT NULL")).all()
    assert gone == taken_back
