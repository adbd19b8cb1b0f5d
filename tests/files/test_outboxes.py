"""Files of what phones could not send: taken as the phone's own pushes and uploads, once, and from nobody else."""

import datetime as dt
import os
import uuid
import zipfile

import pytest
from sqlalchemy import text

from server.outboxes import contents
from server.outboxes.keys import keys_of
from tests.api.staff import Desk
from tests.files.outbox_file import OutboxFile, outbox_key
from tests.files.pictures import picture

COUNTY, EAST = "360725", "360725100001002"
PICTURE = picture()


@pytest.fixture
def phone(phone_of):
    return phone_of("west")


@pytest.fixture
def desk_of(app, session):
    return lambda role="supervisor", place=COUNTY: Desk.of(app, session, role, place)


@pytest.fixture
def key(phone):
    return phone.client.get("/v1/devices/outbox-key", headers=phone.headers).json


def hand_in(desk, sealed, **more):
    headers = {"X-CSRF-Token": desk.csrf, "Content-Type": "application/octet-stream"} | more
    return desk.client.post("/v1/support/outboxes", data=sealed, headers=headers)


def code(answer):
    return answer.status_code, answer.json["type"].removeprefix("/problems/")


def test_the_key_of_the_enrolment_is_that_of_the_route_and_stays_the_same(app, key):
    keys = keys_of(app.config["PATROL"].secret_key)
    assert (bytes.fromhex(key["id"]), key) == (keys.id, key)
    assert keys_of("another").id != keys.id


def test_operations_and_photos_are_taken_as_the_phones_own_and_the_phone_gets_the_same_receipts(
    phone, key, desk_of, session
):
    visit, bad = phone.visit(), phone.visit(outcome="shrugged")
    file = OutboxFile(phone, [visit, bad])
    photo = file.add_photo(PICTURE, visit["id"])
    desk = desk_of()
    told = hand_in(desk, file.sealed(key)).json
    assert (told["taken"], told["waiting"], told["quarantined"]) == (1, 0, 1)
    assert (told["login"], told["device_id"], told["operations"]["repeated"]) == (phone.login, phone.device_id, 0)
    assert told["photos"] == {"taken": 1, "refused": []}
    sent = phone.push(visit, bad)
    assert [(each["status"], each["replayed"]) for each in sent] == [("applied", True), ("quarantined", True)]
    again = hand_in(desk, file.sealed(key)).json
    assert (again["operations"]["repeated"], again["photos"]["taken"]) == (2, 1)
    rows = session.execute(text("SELECT author_id, rev FROM visit WHERE id = :id"), {"id": visit["id"]}).all()
    assert len(rows) == 1
    assert session.scalar(text("SELECT bond FROM attachment WHERE id = :id"), {"id": photo}) == "bound"
    phone.pull()
    assert phone.records("attachments")[photo]["data"]["record"] == visit["id"]


def test_a_photo_that_the_phone_had_begun_to_upload_is_finished_from_where_it_stood(
    phone, key, desk_of, uploading, session
):
    visit, photo = phone.visit(), str(uuid.uuid4())
    began = uploading(phone).begin(PICTURE, record=visit["id"], id=photo, body=PICTURE[:100])
    assert began.headers["Upload-Offset"] == "100"
    file = OutboxFile(phone, [visit])
    file.add_photo(PICTURE, visit["id"], id=photo)
    assert hand_in(desk_of(), file.sealed(key)).json["photos"]["taken"] == 1
    assert uploading(phone).offset(began.headers["Location"]) == len(PICTURE)
    assert session.scalar(text("SELECT count(*) FROM attachment WHERE id = :id"), {"id": photo}) == 1


def test_a_photo_at_fault_is_named_with_the_reason_and_holds_up_no_other(phone, key, desk_of):
    visit = phone.visit()
    file = OutboxFile(phone, [visit])
    wrong = {
        file.add_photo(b"no picture at all", visit["id"]): "file-refused",
        file.add_photo(PICTURE, visit["id"], sha256="0" * 64): "checksum-mismatch",
        file.add_photo(PICTURE, visit["id"], size=7): "checksum-mismatch",
    }
    file.spoilt = os.urandom(2000)
    wrong[file.add_photo(file.spoilt, visit["id"])] = "checksum-mismatch"
    file.add_photo(PICTURE, visit["id"])
    told = hand_in(desk_of(), file.sealed(key), **{"Accept-Language": "en"}).json["photos"]
    assert told["taken"] == 1
    assert {each["id"]: each["type"].removeprefix("/problems/") for each in told["refused"]} == wrong
    assert "This file is not taken" in [each["title"] for each in told["refused"]]


