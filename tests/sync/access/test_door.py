"""Who is let in to push, and how much they may bring: caps, packing, tokens, leavers, codes."""

import dataclasses
import datetime as dt
import gzip
import json
import uuid

import pytest
import zstandard
from sqlalchemy import text

from sync.access.devices import issue_code, revoke
from sync.protocol.wire import MAX_BYTES
from tests.sync.refusals import assert_problem, raw

CITY = (114.305, 25.685)


@pytest.mark.long
def test_a_body_of_100_mb_is_refused_unread(phone_of):
    assert_problem(raw(phone_of("west"), b"x" * 100_000_000), 413, "too-large")


@pytest.mark.long
def test_a_body_over_the_cap_is_refused(phone_of):
    assert_problem(raw(phone_of("west"), b" " * (MAX_BYTES + 1)), 413, "body-too-large")


@pytest.mark.long
@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor(level=19).compress)]
)
def test_a_bomb_is_refused_at_the_cap(phone_of, encoding, pack):
    bomb = pack(b"[" + b" " * (200 * 1024 * 1024))
    assert_problem(raw(phone_of("west"), bomb, **{"Content-Encoding": encoding}), 413, "body-too-large")


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.parametrize("body", [b"not packed", b"", gzip.compress(b"{}" * 999, mtime=0)[:-12]])
def test_a_damaged_body_is_refused(phone_of, encoding, body):
    answer = raw(phone_of("west"), body, **{"Content-Encoding": encoding})
    assert answer.status_code == 400
    assert answer.json["type"].rpartition("/")[2] in ("encoding-damaged", "malformed-json")


def test_an_unknown_encoding_is_refused(phone_of):
    assert_problem(raw(phone_of("west"), b"{}", **{"Content-Encoding": "br"}), 415, "encoding-unknown")


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress)])
def test_packed_both_ways(phone_of, encoding, pack):
    phone = phone_of("west")
    body = pack(json.dumps(phone.envelope(*[phone.visit() for _ in range(30)])).encode())
    answer = raw(phone, body, **{"Content-Encoding": encoding, "Accept-Encoding": encoding})
    assert answer.headers["Content-Encoding"] == encoding
    unpack = gzip.decompress if encoding == "gzip" else zstandard.ZstdDecompressor().decompress
    assert len(json.loads(unpack(answer.data))["results"]) == 30


HEAVY = {
    "searched": lambda batch: batch[:-1] + b', "more": "' + b"\\ud83d" * 40_000 + b'"}',
    "large": lambda batch: batch[:-1] + b', "more": "' + b" " * 7_000_000 + b'"}',
    "kept": lambda batch: batch.replace(b'"data": {', b'"data": {"note": "' + b"x" * 300_000 + b'", '),
}


@pytest.mark.parametrize("spoil", HEAVY.values(), ids=HEAVY)
def test_what_is_heavy_to_read_counts_as_many_pushes_of_that_phone_alone(app, phone_of, monkeypatch, spoil):
    monkeypatch.setitem(app.config, "PATROL", dataclasses.replace(app.config["PATROL"], push_rate="15 per minute"))
    heavy, other = phone_of("west"), phone_of("east")
    for _ in range(5):
        assert heavy.send(heavy.visit()).status_code == 200
    assert raw(heavy, spoil(json.dumps(heavy.envelope(heavy.visit())).encode())).status_code in (200, 400)
    told = heavy.send(heavy.visit())
    assert (told.status_code, "Retry-After" in told.headers) == (429, True)
    assert other.send(other.visit()).status_code == 200


@pytest.mark.long
def test_more_than_a_thousand_operations_are_refused(phone_of):
    phone = phone_of("west")
    told = assert_problem(phone.send(*[phone.visit() for _ in range(1001)]), 413, "body-too-large")
    assert told["limit_ops"] == 1000


@pytest.mark.parametrize(
    ("header", "slug"),
    [({}, "token-missing"), ({"Authorization": "Bearer x"}, "token-unknown"),
     ({"Authorization": "Basic eA=="}, "token-missing"),
     ({"Authorization": "Bearer "}, "token-missing"), ({"Authorization": "Bearer é"}, "token-unknown")],
)  # fmt: skip
def test_strangers_are_refused_before_anything_is_read(app, header, slug):
    answer = app.test_client().post("/v1/sync/push", data=b"{", headers=header)
    assert_problem(answer, 401, slug)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.long
def test_the_token_of_another_device_gives_nothing_of_the_first(phone_of):
    one, other = phone_of("west"), phone_of("west")
    op = one.visit()
    one.push(op)
    (result,) = other.push(op)
    assert "replayed" not in result
    assert result["status"] == "quarantined"  # the same record id, from another author
    assert other.client.get("/v1/sync/status", headers=other.headers).json["highest_seq"] == op["seq"]


