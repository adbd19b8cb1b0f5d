"""The derived decoder and the marshmallow schema accept and refuse alike."""

import datetime as dt
import uuid

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.collections import COLLECTIONS
from sync.collections.fields import MOST_TOLD
from sync.protocol.decoders import judge, struct_of
from sync.wording.reasons import words

NAMES = sorted(COLLECTIONS)
times = st.datetimes(timezones=st.sampled_from([dt.UTC, None, dt.timezone(dt.timedelta(hours=8))])).map(
    lambda moment: moment.isoformat()
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8),
    st.uuids().map(str), times,
    st.sampled_from(["met", "low", "0301", "general", "door", "wgs84", "open", "2026-11-21"]),
)  # fmt: skip
locations = st.fixed_dictionaries(
    {},
    optional={
        "lon": st.one_of(st.floats(-200, 200), scalars), "lat": st.one_of(st.floats(-100, 100), scalars),
        "accuracy_m": scalars, "datum": st.one_of(st.sampled_from(["wgs84", "gcj02", "bd09"]), scalars), "x": scalars,
    },
)  # fmt: skip
values = st.one_of(scalars, st.lists(scalars, max_size=3), locations, st.dictionaries(st.text(max_size=3), scalars))


@st.composite
def datas(draw):
    name = draw(st.sampled_from(NAMES))
    fields = sorted(COLLECTIONS[name].schema().fields)
    chosen = draw(st.sets(st.sampled_from([*fields, "unknown"]), max_size=5))
    return name, draw(st.fixed_dictionaries(dict.fromkeys(sorted(chosen), values)))


def accepted_by_schema(name, data, *, whole):
    schema = COLLECTIONS[name].schema()
    return not schema.validate(data, partial=False if whole else tuple(schema.fields))


def accepted_by_struct(name, data, *, whole):
    try:
        msgspec.convert(data, struct_of(COLLECTIONS[name].schema, whole=whole))
    except msgspec.ValidationError:
        return False
    return not (whole and COLLECTIONS[name].check(data))


@settings(max_examples=1500, deadline=None)
@given(datas(), st.booleans())
def test_schema_and_decoder_agree(case, whole):
    name, data = case
    assert accepted_by_struct(name, data, whole=whole) == accepted_by_schema(name, data, whole=whole)


@pytest.mark.parametrize(
    ("name", "data", "field"),
    [
        ("visits", {"outcome": "met", "locatoin": {}, "address_text": "x"}, "locatoin"),
        ("visits", {"outcome": "MET", "address_text": "x"}, "outcome"),
        ("visits", {"outcome": "met"}, "household_id"),
        ("visits", {"outcome": "met", "address_text": "x" * 201}, "address_text"),
        ("visits", {"outcome": "met", "address_text": "x", "started_at": "2026-11-21T10:00:00"}, "started_at"),
        ("visits", {"outcome": "met", "address_text": "x", "photos": ["no"]}, "photos[0]"),
        ("issues", {"category": "301", "address_text": "x"}, "category"),
        ("issues", {"category": "0301", "location": {"lon": 181, "lat": 0}}, "location.lon"),
        ("issues", {"category": "0301", "location": {"lon": 114}}, "location.lat"),
        ("issues", {"category": "0301", "location": {"lon": "114", "lat": 25}}, "location.lon"),
        ("issues", {"category": "0301", "address_text": "x", "extra": {"x": "y" * 9000}}, "extra"),
        ("issues", {"category": "0301", "address_text": "x", "private": 1}, "private"),
    ],
)
def test_what_is_wrong_is_named(name, data, field):
    assert field in [fault for fault, _ in judge(name, "put", data)]


def test_every_message_of_the_schemas_has_words_in_chinese():
    """Feeds each field something of the wrong type, length and choice, and reads what would be said."""
    wrongs = [None, 5, "x" * 5000, [], [[]], {}, {"lon": 500, "lat": "x", "datum": "no"}, True, "no", ["x" * 99] * 60]
    for name in NAMES:
        for field in COLLECTIONS[name].schema().fields:
            for wrong in wrongs:
                for _, message in judge(name, "patch", {field: wrong}):
                    assert words(message, "zh") != message, (name, field, message)


def test_a_nested_object_stays_whole_in_a_patch():
    assert judge("issues", "patch", {"location": {"lon": 114.3}}) != ()


def test_uuids_are_refused_alike_in_every_form():
    for form in (uuid.uuid4().hex, "{" + str(uuid.uuid4()) + "}", uuid.uuid4().urn, "x"):
        data = {"household_id": form, "outcome": "met"}
        assert accepted_by_schema("visits", data, whole=True) == accepted_by_struct("visits", data, whole=True)


def test_so_many_faults_of_one_operation_are_told_and_no_more():
    unknown = {f"field_{n}": n for n in range(500)}
    assert len(judge("visits", "put", {"outcome": "met", "address_text": "x"} | unknown)) == MOST_TOLD
    faults = judge("visits", "put", {"outcome": "met", "address_text": "x", "needs": [*["药"] * 9, *[7] * 500]})
    assert [field for field, _ in faults] == [f"needs[{n}]" for n in range(9, 9 + MOST_TOLD)]


def test_what_is_wrong_with_known_fields_is_told_among_many_unknown_ones():
    unknown = {f"field_{n}": n for n in range(500)}
    assert ("outcome", "Must be one of: met, no_answer, refused, moved, vacant, appointment.") in judge(
        "visits", "put", unknown | {"outcome": "maybe"}
    )
