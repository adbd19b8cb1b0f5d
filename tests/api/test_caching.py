"""No answer of any route may be kept by others, unless the route says so, and then never for everybody.

Every route is asked by a stranger, a phone and an administrator.
"""

import re
import uuid

import pytest

from server.http.caching import NO_STORE
from server.pages.routes import APP_FILES, PAGES
from tests.api.staff import Desk

GUESSES = {"uuid": str(uuid.uuid4()), "int": "1", "string": "x", "path": "x", "default": "x", "float": "1.5"}
# Pages hold no data.
PUBLIC = (*PAGES, *(f"/{name}" for name in APP_FILES), "/assets/<path:name>")


def addresses(app):
    for rule in app.url_map.iter_rules():
        path = re.sub(
            r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>", lambda found: GUESSES.get(found[1] or "default", "x"), rule.rule
        )
        for method in sorted(rule.methods - {"HEAD"}):
            yield rule.rule, method, path


def kept(answer):
    return {each.strip() for each in answer.headers.get("Cache-Control", "").split(",")}


def may_be_kept(rule, answer):
    said = kept(answer)
    if NO_STORE in said:
        return False
    return "private" not in said and rule not in PUBLIC


@pytest.fixture(params=["stranger", "phone", "administrator"])
def caller(request, app, session, phone_of):
    """Returns a client and the headers with which somebody asks."""
    if request.param == "stranger":
        return app.test_client(), {}
    if request.param == "phone":
        return app.test_client(), {"Authorization": f"Bearer {phone_of('west').token}"}
    desk = Desk.of(app, session, "admin", "360725")
    return desk.client, {"X-CSRF-Token": desk.csrf}


@pytest.mark.long
def test_nothing_may_be_kept_that_does_not_say_so(app, caller):
    client, headers = caller
    asked, kept_by_all = 0, []
    for rule, method, path in addresses(app):
        if "sign-out" in rule or (rule, method) == ("/v1/session", "DELETE"):
            continue
        with client.open(path, method=method, headers=headers, json={} if method != "GET" else None) as answer:
            asked += 1
            if may_be_kept(rule, answer):
                kept_by_all.append((rule, method))
    assert asked > 100
    assert kept_by_all == []


def test_an_answer_that_says_nothing_is_not_kept_whatever_route_made_it(app):
    assert kept(app.test_client().get("/no/such/page")) == {NO_STORE}
    assert kept(app.test_client().post("/v1/sync/push", data=b"nonsense")) == {NO_STORE}


@pytest.mark.parametrize("path", ["/v1/map/issues", "/v1/areas", "/ogc/collections"])
def test_what_is_asked_again_and_again_is_asked_for_each_time_and_by_its_caller_alone(app, session, path):
    desk = Desk.of(app, session, "admin", "360725")
    answer = desk.get(path)
    assert answer.status_code == 200
    assert kept(answer) == {"private", "no-cache"}
    again = desk.client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert kept(again) == {"private", "no-cache"}
