"""The post room over HTTP: what could not be delivered is seen and tried again; endpoints are set and checked."""

import datetime as dt
import uuid
from dataclasses import replace

import pytest
from sqlalchemy import text

from geo.editions.ground import Grounds
from server.cases.routing.service import route_awaiting
from server.commands.webhooks import webhook_set, webhook_test
from server.texts.reasons import REASON_WORDS
from tests.api.staff import Desk
from tests.cases.city import EAST, IN_EAST, WEST
from tests.cases.receiver import SECRET, receiving
from tests.emptying import empty

HERE = "http://127.0.0.1:9/hooks"


@pytest.fixture
def desk_of(app, session):
    return lambda role, area="360725": Desk.of(app, session, role, area)


@pytest.fixture
def loopback(app):
    """A city that may send to this machine itself, as the tests' bodies live here."""
    before = app.config["PATROL"]
    app.config["PATROL"] = replace(before, webhook_allow_loopback=True)
    yield
    app.config["PATROL"] = before


@pytest.fixture
def on_this_city(app, sync_url, monkeypatch):
    """Commands work on the city of these tests."""
    settings = app.config["PATROL"]
    monkeypatch.setenv("DATABASE_URL", sync_url)
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("PATROL_SECRET_KEY", settings.secret_key)


@pytest.fixture(autouse=True)
def _no_endpoints_left(session):
    yield
    session.rollback()
    empty(session, "endpoint, delivery")
    session.commit()


def put(desk, code, **sent):
    return desk.client.put(f"/v1/organisations/{code}/endpoint", json=sent, headers={"X-CSRF-Token": desk.csrf})


@pytest.fixture
def undelivered(app, session, phone_of, desk_of, loopback):
    """An issue in each grid whose webhook was given up; returns the ids of the deliveries, west and east."""
    assert put(desk_of("admin"), "zhujian", url=HERE).status_code == 200
    phone = phone_of("county")
    phone.push(phone.issue(category="0302"), phone.issue(IN_EAST, category="0302"))
    now = dt.datetime.now(dt.UTC)
    route_awaiting(session, now, Grounds().at(session, 1, now))
    session.execute(
        text("""UPDATE delivery SET state = 'given_up', next_attempt_at = NULL, attempts = 40, last_error = 'HTTP 500'
                WHERE channel = 'webhook'""")
    )
    session.commit()
    found = session.execute(
        text("""SELECT area.code, delivery.id FROM delivery JOIN issue ON issue.id = issue_id
                JOIN area ON area.id = grid_now WHERE channel = 'webhook'""")
    )
    by_grid = {code: str(delivery_id) for code, delivery_id in found}
    return by_grid[WEST], by_grid[EAST]


def test_what_was_given_up_is_shown_to_the_dispatcher_with_the_reason(undelivered, desk_of):
    seen = desk_of("dispatcher").get("/v1/deliveries").json["deliveries"]
    assert {each["id"] for each in seen} == set(undelivered)
    assert (seen[0]["organisation"], seen[0]["state"], seen[0]["last_error"]) == ("zhujian", "given_up", "HTTP 500")
    assert seen[0]["attempts"] == 40


def test_a_dispatcher_sees_only_the_deliveries_in_their_charge(undelivered, desk_of):
    west = desk_of("dispatcher", WEST)
    assert [each["id"] for each in west.get("/v1/deliveries").json["deliveries"]] == [undelivered[0]]
    answer = west.post(f"/v1/deliveries/{undelivered[1]}/retry")
    assert (answer.status_code, answer.json["type"]) == (404, "/problems/unknown-delivery")


def test_deliveries_come_by_pages_and_by_state(undelivered, desk_of):
    desk = desk_of("dispatcher")
    first = desk.get("/v1/deliveries", limit=1).json
    second = desk.get("/v1/deliveries", limit=1, after=first["after"]).json
    assert {first["deliveries"][0]["id"], second["deliveries"][0]["id"]} == set(undelivered)
    assert second["after"] is None
    # Lead and assistant found both at their desks.
    assert len(desk.get("/v1/deliveries", state="delivered").json["deliveries"]) == 4
    assert desk.get("/v1/deliveries", state="failed").json["deliveries"] == []
    assert desk.get("/v1/deliveries", state="lost").status_code == 422


def test_a_given_up_delivery_can_be_tried_again(undelivered, desk_of):
    desk = desk_of("dispatcher")
    assert desk.post(f"/v1/deliveries/{undelivered[0]}/retry").status_code == 202
    [waiting] = desk.get("/v1/deliveries", state="waiting").json["deliveries"]
    assert waiting["id"] == undelivered[0]
    again = desk.post(f"/v1/deliveries/{undelivered[0]}/retry")
    assert (again.status_code, again.json["type"]) == (409, "/problems/delivery-not-retryable")
    assert desk.post(f"/v1/deliveries/{uuid.uuid4()}/retry").json["type"] == "/problems/unknown-delivery"


