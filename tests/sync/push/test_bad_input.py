"""What a phone may do wrong: each has a clear answer that names the field, and nothing valid beside it is lost."""

import datetime as dt
import json
import uuid

import pytest
from sqlalchemy import text

from geo.geometry.datum import from_wgs84
from tests.cases.city import IN_SEA
from tests.sync.refusals import assert_problem, raw

CITY = (114.305, 25.685)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b'{"ops":' + b"[" * 500, b'{"a":' * 500, b"nonsense", b"\x00"]
)
def test_a_body_that_is_no_json_is_refused(phone_of, body):
    assert_problem(raw(phone_of("west"), body), 400, "malformed-json")


NEST = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.long
@pytest.mark.parametrize(
    "body", [NEST, NEST[:50_000], b'{"a":' * 50_000, b'{"ops":' + NEST[:90_000], b'{"ops":[],"note":' + NEST + b"}"]
)
def test_a_body_that_nests_too_deep_is_told_so(phone_of, body):
    told = assert_problem(raw(phone_of("west"), body), 400, "nested-too-deep")
    assert told["limit"] == 32
    assert "嵌套" in told["title"]


@pytest.mark.long
@pytest.mark.parametrize("levels", [33, 990, 5_000])
def test_an_operation_that_nests_too_deep_is_put_aside_by_itself_under_its_own_id(phone_of, session, levels):
    phone = phone_of("west")
    before, deep, after = phone.visit(), phone.visit(extra={"x": "NEST"}), phone.visit()
    nest = '{"a":' * levels + '"]}"' + "}" * levels
    body = json.dumps(phone.envelope(before, deep, after)).replace('"NEST"', nest)
    for _ in range(2):
        results = raw(phone, body).json["results"]
        assert [each["status"] for each in results] == ["applied", "quarantined", "applied"]
        assert results[1]["op_id"] == deep["op_id"]
        assert results[1]["error"]["errors"][0]["field"] == "data"
        assert "32" in results[1]["error"]["errors"][0]["message"]
    kept = session.execute(text("SELECT raw FROM operation WHERE status = 'quarantined'")).scalar_one()
    assert bytes(kept).count(b'{"a":') == levels, "byte for byte"


@pytest.mark.long
@pytest.mark.parametrize(
    "filling", ['{"a":' * 300_000 + '"]}"' + "}" * 300_000, f'"{"中" * 100_000}"', "[1" + ",1" * 900_000 + "]"]
)
def test_an_operation_that_is_too_large_is_put_aside_by_itself_unread(phone_of, session, filling):
    phone = phone_of("west")
    before, large, after = phone.visit(), phone.visit(extra={"x": "LARGE"}), phone.visit()
    body = json.dumps(phone.envelope(before, large, after)).replace('"LARGE"', filling)
    for _ in range(2):
        results = raw(phone, body).json["results"]
        assert [each["status"] for each in results] == ["applied", "quarantined", "applied"]
        assert results[1]["op_id"] == large["op_id"]
        assert results[1]["error"]["type"] == "/problems/operation-too-large"
    kept = session.execute(text("SELECT raw FROM operation WHERE status = 'quarantined'")).scalar_one()
    assert filling.encode() in bytes(kept), "byte for byte"


@pytest.mark.parametrize("part", ['"\\ud800":1', '"batch_id":"\\ud800"', '"sent_at":"\\ud800"', '"ops":"\\ud800"'])
def test_half_a_character_in_the_envelope_is_no_fault_of_the_servers(phone_of, part):
    phone = phone_of("west")
    body = json.dumps(phone.envelope(*([{}] * 5)))[:-1] + f",{part}}}"
    answer = raw(phone, body)
    assert answer.status_code in (200, 400), answer.text