def test_a_photo_larger_than_a_file_may_be_is_not_read_and_holds_up_no_other(phone, key, desk_of, configured):
    configured(file_limit_bytes=len(PICTURE))
    visit = phone.visit()
    file = OutboxFile(phone, [visit])
    large = file.add_photo(PICTURE + b"x", visit["id"])
    file.add_photo(PICTURE, visit["id"])
    told = hand_in(desk_of(), file.sealed(key)).json["photos"]
    assert (told["taken"], [(each["id"], each["type"]) for each in told["refused"]]) == (
        1,
        [(large, "/problems/file-too-large")],
    )


def test_a_day_on_paper_is_corrected_by_the_clock_of_the_phone_not_by_how_long_the_file_took(
    phone, key, desk_of, session
):
    now = dt.datetime.now(dt.UTC)
    ahead = dt.timedelta(hours=2)
    assert phone.push(phone.visit(), sent_at=now + ahead)[0]["status"] == "applied"
    visit = phone.visit()
    visit["captured_at"] = (now - dt.timedelta(days=3) + ahead).isoformat()
    said = {"exported_at": (now - dt.timedelta(days=2) + ahead).isoformat()}
    assert hand_in(desk_of(), OutboxFile(phone, [visit], said=said).sealed(key)).json["taken"] == 1
    found = session.scalar(text("SELECT captured_at FROM visit WHERE id = :id"), {"id": visit["id"]})
    assert abs(found - (now - dt.timedelta(days=3))) < dt.timedelta(minutes=1)


def test_a_phone_whose_clock_is_ahead_and_was_never_heard_is_corrected_by_what_its_file_says(phone, key, desk_of):
    ahead = dt.datetime.now(dt.UTC) + dt.timedelta(days=2)
    visit = phone.visit()
    visit["captured_at"] = ahead.isoformat()
    said = {"exported_at": ahead.isoformat()}
    assert hand_in(desk_of(), OutboxFile(phone, [visit], said=said).sealed(key)).json["taken"] == 1


def test_more_operations_than_one_push_may_have_are_taken_in_order(phone, key, desk_of, session):
    ops = [phone.visit() for _ in range(1001)]
    ops.append(phone.patch("visits", ops[-1]["id"], {"op_id": ops[-1]["op_id"]}, note="x"))
    told = hand_in(desk_of(), OutboxFile(phone, ops).sealed(key)).json
    assert sum(told["operations"][each] for each in ("applied", "pending", "held", "quarantined")) == len(ops)
    assert told["taken"] >= 1001
    assert session.scalar(text("SELECT upper(seqs) FROM device WHERE uid = :id"), {"id": phone.device_id}) == 1003


HALF = "\\ud83d"


@pytest.mark.parametrize("size", [100, 3_000_000], ids=["small", "larger than any push takes"])
def test_an_operation_that_is_no_json_holds_up_no_other_however_much_is_in_the_file(phone, key, desk_of, session, size):
    ops = [phone.visit() for _ in range(400)]
    bad = phone.visit(note="@")
    for op in ops:
        op["data"]["extra"] = {"x": "y" * 7_000}
    told = OutboxFile(phone, [*ops[:200], bad, *ops[200:]])
    told.manifest = told.written().decode().replace('"@"', f'"{HALF}{"x" * size}"').encode()
    answer = hand_in(desk_of(), told.sealed(key))
    assert answer.status_code == 200, answer.json
    assert (answer.json["taken"], answer.json["quarantined"]) == (400, 1)
    kept = "SELECT op_id, problem ->> 'type' AS type, octet_length(raw) AS size FROM operation WHERE raw IS NOT NULL"
    row = session.execute(text(kept)).one()
    assert str(row.op_id) == bad["op_id"]
    assert row.type == f"/problems/{'text-unclean' if size == 100 else 'operation-too-large'}"
    assert row.size > size
    assert hand_in(desk_of(), told.sealed(key)).json["operations"]["repeated"] == 401


