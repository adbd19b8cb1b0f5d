"""What was once sent and made the server fail, or could have: each has its clear answer."""

import pytest

from tests.api.staff import Desk

BEYOND = [2**31, 2**63, 10**30]


@pytest.fixture
def admin(app, session):
    return Desk.of(app, session, "admin", "360725")


def assert_problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == status
    return answer.json


@pytest.mark.parametrize("number", BEYOND)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/v1/session/passwords/{}"),
        ("DELETE", "/v1/rules/{}"),
        ("POST", "/v1/review/conflicts/{}/decision"),
        ("POST", "/v1/review/quarantine/{}/release"),
        ("POST", "/v1/review/quarantine/{}/dismiss"),
        ("GET", "/v1/tiles/{}/grid/0/0/0.mvt"),
        ("GET", "/v1/tiles/1/grid/0/0/{}.mvt"),
    ],
)
def test_a_number_beyond_all_rows_is_not_found(admin, method, path, number):
    sent = {} if method == "GET" else {"json": {"fields": {}, "note": "x", "data": {}, "reason": "x"}}
    answer = admin.client.open(path.format(number), method=method, headers={"X-CSRF-Token": admin.csrf}, **sent)
    assert answer.status_code in (404, 422), answer.text
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("crs", ["EPSG:4326\n", "EPSG:４３２６", "epsg:4326", "EPSG:43", "x EPSG:4326", "EPSG:4326 x"])
def test_a_reference_system_of_another_form_is_named(admin, crs):
    problem = assert_problem(admin.get("/v1/boundaries/export", format="geojson", crs=crs), 422)
    assert [fault["field"] for fault in problem["errors"]] == ["query.crs"]
