"""Staff sign-in: who gets a session, what its cookie is like, when it ends, and what a request must carry."""

import dataclasses
import datetime as dt
import hashlib
import secrets

import pytest
from sqlalchemy import text

from server.accounts.charge import reach, read_charge
from server.accounts.errors import PasswordTooShort
from server.accounts.service import add_person
from server.accounts.signin import IDLE, LONGEST
from server.app import create_app
from server.database.extensions import db, limiter
from server.http.auth import SESSION_COOKIE
from tests.api.staff import Desk
from tests.cases import city

COUNTY, COMMUNITY = "360725", "360725100001"
PASSWORD = secrets.token_urlsafe(12)


@pytest.fixture
def chief(session):
    login = f"chief-{secrets.token_hex(4)}"
    add_person(session, login, role="supervisor", place=COUNTY, password=PASSWORD, now=dt.datetime.now(dt.UTC))
    session.commit()
    return login


def sign_in(client, login, password=PASSWORD, **headers):
    return client.post("/v1/session", json={"login": login, "password": password}, headers=headers)


def test_signing_in_tells_who_one_is_and_what_one_is_in_charge_of(app, chief):
    answer = sign_in(app.test_client(), chief)
    assert answer.status_code == 200
    assert answer.json["person"]["login"] == chief
    assert answer.json["roles"] == ["supervisor"]
    assert answer.json["charge"]["everywhere"]
    assert [area["code"] for area in answer.json["charge"]["areas"]] == [COUNTY]


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(app, chief):
    session_cookie, known = sign_in(app.test_client(), chief).headers.getlist("Set-Cookie")
    assert session_cookie.startswith(f"{SESSION_COOKIE}=")
    assert "Path=/;" in session_cookie
    for cookie in (session_cookie, known):
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie


def test_the_token_is_stored_hashed_only(app, chief, session):
    client = app.test_client()
    sign_in(client, chief)
    token = client.get_cookie(SESSION_COOKIE).value
    stored = session.execute(text("SELECT token_hash FROM staff_session")).scalars().all()
    assert hashlib.sha256(token.encode()).digest() in [bytes(each) for each in stored]
    assert session.scalar(text("SELECT password_hash FROM person WHERE login = :login"), {"login": chief}).startswith(
        "$argon2id$"
    )


@pytest.mark.parametrize(
    ("login", "password"),
    [(None, "wrong-password"), ("nobody-at-all", PASSWORD)],
    ids=["wrong password", "unknown login"],
)
def test_a_wrong_password_and_an_unknown_login_get_the_same_answer(app, chief, login, password):
    answer = sign_in(app.test_client(), login or chief, password)
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.json["type"].endswith("/sign-in-refused")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("change", ["is_active = false", "password_hash = NULL"])
def test_who_was_stopped_or_has_no_password_may_not_sign_in(app, chief, session, change):
    session.execute(text(f"UPDATE person SET {change} WHERE login = :login"), {"login": chief})
    session.commit()
    assert sign_in(app.test_client(), chief).status_code == 401


def test_who_is_stopped_while_signed_in_is_out_at_once(app, chief, session):
    client = app.test_client()
    sign_in(client, chief)
    session.execute(text("UPDATE person SET is_active = false WHERE login = :login"), {"login": chief})
    session.commit()
    assert client.get("/v1/session").status_code == 401


def test_signing_out_ends_the_session_itself_and_not_the_cookie_alone(app, chief):
    client = app.test_client()
    csrf = sign_in(client, chief).json["csrf"]
    token = client.get_cookie(SESSION_COOKIE).value
    assert client.delete("/v1/session", headers={"X-CSRF-Token": csrf}).status_code == 204
    thief = app.test_client()
    thief.set_cookie(SESSION_COOKIE, token)
    assert thief.get("/v1/session").status_code == 401


def test_a_session_ends_by_itself(app, chief, session):
    client = app.test_client()
    sign_in(client, chief)
    session.execute(text("UPDATE staff_session SET expires_at = now() - interval '1 s'"))
    session.commit()
    answer = client.get("/v1/map/issues")
    assert answer.status_code == 401
    assert answer.json["type"].endswith("/sign-in-required")


