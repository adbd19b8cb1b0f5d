"""Enrolment codes by the staff, in the browser and on the command line: for their own workers, once."""

import json
import secrets

import pytest
from sqlalchemy import text

from server.account_commands import enrol, user_add
from tests.api.staff import Desk
from tests.cases import city

COUNTY = "360725"


@pytest.fixture
def worker(phone_of):
    return phone_of("west").login


def take(app, code):
    device = {"name": "手机", "platform": "test", "app_version": "1.0.0"}
    return app.test_client().post("/v1/devices", json={"code": code, "device": device})


def test_a_code_made_by_the_supervisor_enrols_one_phone(app, session, worker):
    told = Desk.of(app, session, "supervisor", COUNTY).post("/v1/enrolments", {"worker": worker})
    assert told.status_code == 201
    assert told.json["url"].endswith(f"/enrol#{told.json['code']}")
    assert told.json["qr_svg"].startswith("<svg")
    assert take(app, told.json["code"]).json["worker"]["login"] == worker
    assert take(app, told.json["code"]).status_code == 409


def test_a_worker_of_other_areas_is_as_good_as_none(app, session, worker):
    east = Desk.of(app, session, "supervisor", city.EAST)
    for login in (worker, "nobody"):
        answer = east.post("/v1/enrolments", {"worker": login})
        assert answer.status_code == 404
        assert answer.json["type"].endswith("/outside-charge")


@pytest.mark.parametrize("role", ["gis", "auditor", "grid_worker"])
def test_other_roles_hand_out_no_codes(app, session, worker, role):
    answer = Desk.of(app, session, role, COUNTY).post("/v1/enrolments", {"worker": worker})
    assert answer.status_code == 403


@pytest.fixture
def on_this_city(app, sync_url, monkeypatch):
    settings = app.config["PATROL"]
    monkeypatch.setenv("DATABASE_URL", sync_url)
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("PATROL_SECRET_KEY", settings.secret_key)


@pytest.mark.usefixtures("on_this_city")
def test_the_command_prints_a_code_that_enrols(app, worker, capsys):
    assert enrol(worker=worker, as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"code", "url", "expires_at"}
    assert take(app, told["code"]).status_code == 201


@pytest.mark.usefixtures("on_this_city")
def test_the_command_draws_a_picture_to_scan(worker, capsys):
    assert enrol(worker=worker) == 0
    assert "█" in capsys.readouterr().out


@pytest.mark.usefixtures("on_this_city")
def test_the_command_says_in_both_languages_what_is_wrong(capsys):
    assert enrol(worker="nobody", as_json=True) == 1
    told = capsys.readouterr().err
    assert "找不到" in told
    assert "nobody" in told
    assert user_add(login="x", role="emperor", area=COUNTY) == 1
    assert "grid_worker" in capsys.readouterr().err
    assert user_add(login="x", role="gis", area="999999") == 1
    assert "999999" in capsys.readouterr().err


@pytest.mark.usefixtures("on_this_city")
def test_a_person_added_by_the_command_can_sign_in(app, session, capsys):
    login = f"new-{secrets.token_hex(4)}"
    assert user_add(login=login, role="handler", area="chengguan") == 0
    password = capsys.readouterr().out.split()[1]
    answer = app.test_client().post("/v1/session", json={"login": login, "password": password})
    assert [body["code"] for body in answer.json["charge"]["organisations"]] == ["chengguan"]
    assert session.scalar(text("SELECT count(*) FROM person WHERE login = :login"), {"login": login}) == 1