def test_a_revoked_phones_file_is_quarantined_and_after_the_grace_refused(phone, key, desk_of, session):
    revoke = text("UPDATE device SET revoked_at = now() - CAST(:ago AS interval) WHERE uid = :uid")
    session.execute(revoke, {"ago": "1 day", "uid": phone.device_id})
    session.commit()
    told = hand_in(desk_of(), OutboxFile(phone, [phone.visit()]).sealed(key)).json
    assert (told["taken"], told["quarantined"]) == (0, 1)
    session.execute(revoke, {"ago": "15 days", "uid": phone.device_id})
    session.commit()
    answer = hand_in(desk_of(), OutboxFile(phone, [phone.visit()]).sealed(key))
    assert code(answer) == (409, "outbox-phone-revoked")


def test_who_does_not_look_after_the_phones_worker_cannot_hand_its_file_in(phone, key, desk_of, session):
    visit = phone.visit()
    sealed = OutboxFile(phone, [visit]).sealed(key)
    assert code(hand_in(desk_of("supervisor", EAST), sealed)) == (404, "not-in-charge")
    assert code(hand_in(desk_of("auditor"), sealed)) == (403, "role-missing")
    assert session.scalar(text("SELECT count(*) FROM operation WHERE record_id = :id"), {"id": visit["id"]}) == 0


def test_a_file_of_no_phone_here_or_not_made_by_the_phone_it_names_is_not_taken(phone, phone_of, key, desk_of):
    desk = desk_of()
    stranger = OutboxFile(phone, [phone.visit()], said={"device_id": str(uuid.uuid4())})
    assert code(hand_in(desk, stranger.sealed(key))) == (404, "outbox-phone-unknown")
    forged = OutboxFile(phone_of("west"), [phone.visit()], said={"device_id": phone.device_id})
    assert code(hand_in(desk, forged.sealed(key))) == (404, "outbox-phone-unknown")


def test_a_file_for_another_citys_key_is_named_as_such(phone, desk_of):
    key = outbox_key("of another city")
    answer = hand_in(desk_of(), OutboxFile(phone, [phone.visit()]).sealed(key))
    assert code(answer) == (422, "outbox-key-foreign")
    assert answer.json["key"] == key["id"]


def test_wherever_a_file_is_cut_or_a_byte_of_it_is_changed_nothing_of_it_is_taken(phone, key, desk_of, session):
    visit = phone.visit(note="字" * 300)
    file = OutboxFile(phone, [visit])
    file.add_photo(PICTURE + os.urandom(150_000), visit["id"])
    sealed, desk = file.sealed(key), desk_of()
    head = 49
    whole_chunk = head + 65536 + 16
    for cut in (0, 5, 8, 9, 30, head, head + 1, whole_chunk, whole_chunk + 1, 2 * whole_chunk - head, len(sealed) - 1):
        answer = hand_in(desk, sealed[:cut])
        assert code(answer) in {(422, "outbox-damaged"), (422, "outbox-unreadable")}, cut
    for at in (20, 40, 100, whole_chunk + 3, len(sealed) - 1):
        changed = bytearray(sealed)
        changed[at] ^= 1
        assert code(hand_in(desk, bytes(changed))) == (422, "outbox-damaged"), at
    swapped = sealed[:head] + sealed[whole_chunk : 2 * whole_chunk - head] + sealed[head:whole_chunk]
    assert code(hand_in(desk, swapped + sealed[2 * whole_chunk - head :])) == (422, "outbox-damaged")
    assert code(hand_in(desk, sealed + b"x")) == (422, "outbox-damaged")
    assert session.scalar(text("SELECT count(*) FROM operation WHERE record_id = :id"), {"id": visit["id"]}) == 0
    assert hand_in(desk, sealed).status_code == 200


