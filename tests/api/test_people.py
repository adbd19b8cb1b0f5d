"""Accounts by /v1/people: who may do what to whom, what it ends, and what the book says of it afterwards."""

import datetime as dt
import secrets

import pytest
from sqlalchemy import text

from server.accounts import people
from server.accounts.authority import Actor
from tests.api.account_acts import (
    COMMUNITY,
    COUNTY,
    NEW,
    PATH,
    added,
    admin,
    book,
    desk,
    login_of,
    program,
    roles,
    signed_in,
)
from tests.cases import city

__all__ = ["admin", "desk"]


def test_an_added_person_signs_in_however_the_login_is_typed(app, admin):
    name = secrets.token_hex(4)
    told = added(admin, f" Jos\u00e9-{name.upper()} ", name=" 李  娜 ")
    assert told["login"] == f"jos\u00e9-{name}"
    for typed in (told["login"], f"JOSE\u0301-{name} "):
        signed_in(app, {"login": typed, "password": told["password"]})
    assert admin.get(f"{PATH}/{told['login']}").json["name"] == "李 娜"


def test_a_login_is_added_once_in_whatever_spelling_and_its_password_stays(app, admin):
    told = added(admin)
    for again in (told["login"], told["login"].upper(), f" {told['login']}"):
        answer = admin.post(PATH, {"login": again, "role": "auditor", "area": COUNTY, "password": NEW})
        assert (answer.status_code, answer.json["type"]) == (409, "/problems/login-taken")
    signed_in(app, told)


@pytest.mark.parametrize("login", ["an na", "a\u200bb", "!", "张\u3000伟"])
def test_a_login_that_nobody_can_type_is_refused_with_its_field(admin, login):
    answer = admin.post(PATH, {"login": login, "role": "gis", "area": COUNTY})
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/login-unusable")
    assert answer.json["field"] == "login"


def test_a_login_that_turns_the_direction_of_reading_is_refused_as_any_such_text(admin):
    answer = admin.post(PATH, {"login": "\u202eanna", "role": "gis", "area": COUNTY})
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/text-unclean")
    assert answer.json["errors"][0]["field"] == "login"


def test_a_further_role_leaves_password_and_sessions_alone(app, admin, session):
    told = added(admin)
    person = signed_in(app, told)
    for _ in range(2):
        answer = admin.post(f"{PATH}/{told['login']}/roles", {"role": "auditor", "area": COMMUNITY})
        assert answer.status_code == 200, answer.text
    assert {each["role"] for each in answer.json["roles"]} == {"gis", "auditor"}
    assert person.get("/v1/session").json["roles"] == ["auditor", "gis"]
    signed_in(app, told)
    assert roles(session, told["login"]) == [("auditor", COMMUNITY), ("gis", COUNTY)]


@pytest.mark.long
def test_a_role_that_ended_gives_nothing_any_more_and_may_be_given_again(app, admin, session):
    told = added(admin)
    admin.post(f"{PATH}/{told['login']}/roles", {"role": "auditor", "area": COUNTY})
    person = signed_in(app, told)
    ended = {"role": "gis", "area": COUNTY}
    assert admin.post(f"{PATH}/{told['login']}/roles/end", ended).status_code == 204
    assert person.get("/v1/session").json["roles"] == ["auditor"]
    assert admin.post(f"{PATH}/{told['login']}/roles/end", ended).status_code == 404
    assert admin.post(f"{PATH}/{told['login']}/roles", ended).status_code == 200
    assert person.get("/v1/session").json["roles"] == ["auditor", "gis"]


def test_who_has_no_role_any_more_is_signed_out(app, admin):
    told = added(admin)
    person = signed_in(app, told)
    admin.post(f"{PATH}/{told['login']}/roles/end", {"role": "gis", "area": COUNTY})
    assert person.get("/v1/session").status_code == 401


