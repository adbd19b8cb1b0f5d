"""Support sees how phones fare, revokes them, and reads the life of a record."""

import uuid

import pytest
from sqlalchemy import text

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


def test_workers_who_have_not_synced_today_are_named(phone_of, desk):
    silent, heard = phone_of("west"), phone_of("west")
    heard.push(heard.visit())
    logins = [each["login"] for each in desk().get("/v1/support/silent-workers").json["workers"]]
    assert silent.login in logins
    assert heard.login not in logins


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
    assert kept["problem"]["title"].startswith("Some fields are not right")
    (error,) = kept["problem"]["errors"]
    assert error["field"] == "data.outcome"
    assert error["message"].startswith("must be one of: met")
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
