"""The sweeper: finds what waits in PostgreSQL, wakes its queue, and outlives the absence of PostgreSQL and Redis."""

import socket
import threading
import uuid
from datetime import UTC, datetime

import pytest
from sqlalchemy import make_url, text

from geo.serving.simplifying import sketch_next
from server.cases.routing.service import route_awaiting
from server.cases.timing.alarms import refresh
from server.jobs.sweeper import waiting
from tests.cases.city import report
from tests.emptying import empty
from tests.jobs.conftest import eventually


def now():
    return datetime.now(UTC)


def test_where_nothing_waits_nobody_is_woken(session):
    assert waiting(session, now(), held_too=True) == []


def test_an_edition_that_is_not_sketched_wakes_the_drawing_of_tiles_until_it_is(session):
    empty(session, "edition_sketch, area_sketch")
    assert waiting(session, now(), held_too=False) == ["tiles"]
    while sketch_next(session):
        pass
    assert waiting(session, now(), held_too=False) == []
    session.rollback()


def test_an_issue_that_awaits_routing_wakes_routing_until_it_is_routed(session, ground):
    report(session)
    assert waiting(session, now(), held_too=False) == ["routing"]
    route_awaiting(session, now(), ground)
    assert waiting(session, now(), held_too=False) == ["clocks"]
    refresh(session, ground, now(), 10)
    assert waiting(session, now(), held_too=False) == []


@pytest.mark.parametrize(
    ("status", "held_too", "found"),
    [("pending", False, ["merge"]), ("held", False, []), ("held", True, ["merge"]), ("applied", True, [])],
)
def test_operations_that_wait_wake_merging_and_those_held_only_now_and_then(session, status, held_too, found):
    session.execute(
        text("""INSERT INTO operation (device_id, op_id, body_hash, collection, action, received_at, status)
                VALUES (1, :op, '', 'issues', 'put', now(), :status)"""),
        {"op": uuid.uuid4(), "status": status},
    )
    assert waiting(session, now(), held_too=held_too) == found


class Door:
    """A port that leads to PostgreSQL once it is opened; before that, nobody answers there."""

    def __init__(self, address):
        self.address = address
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def open(self):
        self.socket.listen()
        threading.Thread(target=self._let_in, daemon=True).start()

    def _let_in(self):
        while True:
            try:
                inside, _ = self.socket.accept()
            except OSError:
                return
            outside = socket.create_connection(self.address)
            for source, target in ((inside, outside), (outside, inside)):
                threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    @staticmethod
    def _pass_on(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        finally:
            target.close()

    def close(self):
        self.socket.close()


def test_the_sweeper_outlives_a_postgresql_that_is_away(processes, sessions, city_url, tmp_path):
    address = make_url(city_url.replace("postgresql://", "postgresql+psycopg://"))
    door = Door((address.host, address.port))
    try:
        with sessions.begin() as session:
            report(session)
        processes.worker()
        processes.environment["DATABASE_URL"] = address.set(
            drivername="postgresql", host="127.0.0.1", port=door.port
        ).render_as_string(hide_password=False)
        sweeper = processes.sweeper()
        eventually(lambda: "could not sweep" in (tmp_path / "log").read_text(), "it looked in vain")
        door.open()

        def routed():
            with sessions() as session:
                return session.scalar(text("SELECT state FROM issue")) == "dispatched"

        eventually(routed, "it found the issue once PostgreSQL was back")
        assert sweeper.is_running
    finally:
        door.close()