def test_what_of_an_ended_role_was_to_come_does_not_come(session, admin):
    told, now = added(admin), dt.datetime.now(dt.UTC)
    session.execute(
        text("""
            UPDATE assignment SET during = tstzrange(lower(during), now() + interval '1 day') FROM person
            WHERE person.id = person_id AND login = :login;
        """),
        {"login": told["login"]},
    )
    session.execute(
        text("""
            INSERT INTO assignment (person_id, role, area_id, during)
            SELECT person_id, role, area_id, tstzrange(now() + interval '2 days', NULL)
            FROM assignment JOIN person ON person.id = person_id WHERE login = :login
        """),
        {"login": told["login"]},
    )
    session.commit()
    person = people.known_person(session, told["login"])
    people.end_role(session, Actor.operator(), person, role="gis", place=COUNTY, now=now + dt.timedelta(hours=1))
    left = text("""
        SELECT count(*) FROM assignment JOIN person ON person.id = person_id
        WHERE login = :login AND (upper_inf(during) OR upper(during) > :at)
    """)
    assert session.scalar(left, {"login": told["login"], "at": now + dt.timedelta(hours=2)}) == 0


ENDING = {
    "password": {},
    "block": {"reason": "left"},
    "sign-out": {},
}


@pytest.mark.parametrize("act", ENDING)
def test_a_new_password_a_block_and_a_sign_out_end_all_that_lets_in(app, admin, session, act):
    told = added(admin)
    person, other = signed_in(app, told), signed_in(app, told)
    secret = person.post("/v1/session/passwords", {"name": "QGIS"}).json["secret"]
    assert program(app, told["login"], secret) == 200
    assert admin.post(f"{PATH}/{told['login']}/{act}", ENDING[act]).status_code in (200, 204)
    assert (person.get("/v1/session").status_code, other.get("/v1/session").status_code) == (401, 401)
    assert program(app, told["login"], secret) == 401
    entry = admin.get(f"{PATH}/{told['login']}").json
    assert (entry["sessions"], entry["app_passwords"]) == (0, 0)
    admin.post(f"{PATH}/{told['login']}/unblock")
    assert person.get("/v1/session").status_code == 401
    assert program(app, told["login"], secret) == 401


def test_who_is_blocked_is_let_in_again_with_the_password_and_phone_they_had(app, admin, phone_of):
    told = added(admin)
    phone = phone_of("west", login=told["login"])
    headers = {"Authorization": f"Bearer {phone.token}"}
    assert admin.post(f"{PATH}/{told['login']}/block", {}).status_code == 204
    assert app.test_client().post("/v1/session", json=told).status_code == 401
    assert app.test_client().get("/v1/sync/pull", headers=headers).json["type"].endswith("/device-revoked")
    assert admin.get(f"{PATH}/{told['login']}").json["active"] is False
    assert admin.post(f"{PATH}/{told['login']}/unblock").status_code == 204
    signed_in(app, told)
    assert app.test_client().get("/v1/sync/pull", headers=headers).status_code == 200


@pytest.mark.parametrize("act", ["password", "sign-out"])
@pytest.mark.parametrize(("devices", "status"), [(True, 401), (False, 200)])
def test_phones_go_too_where_that_is_asked(app, admin, phone_of, act, devices, status):
    told = added(admin)
    phone = phone_of("west", login=told["login"])
    admin.post(f"{PATH}/{told['login']}/{act}", {"devices": devices})
    headers = {"Authorization": f"Bearer {phone.token}"}
    assert app.test_client().get("/v1/sync/pull", headers=headers).status_code == status


def test_a_code_that_was_not_used_ends_with_the_rest(app, admin, session):
    told = added(admin, role="grid_worker", area=city.WEST)
    code = admin.post("/v1/enrolments", {"worker": told["login"].upper()}).json["code"]
    admin.post(f"{PATH}/{told['login']}/sign-out", {})
    phone = {"name": "p", "platform": "test", "app_version": "1"}
    assert app.test_client().post("/v1/devices", json={"code": code, "device": phone}).status_code == 410