@pytest.mark.parametrize("role", ["supervisor", "grid_worker", "auditor"])
def test_other_roles_see_no_deliveries(desk_of, role):
    assert desk_of(role).get("/v1/deliveries").json["type"] == "/problems/role-missing"


def test_a_secret_is_told_once_and_turned_when_asked(desk_of, loopback):
    admin = desk_of("admin")
    made = put(admin, "zhujian", url=HERE).json
    assert made["secret"].startswith("whsec_")
    assert (made["organisation"], made["url"], made["active"], made["failures"]) == ("zhujian", HERE, True, 0)
    assert admin.get("/v1/organisations/zhujian/endpoint").json == made | {"secret": None}
    assert put(admin, "zhujian", url=HERE).json["secret"] is None
    assert put(admin, "zhujian", url=HERE, rotate_secret=True).json["secret"] not in (None, made["secret"])


def test_turning_a_secret_says_how_long_the_former_signs_and_is_kept_in_the_log(desk_of, loopback):
    admin = desk_of("admin")
    assert put(admin, "zhujian", url=HERE).json["former_secret_until"] is None
    turned = put(admin, "zhujian", url=HERE, rotate_secret=True).json
    left = dt.datetime.fromisoformat(turned["former_secret_until"]) - dt.datetime.now(dt.UTC)
    assert dt.timedelta(hours=23) < left <= dt.timedelta(hours=24)
    leaked = put(admin, "zhujian", url=HERE, rotate_secret=True, keep_old_secret=False).json
    assert leaked["former_secret_until"] is None
    put(admin, "zhujian", url=HERE, active=False)
    path = "/v1/organisations/zhujian/endpoint/changes"
    told = admin.get(path).json["changes"][:4]
    assert [(each["secret"], each["active"], each["former_until"]) for each in told] == [
        ("kept", False, None),
        ("new", True, None),
        ("new", True, turned["former_secret_until"]),
        ("new", True, None),
    ]
    assert {each["by"] for each in told} == {admin.login}
    assert "whsec_" not in admin.get(path).text
    assert desk_of("dispatcher").get(path).json["type"] == "/problems/role-missing"


def test_an_endpoint_can_be_switched_off_by_hand(desk_of, loopback):
    answer = put(desk_of("admin"), "zhujian", url=HERE, active=False).json
    assert (answer["active"], answer["disabled_reason"]) == (False, "by-hand")


@pytest.mark.parametrize(
    ("sent", "field", "reason"),
    [
        ({"url": "https://169.254.169.254/latest"}, "url", "address-refused"),
        ({"url": HERE}, "url", "address-refused"),
        ({"url": "https://10.1.2.3/"}, "url", "address-refused"),
        ({"url": "gopher://8.8.8.8/"}, "url", "not-a-url"),
        ({"url": "http://8.8.8.8/"}, "url", "not-https"),
        ({"url": "https://[fec0::1]/"}, "url", "address-refused"),
        ({"url": "https://192.88.99.1/"}, "url", "address-refused"),
        ({"url": "https://8.8.8.8:6379/"}, "url", "port-refused"),
        ({"url": "https://0x08080808/"}, "url", "not-a-host"),
        ({"url": "https://8.8.8.8/", "secret": "guess"}, "secret", "not-a-secret"),
    ],
)
def test_an_endpoint_that_cannot_be_used_is_refused_with_the_reason(desk_of, sent, field, reason):
    answer = put(desk_of("admin"), "zhujian", **sent)
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/invalid-endpoint")
    assert (answer.json["field"], answer.json["reason"]) == (field, reason)
    assert answer.json["detail"].startswith(REASON_WORDS["invalid-endpoint", reason][0])


def test_an_address_that_is_not_clean_is_refused_as_any_such_text(desk_of):
    answer = put(desk_of("admin"), "zhujian", url="https://8.8.8.8/\x00")
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/text-unclean")
    assert answer.json["errors"][0]["field"] == "url"


