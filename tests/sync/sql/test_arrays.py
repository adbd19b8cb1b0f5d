"""Arrays come back from PostgreSQL as what they were made of."""

import datetime as dt
import uuid

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.sql import arrays

TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])) | st.sampled_from(
    ["", "NULL", "null", '"', "\\", "{}", ",", "\x1f", "'", " ", '{"a":"b\\u001f"}', "家中有人"]
)
CASES = {
    "texts": ("text[]", TEXTS),
    "numbers": ("float8[]", st.floats(allow_nan=False, allow_infinity=False)),
    "uuids": ("uuid[]", st.uuids()),
    "times": (
        "timestamptz[]",
        st.integers(-(2**31), 2**32).map(lambda seconds: dt.datetime.fromtimestamp(seconds + 0.25, dt.UTC)),
    ),
    "blobs": ("bytea[]", st.binary()),
}


@pytest.fixture(scope="module")
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True, options="-c timezone=UTC") as opened:
        yield opened


@pytest.mark.parametrize("name", CASES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_every_array_comes_back_as_it_was(connection, name, data):
    kind, element = CASES[name]
    values = data.draw(st.lists(element | st.none(), max_size=8))
    sent = getattr(arrays, name)(values)
    assert connection.execute(f"SELECT CAST(%s AS {kind})", (sent,)).fetchone()[0] == values


def test_whole_numbers_are_whole(connection):
    sent = arrays.numbers([1, None, -(2**62)])
    assert connection.execute("SELECT CAST(%s AS bigint[])", (sent,)).fetchone()[0] == [1, None, -(2**62)]


def test_a_time_keeps_its_microseconds(connection):
    moment = dt.datetime(2026, 11, 21, 1, 2, 3, 4, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    assert connection.execute("SELECT CAST(%s AS timestamptz[])", (arrays.times([moment]),)).fetchone()[0] == [moment]


def test_an_id_is_read_without_its_dashes(connection):
    record = uuid.uuid4()
    assert connection.execute("SELECT CAST(%s AS uuid[])", (arrays.uuids([record]),)).fetchone()[0] == [record]
