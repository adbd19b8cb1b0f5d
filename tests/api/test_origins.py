"""Pages of the origins that are allowed speak the device protocol from a browser; others, and other routes, do not."""

import dataclasses

import pytest

from server.app import create_app
from server.config import origins_of
from server.database.extensions import db
from tests.api.hearing import listening
from tests.api.serving import served
from tests.api.staff import Desk

HERE, ELSEWHERE = "https://app.example.org", "https://evil.example.org"


@pytest.fixture(scope="module")
def opened(app):
    made = create_app(
        dataclasses.replace(app.config["PATROL"], allowed_origins=frozenset({HERE, "capacitor://localhost"}))
    )
    yield made
    with made.app_context():
        db.engine.dispose()


def preflight(client, path, origin=HERE, method="POST"):
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    return client.options(path, headers=headers)


@pytest.mark.parametrize(
    ("path", "method"),
    [("/v1/devices", "POST"), ("/v1/sync/push", "POST"), ("/v1/sync/pull", "GET"), ("/v1/sync/events", "GET"),
     ("/v1/files", "POST"), ("/v1/files/00000000-0000-4000-8000-000000000000", "PATCH")],
)  # fmt: skip
@pytest.mark.parametrize("origin", [HERE, "capacitor://localhost"])
def test_a_browser_may_ask_what_phones_ask(opened, path, method, origin):
    answer = preflight(opened.test_client(), path, origin, method)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert method in answer.headers["Access-Control-Allow-Methods"].split(", ")
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert {"authorization", "content-type", "upload-offset", "tus-resumable"} <= set(allowed)
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


def test_answers_and_refusals_can_be_read_by_the_page(opened, phone_of):
    phone = phone_of("west")
    client = opened.test_client()
    for headers, status in ((phone.headers, 200), ({}, 401)):
        answer = client.get("/v1/sync/pull", headers={**headers, "Origin": HERE})
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (status, HERE)
        assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    "origin", [ELSEWHERE, "null", "https://app.example.org.evil.org", "http://app.example.org", ""]
)
def test_other_origins_are_let_in_nowhere(opened, phone_of, origin):
    client = opened.test_client()
    assert "Access-Control-Allow-Origin" not in preflight(client, "/v1/sync/push", origin).headers
    answer = client.get("/v1/sync/pull", headers={**phone_of("west").headers, "Origin": origin})
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Origin" in answer.headers["Vary"], "a cache must not give it to an origin that is allowed"


@pytest.mark.parametrize("path", ["/v1/session", "/v1/issues", "/v1/people", "/ogc", "/", "/v1/map/events"])
def test_what_staff_ask_is_opened_to_no_other_site(opened, path):
    client = opened.test_client()
    assert "Access-Control-Allow-Origin" not in preflight(client, path, method="GET").headers
    assert "Access-Control-Allow-Origin" not in client.get(path, headers={"Origin": HERE}).headers


def test_nobody_is_let_in_where_nothing_is_configured(app, phone_of):
    answer = app.test_client().get("/v1/sync/pull", headers={**phone_of("west").headers, "Origin": HERE})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.long
def test_streams_of_hints_can_be_read_by_the_page(sync_url, redis_url, phone_of):
    with served(sync_url, redis_url, PATROL_ALLOWED_ORIGINS=HERE) as url:
        headers = {"Authorization": f"Bearer {phone_of('west').token}", "Origin": HERE}
        with listening(url, "/v1/sync/events", **headers) as stream:
            told = b""
            while b"retry: " not in told:
                told += stream.recv(4096)
        assert f"Access-Control-Allow-Origin: {HERE}".encode() in told.split(b"\r\n\r\n")[0]


@pytest.mark.parametrize("said", ["*", "app.example.org", "https://a.org/path", "https://u@a.org", "https://a.org, x"])
def test_what_is_no_origin_is_refused_by_name(said):
    with pytest.raises(ValueError, match="PATROL_ALLOWED_ORIGINS"):
        origins_of({"PATROL_ALLOWED_ORIGINS": said})


def test_origins_are_read_from_the_environment():
    said = {"PATROL_ALLOWED_ORIGINS": " https://a.org/, http://localhost:5173 ,"}
    assert origins_of(said) == {"https://a.org", "http://localhost:5173"}
    assert origins_of({}) == frozenset()


def unsafe_of_staff(app):
    """Every route that changes something for whoever is signed in, as (method, path)."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        schemes = {name for each in getattr(view, "security", ()) for name in each}
        if "staff" in schemes or rule.rule == "/v1/session":
            any_id = "00000000-0000-4000-8000-000000000000" if "uuid" in rule.rule else "1"
            _, path = rule.build(dict.fromkeys(rule.arguments, any_id), append_unknown=False)
            yield from ((method, path) for method in rule.methods - {"GET", "HEAD", "OPTIONS"})


@pytest.mark.long
@pytest.mark.parametrize(
    "said", [{"Origin": ELSEWHERE}, {"Origin": "null"}, {"Origin": HERE}, {"Origin": "http://localhost:1"},
             {"Origin": "http://localhost.evil.example"}, {"Origin": "http://[::"}, {"Origin": ""},
             {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": ""},
             {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}],
)  # fmt: skip
def test_another_sites_page_changes_nothing_whatever_it_knows(opened, session, said):
    desk = Desk.of(opened, session, "admin", "360725")
    asked = sorted(set(unsafe_of_staff(opened)))
    assert len(asked) > 50
    for method, path in asked:
        headers = {"X-CSRF-Token": desk.csrf, **said}
        answer = desk.client.open(path, method=method, json={"login": "x", "password": "y"}, headers=headers)
        assert (answer.status_code, answer.json["type"]) == (403, "/problems/csrf-token-wrong"), (method, path)
    assert desk.get("/v1/session").status_code == 200


@pytest.mark.parametrize(
    "said", [{}, {"Origin": "http://localhost"}, {"Origin": "http://127.0.0.1:8000"}, {"Sec-Fetch-Site": "none"},
             {"Sec-Fetch-Site": "same-origin", "Origin": "https://city.example"}, {"Origin": "https://localhost"}],
)  # fmt: skip
def test_the_citys_own_page_and_programs_are_let_in(opened, session, said):
    desk = Desk.of(opened, session, "admin", "360725")
    headers = {"X-CSRF-Token": desk.csrf, **said}
    assert desk.client.delete("/v1/session", headers=headers).status_code == 204


def test_a_page_that_is_allowed_goes_on_speaking_the_device_protocol(opened, phone_of):
    push = {"batch_id": "0" * 8 + "-0000-4000-8000-" + "0" * 12, "sent_at": "2026-11-29T12:00:00Z", "ops": []}
    headers = {**phone_of("west").headers, "Origin": HERE, "Sec-Fetch-Site": "cross-site"}
    answer = opened.test_client().post("/v1/sync/push", json=push, headers=headers)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, HERE)
