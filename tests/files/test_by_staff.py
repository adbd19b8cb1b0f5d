"""A photo that a browser sends of a case: checked as any file, bound at once, for those alone who work on the case."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import text

from geo.editions.ground import Grounds
from server.cases.routing.service import route_awaiting
from tests.api.staff import Desk
from tests.files.pictures import TRAILER, picture

PICTURE = picture()
COUNTY = "360725"


@pytest.fixture
def phone(phone_of):
    return phone_of("west")


@pytest.fixture
def issue(phone):
    made = phone.issue(category="0302")
    assert phone.push(made)[0]["status"] == "applied"
    return made["id"]


@pytest.fixture
def desk_of(app, session):
    return lambda role="dispatcher", place=COUNTY: Desk.of(app, session, role, place)


def send(desk, issue, content=PICTURE, photo=None):
    photo = photo or uuid.uuid4()
    headers = {"X-CSRF-Token": desk.csrf, "Content-Type": "application/octet-stream"}
    return desk.client.post(f"/v1/files/issues/{issue}/{photo}", data=content, headers=headers), str(photo)


@pytest.mark.long
def test_a_photo_is_seen_by_staff_and_by_the_phones_of_the_grid(desk_of, issue, phone, tender):
    desk = desk_of()
    answer, photo = send(desk, issue)
    assert answer.status_code == 204
    assert desk.client.get(f"/v1/files/{photo}/content").status_code == 200
    phone.pull()
    assert phone.records("attachments")[photo]["data"]["record"] == issue
    assert tender().tend().previews == 1
    assert desk.client.get(f"/v1/files/{photo}/preview").mimetype == "image/jpeg"


def test_the_body_that_handles_a_case_may_send_photos_of_it_and_another_may_not(desk_of, issue, session):
    now = dt.datetime.now(dt.UTC)
    route_awaiting(session, now, Grounds().at(session, 1, now))
    session.commit()
    led = "SELECT code FROM organisation JOIN issue ON body_id = organisation.id WHERE issue.id = :id"
    lead = session.scalar(text(led), {"id": issue})
    assert send(desk_of("handler", lead), issue)[0].status_code == 204
    answer, photo = send(desk_of("handler", "minzheng"), issue)
    assert (answer.status_code, answer.json["type"]) == (404, "/problems/unknown-file")
    assert session.scalar(text("SELECT count(*) FROM attachment WHERE id = :id"), {"id": photo}) == 0


def test_sending_the_same_photo_again_is_one_photo_and_another_under_its_id_is_refused(desk_of, issue, session):
    desk = desk_of()
    first, photo = send(desk, issue)
    again, _ = send(desk, issue, photo=photo)
    other, _ = send(desk, issue, content=picture(size=(90, 70)), photo=photo)
    assert (first.status_code, again.status_code) == (204, 204)
    assert (other.status_code, other.json["type"]) == (409, "/problems/file-id-taken")
    assert session.scalar(text("SELECT count(*) FROM attachment WHERE id = :id"), {"id": photo}) == 1


def test_what_is_no_picture_is_refused_and_what_a_picture_tells_of_its_maker_is_taken_off(desk_of, issue):
    desk = desk_of()
    refused, _ = send(desk, issue, content=b"no picture at all")
    assert refused.json["type"] == "/problems/file-refused"
    _, photo = send(desk, issue, content=PICTURE)
    assert TRAILER in PICTURE
    assert TRAILER not in desk.client.get(f"/v1/files/{photo}/content").get_data()
    assert send(desk, issue, content=b"")[0].status_code >= 400


def test_who_only_looks_sends_nothing(desk_of, issue):
    assert send(desk_of("auditor"), issue)[0].json["type"] == "/problems/role-missing"