def test_what_must_be_searched_beyond_a_bound_is_asked_for_in_smaller_batches(phone_of):
    phone = phone_of("west")
    ops = [phone.visit(extra={"x": "中" * 60_000 + "HALF"}) for _ in range(12)]
    body = json.dumps(phone.envelope(*ops), ensure_ascii=False).replace("HALF", "\\ud800")
    assert_problem(raw(phone, body), 413, "body-too-large")
    half = json.dumps(phone.envelope(*ops[:6]), ensure_ascii=False).replace("HALF", "\\ud800")
    assert {each["status"] for each in raw(phone, half).json["results"]} == {"quarantined"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"ops": None}, "ops"),
        ({"ops": {}}, "ops"),
        ({"batch_id": "x"}, "batch_id"),
        ({"batch_id": None}, "batch_id"),
        ({"sent_at": "yesterday"}, "sent_at"),
        ({"sent_at": "2026-11-21T10:00:00"}, "sent_at"),
        ({"sent_at": 5}, "sent_at"),
    ],
)
def test_an_envelope_of_another_shape_is_refused_by_field(phone_of, change, field):
    phone = phone_of("west")
    told = assert_problem(raw(phone, json.dumps(phone.envelope(phone.visit()) | change)), 400, "envelope-invalid")
    assert told["field"] == field


@pytest.mark.parametrize("missing", ["batch_id", "sent_at", "ops"])
def test_a_missing_part_of_the_envelope_is_named(phone_of, missing):
    phone = phone_of("west")
    envelope = phone.envelope(phone.visit())
    del envelope[missing]
    assert assert_problem(raw(phone, json.dumps(envelope)), 400, "envelope-invalid")["field"] == missing


@pytest.mark.parametrize("body", [b"[]", b"5", b"null", b'"x"'])
def test_json_that_is_no_envelope_is_refused(phone_of, body):
    assert_problem(raw(phone_of("west"), body), 400, "envelope-invalid")


BAD = {
    "unknown collection": ({"collection": "vists"}, "collection"),
    "unknown action": ({"action": "upsert"}, "action"),
    "seq of zero": ({"seq": 0}, "seq"),
    "seq as text": ({"seq": "1"}, "seq"),
    "no id": ({"id": None}, "id"),
    "id as number": ({"id": 7}, "id"),
    "time without offset": ({"captured_at": "2026-11-21T10:00:00"}, "captured_at"),
    "the year 1970": ({"captured_at": "1970-01-01T00:00:00Z"}, "captured_at"),
    "the year 1": ({"captured_at": "0001-01-01T00:00:00+14:00"}, "captured_at"),
    "the year 2100": ({"captured_at": "2100-01-01T00:00:00Z"}, "captured_at"),
    "the year 9999": ({"captured_at": "9999-12-31T23:59:59-14:00"}, "captured_at"),
    "a base that is text": ({"base": "3"}, "base"),
    "a base of another shape": ({"base": {"revision": 3}}, "base"),
    "a base below nothing": ({"base": {"rev": -1}}, "base.rev"),
    "data as a list": ({"data": [1]}, "data"),
    "a patch of a visit": ({"action": "patch"}, "action"),
    "a misspelt field": ({"data": {"outcome": "met", "adress_text": "x"}}, "data.adress_text"),
    "a wrong choice": ({"data": {"outcome": "maybe", "address_text": "x"}}, "data.outcome"),
    "longitude out of range": ({"data": {"outcome": "met", "location": {"lon": 190, "lat": 25}}}, "data.location.lon"),
    "latitude as text": ({"data": {"outcome": "met", "location": {"lon": 114, "lat": "25"}}}, "data.location.lat"),
    "lon and lat swapped": ({"data": {"outcome": "met", "location": {"lon": 25.6, "lat": 114.3}}}, "data.location.lat"),
    "a point in the sea": (
        {"data": {"outcome": "met", "location": {"lon": IN_SEA[0], "lat": IN_SEA[1]}}}, "data.location",
    ),
    "an unknown datum": (
        {"data": {"outcome": "met", "location": {"lon": 114.3, "lat": 25.6, "datum": "xian80"}}},
        "data.location.datum",
    ),
    "a nest of 40 levels": (
        {"data": {"outcome": "met", "address_text": "x", "extra": {"a": json.loads("[" * 40 + "]" * 40)}}}, "data",
    ),
    "a hundred fields": (
        {"data": {"outcome": "met", "address_text": "x" * 200} | {f"field_{n}": n for n in range(100)}}, "data",
    ),
    "a list of a thousand": ({"data": {"outcome": "met", "address_text": "x", "needs": [7] * 1000}}, "data.needs"),
    "a list of sixty": (
        {"data": {"outcome": "met", "address_text": "x", "needs": ["药"] * 20 + [7] * 40}}, "data.needs[20]",
    ),
    "a NUL": ({"data": {"outcome": "met", "note": "a\x00b", "address_text": "x"}}, "data.note"),
}  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(BAD))
def test_one_bad_operation_is_quarantined_and_its_neighbours_applied(phone_of, session, name):
    change, field = BAD[name]
    phone = phone_of("west")
    before, after = phone.visit(), phone.issue()
    results = phone.push(before, phone.visit() | change, after)
    assert [result["status"] for result in results] == ["applied", "quarantined", "applied"]
    error = results[1]["error"]
    assert error["title"]
    assert field in [fault["field"] for fault in error["errors"]]
    kept = session.execute(text("SELECT data, raw, problem FROM operation WHERE status = 'quarantined'")).one()
    assert kept.data is not None or kept.raw is not None
    assert kept.problem["type"] == error["type"]