def test_a_test_letter_is_signed_and_what_the_body_answers_is_shown_as_text(desk_of, loopback):
    admin = desk_of("admin")
    with receiving() as body:
        put(admin, "zhujian", url=body.url, secret=SECRET)
        told = admin.post("/v1/organisations/zhujian/endpoint/test").json
        assert (told["delivered"], told["status_code"], told["error"], told["url"]) == (True, 204, None, body.url)
        assert body.ids == [told["id"]]
        [message] = body.messages
        assert (message["type"], message["data"]["organisation"]) == ("endpoint.test", "zhujian")
        body.statuses, body.says = [500], b"<b>not now</b>\x00"
        told = admin.post("/v1/organisations/zhujian/endpoint/test").json
        assert (told["delivered"], told["error"], told["excerpt"]) == (False, "HTTP 500", "<b>not now</b>·")
    seen = admin.get("/v1/organisations/zhujian/endpoint").json
    assert (seen["failures"], seen["active"], seen["resting_until"]) == (0, True, None)


def test_an_endpoint_that_is_switched_off_can_be_tried(desk_of, loopback):
    admin = desk_of("admin")
    with receiving() as body:
        put(admin, "zhujian", url=body.url, secret=SECRET, active=False)
        assert admin.post("/v1/organisations/zhujian/endpoint/test").json["delivered"]
    assert not admin.get("/v1/organisations/zhujian/endpoint").json["active"]


def test_trying_asks_again_where_the_letter_may_go(app, desk_of, loopback):
    admin = desk_of("admin")
    put(admin, "zhujian", url=HERE)
    app.config["PATROL"] = replace(app.config["PATROL"], webhook_allow_loopback=False)
    told = admin.post("/v1/organisations/zhujian/endpoint/test").json
    assert (told["delivered"], told["error"]) == (False, "address refused: 127.0.0.1")


def test_only_who_may_set_an_endpoint_may_try_it(app, desk_of, loopback):
    path = "/v1/organisations/zhujian/endpoint/test"
    assert desk_of("admin").post(path).json["type"] == "/problems/no-endpoint"
    assert desk_of("admin", WEST).post(path).json["type"] == "/problems/outside-charge"
    assert desk_of("dispatcher").post(path).json["type"] == "/problems/role-missing"
    put(desk_of("admin"), "zhujian", url=HERE)
    app.config["PATROL"] = replace(app.config["PATROL"], secret_key="another key of the server")
    # Sessions are signed by that key, too.
    answer = desk_of("admin").post(path)
    assert (answer.status_code, answer.json["field"], answer.json["reason"]) == (422, "secret", "unreadable")


def test_an_endpoint_of_nobody_and_one_that_is_not_there_are_told_apart(desk_of, loopback):
    admin = desk_of("admin")
    assert put(admin, "nobody", url=HERE).json["type"] == "/problems/unknown-organisation"
    assert admin.get("/v1/organisations/nobody/endpoint").json["type"] == "/problems/unknown-organisation"
    assert admin.get("/v1/organisations/zhujian/endpoint").json["type"] == "/problems/no-endpoint"


def test_only_an_administrator_of_the_whole_city_sets_endpoints(desk_of, loopback):
    assert put(desk_of("admin", WEST), "zhujian", url=HERE).json["type"] == "/problems/outside-charge"
    assert put(desk_of("dispatcher"), "zhujian", url=HERE).json["type"] == "/problems/role-missing"


@pytest.mark.usefixtures("on_this_city")
def test_the_commands_set_an_endpoint_and_try_it(capsys, monkeypatch):
    monkeypatch.setenv("PATROL_WEBHOOK_ALLOW_LOOPBACK", "1")
    with receiving() as body:
        assert webhook_set(organisation="zhujian", url=body.url) == 0
        body.secret = capsys.readouterr().out.split()[2]
        assert webhook_test(organisation="zhujian") == 0
        assert [each["type"] for each in body.messages] == ["endpoint.test"]
        assert "HTTP 204" in capsys.readouterr().out
        body.statuses, body.says = [503], b"\x1b[31mclosed"
        assert webhook_test(organisation="zhujian") == 1
        assert "✗ HTTP 503\n·[31mclosed" in capsys.readouterr().out
        assert webhook_set(organisation="zhujian", url=body.url) == 0
        assert "whsec_" not in capsys.readouterr().out
        assert webhook_set(organisation="zhujian", url=body.url, rotate=True) == 0
        assert capsys.readouterr().out.split()[2] not in ("", body.secret)


@pytest.mark.usefixtures("on_this_city")
def test_the_commands_say_in_both_languages_what_is_wrong(capsys):
    assert webhook_set(organisation="zhujian", url="https://[fec0::1]/") == 1
    told = capsys.readouterr().err
    assert "url" in told
    assert all(words in told for words in REASON_WORDS["invalid-endpoint", "address-refused"])
    assert webhook_test(organisation="zhujian") == 1
    assert "没有推送地址" in capsys.readouterr().err
