"""Support sees how phones fare, revokes them, and reads the life of a record."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import text

from server.accounts.service import add_person
from tests.api.staff import Desk

COUNTY, EAST = "360725", "360725100001002"


@pytest.fixture
def desk(app, session):
    return lambda role="supervisor", place=COUNTY: Desk.of(app, session, role, place)


def device(desk, phone):
    found = [
        each
        for each in desk.get("/v1/support/devices", limit=500).json["devices"]
        if each["device_id"] == phone.device_id
    ]
    return found[0] if found else None


def test_a_device_shows_its_gaps_and_what_is_in_doubt(phone_of, desk):
    phone = phone_of("west")
    phone.push(phone.visit(seq=1), phone.visit(seq=4), phone.visit(outcome="maybe", seq=5))
    phone.push(phone.patch("issues", str(uuid.uuid4()), {"rev": 3}, severity="low"))
    told = device(desk(), phone)
    assert told["gaps"] == [[2, 3]]
    assert (told["quarantined"], told["held"], told["pending"]) == (1, 1, 0)
    assert told["app_version"] == "1.0.0"
    assert told["last_exchange_at"]
    assert told["login"] == phone.login


def test_devices_of_other_areas_are_out_of_sight_and_cannot_be_revoked(phone_of, desk):
    phone = phone_of("west")
    other = desk("supervisor", EAST)
    assert device(other, phone) is None
    assert other.post(f"/v1/devices/{phone.device_id}/revoke", {"wipe": True}).status_code == 404
    assert phone.push(phone.visit())[0]["status"] == "applied"


def test_a_wipe_is_ordered_told_and_acknowledged(phone_of, desk):
    phone, chief = phone_of("west"), desk()
    assert phone.client.post("/v1/devices/wiped", headers=phone.headers).status_code == 204
    assert device(chief, phone)["wiped_at"] is None, "nobody ordered it"
    assert chief.post(f"/v1/devices/{phone.device_id}/revoke", {"wipe": True}).status_code == 204
    answer = phone.client.get("/v1/sync/pull", headers=phone.headers)
    assert (answer.status_code, answer.json["wipe"]) == (401, True)
    assert phone.client.post("/v1/devices/wiped", headers=phone.headers).status_code == 204
    told = device(chief, phone)
    assert told["wiped_at"]
    assert told["revoked_at"]


def silent(desk, **asked):
    return desk.get("/v1/support/silent-workers", **asked).json


def test_workers_who_have_not_synced_today_are_named(phone_of, desk):
    mute, heard = phone_of("west"), phone_of("west")
    heard.push(heard.visit())
    logins = [each["login"] for each in silent(desk(), limit=500)["workers"]]
    assert mute.login in logins
    assert heard.login not in logins


def test_silent_workers_are_found_by_words_and_by_what_they_have_of_phones(phone_of, desk, session):
    mute, stopped = phone_of("west"), phone_of("west")
    session.execute(text("UPDATE device SET revoked_at = now() WHERE uid = :uid"), {"uid": stopped.device_id})
    bare, now = f"bare-{uuid.uuid4().hex[:8]}", dt.datetime.now(dt.UTC)
    add_person(session, bare, role="grid_worker", place=EAST, password=None, name="无机", now=now)
    session.commit()
    chief = desk()
    for login, expected in ((mute.login, "enrolled"), (stopped.login, "stopped"), (bare, "never")):
        (found,) = silent(chief, q=login.upper(), phone=expected)["workers"]
        assert (found["login"], found["phone"]) == (login, expected)
        told = silent(chief, q=login)
        assert told["counts"] == {"all": 1, "enrolled": 0, "stopped": 0, "never": 0} | {expected: 1}
        others = {"enrolled", "stopped", "never"} - {expected}
        assert [silent(chief, q=login, phone=each)["workers"] for each in others] == [[], []]


@pytest.mark.long
def test_silent_workers_are_told_page_by_page_each_once_though_some_sync_meanwhile(phone_of, desk, session):
    phones = [phone_of("west") for _ in range(5)]
    for number, phone in enumerate(phones[2:]):
        session.execute(
            text("UPDATE device SET last_exchange_at = now() - make_interval(days => :days) WHERE uid = :uid"),
            {"days": 9 - number // 2, "uid": phone.device_id},
        )
    session.commit()
    chief, seen, after = desk(), [], ""
    whole = [each["login"] for each in silent(chief, limit=500)["workers"]]
    while after is not None:
        page = silent(chief, limit=1, after=after)  # so that those heard of at one time part
        seen += [each["login"] for each in page["workers"]]
        after = page["after"]
        phones[4].push(phones[4].visit())  # seen by nobody from now on, and nobody is missed for it
    assert [each for each in seen if each != phones[4].login] == [each for each in whole if each != phones[4].login]
    assert len(seen) == len(set(seen))


def test_who_is_silent_for_days_is_told_apart_from_who_was_heard_of_yesterday(phone_of, desk, session):
    phone, chief = phone_of("west"), desk()
    session.execute(
        text("UPDATE device SET last_exchange_at = now() - interval '4 days' WHERE uid = :uid"),
        {"uid": phone.device_id},
    )
    session.commit()
    assert [each["login"] for each in silent(chief, q=phone.login, days=2)["workers"]] == [phone.login]
    assert silent(chief, q=phone.login, days=6)["workers"] == []


@pytest.mark.parametrize("after", ["x", "1", "-", "1-2-3", "99999999999999999999-1", "1-2\n"])
def test_a_place_in_the_list_that_is_none_is_refused_by_its_field(desk, after):
    answer = desk().get("/v1/support/silent-workers", after=after)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json["errors"]] == ["query.after"]


@pytest.mark.long
def test_a_leavers_phone_is_shown_as_such_and_is_no_concern_any_more(phone_of, desk, session):
    leaver, stayer = phone_of("west"), phone_of("west")
    leaver.push(leaver.visit(seq=3))
    session.execute(
        text("""UPDATE device SET last_exchange_at = now() - interval '3 days', skew_ms = 600000, app_version = '0.1'
                WHERE uid = :uid"""),
        {"uid": leaver.device_id},
    )
    session.commit()
    chief, mine = desk(), {"q": leaver.login}
    worries = ("silent", "gaps", "skewed", "old_app")
    counts = chief.get("/v1/support/devices", **mine).json["counts"]
    assert [counts[each] for each in worries] == [1, 1, 1, 1]
    assert (counts["left"], device(chief, leaver)["left_at"]) == (0, None)
    session.execute(text("UPDATE person SET is_active = false WHERE login = :login"), {"login": leaver.login})
    session.commit()
    counts = chief.get("/v1/support/devices", **mine).json["counts"]
    assert [counts[each] for each in worries] == [0, 0, 0, 0]
    assert (counts["left"], counts["revoked"]) == (1, 0)
    told = device(chief, leaver)
    assert told["left_at"]
    assert (told["silent"], told["skewed"], told["old_app"]) == (False, False, False)
    (found,) = chief.get("/v1/support/devices", only="left", **mine).json["devices"]
    assert found["login"] == leaver.login
    order = [each["login"] for each in chief.get("/v1/support/devices", limit=500).json["devices"]]
    assert order.index(stayer.login) < order.index(leaver.login)


def test_a_leavers_newer_app_makes_no_other_an_old_one(phone_of, desk, session):
    leaver, stayer = phone_of("west"), phone_of("west")
    session.execute(text("UPDATE device SET app_version = '9.9' WHERE uid = :uid"), {"uid": leaver.device_id})
    session.execute(text("UPDATE person SET is_active = false WHERE login = :login"), {"login": leaver.login})
    session.commit()
    assert device(desk(), stayer)["old_app"] is False


@pytest.mark.long
def test_the_life_of_a_record_is_told_operation_by_operation(phone_of, desk):
    phone, chief = phone_of("west"), desk()
    put = phone.issue()
    phone.push(put)
    phone.push(phone.patch("issues", put["id"], {"rev": 1}, severity="urgent"))
    path = f"/v1/support/records/issues/{put['id']}"
    told = chief.get(path).json["operations"]
    assert [(each["action"], each["rev"], each["author"]) for each in told] == [
        ("put", 1, phone.login),
        ("patch", 2, phone.login),
    ]
    assert desk("supervisor", EAST).get(path).status_code == 404
    assert chief.get(f"/v1/support/records/nothing/{put['id']}").status_code == 404


@pytest.mark.long
def test_devices_are_found_by_what_is_wrong_with_them_and_by_words(phone_of, desk, session):
    sound, worried = phone_of("west"), phone_of("west")
    sound.push(sound.visit())
    worried.push(worried.visit(seq=3), worried.visit(outcome="maybe", seq=4))
    session.execute(
        text("UPDATE device SET app_version = '0.9.10', skew_ms = -400000 WHERE uid = :uid"), {"uid": worried.device_id}
    )
    session.commit()
    chief = desk()
    for concern in ("gaps", "skewed", "old_app", "quarantined"):
        told = chief.get("/v1/support/devices", only=concern, q=worried.login.upper()).json
        assert [each["login"] for each in told["devices"]] == [worried.login], concern
        assert told["counts"][concern] == told["counts"]["all"] == 1
        assert chief.get("/v1/support/devices", only=concern, q=sound.login).json["devices"] == [], concern
    (told,) = chief.get("/v1/support/devices", q=worried.device_id).json["devices"]
    assert told["areas"] == [{"code": "360725100001001", "name": "阳岭第一网格"}]
    assert chief.get("/v1/support/devices", area=EAST, q=worried.login).json["devices"] == []
    assert chief.get("/v1/support/devices", area="nowhere").status_code == 404
    assert chief.get("/v1/support/devices", only="anything").status_code == 422
    assert chief.get("/v1/support/devices", q="\0").status_code == 422


def test_a_device_names_what_waits_and_why_in_the_readers_language(phone_of, desk):
    phone = phone_of("west")
    phone.push(phone.visit(outcome="maybe"), phone.visit())
    path = f"/v1/support/devices/{phone.device_id}"
    (kept,) = desk().get(path, lang="en").json["operations"]
    assert kept["status"] == "quarantined"
    assert kept["problem"]["title"].startswith("Some entries are not right")
    (error,) = kept["problem"]["errors"]
    assert error["field"] == "data.outcome"
    assert error["message"].startswith("is none of the choices")
    assert desk("supervisor", EAST).get(path).status_code == 404
    assert desk().get(f"/v1/support/devices/{uuid.uuid4()}").status_code == 404


def test_the_life_of_a_record_that_never_came_to_be_is_told_to_whoever_answers_for_its_author(phone_of, desk):
    phone = phone_of("west")
    wrong = phone.visit(outcome="maybe")
    phone.push(wrong)
    path = f"/v1/support/records/visits/{wrong['id']}"
    (told,) = desk().get(path).json["operations"]
    assert (told["status"], told["author"]) == ("quarantined", phone.login)
    assert desk("supervisor", EAST).get(path).status_code == 404
    assert desk().get(f"/v1/support/records/visits/{uuid.uuid4()}").status_code == 404


def test_the_life_of_a_record_is_read_page_by_page(phone_of, desk):
    phone, chief = phone_of("west"), desk()
    put = phone.issue()
    phone.push(put)
    for rev in (1, 2):
        phone.push(phone.patch("issues", put["id"], {"rev": rev}, address_text=f"{rev} 号"))
    path, seen, after, more = f"/v1/support/records/issues/{put['id']}", [], 0, True
    while more:
        page = chief.get(path, after=after, limit=1).json
        seen += [each["rev"] for each in page["operations"]]
        after, more = page["after"], page["has_more"]
    assert seen == [1, 2, 3]
