"""The ground is redrawn again and again while phones push and records move: in the end each lies where PostGIS says."""

import datetime as dt
import itertools
import random
import threading
import time

from sqlalchemy import text
from sqlalchemy.orm import Session

from sync.redraw import moving
from sync.store import fence
from tests.cases.city import EAST, WEST
from tests.sync.redrawing import clock, follow, moving_city, put_household, redraw, redrawn, strip

__all__ = ["redrawn"]
LASTS_S = 2.0
FLIPS = 8
PHONES = 3

# A record's grid by the newest edition; and by the one in force at its corrected capture time, where it lies where it
# was captured. Both by PostGIS alone.
_NOW = """
    SELECT count(*), count(*) FILTER (WHERE grid_now IS DISTINCT FROM (
        SELECT area_id FROM area_version JOIN area ON area.id = area_id
        WHERE kind = 'grid' AND upper_inf(editions) AND ST_Contains(polygon, position)))
    FROM {table} WHERE position IS NOT NULL
"""
_THEN = """
    SELECT count(*), count(*) FILTER (WHERE grid_at_capture IS DISTINCT FROM (
        SELECT area_id FROM area_version JOIN area ON area.id = area_id JOIN edition ON editions @> number
        WHERE kind = 'grid' AND in_force @> captured_at AND ST_Contains(polygon, position)))
    FROM {table} WHERE position IS NOT NULL AND author_id IS NOT NULL AND doc_rev = 1
"""
_HANGING = """
    SELECT count(*), count(*) FILTER (WHERE visit.grid_now IS DISTINCT FROM household.grid_now)
    FROM visit JOIN household ON household.id = household_id::uuid WHERE visit.position IS NULL
"""


def somewhere(chance):
    """A point on the strip; none is ever on a border."""
    return round(round(chance.uniform(114.3001, 114.3199), 5) + 3e-7, 7), round(chance.uniform(25.6801, 25.6899), 5)


def push_on(phone, chance, households, stop):
    """Report, visit and mend until told to stop; what was captured may be minutes old."""
    issues = []
    while not stop.is_set():
        ago = dt.timedelta(seconds=chance.choice((0, 0, 1, 3, 600)))
        ops = [phone.issue(somewhere(chance), captured_at=clock() - ago) for _ in range(4)]
        ops += [phone.visit(somewhere(chance), captured_at=clock() - ago) for _ in range(4)]
        ops.append(phone.op("visits", {"outcome": "met", "household_id": str(chance.choice(households))}))
        if issues:
            lon, lat = somewhere(chance)
            ops.append(phone.patch("issues", *chance.choice(issues), location={"lon": lon, "lat": lat}))
        told = phone.push(*ops)
        issues = [(op["id"], {"op_id": op["op_id"]}) for op, result in zip(ops[:4], told[:4], strict=True)]
        assert {result["status"] for result in told} <= {"applied", "pending"}


def cut_anew(session, chance, number, standing):
    """Cut the strip into one to four grids: the first keeps its code, the others are new each time."""
    cuts = sorted(round(chance.uniform(114.301, 114.319), 5) + 1.7e-6 for _ in range(chance.randint(0, 3)))
    ends = [114.30, *cuts, 114.32]
    codes = [WEST, *(f"3607251000019{number:02}{place}" for place in range(len(cuts)))]
    areas = [strip(code, *pair) for code, pair in zip(codes, itertools.pairwise(ends), strict=True)]
    redraw(session, *areas, retired=sorted(standing - set(codes)))
    return set(codes)


class AtWork:
    """Threads that work until the city rests; what fails in one of them fails the test."""

    def __init__(self):
        self.stop, self.failures, self.threads = threading.Event(), [], []

    def start(self, work, *arguments):
        def guarded():
            try:
                work(*arguments)
            except BaseException as error:  # noqa: BLE001  # told by the test
                self.failures.append(error)
                self.stop.set()

        self.threads.append(threading.Thread(target=guarded))
        self.threads[-1].start()

    def rest(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        assert self.failures == []


def move_on(engine, stop):
    while not stop.is_set():
        moving.follow(moving_city(engine), chunk=50)
        stop.wait(0.01)


def redraw_on(engine, chance, standing):
    with Session(engine) as publisher:
        for number in range(1, FLIPS + 1):
            time.sleep(LASTS_S / FLIPS)
            standing = cut_anew(publisher, chance, number, standing)
    time.sleep(0.2)


def misplaced(session):
    """What does not lie where PostGIS says, as table -> (records, wrong ones)."""
    found = {
        (table, when): session.execute(text(statement.format(table=table))).one()
        for table in ("issue", "visit", "household")
        for when, statement in (("now", _NOW), ("then", _THEN))
    }
    found["visit", "with its household"] = session.execute(text(_HANGING)).one()
    return {key: (count, wrong) for key, (count, wrong) in found.items() if wrong}


def test_every_record_lies_where_it_should_whatever_was_under_way(redrawn, phone_of):
    chance, engine = random.Random(11), redrawn.get_bind()
    households = [put_household(redrawn, somewhere(chance), WEST) for _ in range(40)]
    standing = cut_anew(redrawn, chance, 0, {EAST})
    at_work = AtWork()
    for number in range(PHONES):
        phone = phone_of("community")
        phone.client = phone.client.application.test_client()
        at_work.start(push_on, phone, random.Random(number), households, at_work.stop)
    for _ in range(2):
        at_work.start(move_on, engine, at_work.stop)
    try:
        redraw_on(engine, chance, standing)
    finally:
        at_work.rest()
    follow(redrawn)
    assert misplaced(redrawn) == {}
    assert redrawn.scalar(text("SELECT count(*) FROM visit WHERE position IS NULL AND grid_now IS NOT NULL")) > 0


def test_a_visit_that_is_being_pushed_into_the_grid_that_its_household_had_is_waited_for(redrawn):
    household = put_household(redrawn, (114.305, 25.685), WEST)
    redrawn.execute(text("UPDATE household SET position = NULL"))
    redrawn.commit()
    redraw(redrawn, strip(EAST, 114.30, 114.32), retired=[WEST])
    with Session(redrawn.get_bind()) as pusher:
        fence.hold(pusher)
        pusher.execute(
            text("""
                INSERT INTO visit (id, rev, doc_rev, doc, captured_at, received_at, changed_at, located, grid_now)
                SELECT gen_random_uuid(), 1, 1, jsonb_build_object('outcome', 'met', 'household_id', id), now(), now(),
                       now(), 'inside', grid_now FROM household WHERE id = :household
            """),
            {"household": household},
        )
        mover = threading.Thread(target=moving.follow, args=(moving_city(redrawn.get_bind()),))
        mover.start()
        mover.join(1.0)
        assert mover.is_alive(), "it waits for the push"
        pusher.commit()
    mover.join()
    grids = redrawn.execute(text("SELECT code FROM visit JOIN area ON area.id = grid_now")).scalars()
    assert list(grids) == [EAST]
