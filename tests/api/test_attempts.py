"""Guessing is bounded by account and by address, whoever guesses keeps nobody out, and every wait says how long."""

import base64
import dataclasses
import datetime as dt
import itertools
import secrets

import pytest

from server.accounts import signin
from server.accounts.service import add_person
from server.app import create_app
from server.database.extensions import db
from server.http.throttle import Throttle
from tests.api.staff import Desk
from tests.api.test_session import COUNTY, chief, sign_in

__all__ = ["chief"]

NO_REDIS = "redis://127.0.0.1:1/0"
_numbers = itertools.count(1)
PHONE = {"name": "p", "platform": "test", "app_version": "1"}


@pytest.fixture
def doors(app):
    """Makes another app on the same database with bounds of its own; each test comes from addresses of its own."""
    made = []

    def make(**rates):
        made.append(create_app(dataclasses.replace(app.config["PATROL"], **rates)))
        return made[-1]

    yield make
    for each in made:
        with each.app_context():
            db.engine.dispose()


@pytest.fixture
def address():
    return lambda: f"203.0.{secrets.randbelow(250)}.{next(_numbers) % 250}"


def at(app, address):
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = address
    return client


def wrong(client, login, times):
    return [sign_in(client, login, "guess-guess").status_code for _ in range(times)]


@pytest.mark.parametrize("away", [{}, {"redis_url": NO_REDIS}], ids=["redis", "no redis"])
@pytest.mark.parametrize("is_there", [True, False])
def test_one_account_is_guessed_at_from_one_place_only_so_often(doors, address, chief, away, is_there):
    app = doors(guess_rate="3 per minute", **away)
    login = chief if is_there else f"nobody-{secrets.token_hex(4)}"
    client = at(app, address())
    assert wrong(client, login, 5) == [401, 401, 401, 429, 429]
    refused = sign_in(client, login.upper(), "guess-guess")
    assert refused.json["type"].endswith("/too-many-attempts")
    assert 1 <= int(refused.headers["Retry-After"]) == refused.json["retry_after_s"] <= 60


def test_others_behind_the_same_address_sign_in_meanwhile(doors, address, chief, session):
    app, shared = doors(guess_rate="3 per minute"), address()
    wrong(at(app, shared), "somebody-else", 5)
    assert sign_in(at(app, shared), chief).status_code == 200


@pytest.mark.long
def test_the_account_is_not_locked_for_other_places(doors, address, chief):
    app = doors(guess_rate="3 per minute")
    wrong(at(app, address()), chief, 5)
    assert sign_in(at(app, address()), chief).status_code == 200


def test_a_browser_that_signed_in_before_is_kept_out_by_nobody(doors, address, chief):
    app = doors(guess_rate="3 per minute", account_guess_rate="4 per hour", sign_in_rate="4 per hour")
    shared = address()
    mine = at(app, shared)
    assert sign_in(mine, chief).status_code == 200
    attacker = at(app, shared)
    wrong(attacker, chief, 5)
    assert sign_in(at(app, address()), chief).status_code == 200
    for _ in range(3):
        wrong(at(app, address()), chief, 3)
    assert sign_in(at(app, address()), chief).status_code == 429
    assert sign_in(mine, chief).status_code == 200


def test_a_browser_known_to_one_account_is_a_stranger_to_another(doors, address, chief, session):
    app = doors(guess_rate="100 per minute", account_guess_rate="4 per hour")
    client = at(app, address())
    assert sign_in(client, chief).status_code == 200
    assert wrong(client, "another-login", 6)[-1] == 429


def test_a_forged_cookie_is_no_browser_known(doors, address, chief):
    app = doors(account_guess_rate="2 per hour")
    for _ in range(2):
        wrong(at(app, address()), chief, 1)
    client = at(app, address())
    client.set_cookie("patrol_known", "WyJ4IixbInkiXV0.aaaa.bbbb", path="/v1/session")
    assert sign_in(client, chief).status_code == 429


def test_one_account_is_guessed_at_from_many_places_only_so_often(doors, address, chief):
    app = doors(account_guess_rate="4 per hour")
    statuses = [wrong(at(app, address()), chief, 1)[0] for _ in range(6)]
    assert statuses == [401, 401, 401, 401, 429, 429]


def test_one_address_guesses_at_many_accounts_only_so_often(doors, address):
    client = at(doors(sign_in_rate="4 per hour"), address())
    assert [wrong(client, f"login-{number}", 1)[0] for number in range(6)] == [401, 401, 401, 401, 429, 429]


def test_a_customer_of_ipv6_is_one_address(doors):
    app, net = doors(sign_in_rate="2 per hour"), f"2001:db8:{secrets.randbelow(65536):x}:7"
    statuses = [wrong(at(app, f"{net}::{number:x}"), f"login-{number}", 1)[0] for number in (1, 2, 3)]
    assert statuses == [401, 401, 429]
    assert wrong(at(app, "2001:db8:ffff:8::1"), "login-9", 1) == [401]


def test_a_header_that_the_caller_wrote_makes_no_other_address(doors, address):
    app, real = doors(sign_in_rate="2 per hour"), address()
    statuses = []
    for number in range(4):
        headers = {"X-Forwarded-For": address(), "X-Real-IP": address(), "Forwarded": f"for={address()}"}
        statuses.append(sign_in(at(app, real), f"login-{number}", "guess-guess", **headers).status_code)
    assert statuses == [401, 401, 429, 429]


