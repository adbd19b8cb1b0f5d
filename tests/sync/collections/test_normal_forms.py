"""What is accepted has one form, whoever reads it; what has none is set aside by itself, named by its field."""

import datetime as dt
import json
import sys
import unicodedata
import uuid

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from server.http.sent_texts import require_clean
from sync.collections import COLLECTIONS, normal
from sync.errors import TextUnclean
from sync.protocol import wire
from sync.protocol.decoders import judge, normal_form
from tests.api.staff import Desk
from tests.sync.refusals import raw

TIMES = {
    "2026-11-21T10:00:00Z": "2026-11-21T10:00:00Z",
    "2026-11-21t10:00:00z": "2026-11-21T10:00:00Z",
    "2026-11-21 10:00:00z": "2026-11-21T10:00:00Z",
    "2026-11-21T18:00:00.250+08:00": "2026-11-21T10:00:00.250000Z",
    "2026-11-21T18:00:00+0800": "2026-11-21T10:00:00Z",
    "2026-11-21T10:00:00-00:00": "2026-11-21T10:00:00Z",
    "2016-12-31T23:59:60Z": "2017-01-01T00:00:00Z",
    "2017-01-01T07:59:60.5+08:00": "2017-01-01T00:00:00.500000Z",
    "2026-11-21T10:00:00.123456789Z": "2026-11-21T10:00:00.123456Z",
    "2026-11-20T23:30:00-23:59": "2026-11-21T23:29:00Z",
}
NO_TIMES = (
    "0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-08:00", "9999-12-31T23:59:60Z", "2026-11-21T10:00:00",
    "2026-11-21", "2026-02-30T10:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T10:00:61Z", "2026-11-21T10:00:00+24:00",
    "２026-11-21T10:00:00Z", "2026-11-21T10:00:00Z\n", "yesterday", "",
)  # fmt: skip


@pytest.mark.parametrize("sent", TIMES)
def test_a_time_has_one_form(sent):
    assert normal.time_text(sent) == TIMES[sent]
    assert dt.datetime.fromisoformat(TIMES[sent]) == normal.moment(sent)


@pytest.mark.parametrize("sent", NO_TIMES)
def test_what_is_no_time_is_refused_by_its_field(sent):
    with pytest.raises(ValueError, match=r"."):
        normal.moment(sent)
    data, faults = normal_form("visits", {"outcome": "met", "address_text": "x", "started_at": sent})
    assert "started_at" in [field for field, _ in faults]
    assert data["started_at"] == sent


@given(st.datetimes(timezones=st.timezones()))
def test_every_time_that_python_writes_is_read_as_the_same_moment(moment):
    try:
        in_utc = moment.astimezone(dt.UTC)
    except OverflowError:
        return
    if moment.utcoffset().total_seconds() % 60:
        return  # offsets of seconds are not RFC 3339's
    assert normal.moment(moment.isoformat()) == in_utc


@given(st.uuids())
def test_a_uuid_has_one_form(each):
    usual = str(each)
    for sent in (usual, usual.upper(), each.hex, each.hex.upper(), f"{{{usual}}}", each.urn, each.urn.upper()):
        assert normal.uuid_text(sent) == usual


@given(st.text())
def test_a_text_is_normal_once_it_was_made_so(sent):
    once = normal.free_text(sent)
    assert normal.free_text(once) == once
    assert unicodedata.is_normalized("NFC", once)


@pytest.mark.parametrize("mark", ["\u0301\u0316", "\u064b", "\u3099", "\U0001d165"])
def test_no_letter_keeps_more_marks_than_any_language_has(mark):
    few = "x" + mark * (30 // len(mark))
    assert normal.free_text(few) == unicodedata.normalize("NFC", few)
    assert normal.free_text("x" + mark * 500_000 + "中") == unicodedata.normalize("NFC", few + "中")


@given(st.text(st.characters(exclude_categories=[]), max_size=20))
def test_what_is_perhaps_unclean_is_everything_that_is(sent):
    unclean = normal.is_unclean(sent)
    assert not normal.is_unclean(normal.clean(sent))
    try:
        encoded = msgspec.json.encode({"note": sent})
    except UnicodeEncodeError:
        assert unclean
        return
    assert normal.is_perhaps_unclean(encoded) or not unclean


TURNING = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}


def may_be_written(character):
    """What Unicode says of a character, asked apart from the code."""
    kind = unicodedata.category(character)
    turns = unicodedata.bidirectional(character) in TURNING
    return character in "\t\n\r" or (kind not in ("Cc", "Cs") and not turns)


@pytest.mark.long
def test_every_character_that_nobody_may_write_is_found_by_every_look():
    refused = [each for each in map(chr, range(sys.maxunicode + 1)) if normal.is_unclean(each)]
    assert refused == [each for each in map(chr, range(sys.maxunicode + 1)) if not may_be_written(each)]
    for each in refused:
        sent = {"x": f"a{each}b"}
        bodies = [json.dumps(sent).encode()]
        if unicodedata.category(each) != "Cs":
            bodies.append(json.dumps(sent, ensure_ascii=False).encode())
            assert normal.is_perhaps_unclean(msgspec.json.encode(sent)), hex(ord(each))
        for body in bodies:
            with pytest.raises(TextUnclean):
                require_clean(body)