def test_what_is_no_outbox_or_of_a_newer_form_is_told_in_both_languages(phone, key, desk_of):
    desk = desk_of()
    told = {lang: hand_in(desk, PICTURE, **{"Accept-Language": lang}).json for lang in ("zh", "en")}
    assert told["zh"]["title"] != told["en"]["title"]
    assert all("detail" in each for each in told.values())
    newer = bytearray(OutboxFile(phone, [phone.visit()]).sealed(key))
    newer[8] = 2
    assert hand_in(desk, bytes(newer)).json["reason"] == "version"
    later = OutboxFile(phone, [phone.visit()], said={"version": 2})
    assert hand_in(desk, later.sealed(key)).json["reason"] == "version"
    assert hand_in(desk, b"", **{"Content-Type": "multipart/form-data; boundary=x"}).status_code == 415


BAD_CONTENTS = {
    "no archive": {"plain": b"PK nothing of the kind"},
    "nothing": {"plain": b""},
    "no object": {"manifest": b"[]"},
    "no JSON": {"manifest": b"{"},
    "nested": {"manifest": b'{"ops":' + b"[" * 100_000 + b"]" * 100_000 + b"}"},
    "no operations": {"manifest": b'{"format":"gridpatrol-outbox","version":1}'},
    "operations that are no list": {"said": {"ops": {}}},
    "photos that are none": {"said": {"attachments": [{"id": "x"}]}},
    "photos of what takes none": {"photo": {"collection": "grids"}},
    "a time without a zone": {"said": {"exported_at": "2026-11-30T12:00:00"}},
}


@pytest.mark.parametrize("wrong", BAD_CONTENTS.values(), ids=BAD_CONTENTS.keys())
def test_contents_that_no_app_writes_are_refused_whole(phone, key, desk_of, wrong):
    wrong = dict(wrong)
    plain, photo = wrong.pop("plain", None), wrong.pop("photo", None)
    file = OutboxFile(phone, [phone.visit()], **wrong)
    if photo:
        file.add_photo(PICTURE, str(uuid.uuid4()), **photo)
    answer = hand_in(desk_of(), file.sealed(key, plain=plain))
    assert (*code(answer), answer.json["reason"]) == (422, "outbox-unreadable", "contents")


def test_a_bomb_is_refused_before_it_grows(phone, key, desk_of, monkeypatch):
    desk = desk_of()
    packed = OutboxFile(phone, [phone.visit()], compression=zipfile.ZIP_DEFLATED, extra={"x": bytes(50_000_000)})
    assert code(hand_in(desk, packed.sealed(key))) == (422, "outbox-unreadable")
    many = OutboxFile(phone, [phone.visit()], extra={f"x{number}": b"" for number in range(20_000)})
    assert code(hand_in(desk, many.sealed(key))) == (413, "outbox-too-large")
    monkeypatch.setattr(contents, "MOST_OPS", 3)
    answer = hand_in(desk, OutboxFile(phone, [phone.visit() for _ in range(4)]).sealed(key))
    assert (*code(answer), answer.json["limit_ops"]) == (413, "outbox-too-large", 3)


def test_entries_that_share_their_bytes_are_refused(phone, key, desk_of):
    file = OutboxFile(phone, [phone.visit()], extra={"a": bytes(100_000), "b": b""})
    plain = bytearray(file.plain(b""))
    at = plain.rindex(b"PK\x01\x02", 0, plain.rindex(b"PK\x05\x06"))
    first = plain.index(b"PK\x01\x02")
    while plain[first + 46 : first + 47] != b"a":
        first = plain.index(b"PK\x01\x02", first + 4)
    plain[at + 16 : at + 28], plain[at + 42 : at + 46] = plain[first + 16 : first + 28], plain[first + 42 : first + 46]
    assert code(hand_in(desk_of(), file.sealed(key, plain=bytes(plain)))) == (422, "outbox-unreadable")


def test_a_file_beyond_the_bound_is_refused_whether_it_says_its_length_or_not(phone, key, desk_of, configured):
    configured(outbox_limit_bytes=10_000)
    file = OutboxFile(phone, [phone.visit()], extra={"x": bytes(20_000)})
    answer = hand_in(desk_of(), file.sealed(key))
    assert (*code(answer), answer.json["limit_bytes"]) == (413, "outbox-too-large", 10_000)
