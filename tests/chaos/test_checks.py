"""Each check names the fault that it is there for, planted in the real database or on the phone of a real day."""

import dataclasses
import datetime as dt
import threading

import pytest
from sqlalchemy import text

from server.simulator.faults import ledger, sight
from server.simulator.faults.resting import QuietPoint
from server.simulator.faults.running import enrol
from server.simulator.faults.watching import Watch, WatchedStanding, oldest_work, silence
from server.simulator.faults.world import Broken, Restore

pytestmark = pytest.mark.chaos


def found(invariant, check, *arguments):
    """Runs a check that must find this invariant broken; returns what it told."""
    with pytest.raises(Broken) as caught:
        check(*arguments)
    assert caught.value.invariant == invariant
    return caught.value


def an_operation(phones, *, collection="issues", action="put", status="applied", refusable=False):
    """(phone, operation) of this kind; of those in effect one whose record the phone holds: nobody has deleted it."""
    return next(
        (phone, made)
        for phone in phones
        for made in phone.made.values()
        if (made.collection, made.action, made.status, made.refusable) == (collection, action, status, refusable)
        and (status != "applied" or (collection, made.record_id) in phone.held)
    )


def altered(session, statement, made):
    """Plants a fault in the row of an operation or of its record."""
    done = session.execute(text(statement), {"op": made.op_id, "record": made.record_id})
    assert done.rowcount == 1


def check_record(session, phones, made, restores=()):
    ledger.check_records(session, made.collection, [made.record_id], phones, restores)


def test_where_nothing_was_planted_nothing_is_found(quiet, session, phones):
    for phone in phones:
        assert ledger.check_log(session, phone).total() == len(phone.made)
        sight.check_sight(session, phone)
        sight.check_anew(phone)
        sight.check_counts(phone)
    issues = [made for phone in phones for made in phone.made.values() if made.collection == "issues"]
    ledger.check_records(session, "issues", [made.record_id for made in issues], phones, ())
    assert ledger.check_feed(session) > 0
    ledger.check_places(session)


def test_an_operation_that_is_not_in_the_log(session, phones):
    phone, made = an_operation(phones, collection="visits")
    altered(session, "DELETE FROM operation WHERE op_id = :op AND record_id = :record", made)
    told = found("once in the log", ledger.check_log, session, phone)
    assert made.op_id in told.told
    assert told.record == ("visits", made.record_id)


def test_an_operation_that_is_in_the_log_twice(session, phones):
    phone, made = an_operation(phones, collection="visits")
    names = "device_id, op_id, seq, collection, record_id, action, received_at, status, receipt, rev"
    altered(
        session,
        f"INSERT INTO operation (body_hash, {names}) SELECT '', {names} FROM operation "
        "WHERE op_id = :op AND record_id = :record",
        made,
    )
    assert "2 times" in found("once in the log", ledger.check_log, session, phone).told


def test_an_operation_in_the_log_that_the_phone_never_made(session, phones):
    phone, made = an_operation(phones, collection="visits")
    altered(session, "UPDATE operation SET op_id = gen_random_uuid() WHERE op_id = :op AND record_id = :record", made)
    found("once in the log", ledger.check_log, session, phone)


@pytest.mark.parametrize(
    ("kind", "fault", "invariant"),
    [
        ({}, 'receipt = \'{"status": "applied"}\'', "receipt"),
        ({}, "status = 'merged'", "outcome"),
        ({"refusable": True, "status": "quarantined"}, "problem = '{}'", "reason"),
    ],
)
def test_a_row_of_the_log_that_is_not_what_the_phone_was_told(session, phones, kind, fault, invariant):
    phone, made = an_operation(phones, **kind)
    altered(session, f"UPDATE operation SET {fault} WHERE op_id = :op AND record_id = :record", made)
    assert made.op_id in found(invariant, ledger.check_log, session, phone).told


def test_an_operation_in_effect_that_had_to_be_refused(session, phones, monkeypatch):
    phone, made = an_operation(phones)
    monkeypatch.setattr(made, "refusable", True)
    assert "made to be refused" in found("reason", ledger.check_log, session, phone).told


