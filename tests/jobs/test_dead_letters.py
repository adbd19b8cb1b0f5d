"""One item that a job breaks on is set aside with its reason; the hundreds beside it go on, whatever the job."""

import datetime as dt
import uuid
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from server.attachments.store import open_store
from server.attachments.tending import Tender
from server.attachments.uploads import Limits
from server.database.extensions import db
from server.database.ground_cache import ground_at, ground_now
from server.jobs import sweeper, tiles
from server.jobs.merging import Merging
from server.monitoring.standing import STANDS_AFTER, standing
from sync.redraw import moving
from sync.store import dead_letters
from sync.store.dead_letters import FIRST_DELAY, one_by_one, reason_of
from sync.tables import DeadLetter
from tests.api.staff import Desk
from tests.sync.conftest import LATER, app, phone_of, session, sync_url

__all__ = ["app", "phone_of", "session", "sync_url"]
MANY = 200


class Clock:
    def __init__(self):
        self.ahead = dt.timedelta()

    def __call__(self):
        return dt.datetime.now(dt.UTC) + self.ahead


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def begin(app, session):
    """Opens a transaction that commits on leaving, as a job's does."""
    with app.app_context():
        engine = db.engine

    @contextmanager
    def opened():
        with Session(engine, expire_on_commit=False) as one, one.begin():
            yield one

    return opened


@pytest.fixture
def merging(begin, clock):
    return Merging(begin, clock, hold_for=LATER, near_m=50.0)


def letters(session):
    session.rollback()
    return session.query(DeadLetter).order_by(DeadLetter.item).all()


def twice(phone, many):
    """Records that two operations make, so that they must be merged; returns their ids."""
    ids = [uuid.uuid4() for _ in range(many)]
    for note in ("甲", "乙"):
        phone.push(*[phone.visit(id=each, note=note) for each in ids])
    return ids


def impossible(phone, session):
    """A put that waits though no row can be made of it; returns the record's id."""
    record = uuid.uuid4()
    (result,) = phone.push(phone.visit(id=record, outcome="maybe"))
    assert result["status"] == "quarantined"
    session.execute(
        text("UPDATE operation SET status = 'pending', problem = NULL WHERE record_id = :id"),
        {"id": record},
    )
    session.commit()
    return record


def waiting(session):
    session.rollback()
    return session.scalar(text("SELECT count(DISTINCT record_id) FROM operation WHERE status = 'pending'"))


