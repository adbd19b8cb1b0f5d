"""People and accounts for the tests of them."""

import base64
import secrets

import pytest
from sqlalchemy import text

from tests.api.staff import Desk

COUNTY, COMMUNITY = "360725", "360725100001"


PATH = "/v1/people"


NEW = "another-word-1"


@pytest.fixture
def desk(app, session):
    return lambda role, place=COUNTY: Desk.of(app, session, role, place)


@pytest.fixture
def admin(desk):
    return desk("admin")


def login_of(words="p"):
    return f"{words}-{secrets.token_hex(4)}"


def added(admin, login=None, role="gis", area=COUNTY, **more):
    answer = admin.post(PATH, {"login": login or login_of(), "role": role, "area": area, **more})
    assert answer.status_code == 201, answer.text
    return answer.json


def signed_in(app, told):
    client = app.test_client()
    answer = client.post("/v1/session", json=told)
    assert answer.status_code == 200, answer.text
    return Desk(client, answer.json["csrf"], told["login"])


def program(app, login, secret):
    word = base64.b64encode(f"{login}:{secret}".encode()).decode()
    return app.test_client().get("/ogc", headers={"Authorization": f"Basic {word}"}).status_code


def roles(session, login):
    return session.execute(
        text("""
            SELECT role, coalesce(area.code, organisation.code) FROM assignment JOIN person ON person.id = person_id
            LEFT JOIN area ON area.id = area_id LEFT JOIN organisation ON organisation.id = organisation_id
            WHERE login = :login AND upper_inf(during) ORDER BY 1, 2
        """),
        {"login": login},
    ).all()


def book(session, login):
    return session.execute(
        text("""
            SELECT what, actor.login, source FROM account_event JOIN person ON person.id = person_id
            LEFT JOIN person AS actor ON actor.id = actor_id WHERE person.login = :login ORDER BY account_event.id
        """),
        {"login": login},
    ).all()
