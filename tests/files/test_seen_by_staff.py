"""What staff see of files: those in their charge, private ones by duty alone, and refused ones with reasons."""

import hashlib
import uuid

import pytest

from tests.api.staff import Desk
from tests.cases.city import EAST, IN_WEST
from tests.files.attaching import COMMUNITY, COUNTY, PICTURE, get, id_of, visit_with_photo
from tests.files.pictures import picture


@pytest.fixture
def desk(app, session):
    return lambda role="supervisor", place=COUNTY: Desk.of(app, session, role, place)


@pytest.mark.long
def test_staff_see_the_files_of_records_in_their_charge(phone, up, desk):
    photo, _ = visit_with_photo(phone, up)
    issue = phone.issue(IN_WEST)
    phone.push(issue)
    of_issue = id_of(up.upload(PICTURE, record=issue["id"], collection="issues"))
    for file_id in (photo, of_issue):
        assert desk().get(f"/v1/files/{file_id}/content").status_code == 200
        assert desk("grid_head", COMMUNITY).get(f"/v1/files/{file_id}/content").status_code == 200
        assert desk("supervisor", EAST).get(f"/v1/files/{file_id}/content").status_code == 404


@pytest.mark.long
def test_staff_without_the_duty_see_no_file_of_a_private_issue(phone, up, desk):
    issue = phone.issue(IN_WEST, private=True)
    phone.push(issue)
    photo = id_of(up.upload(PICTURE, record=issue["id"], collection="issues"))
    assert desk("supervisor").get(f"/v1/files/{photo}/content").status_code == 200
    masked = desk("grid_head", COMMUNITY)
    assert masked.get(f"/v1/issues/{issue['id']}").json["masked"] is True
    assert masked.get(f"/v1/files/{photo}/content").status_code == 404


@pytest.mark.long
def test_staff_see_which_photos_of_an_issue_have_come(phone, up, desk):
    come, awaited = str(uuid.uuid4()), str(uuid.uuid4())
    issue = phone.issue(photos=[come, awaited])
    phone.push(issue)
    up.upload(PICTURE, record=issue["id"], collection="issues", id=come)
    told = {each["id"]: each for each in desk().get(f"/v1/issues/{issue['id']}").json["photos"]}
    assert told[come] == {"id": come, "awaited": False, "type": "image/jpeg", "preview": "awaited"}
    assert told[awaited] == {"id": awaited, "awaited": True}


@pytest.mark.long
def test_a_photo_that_cannot_be_shown_is_kept_and_its_issue_names_it_with_the_reason(phone, up, desk, store):
    broken, content = str(uuid.uuid4()), picture()[:3000]
    issue = phone.issue(photos=[broken])
    phone.push(issue)
    assert up.begin(content, body=content, record=issue["id"], collection="issues", id=broken).status_code == 422
    [told] = desk().get(f"/v1/issues/{issue['id']}").json["photos"]
    assert told == {"id": broken, "awaited": False, "refused": "picture-damaged"}
    assert store.get(f"refused/{broken}/{hashlib.sha256(content).hexdigest()}") == content
    assert desk().get(f"/v1/files/{broken}/content").status_code == 404


@pytest.mark.long
@pytest.mark.parametrize("collection", ["issues", "visits"])
def test_a_refused_file_is_handed_out_as_it_was_sent_to_those_who_look_after_its_record(phone, up, desk, collection):
    broken, content = str(uuid.uuid4()), picture()[:3000]
    record = phone.issue(photos=[broken]) if collection == "issues" else phone.visit(photos=[broken])
    phone.push(record)
    assert up.begin(content, body=content, record=record["id"], collection=collection, id=broken).status_code == 422
    path = f"/v1/files/{broken}/original"
    for role in ("supervisor", "dispatcher", "admin"):
        told = desk(role, COMMUNITY).get(path)
        assert (told.status_code, told.data, told.mimetype) == (200, content, "application/octet-stream")
        assert told.headers["Content-Disposition"].startswith("attachment")
        assert (told.headers["X-Content-Type-Options"], "sandbox" in told.headers["Content-Security-Policy"]) == (
            "nosniff", True,
        )  # fmt: skip
    assert desk("supervisor", EAST).get(path).status_code == 404
    assert {desk(role, COMMUNITY).get(path).status_code for role in ("gis", "auditor", "grid_head")} == {403}
    assert get(phone, broken, "original").status_code == 401
    whole = id_of(up.upload(PICTURE, record=record["id"], collection=collection))
    assert desk("admin").get(f"/v1/files/{whole}/original").status_code == 404, "its original tells of its author"


@pytest.mark.long
def test_a_refused_file_of_a_masked_issue_or_of_no_record_is_seen_by_few(phone, up, desk):
    content, broken, lost = picture()[:3000], str(uuid.uuid4()), str(uuid.uuid4())
    issue = phone.issue(photos=[broken], private=True)
    phone.push(issue)
    up.begin(content, body=content, record=issue["id"], collection="issues", id=broken)
    up.begin(content, body=content, record=str(uuid.uuid4()), collection="visits", id=lost)
    assert desk("supervisor", COMMUNITY).get(f"/v1/files/{broken}/original").status_code == 200
    assert desk("supervisor", EAST).get(f"/v1/files/{broken}/original").status_code == 404
    assert desk("admin").get(f"/v1/files/{lost}/original").status_code == 200
    assert desk("supervisor", COMMUNITY).get(f"/v1/files/{lost}/original").status_code == 404
