"""The hub of hints by itself, turned by hand: no thread, so that what crosses in a second crosses in every run."""

import socket

import pytest
from sqlalchemy import create_engine, text

from server.config import sqlalchemy_url
from server.events.hub import Audience, Hub, Listener, event

PHONES = Audience(
    hello=event("hello"),
    beat=b": here\n\n",
    ground=b"",
    scope=b"",
    epoch=event("resync"),
    touched=event("changed"),
    in_force=lambda _connection, shown: frozenset(shown),
    proved_s=60.0,
)
CHANNEL = 1


@pytest.fixture
def engine(session, sync_url):
    """As the hub has it; the feed is empty and its counter begins anew, as ``session`` leaves them."""
    session.commit()
    engine = create_engine(sqlalchemy_url(sync_url), isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()


@pytest.fixture
def come():
    """Adds a listener to a hub; returns the other end of its connection."""
    ends = []

    def add(hub, heard=""):
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.settimeout(0.2)
        ends.extend((ours, theirs))
        # Not by `add`, which would begin the hub's thread.
        hub._arriving.append(Listener(ours, PHONES, "right", frozenset({CHANNEL}), heard))
        return theirs

    yield add
    for each in ends:
        each.close()


def at_position(engine, position):
    with engine.connect() as connection:
        connection.execute(text("UPDATE feed_counter SET position = :position"), {"position": position})


def read(connection):
    return connection.recv(65536).decode()


def position_told(answer):
    marked = [line for line in answer.splitlines() if line.startswith("id: ")]
    return int(marked[-1].rsplit(".", 1)[1])


def test_an_id_names_no_position_that_is_still_to_come_where_the_counter_began_anew(engine, come):
    hub = Hub(engine)
    at_position(engine, 500)
    first = come(hub)
    hub._turn(100.0)
    assert position_told(read(first)) == 500
    hub._fed_at = 100.0  # the feed was looked at a moment ago, and is not again within the second
    at_position(engine, 3)
    second = come(hub)
    hub._turn(100.25)
    assert position_told(read(second)) == 3


def test_what_a_break_swallowed_while_the_counter_began_anew_is_made_up(engine, come):
    hub = Hub(engine)
    at_position(engine, 500)
    come(hub)
    hub._turn(100.0)
    hub._fed_at = 100.0
    at_position(engine, 3)
    broken = come(hub)
    hub._turn(100.25)
    heard = next(line for line in read(broken).splitlines() if line.startswith("id: ")).removeprefix("id: ")
    at_position(engine, 4)
    again = come(hub, heard)
    hub._turn(102.0)
    assert "event: changed" in read(again)