def test_use_moves_the_end_of_a_session_on_but_never_past_its_longest(app, chief, session):
    client = app.test_client()
    sign_in(client, chief)
    mine = "WHERE person_id = (SELECT id FROM person WHERE login = :login)"
    age = (
        "created_at = now() - interval '{}', last_seen_at = now() - interval '1 h', expires_at = now() + interval '1 m'"
    )
    ends = []
    for old in ("1 day", "6 days 23 h"):
        session.execute(text(f"UPDATE staff_session SET {age.format(old)} {mine}"), {"login": chief})
        session.commit()
        client.get("/v1/areas")
        asked = text(f"SELECT expires_at - now(), expires_at - created_at FROM staff_session {mine}")
        ends.append(session.execute(asked, {"login": chief}).one())
        session.commit()
    assert IDLE - dt.timedelta(minutes=1) < ends[0][0] <= IDLE
    assert ends[1][1] <= LONGEST
    assert ends[1][0] < dt.timedelta(hours=2)


def test_an_unsafe_request_needs_the_token_of_its_own_session(app, session):
    mine, other = (Desk.of(app, session, "supervisor", COUNTY) for _ in range(2))
    sent = {"worker": "worker"}
    for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": other.csrf}):
        answer = mine.client.post("/v1/enrolments", json=sent, headers=headers)
        assert answer.status_code == 403
        assert answer.json["type"].endswith("/csrf-token-wrong")


def test_another_site_can_neither_sign_a_browser_in_nor_act_for_it(app, chief, session):
    assert sign_in(app.test_client(), chief, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    desk = Desk.of(app, session, "supervisor", COUNTY)
    headers = {"X-CSRF-Token": desk.csrf, "Sec-Fetch-Site": "cross-site"}
    assert desk.client.delete("/v1/session", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "sent", [{}, {"login": "x"}, {"login": "x", "password": 5}, {"login": "x", "password": "y" * 201}]
)
def test_a_form_that_is_not_filled_in_names_its_fields(app, sent):
    answer = app.test_client().post("/v1/session", json=sent)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] in ("login", "password", "json.login", "json.password")


def test_problems_are_told_in_the_language_asked_for(app, chief):
    client = app.test_client()
    assert sign_in(client, chief, "x" * 12).json["title"] == "登录名或密码不对"
    assert sign_in(client, chief, "x" * 12, **{"Accept-Language": "en"}).json["title"] == "Login or password is wrong"


def test_a_short_password_is_refused_when_it_is_set(session):
    with pytest.raises(PasswordTooShort):
        add_person(session, "short", role="gis", place=COUNTY, password="123456789", now=dt.datetime.now(dt.UTC))


@pytest.fixture
def capped(app):
    """Another app on the same database that takes three sign-ins a minute, its Redis given by the test."""
    made = []

    def make(redis_url=None):
        settings = app.config["PATROL"]
        config = dataclasses.replace(settings, sign_in_rate="3 per minute", redis_url=redis_url or settings.redis_url)
        made.append(create_app(config))
        return made[-1]

    yield make
    for each in made:
        with each.app_context():
            db.engine.dispose()
    # The limiter is one for the process: it goes back to the storage of the other tests' app.
    limiter.init_app(app)


def test_guessing_codes_of_enrolment_is_capped(capped):
    client = capped().test_client()
    sent = {"code": "guess-guess", "device": {"name": "p", "platform": "test", "app_version": "1"}}
    statuses = [client.post("/v1/devices", json=sent).status_code for _ in range(5)]
    assert 429 not in statuses[:3]
    assert statuses[4] == 429


@pytest.mark.long
def test_guessing_is_capped(capped, chief):
    client = capped().test_client()
    statuses = [sign_in(client, chief, "guess-guess").status_code for _ in range(5)]
    assert statuses[:3] == [401, 401, 401]
    assert statuses[4] == 429
    assert sign_in(client, chief).status_code == 429


@pytest.mark.long
def test_sign_in_goes_on_while_redis_is_down(capped, chief):
    client = capped("redis://127.0.0.1:1/0").test_client()
    assert sign_in(client, chief).status_code == 200


def test_charge_follows_the_assignments_in_force(session):
    ground = city.ground(session)
    login, now = f"p-{secrets.token_hex(4)}", dt.datetime.now(dt.UTC)
    person = add_person(session, login, role="dispatcher", place=COMMUNITY, password=None, now=now)
    held = reach(read_charge(session, person.id, now=now), ground)
    assert held.grid_ids == ground.grid_ids
    assert not held.everywhere, "the community is not the county"
    ended = reach(read_charge(session, person.id, now=now - dt.timedelta(seconds=1)), ground)
    assert ended.grid_ids == ()


def test_adding_the_same_person_twice_changes_nothing(session):
    login = f"p-{secrets.token_hex(4)}"
    for _ in range(2):
        add_person(session, login, role="gis", place=COUNTY, password=None, now=dt.datetime.now(dt.UTC))
    count = "SELECT count(*) FROM assignment JOIN person ON person.id = person_id WHERE login = :login"
    assert session.scalar(text(count), {"login": login}) == 1
