"""Hints reach any number of listeners, and none of them holds a thread of the server."""

import contextlib
import time

import pytest
import requests
from sqlalchemy import text

from tests.api.hearing import ends, hears, listening

LISTENERS = 40


@pytest.fixture
def listen(server):
    """Opens listening connections; they are closed whatever happens."""
    with contextlib.ExitStack() as opened:
        yield lambda phone: opened.enter_context(
            listening(server, "/v1/sync/events", Authorization=f"Bearer {phone.token}")
        )


def test_listeners_hear_of_changes_in_their_grids_and_hold_no_thread(server, listen, phone_of):
    west, east, writer = phone_of("west"), phone_of("east"), phone_of("west")
    listeners = [listen(west) for _ in range(LISTENERS)]
    elsewhere = listen(east)
    for each in [*listeners, elsewhere]:
        assert hears(each, b"retry: "), "the stream begins"
    time.sleep(1.5)
    began = requests.get(f"{server}/v1/sync/pull", headers=west.headers, timeout=20)
    assert began.status_code == 200, "two threads serve on beside forty listeners"
    writer.push(writer.visit())
    for each in listeners:
        assert hears(each, b"event: changed")
    assert not hears(elsewhere, b"event:", within_s=2)


def test_listeners_hear_of_a_new_epoch_and_of_new_assignments(listen, phone_of, session):
    phone = phone_of("west")
    listener = listen(phone)
    assert hears(listener, b"retry: ")
    time.sleep(1.5)
    phone_of("east")
    assert hears(listener, b"event: changed")
    session.execute(text("UPDATE city_state SET epoch = gen_random_uuid()"))
    session.commit()
    assert hears(listener, b"event: resync")


def test_a_phone_that_sees_other_grids_now_listens_anew_and_hears_of_those(server, listen, phone_of, session):
    phone, writer = phone_of("west"), phone_of("east")
    listener = listen(phone)
    assert hears(listener, b"retry: ")
    session.execute(
        text("""
            INSERT INTO assignment (person_id, area_id, role, during)
            SELECT mine.id, area_id, role, during
            FROM assignment JOIN person AS theirs ON theirs.id = person_id CROSS JOIN person AS mine
            WHERE theirs.login = :theirs AND mine.login = :mine
        """),
        {"theirs": writer.login, "mine": phone.login},
    )
    session.commit()
    assert hears(listener, b"event: changed")
    phone.pull()
    assert ends(listener)
    again = listen(phone)
    assert hears(again, b"retry: ")
    time.sleep(1.5)
    writer.push(writer.visit(at=(114.315, 25.685)))
    assert hears(again, b"event: changed")


def test_a_revoked_phone_hears_nothing_more_and_others_go_on(listen, phone_of, session):
    lost, kept = listen(phone := phone_of("west")), listen(other := phone_of("west"))
    assert hears(lost, b"retry: ")
    assert hears(kept, b"retry: ")
    session.execute(text("UPDATE device SET revoked_at = now() WHERE uid = :uid"), {"uid": phone.device_id})
    session.commit()
    assert ends(lost)
    time.sleep(1.5)
    other.push(other.visit())
    assert hears(kept, b"event: changed")


def test_strangers_do_not_listen(server):
    answer = requests.get(f"{server}/v1/sync/events", timeout=5)
    assert answer.status_code == 401