def test_a_record_that_cannot_be_merged_stops_none_of_hundreds(phone_of, session, merging, clock):
    phone = phone_of("west")
    twice(phone, MANY // 2)
    poison = [impossible(phone, session) for _ in range(3)]
    twice(phone, MANY // 2)
    done = merging.batch()
    assert done.records == MANY
    assert waiting(session) == len(poison)
    found = letters(session)
    assert [letter.item for letter in found] == sorted(f"visits/{each}" for each in poison)
    assert {(letter.queue, letter.attempts) for letter in found} == {("merge", 1)}
    assert all("IntegrityError" in letter.reason or "CheckViolation" in letter.reason for letter in found)
    assert not merging.batch().operations
    assert [letter.attempts for letter in letters(session)] == [1, 1, 1]
    clock.ahead = FIRST_DELAY
    merging.batch()
    assert [letter.attempts for letter in letters(session)] == [2, 2, 2]


def test_what_was_mended_meanwhile_is_merged_and_forgotten(phone_of, session, merging, clock):
    phone = phone_of("west")
    poison = impossible(phone, session)
    merging.batch()
    mended = text("""UPDATE operation SET data = data || '{"outcome": "met"}' WHERE record_id = :id""")
    session.execute(mended, {"id": poison})
    session.commit()
    assert not merging.batch().operations
    # Somebody released it anew, after it had failed.
    session.execute(text("UPDATE operation SET ruled_at = now() + interval '1 second'"))
    session.commit()
    assert merging.batch().operations == 1
    assert letters(session) == []
    assert session.scalar(text("SELECT doc ->> 'outcome' FROM visit WHERE id = :id"), {"id": poison}) == "met"


def test_a_batch_in_trouble_of_the_database_sets_nothing_aside(phone_of, session, merging, begin, monkeypatch):
    phone = phone_of("west")
    twice(phone, 3)

    def away(*_, **__):
        raise OperationalError("", None, Exception("gone"))

    monkeypatch.setattr("sync.resolution.conflicts.settle_waiting", away)
    with pytest.raises(OperationalError):
        merging.batch()
    assert letters(session) == []


def test_people_in_charge_of_all_see_what_is_set_aside_and_have_it_tried_again(app, phone_of, session, merging, begin):
    poison = impossible(phone_of("west"), session)
    merging.batch()
    admin = Desk.of(app, session, "admin", "360725")
    worker = Desk.of(app, session, "supervisor", "360725100001001")
    (item,) = admin.get("/v1/support/set-aside").json["items"]
    assert (item["queue"], item["item"], item["attempts"]) == ("merge", f"visits/{poison}", 1)
    assert worker.get("/v1/support/set-aside").json["items"] == []
    named = {"queue": "merge", "item": item["item"]}
    assert worker.post("/v1/support/set-aside/retry", named).status_code == 404
    assert admin.post("/v1/support/set-aside/retry", named | {"item": "visits/none"}).status_code == 404
    assert admin.post("/v1/support/set-aside/retry", named).status_code == 204
    merging.batch()
    assert letters(session)[0].attempts == 2


def test_readiness_and_figures_tell_what_stands_and_what_is_set_aside(app, phone_of, session, merging):
    phone = phone_of("west")
    client = app.test_client()
    impossible(phone, session)
    merging.batch()
    twice(phone, 2)
    told = client.get("/readyz")
    assert (told.status_code, told.json["set_aside"]) == (200, {"merge": 1})
    assert "merge" not in told.json["standing"]
    session.execute(text("UPDATE operation SET received_at = received_at - interval '2 minutes'"))
    session.commit()
    told = client.get("/readyz").json
    assert told["status"] == "degraded"
    assert told["standing"]["merge"] >= 120
    assert 'patrol_set_aside{queue="merge"} 1' in client.get("/metrics").text
    assert merging.batch().records == 2
    assert "merge" not in client.get("/readyz").json["standing"], "what is set aside does not make its queue stand"


def test_a_record_that_cannot_be_moved_stops_none_of_the_others(phone_of, session, begin, clock):
    phone = phone_of("west", "east")
    for start in range(0, MANY, 100):
        phone.push(*[phone.issue(at=(114.3151 + (start + n) / 1e6, 25.685)) for n in range(100)])
    ids = sorted(session.scalars(text("SELECT id FROM issue")))
    west, east = (
        session.scalar(text("SELECT id FROM area WHERE code = :code"), {"code": code})
        for code in ("360725100001001", "360725100001002")
    )
    # All stand in the grid that had this ground once; of one the accuracy cannot be read.
    session.execute(text("UPDATE issue SET grid_now = :west"), {"west": west})
    session.execute(
        text("""UPDATE issue SET doc = jsonb_set(doc, '{location,accuracy_m}', '"near"') WHERE id = :id"""),
        {"id": ids[77]},
    )
    number = session.scalar(text("SELECT max(number) FROM edition"))
    session.execute(
        text("""
            INSERT INTO edition_move (edition_number, area_ids, reach)
            VALUES (:number, ARRAY[CAST(:west AS int)], ST_MakeEnvelope(114.3, 25.6, 114.4, 25.7, 4326))
        """),
        {"number": number, "west": west},
    )
    session.commit()
    city = moving.JobContext(begin, clock, ground_at, 50.0)
    try:
        assert moving.follow(city).moved == MANY - 1
        assert [letter.item for letter in letters(session)] == [f"issues/{ids[77]}"]
        assert session.scalar(text("SELECT count(*) FROM issue WHERE grid_now = :east"), {"east": east}) == MANY - 1
        session.execute(text("UPDATE issue SET doc = doc #- '{location,accuracy_m}'"))
        session.commit()
        assert moving.follow_late(city).moved == 0
        clock.ahead = FIRST_DELAY
        assert moving.waits(session, clock())
        assert moving.follow_late(city).moved == 1
        assert letters(session) == []
    finally:
        session.rollback()
        session.execute(text("DELETE FROM edition_move"))
        session.commit()


def test_a_file_that_cannot_be_tended_to_stops_none_of_the_others(session, begin, clock, tmp_path, monkeypatch):
    done, broken = [], uuid.uuid4()
    files = [uuid.uuid4() for _ in range(20)]
    queue = [*files[:10], broken, *files[10:]]
    waits = iter(queue)
    monkeypatch.setattr("server.attachments.tending.claim_stranded", lambda *_: next(waits, None))

    def finish(_transaction, _store, upload_id, *_):
        if upload_id == broken:
            raise ValueError(upload_id)
        done.append(upload_id)

    monkeypatch.setattr("server.attachments.tending.finish", finish)
    limits = Limits(2**30, 100, 2**30, dt.timedelta(days=7))
    Tender(begin, open_store(tmp_path.as_uri()), ground_now, limits, clock).tend()
    assert done == files
    assert [letter.item for letter in letters(session)] == [f"upload/{broken}"]


def test_a_kind_that_cannot_be_drawn_stops_none_of_the_others(session, begin, monkeypatch):
    drawn, broken = [], "community"
    left = ["grid", "community", "street"]

    def waiting_kind(_session, *, skipped=()):
        return next((kind for kind in left if kind not in skipped), None)

    def sketch_next(_session, *, skipped=()):
        kind = waiting_kind(_session, skipped=skipped)
        if kind == broken:
            raise ValueError(kind)
        left.remove(kind)
        drawn.append(kind)
        return tiles.simplifying.Done(kind, 1, 1, 1)

    monkeypatch.setattr(tiles, "transaction", begin)
    monkeypatch.setattr(tiles.simplifying, "waiting", waiting_kind)
    monkeypatch.setattr(tiles.simplifying, "sketch_next", sketch_next)
    assert tiles.sketch() == 2
    assert drawn == ["grid", "street"]
    assert [letter.item for letter in letters(session)] == [broken]


def test_a_look_that_fails_hides_no_work_of_other_queues(session, monkeypatch):
    def broken(*_, **__):
        session.execute(text("SELECT 1 / 0"))

    monkeypatch.setattr(sweeper, "awaits", broken)
    session.execute(
        text("INSERT INTO dead_letter (queue, item, since, last_at, attempts, next_attempt_at, reason)"
             " VALUES ('editions', 'x', now(), now(), 1, now() - interval '1 s', 'x')")
    )  # fmt: skip
    found = sweeper.waiting(session, dt.datetime.now(dt.UTC), held_too=True)
    assert {"routing", "editions"} <= set(found)


@given(st.lists(st.integers(0, 50), unique=True), st.sets(st.integers(0, 50)))
def test_all_but_what_fails_is_done_once_and_what_fails_is_named(items, bad):
    done, refused = [], []

    def work(some):
        if bad & set(some):
            raise ValueError(some)
        done.extend(some)
        return len(some)

    results = one_by_one(items, work, lambda item, _: refused.append(item))
    assert done == [each for each in items if each not in bad]
    assert refused == [each for each in items if each in bad]
    assert sum(results) == len(done)


def test_no_value_of_a_row_is_kept_as_a_reason(session):
    with pytest.raises(IntegrityError, match="violates") as caught:
        session.execute(text("INSERT INTO feed_counter (id, position) VALUES (2, 13800138000)"))
    session.rollback()
    assert "13800138000" in str(caught.value)
    assert "13800138000" not in reason_of(caught.value)
    assert "one_row" in reason_of(caught.value)


def test_a_queue_stands_when_its_oldest_work_has_waited_for_a_minute(session, phone_of):
    phone_of("west").push(phone_of("west").issue())
    now = dt.datetime.now(dt.UTC)
    assert "routing" not in standing(session, now).queues
    assert "routing" in standing(session, now + STANDS_AFTER + dt.timedelta(seconds=2)).queues
    assert dead_letters.counted(session) == {}