def test_the_normal_form_of_every_field_is_judged_right_and_normal():
    known = uuid.uuid4()
    sent = {
        "household_id": f"{{{str(known).upper()}}}", "address_text": "  e\u0301tage 3\u3000", "outcome": "met",
        "note": "a\r\nb\r", "started_at": "2026-11-21t10:00:00z", "needs": [" 药 "], "photos": [known.hex],
        "location": {"lon": -0.0, "lat": 25.5}, "extra": {"kept": " as it is "},
    }  # fmt: skip
    brought, faults = normal_form("visits", sent)
    assert not faults
    assert not judge("visits", "put", brought)
    assert brought == {
        "household_id": str(known), "address_text": "\u00e9tage 3", "outcome": "met", "note": "a\nb",
        "started_at": "2026-11-21T10:00:00Z", "needs": ["药"], "photos": [str(known)],
        "location": {"lon": 0.0, "lat": 25.5}, "extra": {"kept": " as it is "},
    }  # fmt: skip
    assert str(brought["location"]["lon"]) == "0.0"
    assert normal_form("visits", brought) == (brought, ())


def test_every_free_text_of_every_collection_is_brought_into_its_normal_form():
    for name, collection in COLLECTIONS.items():
        for field in collection.schema().fields:
            for wrong in (None, 5, [], {}, [{}], "x", {"lon": "x"}, [None]):
                normal_form(name, {field: wrong})  # what is of another type is left to the judge


def test_a_limit_counts_the_normal_form():
    decomposed = "e\u0301" * 200
    data, _ = normal_form("visits", {"outcome": "met", "address_text": decomposed})
    assert not judge("visits", "put", data)
    assert judge("visits", "put", {"outcome": "met", "address_text": decomposed})


def test_two_puts_with_small_letters_in_their_times_are_merged(phone_of, session, settle):
    """The merge job died of this for ever, and with it everybody's conflicts."""
    phone = phone_of("west")
    record = uuid.uuid4()
    for started in ("2026-11-21t10:00:00z", "2026-11-21t09:00:00z"):
        phone.push(phone.visit(id=record, started_at=started, ended_at=started))
    settle()
    doc = session.scalar(text("SELECT doc FROM visit"))
    assert doc["started_at"] == "2026-11-21T09:00:00Z"
    assert doc["ended_at"] == "2026-11-21T10:00:00Z"


def test_rows_from_before_are_read_in_their_normal_form_when_they_are_merged(phone_of, session, settle):
    phone = phone_of("west")
    record, photo = uuid.uuid4(), uuid.uuid4()
    phone.push(phone.visit(id=record, started_at="2026-11-21T10:00:00Z", photos=[str(photo)]))
    session.execute(
        text("""
            UPDATE operation SET data = data || jsonb_build_object(
                'started_at', '2026-11-21t18:30:00+08:00', 'photos', jsonb_build_array(upper(CAST(:photo AS text))))
        """),
        {"photo": str(photo)},
    )
    session.commit()
    phone.push(phone.visit(id=record, started_at="2026-11-21T10:31:00Z", photos=[str(photo)]))
    settle()
    doc = session.scalar(text("SELECT doc FROM visit"))
    assert doc["started_at"] == "2026-11-21T10:30:00Z"
    assert doc["photos"] == [str(photo)]


UNCLEAN = {
    "half an emoji, escaped": rb"\ud83d",
    "the other half": rb"\udc00 x",
    "halves in the wrong order": rb"\udc00\ud83d",
    "modified UTF-8": b"\xed\xa0\xbd\xed\xb8\x80",
    "NUL in modified UTF-8": b"a\xc0\x80b",
    "a byte of Latin-1": b"caf\xe9",
    "a byte cut off": b"\xe8\xb5",
    "NUL, escaped": rb"a\u0000b",
    "NUL itself": b"a\x00b",
    "a raw line end": b"a\x01b",
    "DEL": b"a\x7fb",
    "a C1 control character": b"a\xc2\x80b",
    "a direction override": "a\u202eb".encode(),
    "an isolate": rb"a\u2066b",
}


