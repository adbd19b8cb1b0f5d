"""A worker sees which phones they use, and puts one out of use that was lost; never another's."""

import uuid

from sqlalchemy import text


def devices(phone):
    return phone.client.get("/v1/devices/mine", headers=phone.headers).json["devices"]


def revoke(phone, device_id, **sent):
    return phone.client.post(f"/v1/devices/mine/{device_id}/revoke", json=sent, headers=phone.headers)


def test_a_worker_sees_their_phones_in_use_and_nobody_elses(phone_of):
    first, other = phone_of("west", login="two-phones"), phone_of("west")
    second = phone_of(login="two-phones")
    assert [(each["id"], each["this"]) for each in devices(second)] == [
        (second.device_id, True),
        (first.device_id, False),
    ]
    assert [each["id"] for each in devices(other)] == [other.device_id]
    assert devices(first)[0].keys() == {"id", "name", "platform", "enrolled_at", "last_exchange_at", "this"}


def test_a_lost_phone_is_put_out_of_use_and_its_work_is_kept_aside(phone_of, session):
    lost = phone_of("west", login="lost-phone")
    found = phone_of(login="lost-phone")
    assert revoke(found, lost.device_id).status_code == 204
    assert [each["id"] for each in devices(found)] == [found.device_id]
    refused = lost.client.get("/v1/sync/pull", headers=lost.headers)
    assert (refused.status_code, refused.json.get("wipe")) == (401, None)
    [result] = lost.push(lost.visit())
    assert result["status"] == "quarantined"
    assert revoke(found, lost.device_id, wipe=True).status_code == 204
    assert lost.client.get("/v1/sync/pull", headers=lost.headers).json["wipe"] is True


def test_nobody_puts_the_phone_of_another_out_of_use(phone_of):
    mine, other = phone_of("west"), phone_of("west")
    for device_id in (other.device_id, uuid.uuid4()):
        assert revoke(mine, device_id).status_code == 404
    assert other.client.get("/v1/sync/pull", headers=other.headers).status_code == 200


def test_who_leaves_a_phone_puts_it_out_of_use(phone_of, session):
    phone = phone_of("west")
    assert revoke(phone, phone.device_id).status_code == 204
    assert phone.client.get("/v1/devices/mine", headers=phone.headers).status_code == 401
    revoked = text("SELECT revoked_at IS NOT NULL FROM device WHERE uid = :uid")
    assert session.scalar(revoked, {"uid": phone.device_id}) is True


def test_a_revoked_phone_puts_no_other_out_of_use(phone_of):
    lost = phone_of("west", login="turned-phone")
    found = phone_of(login="turned-phone")
    revoke(found, lost.device_id)
    assert revoke(lost, found.device_id).status_code == 401
    assert found.client.get("/v1/sync/pull", headers=found.headers).status_code == 200
