"""Who may do what to whose account: by role and area, today, and never to somebody who holds more."""

import datetime as dt
import threading

import pytest
from sqlalchemy import text

from server.accounts import people
from server.accounts.authority import Actor
from server.accounts.errors import LastAdministrator, SignInRefused, SignInRequired
from server.accounts.passwords import make
from server.accounts.service import add_person
from server.accounts.signin import sign_in
from server.database.ground_cache import ground_now
from server.database.transaction import transaction
from tests.api.account_acts import COMMUNITY, COUNTY, NEW, PATH, added, admin, desk, login_of, roles
from tests.cases import city

__all__ = ["admin", "desk"]


ACTS = ("roles", "roles/end", "password", "block", "unblock", "sign-out")


def statuses(desk, login, role="grid_worker", area=city.WEST):
    sent = {"roles": {"role": role, "area": area}, "roles/end": {"role": role, "area": area}}
    return {act: desk.post(f"{PATH}/{login}/{act}", sent.get(act)).status_code for act in ACTS}


@pytest.mark.parametrize("role", ["grid_worker", "grid_head", "dispatcher", "gis", "auditor", "checker"])
def test_other_roles_do_nothing_to_accounts(desk, admin, role):
    told = added(admin, role="grid_worker", area=city.WEST)
    caller = desk(role, city.WEST if role.startswith("grid") else COUNTY)
    assert set(statuses(caller, told["login"]).values()) == {403}
    assert caller.get(PATH).status_code == 403
    assert caller.get(f"{PATH}/{told['login']}").status_code == 403
    assert caller.post(PATH, {"login": login_of(), "role": "gis", "area": COUNTY}).status_code == 403


def test_a_supervisor_tends_field_workers_and_gives_no_roles(desk, admin):
    told = added(admin, role="grid_worker", area=city.WEST)
    answers = statuses(desk("supervisor", COMMUNITY), told["login"])
    assert answers == {
        "roles": 403, "roles/end": 403, "password": 200, "block": 204, "unblock": 204, "sign-out": 204
    }  # fmt: skip


def test_a_supervisor_of_other_areas_does_not_even_learn_that_there_is_such_a_person(desk, admin):
    told = added(admin, role="grid_worker", area=city.WEST)
    other = desk("supervisor", city.EAST)
    answers = statuses(other, told["login"])
    assert {answers[act] for act in ("password", "block", "unblock", "sign-out")} == {404}
    assert other.get(f"{PATH}/{told['login']}").status_code == 404
    assert other.get(f"{PATH}/{told['login']}/events").status_code == 404
    assert told["login"] not in {each["login"] for each in other.get(PATH, limit=500).json["people"]}


@pytest.mark.parametrize("more", [("grid_worker", city.EAST), ("auditor", city.WEST), ("supervisor", COUNTY)])
def test_nobody_comes_by_the_password_of_somebody_who_holds_more(desk, admin, more):
    told = added(admin, role="grid_worker", area=city.WEST)
    admin.post(f"{PATH}/{told['login']}/roles", {"role": more[0], "area": more[1]})
    caller = desk("supervisor", city.WEST)
    answers = statuses(caller, told["login"])
    assert {answers[act] for act in ("password", "block", "unblock", "sign-out")} == {403}
    assert [each["area"] for each in caller.get(f"{PATH}/{told['login']}").json["roles"]] == [city.WEST]


def test_an_administrator_of_a_part_gives_and_takes_there_and_nowhere_else(desk, admin, session):
    part = desk("admin", COMMUNITY)
    told = added(part, role="supervisor", area=city.WEST)
    for role, area, expected in (
        ("gis", COMMUNITY, 200),
        ("admin", COMMUNITY, 200),
        ("gis", COUNTY, 403),
        ("admin", COUNTY, 403),
    ):
        answer = part.post(f"{PATH}/{told['login']}/roles", {"role": role, "area": area})
        assert (role, area, answer.status_code) == (role, area, expected)
    assert part.post(PATH, {"login": login_of(), "role": "grid_worker", "area": COUNTY}).status_code == 403
    answers = statuses(part, admin.login, role="admin", area=COUNTY)
    assert {*answers.values()} <= {403, 404}
    assert admin.get("/v1/session").json["charge"]["everywhere"]


@pytest.mark.parametrize("role", ["gis", "grid_worker", "admin"])
def test_nobody_who_holds_more_elsewhere_is_given_a_role_but_by_who_administers_all_of_it(desk, admin, session, role):
    part, given = desk("admin", COMMUNITY), {"role": role, "area": COMMUNITY}
    elsewhere = added(admin, role="supervisor", area=COUNTY)["login"]
    for login in (admin.login, elsewhere):
        before = roles(session, login)
        assert part.post(f"{PATH}/{login}/roles", given).status_code == 404
        assert roles(session, login) == before
    helped = added(admin, role="grid_worker", area=city.WEST)["login"]
    west = desk("admin", city.WEST)
    assert west.post(f"{PATH}/{helped}/roles", {"role": role, "area": city.WEST}).status_code == 200
    admin.post(f"{PATH}/{helped}/roles", {"role": "auditor", "area": COUNTY})
    assert west.post(f"{PATH}/{helped}/roles", {"role": "checker", "area": city.WEST}).status_code == 403
    assert admin.post(f"{PATH}/{helped}/roles", given).status_code == 200


