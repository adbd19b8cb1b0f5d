"""A finished file belongs to its record: phones pull it with the record, staff see it in their charge, nobody else."""

import hashlib
import io
import uuid

import pytest
from PIL import Image
from sqlalchemy import text

from tests.cases.city import EAST, IN_EAST, IN_WEST
from tests.files.attaching import PICTURE, get, id_of, visit_with_photo
from tests.files.pictures import SERIAL, TRAILER, pdf, photo_heic, picture, pixels


def attached(phone):
    phone.pull()
    return phone.records("attachments")


@pytest.mark.long
def test_all_phones_of_the_grid_pull_the_attachment_of_a_record(phone, up, phone_of):
    colleague, elsewhere = phone_of("west"), phone_of("east")
    photo, visit = visit_with_photo(phone, up)
    for each in (phone, colleague):
        told = attached(each)[photo]
        assert told["grid"]["name"] == "阳岭第一网格"
        data = told["data"]
        assert (data["record"], data["collection"], data["type"]) == (visit, "visits", "image/jpeg")
        assert (data["sha256"], data["size"]) == (hashlib.sha256(PICTURE).hexdigest(), len(PICTURE))
        assert data["preview"] == "awaited"
    assert attached(elsewhere) == {}


@pytest.mark.long
def test_files_of_a_visit_in_no_grid_are_its_authors_until_it_has_a_place(phone_of, uploading, tender):
    phone, colleague = phone_of("west", "east"), phone_of("west", "east")
    early, late, visit = str(uuid.uuid4()), str(uuid.uuid4()), phone.op("visits", {"outcome": "met"})
    visit["data"] |= {"address_text": "阳岭大道 3 号", "photos": [early, late]}
    # One comes before its record, one after it.
    uploading(phone).upload(PICTURE, id=early, record=visit["id"])
    phone.push(visit)
    assert tender().tend().bound == 1
    uploading(phone).upload(PICTURE, id=late, record=visit["id"])
    assert set(attached(phone)) == {early, late}
    assert {get(phone, each).status_code for each in (early, late)} == {200}
    assert attached(colleague) == {}
    assert get(colleague, late).status_code == 404
    placed = phone.visit(id=visit["id"], base={"rev": 1})
    placed["data"]["photos"] = [early, late]
    assert phone.push(placed)[0]["status"] == "applied"
    for each in (phone, colleague):
        assert set(attached(each)) == {early, late}
        assert get(each, late).status_code == 200


def test_a_record_names_a_file_that_is_still_to_come(phone, up):
    photo, visit = str(uuid.uuid4()), phone.visit(photos=[])
    visit["data"]["photos"] = [photo]
    phone.push(visit)
    up.begin(PICTURE, id=photo, record=visit["id"], body=PICTURE[:500])
    assert attached(phone) == {}, "its upload is not whole"
    assert up.patch(f"/v1/files/{photo}", PICTURE[500:], 500).status_code == 204
    assert list(attached(phone)) == [photo]


@pytest.mark.long
def test_a_file_that_comes_before_its_record_is_its_authors_until_the_record_comes(phone, up, phone_of, tender):
    colleague, visit = phone_of("west"), phone.visit()
    photo = id_of(up.upload(PICTURE, record=visit["id"]))
    assert list(attached(phone)) == [photo]
    assert attached(colleague) == {}
    assert get(colleague, photo).status_code == 404
    assert tender().tend().bound == 0
    phone.push(visit)
    assert tender().tend().bound == 1
    assert list(attached(colleague)) == [photo]
    assert tender().tend().bound == 0


def test_nobody_attaches_to_a_record_that_is_neither_theirs_nor_in_their_areas(phone, phone_of, uploading):
    visit = phone.visit()
    phone.push(visit)
    stranger = uploading(phone_of("east"))
    answer = stranger.begin(PICTURE, record=visit["id"])
    assert (answer.status_code, answer.json["field"]) == (403, "record")
    assert uploading(phone_of("west")).begin(PICTURE, record=visit["id"]).status_code == 201


@pytest.mark.long
def test_a_file_sent_ahead_of_somebody_elses_record_stays_with_its_author(phone, phone_of, uploading, tender):
    visit = phone.visit()
    stranger = phone_of("east")
    photo = id_of(uploading(stranger).upload(PICTURE, record=visit["id"]))
    phone.push(visit)
    tender().tend()
    assert attached(phone) == {}
    assert list(attached(stranger)) == [photo]