def test_a_revoked_device_may_only_hand_in_what_it_has(phone_of, session):
    phone = phone_of("west")
    phone.push(phone.visit())
    assert revoke(session, uuid.UUID(phone.device_id), wipe=True, now=dt.datetime.now(dt.UTC))
    session.commit()
    told = assert_problem(phone.client.get("/v1/sync/pull", headers=phone.headers), 401, "device-revoked")
    assert told["wipe"] is True
    (result,) = phone.push(phone.visit(note="a day's work"))
    assert result["status"] == "quarantined"
    assert result["error"]["type"].endswith("/device-revoked")
    session.execute(text("UPDATE device SET revoked_at = now() - interval '15 days' WHERE revoked_at IS NOT NULL"))
    session.commit()
    assert_problem(phone.send(phone.visit()), 401, "device-revoked")


def leave(session, phone, *, ago=dt.timedelta(0)):
    """The worker of the phone ceases to be active."""
    session.execute(
        text("UPDATE person SET is_active = false, inactive_since = now() - :ago WHERE login = :login"),
        {"login": phone.login, "ago": ago},
    )
    session.commit()


@pytest.mark.parametrize("known", [False, True], ids=["a stranger to the process", "let in a moment ago"])
def test_a_device_of_somebody_who_left_may_only_hand_in_what_it_has(phone_of, session, known):
    phone = phone_of("west")
    if known:
        phone.push(phone.visit())
    leave(session, phone)
    told = assert_problem(phone.client.get("/v1/sync/pull", headers=phone.headers), 401, "device-revoked")
    assert "wipe" not in told
    work = [phone.visit(note="a day's work"), phone.visit()]
    results = phone.push(*work)
    assert [result["status"] for result in results] == ["quarantined"] * 2
    assert results[0]["error"]["type"].endswith("/device-revoked")
    kept = session.scalars(text("SELECT op_id::text FROM operation WHERE status = 'quarantined' ORDER BY id")).all()
    assert kept == [op["op_id"] for op in work]


def test_what_somebody_hands_in_long_after_they_left_is_refused(phone_of, session):
    phone = phone_of("west")
    phone.push(phone.visit())
    leave(session, phone, ago=dt.timedelta(days=15))
    phone.send(phone.visit())  # the process knows the phone from a moment ago, and keeps what it sends
    assert_problem(phone.send(phone.visit()), 401, "device-revoked")


@pytest.mark.long
def test_somebody_who_comes_back_goes_on_with_the_same_phone(phone_of, session):
    phone = phone_of("west")
    phone.pull()
    leave(session, phone)
    phone.push(phone.visit())
    session.execute(text("UPDATE person SET is_active = true WHERE login = :login"), {"login": phone.login})
    session.commit()
    (result,) = phone.push(phone.visit())
    assert result["status"] == "applied"
    phone.pull()
    assert len(phone.records("visits")) == 1


def test_a_device_revoked_before_its_worker_left_stays_revoked_since_then(phone_of, session):
    phone = phone_of("west")
    revoke(session, uuid.UUID(phone.device_id), wipe=True, now=dt.datetime.now(dt.UTC) - dt.timedelta(days=15))
    leave(session, phone)
    told = assert_problem(phone.send(phone.visit()), 401, "device-revoked")
    assert told["wipe"] is True


def test_a_code_of_somebody_who_left_enrols_nothing(phone_of, session, app):
    phone = phone_of("west")
    person = session.scalar(text("SELECT id FROM person WHERE login = :login"), {"login": phone.login})
    code, _ = issue_code(session, person, now=dt.datetime.now(dt.UTC), ttl=dt.timedelta(hours=1))
    leave(session, phone)
    sent = {"code": code, "device": {"name": "p", "platform": "t", "app_version": "1"}}
    assert_problem(app.test_client().post("/v1/devices", json=sent), 410, "code-expired")


@pytest.mark.parametrize(
    ("age", "status", "slug"), [(None, 404, "code-unknown"), ("used", 409, "code-used"), ("old", 410, "code-expired")]
)
def test_a_code_works_once_and_expires(phone_of, session, app, age, status, slug):
    phone = phone_of("west")
    person = session.scalar(text("SELECT id FROM person WHERE login = :login"), {"login": phone.login})
    ttl = dt.timedelta(hours=-1 if age == "old" else 1)
    code, _ = issue_code(session, person, now=dt.datetime.now(dt.UTC), ttl=ttl)
    session.commit()
    sent = {"code": code if age else "XXXXXXXXXX", "device": {"name": "p", "platform": "t", "app_version": "1"}}
    if age == "used":
        assert app.test_client().post("/v1/devices", json=sent).status_code == 201
    assert_problem(app.test_client().post("/v1/devices", json=sent), status, slug)


@pytest.mark.parametrize("sent", [None, {}, {"code": 5, "device": {}}, {"code": "x"}, [], "x"])
def test_an_enrolment_of_another_shape_is_refused_by_field(app, sent):
    answer = app.test_client().post("/v1/devices", json=sent)
    assert answer.status_code in (400, 422)
    assert answer.content_type == "application/problem+json"