def test_a_good_operation_in_quarantine(session, phones, monkeypatch):
    phone, made = an_operation(phones, refusable=True, status="quarantined")
    monkeypatch.setattr(made, "refusable", False)
    altered(
        session,
        'UPDATE operation SET problem = \'{"type": "/problems/category-unknown"}\' WHERE op_id = :op '
        "AND record_id = :record",
        made,
    )
    assert "is quarantined for" in found("reason", ledger.check_log, session, phone).told


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("doc = jsonb_set(doc, '{description}', '\"改过\"')", "its operations make"),
        ("deleted_at = now()", "deleted is"),
        ("rev = 0", "below its operations"),
    ],
)
def test_a_record_that_is_not_what_its_operations_make(session, phones, fault, says):
    _, made = an_operation(phones)
    altered(session, f"UPDATE issue SET {fault} WHERE id = :record AND CAST(:op AS text) <> ''", made)
    told = found("record", check_record, session, phones, made)
    assert says in told.told
    assert told.record == ("issues", made.record_id)


def test_a_record_that_is_gone(session, phones):
    _, made = an_operation(phones, collection="visits")
    altered(session, "DELETE FROM visit WHERE id = :record AND CAST(:op AS text) <> ''", made)
    assert "and no record" in found("record", check_record, session, phones, made).told


def test_an_operation_that_is_in_effect_twice(session, phones):
    _, made = an_operation(phones, collection="visits")
    names = "device_id, author_id, seq, collection, record_id, action, received_at, corrected_at, status, rev, data"
    altered(
        session,
        f"INSERT INTO operation (op_id, body_hash, changes, {names}) "
        f"SELECT gen_random_uuid(), '', changes, {names} FROM operation WHERE op_id = :op AND record_id = :record",
        made,
    )
    assert "several operations made revision" in found("record", check_record, session, phones, made).told


def test_an_operation_that_counts_as_having_seen_what_came_after_a_restore(session, phones):
    row = session.execute(
        text("""
            SELECT late.op_id::text, late.record_id::text FROM operation AS late
            JOIN operation AS seen ON seen.record_id = late.record_id AND seen.rev <= late.base_rev
            WHERE late.collection = 'issues' AND late.status IN ('applied', 'merged')
              AND seen.status IN ('applied', 'merged')
              AND late.op_id = ANY (CAST(:made AS uuid[])) AND seen.op_id = ANY (CAST(:made AS uuid[]))
            ORDER BY late.id
        """),
        {"made": [op_id for phone in phones for op_id in phone.made]},
    ).first()
    made = next(phone.made[row.op_id] for phone in phones if row.op_id in phone.made)
    filled_at = min(phone.seen_from[row.op_id] for phone in phones if row.op_id in phone.seen_from)
    # Others wrote to the record too, on phones that were filled earlier.
    before = min(moment for phone in phones for moment in phone.seen_from.values()) - dt.timedelta(microseconds=1)
    just_after = filled_at + dt.timedelta(microseconds=1)
    check_record(session, phones, made, [Restore(before, before)])
    told = found("base", check_record, session, phones, made, [Restore(just_after, just_after)])
    assert told.record == ("issues", row.record_id)


@pytest.mark.parametrize(
    "fault",
    [
        "DELETE FROM feed WHERE position = (SELECT (floor + position) / 2 FROM feed_counter)",
        "DELETE FROM feed WHERE position = (SELECT position FROM feed_counter)",
        "INSERT INTO feed SELECT * FROM feed WHERE position = (SELECT (floor + position) / 2 FROM feed_counter)",
        "UPDATE feed_counter SET position = position + 1",
    ],
)
def test_a_feed_with_a_gap_or_with_a_position_twice(session, phones, fault):
    key = session.scalar(text("SELECT conname FROM pg_constraint WHERE conrelid = 'feed'::regclass AND contype = 'p'"))
    if key:
        session.execute(text(f"ALTER TABLE feed DROP CONSTRAINT {key}"))
    assert session.execute(text(fault)).rowcount == 1
    found("feed", ledger.check_feed, session)