def test_what_is_nested_deep_but_not_absurdly_is_applied(phone_of):
    phone = phone_of("west")
    many = {"a": [[n] for n in range(100)], "b": json.loads("[" * 29 + "]" * 29)}
    (result,) = phone.push(phone.visit(extra=many))
    assert result["status"] == "applied"


def test_an_operation_that_is_none_is_answered_under_what_it_was_sent_as(phone_of):
    phone = phone_of("west")
    results = phone.push(7, {"op_id": "x"}, {"op_id": 7}, phone.visit())
    assert [result["op_id"] for result in results[:3]] == [None, "x", None]
    assert [result["status"] for result in results] == ["quarantined"] * 3 + ["applied"]


def test_nan_in_one_operation_holds_up_no_other(phone_of):
    phone = phone_of("west")
    envelope = phone.envelope(phone.visit(), phone.visit(), phone.visit())
    envelope["ops"][1]["data"]["location"]["lon"] = float("nan")
    envelope["ops"][2]["data"]["location"]["lat"] = float("-inf")
    results = raw(phone, json.dumps(envelope)).json["results"]
    assert [result["status"] for result in results] == ["applied", "quarantined", "quarantined"]
    assert results[1]["error"]["errors"][0]["field"] == "data.location.lon"
    assert results[2]["error"]["errors"][0]["field"] == "data.location.lat"


def test_a_number_beyond_all_bounds_holds_up_no_other(phone_of):
    phone = phone_of("west")
    body = json.dumps(phone.envelope(phone.visit(), phone.visit())).replace("114.305", "1e999", 1)
    results = raw(phone, body).json["results"]
    assert [result["status"] for result in results] == ["quarantined", "applied"]


def test_a_clock_of_1970_is_corrected_when_the_phone_says_so(phone_of, session):
    phone = phone_of("west")
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    (result,) = phone.push(
        phone.visit(captured_at=epoch + dt.timedelta(hours=1)), sent_at=epoch + dt.timedelta(hours=3)
    )
    assert result["status"] == "applied"
    age = session.scalar(text("SELECT now() - captured_at FROM visit"))
    assert dt.timedelta(hours=2) <= age < dt.timedelta(hours=2, minutes=1)


def test_a_point_in_the_sea_is_no_issue_of_this_city(phone_of):
    phone = phone_of("west")
    (result,) = phone.push(phone.issue(at=IN_SEA))
    assert result["status"] == "quarantined"
    assert result["error"]["type"].endswith("/outside-city")


def test_a_visit_in_a_grid_of_another_is_quarantined_and_an_issue_there_is_not(phone_of):
    phone = phone_of("west")
    visit, issue = phone.push(phone.visit(at=(114.315, 25.685)), phone.issue(at=(114.315, 25.685)))
    assert visit["error"]["type"].endswith("/outside-your-areas")
    assert issue["status"] == "applied"