def test_ones_own_password_is_changed_with_the_present_one_and_only_this_browser_stays(app, admin):
    told = added(admin)
    person, other = signed_in(app, told), signed_in(app, told)
    secret = other.post("/v1/session/passwords", {"name": "QGIS"}).json["secret"]
    wrong = person.post("/v1/session/password", {"current": "wrong-word-1", "new": NEW})
    assert (wrong.status_code, wrong.json["field"]) == (422, "current")
    changed = person.post("/v1/session/password", {"current": told["password"], "new": NEW})
    assert changed.status_code == 200
    assert changed.json["person"]["login"] == told["login"]
    assert person.get("/v1/session").status_code == 200
    assert (other.get("/v1/session").status_code, program(app, told["login"], secret)) == (401, 401)
    person.csrf = changed.json["csrf"]
    assert person.post("/v1/session/passwords", {"name": "QGIS"}).status_code == 201
    assert app.test_client().post("/v1/session", json=told).status_code == 401
    signed_in(app, {"login": told["login"], "password": NEW})


def test_a_person_signs_out_everywhere_by_themselves(app, admin):
    told = added(admin)
    person, other = signed_in(app, told), signed_in(app, told)
    assert person.post("/v1/session/sign-out-everywhere").status_code == 204
    assert (person.get("/v1/session").status_code, other.get("/v1/session").status_code) == (401, 401)


def test_a_short_password_is_refused_whoever_sets_it(admin):
    told = added(admin)
    answer = admin.post(f"{PATH}/{told['login']}/password", {"password": "short"})
    assert answer.json["type"].endswith("/password-too-short")
    answer = admin.post("/v1/session/password", {"current": "x" * 12, "new": "short"})
    assert answer.json["type"].endswith("/password-too-short")


def test_the_book_tells_who_did_what_from_where(admin, session):
    told = added(admin)
    login = told["login"]
    admin.post(f"{PATH}/{login}/roles", {"role": "auditor", "area": COUNTY})
    admin.post(f"{PATH}/{login}/roles/end", {"role": "auditor", "area": COUNTY})
    for act in ("password", "block", "unblock", "sign-out"):
        admin.post(f"{PATH}/{login}/{act}", {})
    whats = ["added", "role_given", "role_given", "role_ended", "password_set", "blocked", "unblocked", "signed_out"]
    assert book(session, login) == [(what, admin.login, "127.0.0.1") for what in whats]
    events = admin.get(f"{PATH}/{login}/events").json["events"]
    assert [each["what"] for each in events] == whats[::-1]
    assert events[-2]["detail"] == {"role": "gis", "place": COUNTY}
    assert book(session, admin.login)[0] == ("added", None, "command")


def test_the_list_is_found_by_area_role_state_and_words(desk, admin):
    west = added(admin, role="grid_worker", area=city.WEST, name="王小二")
    east = added(admin, role="grid_worker", area=city.EAST)
    admin.post(f"{PATH}/{east['login']}/block")

    def found(caller=admin, **query):
        return {each["login"] for each in caller.get(PATH, limit=500, **query).json["people"]}

    both = {west["login"], east["login"]}
    assert both <= found()
    assert both & found(area=city.WEST) == {west["login"]}
    assert both & found(area=COMMUNITY) == both
    assert both & found(state="blocked") == {east["login"]}
    assert both & found(q="王小") == {west["login"]}
    assert both & found(q=west["login"].upper()) == {west["login"]}
    assert both & found(q="%") == set()
    assert both & found(role="gis") == set()
    assert both & found(desk("supervisor", city.EAST)) == {east["login"]}


@pytest.mark.long
def test_the_list_goes_on_where_it_ended(admin):
    logins = {added(admin)["login"] for _ in range(3)}
    seen, after = [], ""
    while after is not None:
        page = admin.get(PATH, limit=2, after=after).json
        seen += [each["login"] for each in page["people"]]
        after = page["after"]
    assert logins <= set(seen)
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("login", ["no-such-person", "a%00b", "%F0%9F%98%80", "x" * 300])
def test_nobody_is_told_plainly(admin, login):
    assert admin.get(f"{PATH}/{login}").status_code == 404
    assert admin.post(f"{PATH}/{login}/block").status_code == 404


def test_a_retired_area_takes_no_roles(admin):
    answer = admin.post(PATH, {"login": login_of(), "role": "gis", "area": "999999"})
    assert (answer.status_code, answer.json["area"]) == (422, "999999")