def test_a_record_in_a_grid_that_it_does_not_lie_in(session, phones):
    _, made = an_operation(phones, action="put")
    altered(
        session,
        "UPDATE issue SET position = ST_Translate(position, 1, 0), located = 'inside' "
        "WHERE id = :record AND CAST(:op AS text) <> ''",
        made,
    )
    told = found("place", ledger.check_places, session)
    assert told.record == ("issues", made.record_id)


ELSEWHERE_CAPTURED = """
    UPDATE visit SET located = 'inside',
    grid_at_capture = (SELECT min(id) FROM area WHERE kind = 'grid' AND id <> grid_at_capture)
    WHERE id = :record AND CAST(:op AS text) <> ''
"""
NO_PLACE = "UPDATE operation SET data = data - 'location' WHERE op_id = :op AND record_id = :record"
ANOTHER_PLACE = """
    UPDATE operation SET data = jsonb_set(data, '{location,lon}', '114.0') WHERE op_id = :op AND record_id = :record
"""


@pytest.mark.parametrize("captured", [NO_PLACE, ANOTHER_PLACE])
def test_a_visit_is_held_to_the_grid_of_the_place_that_was_captured(session, phones, captured):
    # Kept as it was sent: of a place in another datum the log holds what it was turned into, too.
    made = next(
        made
        for phone in phones
        for made in phone.made.values()
        if (made.collection, made.status, made.refusable) == ("visits", "applied", False)
        and b'"location"' in made.body
        and b'"gcj02"' not in made.body
    )
    altered(session, ELSEWHERE_CAPTURED, made)
    assert found("place", ledger.check_places, session).record == ("visits", made.record_id)
    altered(session, captured, made)
    ledger.check_places(session)


def test_a_record_that_did_not_follow_a_redraw(session, phones):
    _, made = an_operation(phones, action="put")
    altered(
        session,
        "UPDATE issue SET located = 'inside', "
        "grid_now = (SELECT min(id) FROM area WHERE kind = 'grid' AND id <> grid_now) "
        "WHERE id = :record AND CAST(:op AS text) <> ''",
        made,
    )
    told = found("place", ledger.check_places, session)
    assert told.record == ("issues", made.record_id)


def test_a_phone_that_is_told_of_other_grids_than_its_worker_has(session, phones):
    phone = phones[0]
    ended = text("DELETE FROM assignment USING person WHERE person.id = person_id AND login = :login")
    assert session.execute(ended, {"login": phone.login}).rowcount > 0
    found("scope", sight.check_sight, session, phone)


def test_a_record_that_a_phone_never_got(session, phones):
    phone = phones[0]
    key = next(iter(phone.held))
    kept = phone.held.pop(key)
    told = found("skipped", sight.check_sight, session, phone)
    assert found("converging", sight.check_anew, phone).record == told.record == key
    phone.held[key] = kept


def test_a_record_too_many_on_a_phone(session, phones):
    phone = phones[0]
    key = ("households", "00000000-0000-4000-8000-000000000000")
    phone.held[key] = next(each for (name, _), each in phone.held.items() if name == "households")
    told = found("rights", sight.check_sight, session, phone)
    assert found("converging", sight.check_anew, phone).record == told.record == key
    found("digest", sight.check_counts, phone)
    del phone.held[key]


def test_a_record_that_went_on_while_the_phone_heard_nothing(session, phones):
    phone, made = an_operation(phones)
    key = (made.collection, made.record_id)
    altered(session, "UPDATE issue SET rev = rev + 1 WHERE id = :record AND CAST(:op AS text) <> ''", made)
    assert found("stale", sight.check_sight, session, phone).record == key


def test_a_record_that_is_another_on_the_phone_under_the_same_revision(phones):
    phone, made = an_operation(phones)
    key = (made.collection, made.record_id)
    kept = phone.held[key]
    phone.held[key] = kept | {"data": kept["data"] | {"description": "改过"}}
    assert found("converging", sight.check_anew, phone).record == key
    phone.held[key] = kept