@pytest.mark.parametrize("name", UNCLEAN)
@pytest.mark.parametrize("field", ["note", "outcome", "needs", "extra", "unknown", "collection", "op_id"])
def test_a_text_that_is_not_clean_fails_its_own_operation_alone(phone_of, session, name, field):
    phone = phone_of("west")
    mark, bad = "MARK", phone.visit(needs=["x"], extra={"a": "b"})
    if field == "needs":
        bad["data"]["needs"] = ["x", mark]
    elif field == "extra":
        bad["data"]["extra"] = {"a": {"b": [mark]}}
    elif field in ("collection", "op_id"):
        bad[field] = mark
    else:
        bad["data"][field] = mark
    body = json.dumps(phone.envelope(phone.visit(), bad, phone.issue(description="好"))).encode()
    body = body.replace(b"MARK", UNCLEAN[name])
    answer = raw(phone, body)
    assert answer.status_code == 200, answer.text
    results = answer.json["results"]
    assert [result["status"] for result in results] == ["applied", "quarantined", "applied"]
    error = results[1]["error"]
    assert error["type"] == "/problems/text-unclean"
    path = {"needs": "data.needs[1]", "extra": "data.extra.a.b[0]"}.get(field)
    path = path or (field if field in ("collection", "op_id") else f"data.{field}")
    assert [fault["field"] for fault in error["errors"]] == [path]
    kept = bytes(session.scalar(text("SELECT raw FROM operation WHERE status = 'quarantined'")))
    assert UNCLEAN[name] in kept
    again = raw(phone, body).json["results"]
    assert [result["replayed"] for result in again] == [True] * 3
    assert [{k: v for k, v in each.items() if k != "replayed"} for each in again] == results


@pytest.mark.parametrize("number", [b"NaN", b"-Infinity", b"1e999", b"9" * 5000, b"9" * 350])
@pytest.mark.parametrize("field", ["data.location.lon", "data.extra.a", "seq"])
def test_what_is_no_number_fails_its_own_operation_alone(phone_of, number, field):
    phone = phone_of("west")
    bad = phone.visit(extra={"a": 1})
    if field == "data.location.lon":
        bad["data"]["location"]["lon"] = 77.125
    elif field == "seq":
        bad["seq"] = 77.125
    else:
        bad["data"]["extra"]["a"] = 77.125
    body = json.dumps(phone.envelope(phone.visit(), bad, phone.issue())).encode().replace(b"77.125", number)
    results = raw(phone, body).json["results"]
    assert [result["status"] for result in results] == ["applied", "quarantined", "applied"]
    assert field in [fault["field"] for fault in results[1]["error"]["errors"]]


def test_ids_and_times_of_the_envelope_and_the_head_are_read_in_every_form(phone_of, session):
    phone = phone_of("west")
    first, record = phone.visit(), uuid.uuid4()
    put = phone.issue(
        id=f"{{{record}}}", captured_at=dt.datetime.now(dt.UTC).isoformat().lower().replace("+00:00", "z")
    )
    put["op_id"] = uuid.UUID(put["op_id"]).urn
    patch = phone.patch("issues", record.hex.upper(), {"op_id": put["op_id"].upper()}, severity="low")
    envelope = phone.envelope(first, put, patch)
    envelope["batch_id"] = uuid.UUID(envelope["batch_id"]).urn
    envelope["sent_at"] = envelope["sent_at"].replace("+00:00", "z")
    results = raw(phone, json.dumps(envelope)).json["results"]
    assert [result["status"] for result in results] == ["applied"] * 3
    assert results[1]["op_id"] == str(uuid.UUID(put["op_id"]))
    assert session.scalar(text("SELECT doc ->> 'severity' FROM issue WHERE id = :id"), {"id": record}) == "low"


def test_what_was_quarantined_unclean_can_be_mended_and_released(phone_of, session, settle, app):
    phone = phone_of("west")
    bad = phone.issue(description="MARK")
    body = json.dumps(phone.envelope(bad)).encode().replace(b"MARK", rb"\ud83d")
    raw(phone, body)
    desk = Desk.of(app, session, "supervisor", "360725")
    (waiting,) = desk.get("/v1/review/quarantine").json["operations"]
    assert waiting["data"]["description"] == normal.REPLACEMENT
    mended = waiting["data"] | {"description": " e\u0301t\u00e9 "}
    assert desk.post(f"/v1/review/quarantine/{waiting['id']}/release", {"data": mended}).status_code == 204
    settle()
    assert session.scalar(text("SELECT doc ->> 'description' FROM issue")) == "\u00e9t\u00e9"


def test_nothing_is_lost_of_a_body_that_was_taken_apart():
    op = {"collection": "visits", "id": str(uuid.uuid4()), "action": "put", "captured_at": "2026-11-21T10:00:00Z"}
    notes = [{"outcome": "met", "note": '}],[{"' * n} for n in range(1, 9)]
    ops = [op | {"op_id": str(uuid.uuid4()), "seq": n, "data": data} for n, data in enumerate(notes, 1)]
    whole = json.dumps({"batch_id": str(uuid.uuid4()), "sent_at": "2026-11-21T10:00:00Z", "ops": ops})
    spoilt = whole.replace('"seq": 8', '"seq": 8, "x": NaN')
    one, other = wire.decode(whole.encode()), wire.decode(spoilt.encode())
    assert other.batch_id == one.batch_id
    assert other.ops[:-1] == one.ops[:-1]
    assert other.ops[-1].fault.faults == (("x", "Not a valid number."),)
