"""Open maps hear that another edition is in force, and nobody hears longer than they may."""

import contextlib

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text

from server.api.map import GroundSchema, InForceSchema
from server.database.extensions import db
from server.events import hub
from tests.api.hearing import ends, hears, listening
from tests.api.staff import Desk

COUNTY = "360725"
PATH = "/v1/map/events"
# What a publication does to the editions raises the serial by a trigger; so does this, which changes no ground.
REDRAW = text("UPDATE edition SET note = note")


@pytest.fixture
def desk(app, session):
    return lambda role="supervisor": Desk.of(app, session, role, COUNTY)


@pytest.fixture
def listen(server):
    """Opens streams for staff, and waits until they are open; they are closed whatever happens."""
    with contextlib.ExitStack() as opened:

        def begin(desk):
            token = desk.client.get_cookie("patrol_session").value
            connection = opened.enter_context(listening(server, PATH, Cookie=f"patrol_session={token}"))
            assert hears(connection, b"retry: "), "the stream begins"
            return connection

        yield begin


def commit(session, *statements):
    for statement in statements:
        session.execute(statement)
    session.commit()


def test_open_maps_hear_of_a_redraw_even_the_moment_that_they_begin_to_listen(listen, desk, session):
    # The first on an idle server, and then one beside it.
    listeners = []
    for _ in range(2):
        listeners.append(listen(desk()))
        commit(session, REDRAW)
        assert all(hears(each, b"event: ground") for each in listeners)


def test_open_maps_hear_of_a_new_life_of_the_city_and_not_of_assignments_or_records(listen, desk, phone_of, session):
    listener = listen(desk())
    writer = phone_of("west")
    writer.push(writer.visit())
    assert not hears(listener, b"event: ground", within_s=1)
    commit(session, text("UPDATE city_state SET epoch = gen_random_uuid()"))
    assert hears(listener, b"event: ground")


def test_who_signs_out_or_may_not_sign_in_any_more_hears_nothing_more(listen, desk, session):
    leaving, barred, staying = desk(), desk(), desk()
    streams = {each.login: listen(each) for each in (leaving, barred, staying)}
    gone = leaving.client.delete("/v1/session", headers={"X-CSRF-Token": leaving.csrf})
    assert gone.status_code == 204
    commit(session, text("UPDATE person SET is_active = false WHERE login = :login").bindparams(login=barred.login))
    assert ends(streams[leaving.login])
    assert ends(streams[barred.login])
    commit(session, REDRAW)
    assert hears(streams[staying.login], b"event: ground")


def test_what_changes_while_the_database_is_away_is_told_when_it_is_back(listen, desk, app, session, cluster_url):
    listener = listen(desk())
    name, own = session.execute(text("SELECT current_database(), pg_backend_pid()")).one()
    doors = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(cluster_url, autocommit=True) as cluster:
        cluster.execute(doors.format(sql.Identifier(name), sql.SQL("false")))
        try:
            cluster.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s", [name, own]
            )
            commit(session, REDRAW)
            assert not hears(listener, b"event: ground", within_s=1)
        finally:
            cluster.execute(doors.format(sql.Identifier(name), sql.SQL("true")))
    with app.app_context():
        db.engine.dispose()
    assert hears(listener, b"event: ground")


def test_strangers_and_phones_do_not_listen_to_what_maps_are_told(app, phone_of):
    assert app.test_client().get(PATH).status_code == 401
    assert app.test_client().get(PATH, headers=phone_of("west").headers).status_code == 401


def test_a_server_that_cannot_stream_says_so_and_one_that_is_full_too(desk, monkeypatch):
    client = desk().client
    assert client.get(PATH).status_code == 204
    monkeypatch.setattr(hub, "MAX_LISTENERS", 0)
    full = client.get(PATH, environ_overrides={"gunicorn.socket": None})
    assert full.status_code == 503


def test_a_map_that_is_hinted_at_is_told_which_tiles_to_draw(desk):
    client = desk().client
    told, ground = client.get("/v1/map/ground").json, client.get("/v1/areas").json
    assert InForceSchema().validate(told) == GroundSchema().validate(ground) == {}
    assert told == {"edition": ground["edition"]["number"], "tiles": ground["tiles"]}
