"""Hints reach any number of listeners, and none of them holds a thread of the server."""

import contextlib
import re
import time

import pytest
import requests
from sqlalchemy import text

from server.events.hub import MAX_OF_CALLER
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
    east, writer = phone_of("east"), phone_of("west")
    # No phone has more than a few.
    phones = [phone_of("west") for _ in range(-(-LISTENERS // MAX_OF_CALLER))]
    west = phones[0]
    listeners = [listen(phones[number // MAX_OF_CALLER]) for number in range(LISTENERS)]
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


def test_a_phone_that_opens_streams_without_end_keeps_the_newest_and_takes_no_others_room(listen, phone_of):
    greedy, other = phone_of("west"), phone_of("west")
    beside = listen(other)
    assert hears(beside, b"retry: ")
    listeners = []
    for _ in range(MAX_OF_CALLER + 3):
        listeners.append(listen(greedy))
        assert hears(listeners[-1], b"retry: ")
    assert all(ends(each) for each in listeners[:3])
    other.push(other.visit())
    assert all(hears(each, b"event: changed") for each in [beside, *listeners[3:]])


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


def told_until(connection, word):
    """Return what arrives on a connection up to a word."""
    told, connection_ends = b"", time.monotonic() + 30
    while word not in told and time.monotonic() < connection_ends:
        told += connection.recv(4096)
    return told


def last_id(told):
    return re.findall(rb"^id: (\S+)$", told, re.MULTILINE)[-1].decode()


@pytest.fixture
def again(server):
    """Opens a stream as a client does that reconnects, with the last id that it heard."""
    with contextlib.ExitStack() as opened:
        yield lambda phone, heard: opened.enter_context(
            listening(server, "/v1/sync/events", **{"Authorization": f"Bearer {phone.token}", "Last-Event-ID": heard})
        )


def test_a_hint_that_a_break_swallowed_is_made_up_when_the_stream_is_opened_again(listen, again, phone_of):
    phone, writer = phone_of("west"), phone_of("west")
    with listen(phone) as first:
        heard = last_id(told_until(first, b"retry: 15000\n\n"))
    writer.push(writer.visit())
    assert hears(again(phone, heard), b"event: changed")


def test_who_missed_nothing_is_hinted_at_nothing(listen, again, phone_of):
    phone, writer = phone_of("west"), phone_of("west")
    first = listen(phone)
    told_until(first, b"retry: 15000\n\n")
    time.sleep(1.5)
    writer.push(writer.visit())
    heard = last_id(told_until(first, b"event: changed"))
    assert not hears(again(phone, heard), b"event:", within_s=2)


def test_who_missed_new_assignments_or_a_restore_hears_of_it(listen, again, phone_of, session):
    phone = phone_of("west")
    with listen(phone) as first:
        heard = last_id(told_until(first, b"retry: 15000\n\n"))
    phone_of("east")
    assert hears(again(phone, heard), b"event: changed")
    session.execute(text("UPDATE city_state SET epoch = gen_random_uuid()"))
    session.commit()
    assert hears(again(phone, heard), b"event: resync")


@pytest.mark.parametrize("heard", ["x", "1", "a" * 4000, "%0a", f"{'0' * 32}.1.1.1"])
def test_an_id_that_is_none_of_ours_has_the_phone_pull_anew(again, phone_of, heard):
    assert hears(again(phone_of("west"), heard), b"event: resync")