def test_an_administrator_gives_a_role_to_themselves_and_to_who_holds_none(desk, admin):
    part, nobody = desk("admin", COMMUNITY), added(admin)["login"]
    admin.post(f"{PATH}/{part.login}/roles", {"role": "auditor", "area": COUNTY})
    assert admin.post(f"{PATH}/{nobody}/roles/end", {"role": "gis", "area": COUNTY}).status_code == 204
    for login in (part.login, nobody):
        given = part.post(f"{PATH}/{login}/roles", {"role": "grid_worker", "area": city.WEST})
        assert given.status_code == 200, given.text


@pytest.mark.parametrize("more", [("grid_worker", city.EAST), ("supervisor", COUNTY), None])
def test_phones_are_revoked_by_who_is_in_charge_of_all_that_their_worker_holds(desk, admin, phone_of, more):
    told = added(admin, role="grid_worker", area=city.WEST)
    if more is not None:
        admin.post(f"{PATH}/{told['login']}/roles", {"role": more[0], "area": more[1]})
    phone, chief = phone_of(login=told["login"]), desk("supervisor", city.WEST)
    wipe = f"/v1/devices/{phone.device_id}/revoke"
    assert chief.post(wipe, {"wipe": True}).status_code == (204 if more is None else 404)
    assert desk("supervisor").post(wipe, {"wipe": True}).status_code == 204


def test_a_role_in_ones_own_area_makes_nobody_tendable_who_holds_more_elsewhere(desk, admin):
    part = desk("admin", COMMUNITY)
    assert admin.post(f"{PATH}/{admin.login}/roles", {"role": "gis", "area": COMMUNITY}).status_code == 200
    assert part.post(f"{PATH}/{admin.login}/password", {}).status_code == 403
    assert admin.get("/v1/session").status_code == 200


def test_an_assignment_that_ended_gives_no_authority(desk, admin, session):
    former = desk("admin")
    told = added(admin, role="grid_worker", area=city.WEST)
    admin.post(f"{PATH}/{former.login}/roles", {"role": "auditor", "area": COUNTY})
    admin.post(f"{PATH}/{former.login}/roles/end", {"role": "admin", "area": COUNTY})
    assert set(statuses(former, told["login"]).values()) == {403}


def test_the_last_administrator_of_the_city_cannot_be_taken_away(admin, session):
    session.execute(
        text("""
            UPDATE person SET password_hash = NULL FROM assignment
            WHERE person.id = person_id AND role = 'admin' AND login <> :login
        """),
        {"login": admin.login},
    )
    session.commit()
    for act, sent in (("block", {}), ("roles/end", {"role": "admin", "area": COUNTY})):
        answer = admin.post(f"{PATH}/{admin.login}/{act}", sent)
        assert (answer.status_code, answer.json["type"]) == (409, "/problems/last-administrator")
    assert admin.get("/v1/session").json["roles"] == ["admin"]
    second = added(admin, role="admin")
    assert admin.post(f"{PATH}/{second['login']}/block").status_code == 204


def test_two_administrators_do_not_take_each_other_away_at_once(app, session):
    one, two = (
        add_person(session, login_of(), role="admin", place=COUNTY, password=NEW, now=dt.datetime.now(dt.UTC))
        for _ in range(2)
    )
    session.execute(
        text("""
            UPDATE person SET is_active = false FROM assignment
            WHERE person.id = person_id AND role = 'admin' AND person.id NOT IN (:one, :two)
        """),
        {"one": one.id, "two": two.id},
    )
    session.commit()
    outcomes, both = [], threading.Barrier(2)

    def block(actor, whom):
        with app.app_context():
            try:
                with transaction() as tx:
                    now = dt.datetime.now(dt.UTC)
                    caller = Actor.caller(tx.session, actor, "test", ground_now(tx.session), now=now)
                    both.wait()
                    people.block(tx.session, caller, people.known_person(tx.session, whom), now=now)
                outcomes.append("blocked")
            except LastAdministrator:
                outcomes.append("refused")

    threads = [threading.Thread(target=block, args=pair) for pair in ((one.id, two.login), (two.id, one.login))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(outcomes) == ["blocked", "refused"]


def test_who_signs_in_while_the_password_changes_is_not_left_signed_in(app, session):
    now = dt.datetime.now(dt.UTC)
    person = add_person(session, login_of(), role="gis", place=COUNTY, password=NEW, now=now)
    session.commit()
    login = person.login
    people.reset_password(session, Actor.operator(), person, "yet-another-1", now=now)
    refused = []

    def arrive():
        with app.app_context():
            try:
                with transaction() as tx:
                    sign_in(tx.session, login, NEW, now=now)
            except SignInRefused:
                refused.append(login)

    thread = threading.Thread(target=arrive)
    thread.start()
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(600):
        if session.scalar(waiting):
            break
        thread.join(0.05)
    session.commit()
    thread.join()
    assert refused == [login]
    assert session.scalar(text("SELECT count(*) FROM staff_session WHERE person_id = :id"), {"id": person.id}) == 0


def test_a_session_that_was_ended_makes_no_application_password_any_more(session):
    now = dt.datetime.now(dt.UTC)
    person = add_person(session, login_of(), role="gis", place=COUNTY, password=NEW, now=now)
    token = sign_in(session, person.login, NEW, now=now).token
    people.sign_out_everywhere(session, Actor.operator(), person, now=now)
    with pytest.raises(SignInRequired):
        make(session, person.id, "QGIS", token=token, now=now)
