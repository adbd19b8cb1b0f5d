"""What a request that cannot be taken is told: what is wrong with it itself, not with what it holds."""

import re
from pathlib import Path

import pytest

from server.launch import gunicorn_settings, nginx_settings
from tests.api.staff import Desk
from tests.cases.city import WEST

SIGN_IN = {"login": "anna", "password": "a-long-password"}
COUNTY = "360725"


@pytest.mark.long
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
@pytest.mark.parametrize("path", ["/v1/session", "/v1/devices", "/v1/people"])
def test_what_is_sent_as_something_else_than_json_is_told_so(app, session, path, kind):
    desk = Desk.of(app, session, "admin", COUNTY)
    headers = {"X-CSRF-Token": desk.csrf, "Content-Type": kind, "Accept-Language": "en"}
    answer = desk.client.post(path, data=b'{"login": "anna"}', headers=headers)
    assert (answer.status_code, answer.content_type) == (415, "application/problem+json"), answer.text
    assert "application/json" in answer.json["detail"]


def test_a_request_without_anything_is_told_what_it_lacks(app):
    answer = app.test_client().post("/v1/session")
    assert (answer.status_code, {each["field"] for each in answer.json["errors"]}) == (
        422,
        {"json.login", "json.password"},
    )


@pytest.mark.parametrize(
    ("lang", "told"), [("zh", "没有这个字段，请去掉"), ("en", "is not a field here; leave it out")]
)
def test_a_field_that_a_request_does_not_have_is_to_be_left_out(app, lang, told):
    sent = SIGN_IN | {"colour": "red"}
    answer = app.test_client().post("/v1/session", json=sent, headers={"Accept-Language": lang})
    assert answer.json["errors"] == [{"field": "json.colour", "message": told}]


@pytest.mark.parametrize("blank", [" " * 12, "\u3000" * 12, " \u00a0\u2003" * 4])
def test_a_password_of_blanks_is_refused_and_one_with_blanks_is_not(app, session, blank):
    admin = Desk.of(app, session, "admin", COUNTY)
    sent = {"login": f"b{abs(hash(blank))}", "role": "grid_worker", "area": WEST}
    answer = admin.post("/v1/people", sent | {"password": blank})
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/password-blank"), answer.text
    assert admin.post("/v1/people", sent | {"password": "four words of mine"}).status_code == 201


@pytest.mark.parametrize(
    ("captured_at", "reason"),
    [
        ("9999-12-31T23:59:59-12:00", "captured-in-future"),
        ("9999-01-01T00:00:00Z", "captured-in-future"),
        ("0001-01-01T00:00:00+14:00", "captured-too-old"),
    ],
)
def test_a_time_at_either_end_of_the_calendar_is_told_as_what_it_is(phone_of, captured_at, reason):
    phone = phone_of("west")
    (result,) = phone.push(phone.visit(captured_at=captured_at))
    assert result["error"]["type"] == f"/problems/{reason}"


def test_a_head_that_nginx_lets_through_is_not_too_large_for_what_stands_behind_it():
    text = Path(nginx_settings.__file__).with_name("nginx.conf.format").read_text(encoding="utf-8")
    number, kib = map(int, re.search(r"large_client_header_buffers (\d+) (\d+)k;", text).groups())
    least_field = len(b"a:\r\n")
    assert gunicorn_settings.limit_request_fields * least_field > number * kib * 1024
    assert gunicorn_settings.limit_request_field_size > kib * 1024
    assert gunicorn_settings.limit_request_line > kib * 1024 - len(" HTTP/1.1")
