"""Enrolment codes by the staff, in the browser and on the command line: for their own workers, once."""

import json
import secrets

import pytest
from sqlalchemy import text

from server.commands.accounts import enrol, user_add
from tests.api.staff import Desk
from tests.cases import city
from tests.sync.phone import Phone

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


def assign(session, login, area, role):
    session.execute(
        text("""
            INSERT INTO assignment (person_id, role, area_id, during)
            SELECT person.id, :role, area.id, '[2026-01-01,)' FROM person, area WHERE login = :login AND code = :area
        """),
        {"login": login, "role": role, "area": area},
    )
    session.commit()


def end(session, login):
    session.execute(
        text("""
            UPDATE assignment SET during = tstzrange(lower(during) - interval '1 hour', now())
            FROM person WHERE person.id = person_id AND login = :login
        """),
        {"login": login},
    )
    session.commit()


def test_a_code_gives_no_more_than_its_maker_may(app, session, worker):
    west = Desk.of(app, session, "supervisor", city.WEST)
    assert west.post("/v1/enrolments", {"worker": worker}).status_code == 201
    assign(session, worker, city.EAST, "grid_worker")
    refused = west.post("/v1/enrolments", {"worker": worker})
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/works-elsewhere")
    assert Desk.of(app, session, "supervisor", COUNTY).post("/v1/enrolments", {"worker": worker}).status_code == 201


@pytest.mark.parametrize(("role", "area"), [("auditor", COUNTY), ("supervisor", city.EAST), ("admin", COUNTY)])
def test_nobody_makes_a_phone_for_an_office_beyond_their_charge(app, session, worker, role, area):
    """What is given to its worker comes with the phone, and what it sends is theirs."""
    west, county = (Desk.of(app, session, "supervisor", top) for top in (city.WEST, COUNTY))
    before = west.post("/v1/enrolments", {"worker": worker}).json["code"]
    assign(session, worker, area, role)
    refused = west.post("/v1/enrolments", {"worker": worker})
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/office-elsewhere")
    assert "任职" in refused.json["title"]
    assert take(app, before).status_code == 410, "nor by a code from before the office"
    assert county.post("/v1/enrolments", {"worker": worker}).status_code == 201


def test_an_office_in_the_same_charge_keeps_nobody_from_a_phone(app, session, worker):
    west = Desk.of(app, session, "supervisor", city.WEST)
    assign(session, worker, city.WEST, "auditor")
    code = west.post("/v1/enrolments", {"worker": worker}).json["code"]
    assert take(app, code).status_code == 201


def test_a_phone_of_who_handles_for_a_body_too_is_made_by_the_whole_city_alone(app, session, worker):
    """It takes the steps of that body, on cases all over the city."""
    west, county = (Desk.of(app, session, "supervisor", top) for top in (city.WEST, COUNTY))
    before = west.post("/v1/enrolments", {"worker": worker}).json["code"]
    session.execute(
        text("""
            INSERT INTO assignment (person_id, role, organisation_id, during)
            SELECT person.id, 'handler', organisation.id, '[2026-01-01,)' FROM person, organisation
            WHERE login = :login LIMIT 1
        """),
        {"login": worker},
    )
    session.commit()
    assert west.post("/v1/enrolments", {"worker": worker}).json["type"] == "/problems/office-elsewhere"
    assert take(app, before).status_code == 410
    code = county.post("/v1/enrolments", {"worker": worker}).json["code"]
    assert take(app, code).status_code == 201


@pytest.mark.parametrize("role", ["auditor", "supervisor", "gis", "checker"])
def test_who_does_no_field_work_gets_no_code(app, session, role):
    desk = Desk.of(app, session, role, city.WEST)
    assert Desk.of(app, session, "supervisor", COUNTY).post("/v1/enrolments", {"worker": desk.login}).status_code == 404


def test_a_code_dies_with_the_charge_of_its_maker(app, session, worker):
    maker = Desk.of(app, session, "supervisor", city.WEST)
    code = maker.post("/v1/enrolments", {"worker": worker}).json["code"]
    end(session, maker.login)
    refused = take(app, code)
    assert (refused.status_code, refused.json["type"]) == (410, "/problems/code-void")
    assign(session, maker.login, city.EAST, "supervisor")
    assert take(app, code).status_code == 410, "in charge of others today"


def test_a_code_dies_with_the_role_of_its_maker_whatever_else_they_may_read(app, session, worker):
    maker = Desk.of(app, session, "supervisor", city.WEST)
    code = maker.post("/v1/enrolments", {"worker": worker}).json["code"]
    end(session, maker.login)
    assign(session, maker.login, COUNTY, "auditor")
    assert take(app, code).status_code == 410


def test_a_code_dies_with_the_field_work_of_its_worker(app, session, worker):
    code = Desk.of(app, session, "supervisor", COUNTY).post("/v1/enrolments", {"worker": worker}).json["code"]
    end(session, worker)
    assert take(app, code).status_code == 410


def test_where_a_worker_worked_once_is_nobodys_concern_today(app, session, phone_of):
    moved = phone_of("east").login
    end(session, moved)
    assign(session, moved, city.WEST, "grid_worker")
    west, east = (Desk.of(app, session, "supervisor", area) for area in (city.WEST, city.EAST))
    assert east.post("/v1/enrolments", {"worker": moved}).status_code == 404
    code = west.post("/v1/enrolments", {"worker": moved})
    assert (code.status_code, take(app, code.json["code"]).status_code) == (201, 201)


def test_a_code_does_not_carry_into_areas_that_its_maker_does_not_have(app, session, worker):
    code = Desk.of(app, session, "supervisor", city.WEST).post("/v1/enrolments", {"worker": worker}).json["code"]
    assign(session, worker, city.EAST, "grid_worker")
    assert take(app, code).status_code == 410