@pytest.mark.long
def test_the_worker_who_reported_an_issue_sees_its_files_wherever_it_lies(phone, up, phone_of):
    issue = phone.issue(IN_EAST)
    phone.push(issue)
    photo = id_of(up.upload(PICTURE, record=issue["id"], collection="issues"))
    for each in (phone, phone_of("east")):
        assert list(attached(each)) == [photo]
        assert get(each, photo).status_code == 200
    assert attached(phone_of("west")) == {}


def test_the_files_of_a_closed_issue_go_with_it_after_thirty_days(phone, up, session):
    issue = phone.issue(IN_EAST)
    phone.push(issue)
    photo = id_of(up.upload(PICTURE, record=issue["id"], collection="issues"))
    assert list(attached(phone)) == [photo]
    session.execute(
        text("UPDATE issue SET state = 'closed', closed_at = now() - interval '31 days' WHERE id = :id"),
        {"id": issue["id"]},
    )
    session.commit()
    assert attached(phone) == {}
    assert get(phone, photo).status_code == 404


@pytest.mark.long
def test_a_file_follows_its_record_into_another_grid(phone, up, phone_of, session):
    east = phone_of("east")
    photo, visit = visit_with_photo(phone, up)
    assert list(attached(phone)) == [photo]
    assert attached(east) == {}
    session.execute(
        text("UPDATE visit SET grid_now = (SELECT id FROM area WHERE code = :east), rev = rev + 1 WHERE id = :id"),
        {"east": EAST, "id": visit},
    )
    session.commit()
    assert attached(phone) == {}
    assert list(attached(east)) == [photo]
    assert get(east, photo).status_code == 200
    assert get(phone, photo).status_code == 404


@pytest.mark.long
def test_a_file_follows_an_issue_whose_position_is_mended_by_a_push(phone, up, phone_of):
    west = phone_of("west")
    issue = phone.issue(IN_WEST)
    phone.push(issue)
    photo = id_of(up.upload(PICTURE, record=issue["id"], collection="issues"))
    assert list(attached(west)) == [photo]
    location = {"lon": IN_EAST[0], "lat": IN_EAST[1]}
    assert phone.push(phone.patch("issues", issue["id"], {"rev": 1}, location=location))[0]["status"] == "applied"
    assert attached(west) == {}
    assert list(attached(phone_of("east"))) == [photo]


def test_a_file_is_deleted_with_its_record(phone, up):
    issue = phone.issue()
    phone.push(issue)
    photo = id_of(up.upload(PICTURE, record=issue["id"], collection="issues"))
    assert list(attached(phone)) == [photo]
    gone = phone.op("issues", action="delete", id=issue["id"], base={"rev": 1})
    assert phone.push(gone)[0]["status"] == "applied"
    changes = [each for each in phone.pull() if each["collection"] == "attachments"]
    assert [(each["id"], each["action"]) for each in changes] == [(photo, "delete")]
    assert get(phone, photo).status_code == 404


def test_the_files_of_a_task_are_seen_by_its_worker_alone(phone, up, phone_of, session):
    task = uuid.uuid4()
    session.execute(
        text("""INSERT INTO task (id, rev, doc_rev, doc, captured_at, received_at, changed_at, kind, title, person_id,
                    grid_now)
                SELECT :id, 1, 1, '{}', now(), now(), now(), 'check', '查看', person.id, area.id
                FROM person, area WHERE login = :login AND code = '360725100001001'"""),
        {"id": task, "login": phone.login},
    )
    session.commit()
    photo = id_of(up.upload(PICTURE, record=task, collection="tasks"))
    colleague = phone_of("west")
    assert list(attached(phone)) == [photo]
    assert attached(colleague) == {}
    assert get(colleague, photo).status_code == 404


@pytest.mark.long
def test_a_phone_can_prove_that_it_holds_the_attachments_of_its_grid(phone, up):
    photo, _ = visit_with_photo(phone, up)
    rev = attached(phone)[photo]["rev"]
    digests = phone.client.get("/v1/sync/digest", headers=phone.headers).json["digests"]
    told = {each["grid"]: each for each in digests if each["collection"] == "attachments"}
    checksum = hashlib.md5(f"{photo}:{rev}".encode(), usedforsecurity=False).hexdigest()
    assert (told["360725100001001"]["count"], told["360725100001001"]["checksum"]) == (1, checksum)


def test_a_phone_cannot_write_attachments_by_push(phone):
    result = phone.push(phone.op("attachments", {"sha256": "0" * 64}))[0]
    assert result["status"] == "quarantined"


