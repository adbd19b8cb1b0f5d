"""The feed is shortened behind the oldest live cursor, and never under a phone that still needs it."""

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from sync.pull.compaction import LIVE_FOR, compact
from tests.jobs.conftest import eventually, programs_over


@pytest.fixture(autouse=True)
def alone(session):
    """Devices of other tests are out of use."""
    session.execute(text("UPDATE device SET revoked_at = coalesce(revoked_at, now())"))
    session.commit()
    yield
    session.rollback()
    session.execute(text("UPDATE feed_counter SET floor = 0"))
    session.commit()


def passed(session, phone):
    """Pretend that the last note of the phone's position is old, so that its next pull writes one."""
    session.execute(
        text("UPDATE device SET pulled_at = now() - interval '1 day' WHERE uid = :uid"), {"uid": phone.device_id}
    )
    session.commit()


def touches(session):
    count = session.scalar(text("SELECT count(*) FROM feed"))
    session.rollback()
    return count


@pytest.mark.long
def test_nothing_goes_before_every_live_phone_has_it(phone_of, session):
    writer, slow = phone_of("west"), phone_of("west")
    writer.pull()
    slow.pull()
    writer.push(*[writer.visit() for _ in range(5)])
    for _ in range(2):
        passed(session, writer)
        writer.pull()
    compact(session, dt.datetime.now(dt.UTC))
    session.commit()
    slow.pull()
    assert len(slow.records("visits")) == 5
    for _ in range(2):
        passed(session, slow)
        slow.pull()
        passed(session, writer)
        writer.pull()
    assert compact(session, dt.datetime.now(dt.UTC)) > 0
    session.commit()
    assert touches(session) == 0


def test_a_phone_away_for_a_season_is_asked_to_pull_anew(phone_of, session):
    writer, away = phone_of("west"), phone_of("west")
    away.pull()
    gone = dt.datetime.now(dt.UTC) - LIVE_FOR - dt.timedelta(days=1)
    session.execute(
        text("UPDATE device SET enrolled_at = :gone, pulled_at = :gone WHERE uid = :uid"),
        {"gone": gone, "uid": away.device_id},
    )
    session.commit()
    writer.pull()
    writer.push(writer.visit())
    for _ in range(2):
        passed(session, writer)
        writer.pull()
    compact(session, dt.datetime.now(dt.UTC))
    session.commit()
    answer = away.client.get("/v1/sync/pull", query_string={"cursor": away.cursor}, headers=away.headers)
    assert answer.status_code == 410
    away.cursor = None
    away.pull()
    assert len(away.records("visits")) == 1


def test_an_idle_pull_writes_nothing(phone_of, session):
    phone = phone_of("west")
    phone.pull()
    before = session.execute(
        text("SELECT xmin::text, pulled_at FROM device WHERE uid = :u"), {"u": phone.device_id}
    ).one()
    session.rollback()
    for _ in range(3):
        phone.pull()
    after = session.execute(
        text("SELECT xmin::text, pulled_at FROM device WHERE uid = :u"), {"u": phone.device_id}
    ).one()
    assert before == after


def test_little_is_taken_away_at_once(phone_of, session):
    writer = phone_of("west")
    writer.pull()
    writer.push(*[writer.visit() for _ in range(7)])
    for _ in range(2):
        passed(session, writer)
        writer.pull()
    assert [compact(session, dt.datetime.now(dt.UTC), limit=3) for _ in range(4)] == [3, 3, 1, 0]


def test_a_push_does_not_wait_for_a_compaction_that_has_no_floor_to_raise(phone_of, session):
    writer = phone_of("west")
    writer.pull()
    writer.push(*[writer.visit() for _ in range(7)])
    for _ in range(2):
        passed(session, writer)
        writer.pull()
    compact(session, dt.datetime.now(dt.UTC), limit=3)
    session.commit()
    assert compact(session, dt.datetime.now(dt.UTC), limit=3) == 3
    with Session(session.get_bind()) as other:
        assert other.execute(text("SELECT FROM feed_counter FOR UPDATE NOWAIT")).all() == [()]


@pytest.mark.long
def test_the_sweeper_shortens_the_feed_behind_the_phones(phone_of, session, sync_url, redis_url, tmp_path):
    writer, live, away = phone_of("west"), phone_of("west"), phone_of("west")
    for phone in (writer, live, away):
        phone.pull()
    session.execute(
        text("""
            WITH n AS (UPDATE feed_counter SET position = position + 12000 RETURNING position - 12000 AS before)
            INSERT INTO feed SELECT 2, before + number, 1, gen_random_uuid() FROM n, generate_series(1, 12000) AS number
        """)
    )
    session.execute(
        text("UPDATE device SET enrolled_at = :gone, pulled_at = :gone WHERE uid = :uid"),
        {"gone": dt.datetime.now(dt.UTC) - LIVE_FOR - dt.timedelta(days=1), "uid": away.device_id},
    )
    session.commit()
    for _ in range(2):
        for phone in (writer, live):
            passed(session, phone)
            phone.pull()
    op = writer.visit()
    writer.push(op)
    with programs_over(sync_url, redis_url, tmp_path) as running:
        running.sweeper()
        eventually(lambda: touches(session) <= 2, "what everybody has is gone")
    assert [change["id"] for change in live.pull()] == [op["id"]]
    answer = away.client.get("/v1/sync/pull", query_string={"cursor": away.cursor}, headers=away.headers)
    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (410, "resync")
    away.cursor = None
    away.pull()
    assert away.records("visits").keys() == {op["id"]}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["push", "pull one", "pull two", "compact"]), min_size=5, max_size=20))
def test_no_phone_misses_a_record_however_compaction_falls(phone_of, session, steps):
    session.execute(text("UPDATE device SET revoked_at = coalesce(revoked_at, now())"))
    session.commit()
    writer, one, two = (phone_of("west") for _ in range(3))
    made = []
    for step in [*steps, "pull one", "pull two"]:
        if step == "push":
            op = writer.visit()
            writer.push(op)
            made.append(op["id"])
        elif step == "compact":
            compact(session, dt.datetime.now(dt.UTC))
            session.commit()
        else:
            phone = one if step == "pull one" else two
            passed(session, phone)
            phone.pull()
    assert set(made) <= set(one.records("visits"))
    assert set(one.records("visits")) == set(two.records("visits"))