def test_a_maker_who_is_no_longer_active_gives_nothing(app, session, worker):
    maker = Desk.of(app, session, "supervisor", city.WEST)
    code = maker.post("/v1/enrolments", {"worker": worker}).json["code"]
    session.execute(text("UPDATE person SET is_active = false WHERE login = :login"), {"login": maker.login})
    session.commit()
    assert take(app, code).status_code == 410


def test_support_shows_who_made_which_code(app, session, worker):
    maker, chief = Desk.of(app, session, "grid_head", city.WEST), Desk.of(app, session, "supervisor", COUNTY)
    code = maker.post("/v1/enrolments", {"worker": worker}).json["code"]
    unused = chief.post("/v1/enrolments", {"worker": worker}).json["code"]
    device = take(app, code).json["device_id"]
    told = chief.get("/v1/support/enrolments")
    assert not any(each in told.text for each in (code, unused))
    newest, second, first = told.json["enrolments"]
    assert (newest["made_by"], newest["used_at"], newest["device_id"]) == (chief.login, None, None)
    assert [area["code"] for area in newest["areas"]] == [COUNTY]
    assert (second["made_by"], second["made_with"], second["device_id"]) == (maker.login, "staff", device)
    assert [area["code"] for area in second["areas"]] == [city.WEST]
    assert (first["made_by"], first["made_with"]) == (None, "command")
    found = chief.get(f"/v1/support/devices/{device}").json["device"]
    assert (found["enrolled_by"], found["enrolled_with"]) == (maker.login, "staff")
    east = Desk.of(app, session, "supervisor", city.EAST)
    assert east.get("/v1/support/enrolments").json["enrolments"] == []


@pytest.fixture
def on_this_city(app, sync_url, monkeypatch):
    settings = app.config["PATROL"]
    monkeypatch.setenv("DATABASE_URL", sync_url)
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("PATROL_SECRET_KEY", settings.secret_key)


QUARREL = {"category": "0601", "description": "邻里争执的细节"}


@pytest.fixture
def reporter(phone_of):
    """A worker of the west grid who told of three quarrels: in the west, in the east, and in no grid at all."""
    phone = phone_of("west")
    told = [phone.issue(at, **QUARREL) for at in ((114.305, 25.685), (114.315, 25.685), (114.3199999, 25.6899999))]
    assert {each["status"] for each in phone.push(*told)} == {"applied"}
    phone.reported = [each["id"] for each in told]
    return phone


def enrolled_by(app, session, reporter, role, place):
    """Enrol a further phone of somebody by a code that somebody of the staff made; it has pulled."""
    code = Desk.of(app, session, role, place).post("/v1/enrolments", {"worker": reporter.login}).json["code"]
    told = take(app, code).json
    phone = Phone(app.test_client(), told["token"], told["device_id"], reporter.login, told["scope"])
    phone.pull()
    return phone


def words_of(phone, ids):
    return ["description" in phone.held["issues", each]["data"] for each in ids]


@pytest.mark.parametrize(
    ("role", "place", "shown"),
    [("grid_head", city.WEST, [False, False, False]), ("supervisor", city.WEST, [True, False, False]),
     ("dispatcher", COUNTY, [True, True, True])],
)  # fmt: skip
def test_a_code_hands_out_what_is_private_where_its_maker_has_a_duty_alone(app, session, reporter, role, place, shown):
    phone = enrolled_by(app, session, reporter, role, place)
    assert words_of(phone, reporter.reported) == shown
    told_as_own = ["mine" in phone.held["issues", each] for each in reporter.reported]
    assert told_as_own == shown, "who reported it is as private as the words"
    for record_id, seen in zip(reporter.reported, shown, strict=True):
        likely = phone.client.get(f"/v1/cases/{record_id}/reused-photos", headers=phone.headers)
        assert (likely.status_code == 200) == seen
    lines = phone.client.get("/v1/sync/records", query_string={"grid": city.WEST}, headers=phone.headers).text
    assert (QUARREL["description"] in lines) == shown[0]


def test_the_phone_that_told_it_shows_it_and_so_does_the_operators(app, session, reporter):
    reporter.pull()
    assert words_of(reporter, reporter.reported) == [True, True, True]
    second = Phone.enrolled(app.test_client(), session, reporter.login)
    second.pull()
    assert words_of(second, reporter.reported) == [True, True, True]


def test_what_is_told_with_the_new_phone_it_shows(app, session, reporter):
    phone = enrolled_by(app, session, reporter, "grid_head", city.WEST)
    mine = phone.issue(**QUARREL)
    phone.push(mine)
    other = reporter.issue(**QUARREL)
    reporter.push(other)
    phone.pull()
    assert words_of(phone, [mine["id"], other["id"]]) == [True, False]


def test_who_has_a_task_on_it_needs_its_words_whoever_made_the_code(app, session, reporter):
    phone = enrolled_by(app, session, reporter, "grid_head", city.WEST)
    session.execute(
        text("""
            INSERT INTO task (id, rev, doc_rev, doc, captured_at, received_at, changed_at, kind, title, person_id,
                              issue_id, grid_now)
            SELECT gen_random_uuid(), 1, 1, '{}', now(), now(), now(), 'check', '核查', author_id, id, grid_now
            FROM issue WHERE id = :id
        """),
        {"id": reporter.reported[0]},
    )
    session.commit()
    assert "description" in phone_anew(phone, reporter.reported[0])


def phone_anew(phone, record_id):
    phone.cursor, phone.held = None, {}
    phone.pull()
    return phone.held["issues", record_id]["data"]


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