def test_others_fetch_the_picture_without_what_it_tells_of_its_author(phone, up, phone_of, store):
    photo, _ = visit_with_photo(phone, up)
    answer = get(phone_of("west"), photo)
    assert answer.status_code == 200
    assert answer.content_type == "image/jpeg"
    assert SERIAL not in answer.data
    assert TRAILER not in answer.data
    assert pixels(answer.data) == pixels(PICTURE)
    content = attached(phone)[photo]["data"]["content"]
    assert (content["sha256"], content["size"]) == (hashlib.sha256(answer.data).hexdigest(), len(answer.data))
    assert store.get(f"originals/{photo}") == PICTURE, "the original is kept apart"


def test_a_file_is_served_in_ranges_and_again_only_when_it_changed(phone, up):
    photo, _ = visit_with_photo(phone, up)
    whole = get(phone, photo)
    part = get(phone, photo, Range="bytes=100-199")
    assert (part.status_code, part.data) == (206, whole.data[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(whole.data)}"
    assert get(phone, photo, Range=f"bytes={len(whole.data)}-").status_code == 416
    assert get(phone, photo, **{"If-None-Match": whole.headers["ETag"]}).status_code == 304
    other = get(phone, photo, Range="bytes=0-9", **{"If-Range": '"other"'})
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("content", "kind", "shown"),
    [
        (PICTURE, "image/jpeg", "inline"),
        (pdf(), "application/pdf", "attachment"),
        (photo_heic(), "image/heic", "attachment"),
    ],
    ids=["jpeg", "pdf", "heic"],
)
def test_browsers_are_told_to_trust_nothing_in_a_file(phone, up, content, kind, shown):
    photo, _ = visit_with_photo(phone, up, content)
    answer = get(phone, photo)
    assert answer.content_type == kind
    assert answer.headers["Content-Disposition"].startswith(f'{shown}; filename="{photo}.')
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "no-cache" in answer.headers["Cache-Control"]


@pytest.mark.long
def test_a_preview_comes_by_job_and_the_phones_hear_of_it(phone, up, tender):
    photo, _ = visit_with_photo(phone, up, picture(size=(1000, 500)))
    assert get(phone, photo, "preview").status_code == 404
    assert attached(phone)[photo]["data"]["preview"] == "awaited"
    assert tender().tend().previews == 1
    assert attached(phone)[photo]["data"]["preview"] == "ready"
    answer = get(phone, photo, "preview")
    with Image.open(io.BytesIO(answer.data)) as small:
        assert small.size == (240, 480)
    assert get(phone, photo, "preview", **{"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert tender().tend().previews == 0


@pytest.mark.long
def test_a_heic_has_a_preview_that_every_browser_shows(phone, up, tender):
    photo, _ = visit_with_photo(phone, up, photo_heic(size=(1000, 500)))
    assert SERIAL not in get(phone, photo).data
    assert tender().tend().previews == 1
    with Image.open(io.BytesIO(get(phone, photo, "preview").data)) as small:
        assert (small.format, small.size) == ("JPEG", (240, 480))


@pytest.mark.long
def test_a_picture_that_no_preview_can_be_made_of_holds_up_no_other(phone, up, tender, store):
    broken, _ = visit_with_photo(phone, up, picture("PNG", seed=2))
    store.put(f"served/{broken}", picture("PNG")[:3000])
    lost, _ = visit_with_photo(phone, up, picture("PNG", seed=3))
    store.remove(f"served/{lost}")
    sound, _ = visit_with_photo(phone, up, picture(seed=4))
    tender().tend()
    told = attached(phone)
    assert [told[each]["data"]["preview"] for each in (broken, lost, sound)] == ["none", "none", "ready"]


def test_a_pdf_has_no_preview(phone, up, tender):
    photo, _ = visit_with_photo(phone, up, pdf())
    assert attached(phone)[photo]["data"]["preview"] == "none"
    assert tender().tend().previews == 0


@pytest.mark.long
@pytest.mark.parametrize("what", ["content", "preview"])
def test_a_file_does_not_exist_for_strangers(app, phone, up, what):
    photo, _ = visit_with_photo(phone, up)
    client = app.test_client()
    assert client.get(f"/v1/files/{photo}/{what}").status_code == 401
    assert client.get(f"/v1/files/{photo}/{what}", headers={"Authorization": "Bearer no"}).status_code == 401
    assert get(phone, uuid.uuid4(), what).status_code == 404
