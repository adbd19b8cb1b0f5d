"""Disputes and quarantine: listed to whoever answers for the place, decided once, and every phone hears of it."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import text

from geo.editions.ground import Grounds
from sync.resolution.conflicts import settle_waiting
from sync.wording.staff import title_to_staff
from tests.api.staff import Desk

COUNTY, WEST = "360725", "360725100001001"


@pytest.fixture
def settle(session):
    grounds = Grounds()

    def run():
        now = dt.datetime.now(dt.UTC)
        hold = dt.timedelta(hours=24)
        settle_waiting(session, now, lambda t: grounds.at(session, 1, t), limit=100, hold_for=hold, near_m=50)
        session.commit()

    return run


@pytest.fixture
def desk(app, session):
    return lambda role="supervisor", place=COUNTY: Desk.of(app, session, role, place)


@pytest.fixture
def disputed(phone_of, settle):
    one, two = phone_of("west"), phone_of("west")
    put = one.issue()
    one.push(put)
    one.push(one.patch("issues", put["id"], {"rev": 1}, category="0302"))
    two.push(two.patch("issues", put["id"], {"rev": 1}, category="0303"))
    settle()
    one.pull()
    two.pull()
    return one, two, put["id"]


def test_a_dispute_is_decided_once_and_every_phone_hears_of_it(disputed, desk, settle, session):
    one, two, _ = disputed
    chief = desk()
    (dispute,) = chief.get("/v1/review/conflicts").json["conflicts"]
    assert (dispute["standing"]["value"], dispute["offered"]["value"]) == ("0302", "0303")
    assert (dispute["standing"]["author"], dispute["offered"]["author"]) == (one.login, two.login)
    assert dispute["base"]["value"] == "0301"
    path = f"/v1/review/conflicts/{dispute['id']}/decision"
    assert chief.post(path, {"value": "0303"}).status_code == 204
    assert chief.post(path, {"value": "0302"}).status_code == 409
    assert chief.get("/v1/review/conflicts").json["conflicts"] == []
    for phone in (one, two):
        (change,) = phone.pull()
        assert change["data"]["category"] == "0303"
    assert two.outcomes[-1]["status"] == "merged"
    settle()
    assert session.scalar(text("SELECT doc ->> 'category' FROM issue")) == "0303"


@pytest.mark.long
def test_a_decision_stands_when_a_late_edit_from_before_arrives(disputed, desk, phone_of, settle, session):
    _one, _two, issue_id = disputed
    chief = desk()
    (dispute,) = chief.get("/v1/review/conflicts").json["conflicts"]
    chief.post(f"/v1/review/conflicts/{dispute['id']}/decision", {"value": "0303"})
    late = phone_of("west")
    late.push(late.patch("issues", issue_id, {"rev": 1}, address_text="东门"))
    settle()
    row = session.execute(text("SELECT doc FROM issue")).one()
    assert (row.doc["category"], row.doc["address_text"]) == ("0303", "东门")


def test_a_decision_of_a_value_that_is_none_is_refused(disputed, desk):
    chief = desk()
    (dispute,) = chief.get("/v1/review/conflicts").json["conflicts"]
    answer = chief.post(f"/v1/review/conflicts/{dispute['id']}/decision", {"value": "13"})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "category"


def test_no_decision_makes_a_private_issue_public_by_the_way(phone_of, settle, desk, session):
    one, two = phone_of("west"), phone_of("west")
    put = one.issue(category="0602")
    one.push(put)
    two.pull()
    one.push(one.patch("issues", put["id"], {"rev": 1}, category="0601"))
    late = one.op("issues", {"category": "0701"}, action="patch", id=put["id"], base={"rev": 1})
    one.push(late)
    settle()
    chief = desk()
    (dispute,) = chief.get("/v1/review/conflicts").json["conflicts"]
    path = f"/v1/review/conflicts/{dispute['id']}/decision"
    answer = chief.post(path, {"value": "0303"})
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/becomes-public")
    assert [each["field"] for each in answer.json["errors"]] == ["data.category"]
    assert len(chief.get("/v1/review/conflicts").json["conflicts"]) == 1
    assert chief.post(path, {"value": "0303", "make_public": True}).status_code == 204
    assert session.scalar(text("SELECT doc ->> 'category' FROM issue")) == "0303"


@pytest.mark.long
@pytest.mark.parametrize("role", ["supervisor", "dispatcher", "admin"])
def test_disputes_of_other_areas_are_out_of_sight(disputed, desk, role):
    other = desk(role, "360725100001002")
    assert other.get("/v1/review/conflicts").json["conflicts"] == []
    (dispute,) = desk().get("/v1/review/conflicts").json["conflicts"]
    assert other.post(f"/v1/review/conflicts/{dispute['id']}/decision", {"value": "0303"}).status_code == 404


@pytest.mark.long
@pytest.mark.parametrize("delete", [True, False])
def test_delete_against_edit_is_decided_by_a_person(phone_of, settle, desk, session, delete):
    one, two = phone_of("west"), phone_of("west")
    put = one.issue()
    one.push(put)
    one.push(one.op("issues", action="delete", id=put["id"], base={"rev": 1}))
    two.push(two.patch("issues", put["id"], {"rev": 1}, severity="urgent"))
    settle()
    chief = desk()
    (dispute,) = chief.get("/v1/review/conflicts").json["conflicts"]
    assert dispute["kind"] == "delete"
    assert chief.post(f"/v1/review/conflicts/{dispute['id']}/decision", {"delete": delete}).status_code == 204
    assert (session.scalar(text("SELECT deleted_at FROM issue")) is not None) == delete
    session.rollback()
    late = phone_of("west")
    late.push(late.patch("issues", put["id"], {"rev": 1}, tags=["x"]))
    settle()
    assert session.scalar(text("SELECT deleted_at FROM issue")) is None, "an edit nobody saw keeps it alive"


def test_a_page_of_what_was_set_aside_stays_small_whatever_was_sent(phone_of, desk):
    phone = phone_of("west")
    for filling in ("中" * 300_000, "中" * 60_000 + "\u202e"):
        phone.push(*[phone.issue(description=filling) for _ in range(4)])
    answer = desk().get("/v1/review/quarantine")
    kept = answer.json["operations"]
    assert len(answer.data) < 8 * 20_000
    assert {each["data"] is None for each in kept} == {True}
    assert sorted({each["raw_bytes"] > 256 * 1024 for each in kept}) == [False, True]


def test_quarantined_operations_are_mended_and_released(phone_of, desk, settle, session):
    phone = phone_of("west")
    wrong = phone.issue(category="9999", description="积水")
    phone.push(wrong)
    chief = desk()
    (kept,) = chief.get("/v1/review/quarantine").json["operations"]
    assert kept["login"] == phone.login
    assert kept["problem"]["type"].endswith("/category-unknown")
    path = f"/v1/review/quarantine/{kept['id']}/release"
    assert chief.post(path, {}).status_code == 422
    mended = wrong["data"] | {"category": "0304"}
    assert chief.post(path, {"data": mended, "note": "类别改为积水"}).status_code == 204
    settle()
    row = session.execute(text("SELECT category, grid_now, grid_at_capture FROM issue")).one()
    assert row.category == "0304"
    assert row.grid_now == row.grid_at_capture is not None
    phone.pull()
    assert [(told["status"], told["note"]) for told in phone.outcomes] == [("released", "类别改为积水")]
    assert list(phone.records("issues")) == [wrong["id"]]
    assert chief.post(path, {"data": mended}).status_code == 404


def test_a_change_released_before_its_record_goes_back_into_quarantine_and_waits_for_nobody(
    phone_of, desk, settle, session
):
    phone = phone_of("west")
    put = phone.issue(category="9999")
    change = phone.op("issues", {"category": "9998"}, action="patch", id=put["id"], base={"op_id": put["op_id"]})
    phone.push(put, change)
    chief = desk()
    first, second = chief.get("/v1/review/quarantine").json["operations"]
    release = "/v1/review/quarantine/{}/release"
    assert chief.post(release.format(second["id"]), {"data": {"category": "0304"}}).status_code == 204
    settle()
    again = chief.get("/v1/review/quarantine").json["operations"]
    assert [(each["id"], each["problem"]["type"].rpartition("/")[2]) for each in again] == [
        (first["id"], "category-unknown"),
        (second["id"], "base-unknown"),
    ]
    for each, data in ((first, put["data"] | {"category": "0303"}), (second, {"category": "0304"})):
        assert chief.post(release.format(each["id"]), {"data": data}).status_code == 204
    settle()
    assert session.scalar(text("SELECT category FROM issue")) == "0304"


def test_a_visit_outside_ones_areas_is_released_by_whoever_answers(phone_of, desk, settle, session):
    phone = phone_of("west")
    phone.push(phone.visit(at=(114.315, 25.685)))
    chief = desk()
    (kept,) = chief.get("/v1/review/quarantine").json["operations"]
    assert chief.post(f"/v1/review/quarantine/{kept['id']}/release").status_code == 204
    settle()
    assert session.scalar(text("SELECT count(*) FROM visit")) == 1


def test_what_is_dismissed_stays_in_the_log_and_the_worker_is_told_why(phone_of, desk, session):
    phone = phone_of("west")
    phone.push(phone.visit(outcome="maybe"))
    chief = desk()
    (kept,) = chief.get("/v1/review/quarantine").json["operations"]
    path = f"/v1/review/quarantine/{kept['id']}/dismiss"
    assert chief.post(path, {}).status_code == 422
    assert chief.post(path, {"reason": "重复上报"}).status_code == 204
    phone.pull()
    assert [(told["status"], told["note"]) for told in phone.outcomes] == [("dismissed", "重复上报")]
    assert session.scalar(text("SELECT data ->> 'outcome' FROM operation")) == "maybe"


def test_an_unreadable_operation_is_shown_as_it_was_sent(phone_of, desk, settle, session):
    phone = phone_of("west")
    phone.push({"op_id": "x", "junk": True})
    chief = desk()
    (kept,) = chief.get("/v1/review/quarantine").json["operations"]
    assert kept["raw"]
    path = f"/v1/review/quarantine/{kept['id']}/release"
    assert chief.post(path, {"collection": "visits", "data": {"outcome": "met"}}).status_code == 422
    whole = {"collection": "visits", "id": str(uuid.uuid4()), "action": "put",
             "data": {"outcome": "met", "address_text": "一号"}}  # fmt: skip
    assert chief.post(path, whole).status_code == 204
    settle()
    assert session.scalar(text("SELECT count(*) FROM visit")) == 1


def test_no_release_makes_a_private_issue_public_by_the_way(phone_of, desk, settle, session):
    phone = phone_of("west")
    put = phone.issue(category="0601")
    phone.push(put)
    phone.push(phone.patch("issues", put["id"], {"rev": 1}, category="0301"))
    chief = desk()
    (kept,) = chief.get("/v1/review/quarantine").json["operations"]
    path = f"/v1/review/quarantine/{kept['id']}/release"
    answer = chief.post(path, {})
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/becomes-public")
    assert chief.post(path, {"make_public": True}).status_code == 204
    settle()
    assert session.scalar(text("SELECT doc ->> 'category' FROM issue")) == "0301"


@pytest.mark.parametrize("role", ["gis", "auditor"])
def test_other_roles_decide_nothing(desk, role):
    other = desk(role)
    assert other.get("/v1/review/conflicts").status_code == 403
    assert other.post("/v1/review/quarantine/1/dismiss", {"reason": "x"}).status_code == 403


def test_quarantine_of_other_areas_is_out_of_sight(phone_of, desk):
    phone = phone_of("west")
    phone.push(phone.visit(outcome="maybe"))
    (kept,) = desk("supervisor", WEST).get("/v1/review/quarantine").json["operations"]
    other = desk("supervisor", "360725100001002")
    assert other.get("/v1/review/quarantine").json["operations"] == []
    assert other.post(f"/v1/review/quarantine/{kept['id']}/dismiss", {"reason": "x"}).status_code == 404


def test_disputes_are_listed_by_area_collection_kind_author_and_age(disputed, desk):
    one, two, issue_id = disputed
    chief = desk()

    def listed(**query):
        told = chief.get("/v1/review/conflicts", **query).json
        assert sum(told["counts"].values()) == len(told["conflicts"])
        return [each["record_id"] for each in told["conflicts"]]

    for found in ({}, {"area": WEST}, {"collection": "issues"}, {"kind": "field"}, {"q": two.login.upper()}):
        assert listed(**found) == [issue_id], found
    for missed in ({"area": "360725100001002"}, {"collection": "visits"}, {"kind": "delete"}, {"q": "nobody"}):
        assert listed(**missed) == [], missed
    assert listed(older_than_h=1) == []
    (dispute,) = chief.get("/v1/review/conflicts").json["conflicts"]
    assert dispute["grid"]["code"] == WEST
    assert (dispute["standing_name"], dispute["offered_name"]) == (one.login, two.login)


def test_quarantine_is_read_page_by_page_and_by_reason(phone_of, desk):
    phone = phone_of("west")
    phone.push(phone.visit(outcome="maybe"), phone.issue(category="9999"), phone.visit(outcome="maybe"))
    chief, seen, after, more = desk(), [], 0, True
    while more:
        page = chief.get("/v1/review/quarantine", after=after, limit=2).json
        seen += [each["collection"] for each in page["operations"]]
        after, more = page["after"], page["has_more"]
    assert seen == ["visits", "issues", "visits"]
    told = chief.get("/v1/review/quarantine", kind="category-unknown", lang="en").json
    assert [each["collection"] for each in told["operations"]] == ["issues"]
    assert told["operations"][0]["device_id"] == phone.device_id
    title = title_to_staff("category-unknown", "en")
    assert told["reasons"] == [{"code": "category-unknown", "title": title, "number": 1}]
    assert chief.get("/v1/review/quarantine", q="nobody").json["operations"] == []
    assert chief.get("/v1/review/quarantine", older_than_h=1).json["operations"] == []


def test_where_a_quarantined_author_worked_then_is_told_in_names(phone_of, desk):
    phone = phone_of("west")
    phone.push(phone.visit(at=(114.315, 25.685)))
    (told,) = desk().get("/v1/review/quarantine", q=phone.login).json["operations"]
    assert told["problem"]["title"] == title_to_staff("outside-your-areas", "zh")
    assert [each["code"] for each in told["areas"]] == [WEST]
    assert all(each["name"] for each in told["areas"])


def test_a_form_learns_the_fields_from_the_schema(desk):
    told = desk().get("/v1/review/fields").json["collections"]
    visits = {each["name"]: each for each in told["visits"]}
    assert (visits["outcome"]["kind"], visits["outcome"]["required"]) == ("text", True)
    assert "met" in visits["outcome"]["choices"]
    assert [visits[name]["kind"] for name in ("location", "needs", "household_id", "started_at", "extra")] == [
        "place", "list", "id", "time", "object",
    ]  # fmt: skip
    assert "grids" not in told


@pytest.mark.long
@pytest.mark.parametrize(
    "problem", ["[1]", "{}", '"x"', "null", '{"type": 1}', '{"type": "/problems/x", "errors": [1]}']
)
def test_a_reason_that_cannot_be_read_hides_no_other_operation(app, session, phone_of, problem):
    """From staff, from the phone that sent it, and from who looks at its record."""
    phone = phone_of("west")
    bad, other = phone.visit(outcome="maybe"), phone.visit(outcome="perhaps")
    phone.push(bad, other)
    session.execute(
        text("UPDATE operation SET problem = CAST(:problem AS jsonb) WHERE op_id = :id"),
        {"problem": problem, "id": bad["op_id"]},
    )
    session.commit()
    desk = Desk.of(app, session, "supervisor", "360725")
    told = desk.get("/v1/review/quarantine").json
    assert [each["op_id"] for each in told["operations"]] == [bad["op_id"], other["op_id"]]
    assert sum(each["number"] for each in told["reasons"]) == 2
    assert desk.get(f"/v1/support/records/visits/{bad['id']}").status_code == 200
    assert phone.client.get("/v1/sync/status", headers=phone.headers).status_code == 200
    phone.pull()
