"""Support sees how phones fare, revokes them, and reads the life of a record."""

import uuid

import pytest

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
