"""The first filling as a stream that can be taken up again, and digests that prove that nothing is missing."""

import gzip
import hashlib
import json

import pytest
from sqlalchemy import event, text

from server.database.extensions import db
from tests.cases.city import EAST, WEST

pytestmark = pytest.mark.long


def stream(phone, cursor=None, **headers):
    asked = {"cursor": cursor} if cursor else {}
    return phone.client.get(
        "/v1/sync/pull", query_string=asked, headers=phone.headers | {"Accept": "application/x-ndjson"} | headers
    )


def lines_of(answer):
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/x-ndjson"
    body = gzip.decompress(answer.data) if answer.headers.get("Content-Encoding") == "gzip" else answer.data
    return [json.loads(line) for line in body.splitlines()]


def checksum(changes):
    lines = "\n".join(f"{change['id']}:{change['rev']}" for change in sorted(changes, key=lambda each: each["id"]))
    return hashlib.md5(lines.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture
def filled(phone_of):
    phone = phone_of("west")
    for _ in range(3):
        phone.push(*[phone.visit() for _ in range(800)])
    return phone


def test_the_stream_brings_what_pages_bring_and_ends_with_a_cursor(filled, phone_of):
    fresh = phone_of("west")
    lines = lines_of(stream(fresh))
    assert "cursor" in lines[-1]
    assert lines[-1]["has_more"] is False
    changes = [line for line in lines if "collection" in line]
    fresh.pull()
    assert {(line["collection"], line["id"], line["rev"]) for line in changes} == {
        (*key, change["rev"]) for key, change in fresh.held.items()
    }
    assert len([line for line in lines if "cursor" in line]) >= 3


def test_a_stream_from_a_cursor_of_before_a_restore_is_refused_before_it_begins(filled, session):
    lines = lines_of(stream(filled))
    session.execute(text("UPDATE city_state SET epoch = gen_random_uuid()"))
    session.commit()
    answer = stream(filled, lines[-1]["cursor"])
    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (410, "resync")


def test_a_stream_cut_anywhere_is_taken_up_from_its_last_cursor(filled, phone_of):
    fresh = phone_of("west")
    lines = lines_of(stream(fresh))
    whole = {line["id"] for line in lines if "collection" in line}
    cursors = [place for place, line in enumerate(lines) if "cursor" in line]
    for place in cursors[:-1]:
        had = {line["id"] for line in lines[:place] if "collection" in line}
        rest = {line["id"] for line in lines_of(stream(fresh, lines[place]["cursor"])) if "collection" in line}
        assert had | rest == whole
        assert not had & rest


def test_a_packed_stream_is_the_same(filled, phone_of):
    fresh = phone_of("west")
    packed = stream(fresh, **{"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    plain = [line for line in lines_of(stream(fresh)) if "collection" in line]
    assert [line for line in lines_of(packed) if "collection" in line] == plain


def test_the_digest_of_the_phone_is_that_of_the_server(phone_of):
    phone, east = phone_of("west"), phone_of("east")
    phone.push(*[phone.visit() for _ in range(5)], *[phone.issue() for _ in range(3)])
    phone.push(phone.issue(at=(114.315, 25.685)))
    east.push(east.visit(at=(114.315, 25.685)))
    phone.pull()
    told = phone.client.get("/v1/sync/digest", headers=phone.headers).json["digests"]
    seen = {}
    for (collection, _), change in phone.held.items():
        if collection != "grids":
            grid = (change["grid"] or {}).get("code")
            seen.setdefault((grid if grid == WEST else None, collection), []).append(change)
    for each in told:
        changes = seen.pop((each["grid"], each["collection"]), [])
        assert (each["count"], each["checksum"]) == (len(changes), checksum(changes)), each
    assert seen == {}


def test_a_lost_record_shows_in_the_digest_and_comes_by_refetching_its_grid(filled):
    filled.pull()
    lost = next(iter(filled.records("visits")))
    answer = filled.client.get("/v1/sync/records", query_string={"grid": WEST}, headers=filled.headers)
    changes = lines_of(answer)
    assert lost in {change["id"] for change in changes}
    assert {change["collection"] for change in changes} == {"grids", "visits"}


def test_a_grid_out_of_scope_is_not_told(filled):
    answer = filled.client.get("/v1/sync/records", query_string={"grid": EAST}, headers=filled.headers)
    assert answer.status_code == 404


def test_an_app_that_is_too_old_may_push_and_not_pull(phone_of, app):
    phone = phone_of("west")
    settings = app.config["PATROL"]
    object.__setattr__(settings, "min_app_version", "1.10.0")
    try:
        assert phone.push(phone.visit())[0]["status"] == "applied"
        answer = phone.client.get("/v1/sync/pull", headers=phone.headers)
        assert answer.status_code == 426
        assert answer.json["least"] == "1.10.0"
    finally:
        object.__setattr__(settings, "min_app_version", "")


@pytest.fixture
def statements(app):
    """Counts the statements that the app sends."""
    with app.app_context():
        engine = db.engine
    seen = []

    def note(_connection, _cursor, statement, *_):
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def test_a_batch_costs_the_same_statements_however_long_it_is(phone_of, statements):
    phone = phone_of("west")
    counts = []
    for size in (2, 200):
        statements.clear()
        phone.push(*[phone.visit() for _ in range(size)], *[phone.issue() for _ in range(size)])
        counts.append(len(statements))
    assert counts[0] == counts[1]
