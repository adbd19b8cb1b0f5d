"""Application passwords: made by their owner, told once, used with HTTP Basic, revoked at once."""

import base64

import pytest
from sqlalchemy import text

from tests.api.staff import Desk

PATH = "/v1/session/passwords"
LANDING = "/ogc"


@pytest.fixture
def desk(app, session):
    return lambda: Desk.of(app, session, "gis", "360725")


def made(desk, name="QGIS"):
    answer = desk.post(PATH, {"name": name})
    assert answer.status_code == 201, answer.text
    return answer.json


def basic(login, secret):
    return {"Authorization": "Basic " + base64.b64encode(f"{login}:{secret}".encode()).decode()}


def test_a_secret_is_told_once_and_never_stored(desk, session):
    own = desk()
    secret = made(own)["secret"]
    (listed,) = own.get(PATH).json["passwords"]
    assert (listed["name"], "secret" in listed) == ("QGIS", False)
    rows = session.execute(text("SELECT app_password::text FROM app_password")).scalars()
    assert not any(secret in row for row in rows)


def test_a_program_signs_in_with_it_and_its_use_is_noted(app, desk):
    own = desk()
    secret = made(own)["secret"]
    stranger = app.test_client()
    assert stranger.get(LANDING, headers=basic(own.login, secret)).status_code == 200
    assert own.get(PATH).json["passwords"][0]["last_used_at"] is not None


@pytest.mark.parametrize("wrong", ["login", "secret", "scheme"])
def test_nothing_else_signs_in(app, desk, wrong):
    own, other = desk(), desk()
    secret = made(own)["secret"]
    login = other.login if wrong == "login" else own.login
    headers = basic(login, "gp-guess" if wrong == "secret" else secret)
    if wrong == "scheme":
        headers = {"Authorization": f"Bearer {secret}"}
    answer = app.test_client().get(LANDING, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_it_opens_no_other_door(app, desk):
    own = desk()
    answer = app.test_client().get("/v1/areas", headers=basic(own.login, made(own)["secret"]))
    assert answer.status_code == 401


def test_a_revoked_one_opens_nothing_more(app, desk):
    own = desk()
    told = made(own)
    gone = own.client.delete(f"{PATH}/{told['id']}", headers={"X-CSRF-Token": own.csrf})
    assert gone.status_code == 204
    assert own.get(PATH).json["passwords"] == []
    assert app.test_client().get(LANDING, headers=basic(own.login, told["secret"])).status_code == 401


def test_nobody_revokes_those_of_others(desk):
    own, other = desk(), desk()
    told = made(own)
    answer = other.client.delete(f"{PATH}/{told['id']}", headers={"X-CSRF-Token": other.csrf})
    assert answer.status_code == 404
    assert len(own.get(PATH).json["passwords"]) == 1


@pytest.mark.long
def test_there_are_only_so_many(desk):
    own = desk()
    for number in range(20):
        made(own, f"p{number}")
    answer = own.post(PATH, {"name": "one more"})
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/too-many-app-passwords")
