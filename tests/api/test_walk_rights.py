"""A walk over all routes, by all callers, over the things of two areas, held against a table that was made by hand.

Each request runs in a transaction that is rolled back, so everybody meets the same city. Whoever may not is told 401,
403 or 404 and nothing else; and in no answer whatsoever stands a planted word that its caller may not read.
"""

import contextlib
import gzip
import json
import re
import uuid
from dataclasses import replace

import flask_sqlalchemy.session
import pytest
from sqlalchemy import event, text

from server.cases.delivery import webhook_payload
from server.database.extensions import db
from sync.collections import COLLECTIONS
from sync.store import feed
from tests.api.hearing import heard, hears, listening
from tests.api.walk_city import build
from tests.api.walk_table import table
from tests.cases import city as small_city
from tests.emptying import empty

# 429: whoever guesses too often is not let in either.
REFUSED = {401, 403, 404, 429}


@pytest.fixture
def walked(app, session, phone_of, tmp_path, monkeypatch):
    settings = app.config["PATROL"]
    monkeypatch.setitem(app.config, "PATROL", _with_store(settings, tmp_path))
    found = build(app, session, phone_of)
    for area, code in (("A", small_city.WEST), ("B", small_city.EAST)):
        found.ids["area", area] = small_city.id_of(session, "area", code)
    session.rollback()
    writes = Writes(found)
    # What is committed from now on is not: everybody meets the same city.
    monkeypatch.setattr(flask_sqlalchemy.session.Session, "commit", writes.instead_of_commit())
    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", writes.note)
    event.listen(engine, "rollback", writes.forget)
    yield found
    event.remove(engine, "before_cursor_execute", writes.note)
    event.remove(engine, "rollback", writes.forget)
    monkeypatch.undo()
    session.rollback()
    empty(session, "endpoint, draft, boundary_import, rule, routing_decision, app_password, planned_edition")
    session.commit()


class Writes:
    """Which tables a request wrote and committed; the city remembers them as ``written``."""

    def __init__(self, found):
        self.found, self.begun = found, []
        found.written = []

    def note(self, _connection, _cursor, statement, *_rest):
        self.begun += _WRITES.findall(statement)

    def forget(self, _connection):
        self.begun.clear()

    def instead_of_commit(self):
        def commit(session):
            session.flush()
            self.found.written += self.begun
            self.begun.clear()

        return commit


_WRITES = re.compile(r"(?<!FOR )(?<!KEY )(?<!DO )\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)")
# That somebody was here, and what a phone sees today, is noted of those who are let in no further, too.
NOTED = {"staff_session", "app_password", "person", "scope_snapshot"}


def _with_store(settings, folder):
    return replace(settings, files_url=folder.as_uri())


def _rules(app):
    for rule in app.url_map.iter_rules():
        methods = rule.methods - {"HEAD", "OPTIONS"} or rule.methods - {"HEAD"} or rule.methods
        yield from ((f"{method} {rule.rule}", method) for method in sorted(methods))


def _ask(caller, method, asked):
    options = {"json": asked.sent} if asked.sent is not None else {}
    return caller.client.open(
        asked.path, method=method, query_string=asked.query, headers=caller.headers | asked.headers, **options
    )


@pytest.mark.long
def test_every_route_lets_in_whom_the_table_names_and_tells_nobody_what_is_not_theirs(app, walked):
    asks, wrong, seen = table(walked.ids), [], 0
    rules = dict(_rules(app))
    assert sorted(set(rules) - set(asks)) == [], "routes of which the table does not say who may call them"
    for key, requests in asks.items():
        method = rules.get(key, key.partition(" ")[0])
        for asked in requests:
            for caller in walked.callers.values():
                wrong += _faults(caller, method, asked, walked)
                seen += 1
    assert not wrong, "\n".join([f"{len(wrong)} of {seen}", *wrong])
    assert seen > 3000, "the walk went nearly everywhere"


def _told(answer):
    """Everything that the answer says, its headers too; tiles and streams come packed."""
    body, packed = answer.get_data(), answer.headers.get("Content-Encoding", "identity")
    plain = {"identity": lambda body: body, "gzip": gzip.decompress}[packed](body)
    return plain + str(answer.headers).encode()


def test_streams_tell_that_something_changed_and_not_a_word_of_it(server, walked, session):
    phones = [(each, "/v1/sync/events") for each in walked.callers.values() if each.is_phone]
    staff = [each for each in walked.callers.values() if each.kind == "staff" and each.holds]
    maps = [(each, "/v1/map/events") for each in staff]
    desks = [(each, "/v1/work/events") for each in staff if any(role != "handler" for role, _ in each.holds)]
    issues = COLLECTIONS["issues"].topic
    with contextlib.ExitStack() as opened:
        streams = [
            (who, opened.enter_context(listening(server, path, **who.headers)))
            for who, path in (*phones, *maps, *desks)
        ]
        assert all(hears(stream, b"retry: ") for _, stream in streams)
        for area in "AB":
            grid = walked.ids["area", area]
            touched = [(uuid.UUID(walked.ids[kind, area]), (grid, grid), None) for kind in ("issue", "private")]
            feed.append(session, feed.record_touches(issues, touched))
        session.commit()
        told = [(who, heard(stream, 1.5 if number == 0 else 0.1)) for number, (who, stream) in enumerate(streams)]
    assert sum(b"event: changed" in words for _, words in told) > len(phones) / 2
    for who, words in told:
        for name, (word, _) in walked.words.items():
            assert word.encode() not in words, (who.name, name)


def test_no_body_is_told_by_webhook_what_is_not_for_it(walked, session):
    told = webhook_payload.read(
        session,
        session.scalars(
            text("""
        SELECT delivery.id FROM delivery JOIN organisation ON organisation_id = organisation.id
        WHERE code IN ('chengguan', 'sifa')
    """)
        ).all(),
    )
    to = dict(
        session.execute(
            text("SELECT delivery.id, code FROM delivery JOIN organisation ON organisation_id = organisation.id")
        ).all()
    )
    bodies = {body: walked.callers[body] for body in ("chengguan", "sifa")}
    assert {(to[each], json.loads(words)["data"].get("part")) for each, words in told.items()} == {
        ("chengguan", "lead"), ("chengguan", "assisting"), ("sifa", "lead"),
    }  # fmt: skip
    for each, words in told.items():
        for name, (word, may) in walked.words.items():
            assert word not in words or (may(bodies[to[each]]) and not name.startswith("name of")), (to[each], name)
    whole = [words for each, words in told.items() if to[each] == "sifa"]
    assert all(any(walked.words[f"private words {area}"][0] in words for words in whole) for area in "AB")


def _faults(caller, method, asked, walked):
    walked.written.clear()
    answer = _ask(caller, method, asked)
    body, where = _told(answer), f"{caller.name}: {method} {asked.path} {asked.query or ''}"
    answer.close()
    let = answer.status_code not in REFUSED
    found = []
    if answer.status_code >= 500:
        found.append(f"{where}: {answer.status_code}")
    if let != asked.lets(caller):
        found.append(f"{where}: {answer.status_code}, but {'may' if asked.lets(caller) else 'may not'}")
    if not let and (written := set(walked.written) - NOTED):
        found.append(f"{where}: turned away, and wrote {sorted(written)}")
    for name, (word, may) in walked.words.items():
        stands = word.encode() in body
        if stands and not may(caller):
            found.append(f"{where}: tells {name}")
        if name in asked.shows and let and may(caller) and not stands:
            found.append(f"{where}: does not tell {name}")
    return found
