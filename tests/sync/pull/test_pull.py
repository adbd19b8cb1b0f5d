"""What a phone receives: its scope in full at first, then every change once, leaving and arriving with its areas."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import text

from sync.pull.states import States
from tests.cases import city
from tests.cases.city import EAST, WEST

pytestmark = pytest.mark.long


def assign(session, login, code, *, area_ends=None):
    session.execute(
        text("""
            INSERT INTO assignment (person_id, role, area_id, during)
            SELECT person.id, 'grid_worker', area.id, tstzrange(now(), NULL)
            FROM person, area WHERE login = :login AND area.code = :code
        """),
        {"login": login, "code": code},
    )
    session.commit()


def unassign(session, login):
    session.execute(
        text("""
            UPDATE assignment SET during = tstzrange(lower(during), now())
            FROM person WHERE person.id = person_id AND login = :login AND upper_inf(during)
        """),
        {"login": login},
    )
    session.commit()


def test_first_filling_brings_grids_and_records_of_the_scope_only(phone_of):
    west, east = phone_of("west"), phone_of("east")
    west.push(*[west.visit() for _ in range(5)], west.issue())
    east.push(*[east.visit(at=(114.315, 25.685)) for _ in range(3)])
    fresh = phone_of("west")
    fresh.pull(limit=2)
    assert len(fresh.records("visits")) == 5
    assert len(fresh.records("issues")) == 1
    (grid,) = fresh.records("grids").values()
    assert (grid["data"]["code"], grid["data"]["kind"], grid["data"]["edition"]) == (WEST, "grid", 1)
    assert grid["data"]["geometry"]["type"] == "MultiPolygon"


def test_a_change_comes_once_in_its_newest_state(phone_of):
    phone, other = phone_of("west"), phone_of("west")
    phone.pull()
    put = other.issue()
    other.push(put)
    other.push(other.patch("issues", put["id"], {"rev": 1}, severity="urgent"))
    (change,) = phone.pull()
    assert (change["rev"], change["action"], change["data"]["severity"]) == (2, "put", "urgent")
    assert change["grid"]["code"] == WEST
    assert phone.pull() == []


def test_pages_of_one_miss_nothing(phone_of):
    phone, other = phone_of("west"), phone_of("west")
    phone.pull()
    ops = [other.visit() for _ in range(7)]
    other.push(*ops)
    phone.pull(limit=1)
    assert set(phone.records("visits")) == {op["id"] for op in ops}


def test_a_deletion_is_told_as_such(phone_of):
    phone, other = phone_of("west"), phone_of("west")
    put = other.issue()
    other.push(put)
    phone.pull()
    other.push(other.op("issues", action="delete", id=put["id"], base={"rev": 1}))
    (change,) = phone.pull()
    assert (change["action"], change["id"]) == ("delete", put["id"])


def test_an_issue_reported_elsewhere_comes_back_to_its_reporter(phone_of):
    phone = phone_of("west")
    phone.pull()
    put = phone.issue(at=(114.315, 25.685))
    phone.push(put)
    (change,) = phone.pull()
    assert change["grid"]["code"] == EAST
    fresh = phone_of(login=phone.login)
    fresh.pull()
    assert list(fresh.records("issues")) == [put["id"]]


def test_a_visit_in_another_grid_stays_out_of_sight(phone_of):
    west, east = phone_of("west"), phone_of("east")
    east.push(east.visit(at=(114.315, 25.685)))
    assert {change["collection"] for change in west.pull()} == {"grids"}


def test_reassignment_brings_what_arrives_in_full_and_takes_what_leaves(phone_of, session):
    west, east = phone_of("west"), phone_of("east")
    west.push(*[west.visit() for _ in range(4)], west.issue())
    east.push(*[east.visit(at=(114.315, 25.685)) for _ in range(3)])
    moving = phone_of("west")
    own = moving.issue()
    moving.push(own)
    moving.pull()
    assert len(moving.records("visits")) == 4
    unassign(session, moving.login)
    assign(session, moving.login, EAST)
    changes = moving.pull(limit=2)
    assert {change["action"] for change in changes if change["collection"] == "visits"} == {"leave", "put"}
    assert len(moving.records("visits")) == 3
    assert list(moving.records("issues")) == [own["id"]], "what the worker reported stays in sight"
    assert [each["data"]["code"] for each in moving.records("grids").values()] == [EAST]


def test_what_goes_from_one_list_to_another_while_they_are_read_is_told_once(phone_of, session, monkeypatch):
    writer, moving = phone_of("west"), phone_of("west")
    visit = writer.visit()
    writer.push(visit)
    moving.pull()
    unassign(session, moving.login)
    assign(session, moving.login, EAST)
    read = States.listed

    def listed(self, listing, *rest):
        found = read(self, listing, *rest)
        if (listing.collection, listing.action) == ("visits", "leave"):
            assert len(found.changes) == 1
            east = text("UPDATE visit SET grid_now = (SELECT id FROM area WHERE code = :code) WHERE id = :id")
            session.execute(east, {"code": EAST, "id": visit["id"]})
            session.commit()
        return found

    monkeypatch.setattr(States, "listed", listed)
    told = [(each["id"], each["action"]) for each in moving.page()["changes"] if each["collection"] == "visits"]
    assert told == [(visit["id"], "put")]


def test_a_record_that_moves_during_a_change_of_scope_is_not_left_behind(phone_of, session):
    writer, moving = phone_of("west"), phone_of("west")
    ops = [writer.visit() for _ in range(6)]
    writer.push(*ops)
    moving.pull()
    unassign(session, moving.login)
    assign(session, moving.login, EAST)
    page = moving.page(limit=1)
    moving.cursor = page["cursor"]
    # Now one record leaves for nowhere, with its touch in the channel of the grid that it lay in.
    session.execute(text("UPDATE visit SET rev = rev + 1, grid_now = NULL WHERE id = :id"), {"id": ops[0]["id"]})
    session.execute(
        text("""
            WITH n AS (UPDATE feed_counter SET position = position + 1 RETURNING position)
            INSERT INTO feed SELECT :channel, n.position, 1, :id FROM n
        """),
        {"id": ops[0]["id"], "channel": city.id_of(session, "area", WEST) * 4},
    )
    session.commit()
    moving.pull(limit=1)
    assert moving.records("visits") == {}


@pytest.mark.parametrize("pages", range(1, 9))
@pytest.mark.parametrize("home", [True, False], ids=["from its scope", "from nothing"])
@pytest.mark.parametrize("last", [WEST, EAST, None])
def test_a_move_that_turns_on_its_way_leaves_nothing_behind_and_misses_nothing(phone_of, session, home, last, pages):
    west, east, moving = phone_of("west"), phone_of("east"), phone_of("west")
    west.push(*[west.visit() for _ in range(3)])
    east.push(*[east.visit(at=(114.315, 25.685)) for _ in range(3)])
    if home:
        moving.pull()
        unassign(session, moving.login)
        assign(session, moving.login, EAST)
    for _ in range(pages):
        moving.take(moving.page(limit=1))
    unassign(session, moving.login)
    if last is not None:
        assign(session, moving.login, last)
    moving.pull(limit=2)
    assert [each["data"]["code"] for each in moving.records("grids").values()] == ([last] if last else [])
    assert {each["grid"]["code"] for each in moving.records("visits").values()} == ({last} if last else set())
    assert len(moving.records("visits")) == (3 if last else 0)


def test_a_phone_that_turned_too_often_is_told_to_begin_anew(phone_of, session):
    phone = phone_of("west")
    phone.push(*[phone.visit() for _ in range(3)])
    status = 200
    for turn in range(40):
        unassign(session, phone.login)
        assign(session, phone.login, EAST if turn % 2 else WEST)
        answer = phone.client.get(
            "/v1/sync/pull",
            query_string={"limit": 1} | ({"cursor": phone.cursor} if phone.cursor else {}),
            headers=phone.headers,
        )
        status = answer.status_code
        if status != 200:
            break
        phone.take(answer.json)
    assert status == 410
    assert answer.json["type"].endswith("/resync")


def test_an_assignment_that_ends_by_itself_changes_the_scope(phone_of, session):
    phone = phone_of("west")
    phone.pull()
    session.execute(
        text("""
            UPDATE assignment SET during = tstzrange(lower(during), clock_timestamp() + interval '0.3 s')
            FROM person WHERE person.id = person_id AND login = :login
        """),
        {"login": phone.login},
    )
    session.commit()
    phone.pull()
    assert len(phone.records("grids")) == 1
    session.execute(text("SELECT pg_sleep(0.4)"))
    phone.pull()
    assert phone.records("grids") == {}


def test_only_the_collections_asked_for_are_sent(phone_of):
    phone = phone_of("west")
    phone.push(phone.visit(), phone.issue())
    fresh = phone_of("west")
    assert {change["collection"] for change in fresh.pull(collections="issues,grids")} == {"issues", "grids"}


def test_a_collection_that_is_none_is_named(phone_of):
    phone = phone_of("west")
    answer = phone.client.get("/v1/sync/pull?collections=visit", headers=phone.headers)
    assert answer.status_code == 422
    assert answer.json["unknown"] == ["visit"]


@pytest.mark.parametrize("broken", ["x", "!!!", "AAAA", "a" * 390, "游标"])
def test_a_cursor_that_is_not_ours_is_refused(phone_of, broken):
    phone = phone_of("west")
    answer = phone.client.get("/v1/sync/pull", query_string={"cursor": broken}, headers=phone.headers)
    assert answer.status_code == 400
    assert answer.json["type"].endswith("/cursor-invalid")


def test_a_cursor_of_another_person_is_refused(phone_of):
    phone, other = phone_of("west"), phone_of("west")
    other.pull()
    answer = phone.client.get("/v1/sync/pull", query_string={"cursor": other.cursor}, headers=phone.headers)
    assert answer.status_code == 400


def test_a_cursor_tampered_with_is_refused(phone_of):
    phone = phone_of("west")
    phone.pull()
    for at in range(0, len(phone.cursor), 7):
        changed = phone.cursor[:at] + ("A" if phone.cursor[at] != "A" else "B") + phone.cursor[at + 1 :]
        answer = phone.client.get("/v1/sync/pull", query_string={"cursor": changed}, headers=phone.headers)
        assert answer.status_code == 400


def test_a_cursor_of_another_epoch_asks_for_a_resync(phone_of, session):
    phone = phone_of("west")
    phone.pull()
    session.execute(text("UPDATE city_state SET epoch = gen_random_uuid()"))
    session.commit()
    answer = phone.client.get("/v1/sync/pull", query_string={"cursor": phone.cursor}, headers=phone.headers)
    assert answer.status_code == 410
    assert answer.json["type"].endswith("/resync")


def test_closed_issues_leave_their_reporter_after_thirty_days(phone_of, session):
    phone = phone_of("west")
    ops = [phone.issue(at=(114.315, 25.685)) for _ in range(2)]
    phone.push(*ops)
    for op, days in zip(ops, (29, 31), strict=True):
        session.execute(
            text("UPDATE issue SET state = 'closed', closed_at = now() - make_interval(days => :days) WHERE id = :id"),
            {"days": days, "id": op["id"]},
        )
    session.commit()
    fresh = phone_of(login=phone.login)
    fresh.pull()
    assert list(fresh.records("issues")) == [ops[0]["id"]]


def test_tasks_go_to_their_worker_alone(phone_of, session):
    mine, other = phone_of("west"), phone_of("west")
    session.execute(
        text("""
            INSERT INTO task (id, rev, doc_rev, doc, captured_at, received_at, changed_at, grid_now, kind, title,
                              person_id)
            SELECT :id, 1, 1, '{}', now(), now(), now(), area.id, 'visit', '走访', person.id
            FROM person, area WHERE login = :login AND code = :code
        """),
        {"id": uuid.uuid4(), "login": mine.login, "code": WEST},
    )
    session.commit()
    mine.pull()
    other.pull()
    (task,) = mine.records("tasks").values()
    assert task["data"]["title"] == "走访"
    assert other.records("tasks") == {}
    assert other.push(other.patch("tasks", task["id"], {"rev": 1}, state="done"))[0]["status"] == "quarantined"
    assert mine.push(mine.patch("tasks", task["id"], {"rev": 1}, state="done"))[0]["status"] == "applied"


def test_server_time_is_in_every_answer(phone_of):
    phone = phone_of("west")
    for answer in (phone.send(phone.visit()), phone.client.get("/v1/sync/pull", headers=phone.headers)):
        told = dt.datetime.fromisoformat(answer.json["server_time"])
        assert abs(told - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
