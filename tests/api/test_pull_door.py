"""A quiet pull is answered before the application, and says byte for byte what its route would have said."""

import datetime as dt
import io
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from server import clock
from server.api import health
from server.api.pull_door import FOUND_DEVICE, PullDoor

NOW = dt.datetime(2026, 12, 1, 3, 4, 5, 678, tzinfo=dt.UTC)


def door_of(app):
    """The door, somewhere among what is put around the application."""
    layer = app.wsgi_app
    while not isinstance(layer, PullDoor):
        layer = layer.app
    return layer


def asked(query="", method="GET", **headers):
    return {
        "REQUEST_METHOD": method, "PATH_INFO": "/v1/sync/pull", "QUERY_STRING": query, "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "REMOTE_ADDR": "127.0.0.1", "wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http",
        **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
    }  # fmt: skip


def answered(layer, environ):
    told = {}

    def start(status, headers, exc_info=None):
        told.update(status=status, headers=sorted(headers))

    body = layer(environ, start)
    told["body"] = b"".join(body)
    if hasattr(body, "close"):
        body.close()
    return told


class Phones:
    """Phones with their last cursors: one that has everything, one that does not, one revoked, one of another app."""

    def __init__(self, phone_of, session):
        self.good, self.behind, self.gone = (phone_of("west") for _ in range(3))
        self.cursors = {}
        for name in ("good", "behind", "gone"):
            phone = getattr(self, name)
            phone.pull()
            self.cursors[name] = phone.cursor
        self.behind.push(self.behind.issue())
        phone = self.good
        phone.pull()
        self.cursors["stale"], self.cursors["good"] = self.cursors["good"], phone.cursor
        session.execute(text("UPDATE device SET revoked_at = now() WHERE uid = :uid"), {"uid": self.gone.device_id})
        session.execute(text("UPDATE device SET pulled_at = '2026-12-01T03:04:00Z'"))
        session.commit()


@pytest.fixture
def phones(phone_of, session):
    return Phones(phone_of, session)


def both(app, environ):
    """The answer by the door and the one by the application alone, and whether the door gave the first itself."""
    door = door_of(app)
    with clock.moved(lambda: NOW):
        route = answered(door._within, dict(environ))
        passed_on = []
        within = door._within

        def noting(environ, start):
            passed_on.append(environ)
            return within(environ, start)

        door._within = noting
        try:
            by_door = answered(door, dict(environ))
        finally:
            door._within = within
    return by_door, route, not passed_on


def test_a_quiet_pull_is_answered_at_the_door_as_by_its_route(app, phones):
    environ = asked(f"cursor={phones.cursors['good']}", authorization=f"Bearer {phones.good.token}")
    by_door, route, alone = both(app, environ)
    assert alone
    assert by_door == route
    assert by_door["status"] == "200 OK"
    assert b'"changes":[]' in by_door["body"]


USUAL = {
    "cursor": "cursor={good}", "limit": "limit=500", "collections": "", "more": "", "method": "GET",
    "authorization": "Bearer {good}", "accept": "*/*", "accept_encoding": "gzip", "accept_language": "zh-CN",
    "origin": None,
}  # fmt: skip
ODD = {
    "cursor": ["cursor={stale}", "cursor={behind}", "cursor={good}x", "cursor=", "", "cursor={stale}&cursor={good}",
               "cursor=%00"],
    "limit": ["", *(f"limit={limit}" for limit in ("1", "2000", "2001", "0", "+5", "x", "%205", "05", ""))],
    "collections": [f"collections={each}" for each in ("issues,visits", "nothing", "%ff", ",", "tasks&collections=x")],
    "more": ["more=1", "x=%e2%80%ae"],
    "method": ["HEAD", "OPTIONS"],
    "authorization": ["bearer  {good} ", "Bearer {behind}", "Bearer {gone}", "Bearer ", "Basic {good}", None],
    "accept": ["application/json", "application/x-ndjson", "text/html", None],
    "accept_encoding": ["zstd, gzip", "identity", None],
    "accept_language": ["en", None],
    "origin": ["https://app.example", "null"],
}  # fmt: skip
ONE_ODD = [{part: value} for part, values in ODD.items() for value in values]


def compare(app, phones, odd):
    """Ask both ways as apps ask, but for what is odd; returns whether the door answered by itself."""
    tokens = {name: getattr(phones, name).token for name in ("good", "behind", "gone")}
    asks = {part: value and value.format(**tokens) for part, value in (USUAL | odd).items() if part != "cursor"}
    cursor = (USUAL | odd)["cursor"].format(**phones.cursors)
    query = "&".join(filter(None, [cursor, *(asks.pop(part) for part in ("limit", "collections", "more"))]))
    method = asks.pop("method")
    by_door, route, alone = both(app, asked(query, method, **{part: value for part, value in asks.items() if value}))
    assert by_door == route
    return alone


@pytest.fixture
def open_to_a_site(app, monkeypatch):
    monkeypatch.setitem(app.config, "PATROL", replace(app.config["PATROL"], allowed_origins=("https://app.example",)))


def test_what_is_odd_in_one_part_is_answered_as_by_the_route(app, phones, open_to_a_site):
    alone = [compare(app, phones, odd) for odd in ({}, *ONE_ODD)]
    assert alone[0]
    assert {*alone} == {True, False}


def test_what_is_odd_in_several_parts_is_answered_as_by_the_route(app, phones, open_to_a_site):
    @settings(max_examples=60)
    @given(st.lists(st.sampled_from(ONE_ODD), min_size=2, max_size=4))
    def ask(odd):
        compare(app, phones, {part: value for each in odd for part, value in each.items()})

    ask()


def test_a_token_that_is_nobodys_is_refused_as_by_the_route(app, phones):
    by_door, route, alone = both(app, asked(f"cursor={phones.cursors['good']}", authorization="Bearer of-nobody"))
    assert (by_door, alone) == (route, False)
    assert by_door["status"].startswith("401")


def test_what_is_answered_at_the_door_is_counted_as_an_answer_of_the_route(app, phones):
    def counted():
        return health.REQUESTS.labels("sync.pull_page", 200)._value.get()

    environ = asked(f"cursor={phones.cursors['good']}", authorization=f"Bearer {phones.good.token}")
    before = counted()
    both(app, environ)
    assert counted() == before + 2


def test_a_phone_that_was_revoked_is_told_so_at_its_next_pull(app, phones, session):
    environ = asked(f"cursor={phones.cursors['good']}", authorization=f"Bearer {phones.good.token}")
    assert both(app, environ)[2]
    session.execute(text("UPDATE device SET revoked_at = now() WHERE uid = :uid"), {"uid": phones.good.device_id})
    session.commit()
    by_door, route, alone = both(app, environ)
    assert not alone
    assert by_door == route
    assert by_door["status"].startswith("401") or by_door["status"].startswith("403")


def test_who_goes_on_to_the_route_is_not_looked_up_twice(app, phones):
    door, seen = door_of(app), []
    within = door._within
    door._within = lambda environ, start: seen.append(environ.get(FOUND_DEVICE)) or within(environ, start)
    try:
        environ = asked(f"cursor={phones.cursors['stale']}", authorization=f"Bearer {phones.good.token}")
        told = answered(door, environ)
    finally:
        door._within = within
    assert told["status"] == "200 OK"
    assert [str(device.uid) for device in seen] == [str(phones.good.device_id)]