def test_a_visit_captured_while_assigned_counts_after_the_assignment_ended(phone_of):
    now = dt.datetime.now(dt.UTC)
    ended = now - dt.timedelta(hours=2)
    phone = phone_of("west", until=ended)
    during, late = phone.push(
        phone.visit(captured_at=ended - dt.timedelta(hours=1)), phone.visit(captured_at=ended + dt.timedelta(hours=1))
    )
    assert during["status"] == "applied"
    assert late["status"] == "quarantined"


def test_a_record_of_another_area_cannot_be_written(phone_of):
    west, east = phone_of("west"), phone_of("east")
    put = west.issue()
    west.push(put)
    (result,) = east.push(east.patch("issues", put["id"], {"rev": 1}, severity="low"))
    assert result["status"] == "quarantined"
    assert result["error"]["type"].endswith("/record-outside-your-areas")


def test_a_worker_may_patch_three_fields_of_a_household_and_no_other(phone_of, session):
    phone = phone_of("west")
    household = uuid.uuid4()
    session.execute(
        text("""
            INSERT INTO household (id, rev, doc_rev, doc, captured_at, received_at, changed_at, grid_now)
            SELECT :id, 1, 1, '{"building": "1"}', now(), now(), now(), id FROM area WHERE code = '360725100001001'
        """),
        {"id": household},
    )
    session.commit()
    allowed = phone.patch("households", str(household), {"rev": 1}, contact_preference="evening", needs=["药"])
    barred = phone.patch("households", str(household), {"rev": 1}, risk_tier="high")
    results = phone.push(allowed, barred, phone.op("households", {"building": "9"}))
    assert [result["status"] for result in results] == ["applied", "quarantined", "quarantined"]
    assert results[1]["error"]["errors"][0]["field"] == "data.risk_tier"


def test_problems_speak_the_language_asked(phone_of):
    phone = phone_of("west")
    wrong = phone.visit(outcome="maybe")
    chinese = phone.push(wrong)[0]["error"]["errors"][0]["message"]
    answer = phone.send(phone.visit(outcome="maybe"), **{"Accept-Language": "en-GB"})
    assert "应为其一" in chinese
    assert answer.json["results"][0]["error"]["errors"][0]["message"].startswith("must be one of")


def test_gcj02_and_bd09_end_at_the_same_place_as_wgs84(phone_of, session):
    phone = phone_of("west")
    ops = [phone.issue(at=CITY)]
    for datum in ("gcj02", "bd09"):
        (lon,), (lat,) = from_wgs84([CITY[0]], [CITY[1]], datum)
        ops.append(phone.issue(location={"lon": float(lon), "lat": float(lat), "datum": datum}))
    assert [result["status"] for result in phone.push(*ops)] == ["applied"] * 3
    rows = session.execute(
        text("""
            SELECT ST_Distance(position::geography, 'SRID=4326;POINT(114.305 25.685)'::geography) AS metres,
                   doc #>> '{location,source_datum}' AS datum FROM issue
        """)
    ).all()
    assert all(row.metres < 0.001 for row in rows)
    assert sorted(row.datum or "" for row in rows) == ["", "bd09", "gcj02"]


def test_near_and_ambiguous_are_told(phone_of):
    phone = phone_of("west", "east")
    near = phone.issue(at=(114.29985, 25.685))
    edge = phone.issue(location={"lon": 114.3099, "lat": 25.685, "accuracy_m": 40})
    one, two = phone.push(near, edge)
    assert one["grid"]["how"] == "near"
    assert 10 < one["grid"]["distance_m"] < 20
    assert two["grid"]["ambiguous"] is True
    assert len(two["grid"]["candidates"]) == 2


@pytest.mark.parametrize("category", [["0301"], {"code": "0301"}, 301, None, "", "０３０１", "0301\n", '"', "\x1f"])
def test_a_category_that_is_none_is_quarantined_and_its_neighbour_goes_on(phone_of, category):
    phone = phone_of("west")
    bad, good = phone.push(phone.issue(category=category), phone.issue())
    assert (bad["status"], good["status"]) == ("quarantined", "applied")