def test_an_operation_that_the_server_never_saw(phones):
    phone, made = an_operation(phones)
    phone.made["one more"] = made
    assert "the server saw up to" in found("acknowledged", sight.check_counts, phone).told
    del phone.made["one more"]


def test_a_receipt_that_is_another_the_second_time(phones, monkeypatch):
    phone, made = an_operation(phones)
    monkeypatch.setattr(made, "receipt", (made.receipt or b"").replace(b"applied", b"Applied"))
    assert made.op_id in found("receipt", sight.check_replays, phone, [made]).told


def test_an_operation_that_is_in_doubt_on_one_side_alone(quiet, phones):
    phone, _ = an_operation(phones)
    told = sight.check_counts(phone)
    quiet._check_told(phone, told)
    found("counts", quiet._check_told, phone, told | {"review": [*told["review"], {}]})


def test_an_operation_that_was_acknowledged_and_is_unknown_when_it_is_sent_again(world):
    (carrier,) = enrol(dataclasses.replace(world, plan=dataclasses.replace(world.plan, devices=1)))
    phone = carrier.phone
    made = phone.enter("gossip", {"about": "neighbours"})
    told = found("receipt", sight.check_replays, phone, [made])
    assert "of 1 operations sent again 0 were known" in told.told


def test_what_waits_for_ever_without_a_reason_that_holds(world):
    hasty = dataclasses.replace(world, plan=dataclasses.replace(world.plan, devices=1, settle_s=3.0))
    carriers = enrol(hasty)
    phone = carriers[0].phone
    record_id = next(record_id for name, record_id in phone.held if name == "households")
    made = phone.enter("households", {"needs": []}, action="patch", record_id=record_id, base={"rev": 2_000_000_000})
    told = found("waiting", lambda: QuietPoint(hasty, carriers, phone.chance).reach(last=True))
    assert made.op_id in told.told


def test_a_web_that_serves_nobody_for_too_long():
    told = silence(lambda: False, 0.3, threading.Event())
    assert told is not None
    assert told.invariant == "silence"


def test_a_web_that_is_away_for_less_is_forgiven():
    over, answers = threading.Event(), iter([False, True, False, True])

    def answer():
        if (good := next(answers, None)) is None:
            over.set()
        return good is not False

    assert silence(answer, 60.0, over) is None


def test_a_web_at_an_address_where_nobody_answers_is_found_by_the_watch(world):
    plan = dataclasses.replace(world.plan, url="http://127.0.0.1:1", silence_s=0.3)
    with Watch(dataclasses.replace(world, plan=plan)) as watch:
        for _ in range(100):
            if watch.found:
                break
            threading.Event().wait(0.1)
    found("silence", watch.check)


MOVE = """
    INSERT INTO edition_move (edition_number, area_ids, reach, stage)
    SELECT max(number), '{}', ST_MakeEnvelope(0, 0, 1, 1, 4326), 'visits' FROM edition
    WHERE CAST(:op AS text) || CAST(:record AS text) <> ''
    ON CONFLICT (edition_number) DO UPDATE SET stage = 'visits', finished_at = NULL
"""


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("merge", "UPDATE operation SET status = 'pending' WHERE op_id = :op AND record_id = :record"),
        ("route", "UPDATE issue SET awaiting_routing = true WHERE id = :record AND CAST(:op AS text) <> ''"),
        ("move", MOVE),
    ],
)  # fmt: skip
def test_work_of_a_job_that_stands(session, phones, kind, fault):
    _, made = an_operation(phones)
    standing = WatchedStanding(60.0)
    altered(session, fault, made)
    waits = oldest_work(session)
    assert waits[kind] is not None
    assert standing.look(waits, 0.0) is None
    assert standing.look(waits, 59.0) is None
    told = standing.look(waits, 61.0)
    assert told is not None
    assert (told.invariant, kind in told.told) == ("standing", True)


def test_work_that_goes_on_does_not_stand():
    standing = WatchedStanding(60.0)
    assert [standing.look({"merge": str(n)}, 50.0 * n) for n in range(5)] == [None] * 5
    assert standing.look({"merge": None}, 300.0) is None
    assert standing.look({"merge": "4"}, 301.0) is None