def test_behind_the_front_the_address_is_the_one_that_the_front_saw(doors, address, chief):
    app = doors(sign_in_rate="2 per hour", behind_front=True)
    attacker, other = address(), address()
    statuses = []
    for number in range(4):
        headers = {"X-Forwarded-For": f"{address()}, {attacker}"}
        statuses.append(sign_in(app.test_client(), f"login-{number}", "guess-guess", **headers).status_code)
    assert statuses == [401, 401, 429, 429]
    assert sign_in(app.test_client(), chief, **{"X-Forwarded-For": other}).status_code == 200


def test_waiting_is_not_made_longer_by_hammering(doors, address, chief):
    app = doors(guess_rate="3 per minute")
    client = at(app, address())
    wrong(client, chief, 3)
    waits = [int(sign_in(client, chief, "guess-guess").headers["Retry-After"]) for _ in range(5)]
    assert waits == sorted(waits, reverse=True)


def test_the_right_password_starts_the_count_anew(doors, address, chief):
    client = at(doors(guess_rate="3 per minute"), address())
    for _ in range(3):
        assert wrong(client, chief, 2) == [401, 401]
        assert sign_in(client, chief).status_code == 200


def test_the_longer_it_goes_on_the_longer_it_waits():
    throttle = Throttle(NO_REDIS)
    waits = []
    for _ in range(3):
        waits.append(throttle.count("1 per second;2 per minute", "whose"))
        waits.append(throttle.count("1 per second;2 per minute", "whose"))
        throttle.forget("1 per second", "whose")
    assert waits[0] == 0
    assert waits[-1] > waits[1]


def test_an_unknown_login_costs_as_many_checks_as_a_known_one(app, chief, session, monkeypatch):
    checks = []
    real = signin._matches
    monkeypatch.setattr(signin, "_matches", lambda hashed, password: checks.append(hashed) or real(hashed, password))
    counts = []
    for login in (chief, "nobody-at-all", "not a login\0", "\u202e"):
        checks.clear()
        assert sign_in(app.test_client(), login, "guess-guess").status_code in (401, 422)
        counts.append(len(checks))
    assert counts[0] == counts[1] == 1


@pytest.mark.long
def test_guessing_ones_own_password_is_bounded_too(doors, address, session):
    app = doors(guess_rate="3 per minute")
    desk = Desk.of(app, session, "gis", COUNTY)
    sent = {"current": "guess-guess", "new": "another-word-1"}
    assert [desk.post("/v1/session/password", sent).status_code for _ in range(5)] == [422, 422, 422, 429, 429]


def test_codes_are_guessed_only_so_often_and_right_ones_count_for_nothing(doors, address, phone_of, session):
    app = doors(sign_in_rate="3 per minute")
    client = at(app, address())
    statuses = [client.post("/v1/devices", json={"code": f"GUESS{n}", "device": PHONE}).status_code for n in range(5)]
    assert statuses == [404, 404, 404, 429, 429]


def test_programs_with_a_secret_that_is_gone_are_told_to_wait_and_others_there_go_on(doors, address, session):
    app, shared = doors(secret_rate="3 per minute"), address()
    desk = Desk.of(app, session, "gis", COUNTY)
    secret = desk.post("/v1/session/passwords", {"name": "QGIS"}).json["secret"]

    def program(shown):
        word = base64.b64encode(f"{desk.login}:{shown}".encode()).decode()
        return at(app, shared).get("/ogc", headers={"Authorization": f"Basic {word}"})

    answers = [program("gp-gone") for _ in range(5)]
    assert [each.status_code for each in answers] == [401, 401, 401, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert program(secret).status_code == 200


def test_phones_with_a_token_that_is_gone_are_told_to_wait_and_others_there_go_on(doors, address, phone_of):
    app, shared = doors(secret_rate="3 per minute"), address()
    phone = phone_of("west")

    def pull(token):
        return at(app, shared).get("/v1/sync/pull", headers={"Authorization": f"Bearer {token}"}).status_code

    assert [pull("gone") for _ in range(5)] == [401, 401, 401, 429, 429]
    assert pull(phone.token) == 200


def test_of_many_guesses_at_once_no_more_are_looked_at_than_may_be(redis_url):
    throttle = Throttle(redis_url)
    whose = secrets.token_hex(8)
    assert [throttle.count("3 per minute", whose) == 0 for _ in range(10)].count(True) == 3


def test_processes_count_together_and_each_by_itself_while_redis_is_away(redis_url):
    whose = secrets.token_hex(8)
    one, other, alone = Throttle(redis_url), Throttle(redis_url), Throttle(NO_REDIS)
    assert one.count("1 per minute", whose) == 0
    assert other.count("1 per minute", whose) > 0
    assert alone.count("1 per minute", whose) == 0
    assert alone.count("1 per minute", whose) > 0


def test_a_person_may_have_only_so_many_sessions(app, chief, session, monkeypatch):
    monkeypatch.setattr(signin, "MOST_SESSIONS", 2)
    clients = [app.test_client() for _ in range(3)]
    for client in clients:
        assert sign_in(client, chief).status_code == 200
    assert [client.get("/v1/session").status_code for client in clients] == [401, 200, 200]


def test_an_accent_typed_in_two_ways_is_one_password(app, session):
    login = f"p-{secrets.token_hex(4)}"
    add_person(session, login, role="gis", place=COUNTY, password="caf\u00e9-caf\u00e9-1", now=dt.datetime.now(dt.UTC))
    session.commit()
    assert sign_in(app.test_client(), login, "cafe\u0301-cafe\u0301-1").status_code == 200
