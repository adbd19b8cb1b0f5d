"""The light of a case in lists is that of its clock that runs out first, at every step of its life."""

import threading
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text

from server.accounts.charge import Charge, Held, Reach
from server.cases.life.persons import Actor
from server.cases.life.taking import Wanted, take_one
from server.cases.lists import desk, duty, waiting
from server.cases.routing.service import route_awaiting
from server.cases.timing import alarms, reading
from tests.cases.city import NOW, id_of, report, shown

COMMUNITY = "360725100001"
EVERYWHERE = Reach(0, (), True, (), True, ())
# What is done after how many hours, by whom; and the clock that then runs out first.
LIFE = (
    (0, None, "report", {}, "acceptance"),
    (0.2, "duty", "accept", {}, "filing"),
    (0.2, "duty", "file", {}, "dispatch"),
    (0.2, "duty", "dispatch", {"bodies": {"lead": "zhujian", "assisting": []}}, "receipt"),
    (0.5, "lead", "receive", {}, "handling"),
    (0.5, "duty", "suspend", {"reason": "停水", "review_on": "2026-12-30"}, "review"),
    (30, "duty", "resume", {}, "handling"),
    (0.1, "lead", "done", {"answer": "已更换", "photos": ["x"]}, "check"),
    (4, "duty", "close", {"reason": "explained"}, None),
)


@pytest.fixture
def people(session):
    """A dispatcher of the community and somebody of the body that leads."""
    session.execute(text("UPDATE category SET intake = 'duty' WHERE code = '0302'"))
    held = {"duty": Held("dispatcher", id_of(session, "area", COMMUNITY), None),
            "lead": Held("handler", None, id_of(session, "organisation", "zhujian"))}  # fmt: skip
    for name in held:
        session.execute(text("INSERT INTO person (login, name) VALUES (:l, :l) ON CONFLICT DO NOTHING"), {"l": name})
    yield {
        name: Actor("page", Charge(id_of(session, "person", name), frozenset({each}))) for name, each in held.items()
    }
    session.rollback()


def listed(session, at):
    """The row of the only case on the duty list, and on its body's desk; and what the counts above them say."""
    [row] = duty.list_duty(session, EVERYWHERE, duty.Wanted(), after=None, limit=9, now=at).cases or (None,)
    body = id_of(session, "organisation", "zhujian")
    [own] = desk.list_cases(session, [body], desk.Wanted(), after=None, limit=9, now=at).cases or (None,)
    assert waiting.on_duty(session, EVERYWHERE, at).lights == ({} if row is None else {row["light"]: 1})
    assert waiting.at_desk(session, [body], at).lights == ({} if own is None else {own.light: 1})
    return row, own


def test_the_light_is_that_of_the_clock_that_runs_out_first(session, ground, people):
    issue_id, now = report(session, "0302"), NOW
    session.execute(text("UPDATE issue SET captured_at = :at, received_at = :at"), {"at": NOW})
    for hours, who, step, given, stage in LIFE:
        now += timedelta(hours=hours)
        if who is None:
            route_awaiting(session, now, ground)
        else:
            fields = shown(session, issue_id, given)
            take_one(session, Wanted(uuid.uuid4(), issue_id, step, people[who], fields), ground, now)
        while alarms.refresh(session, ground, now, 10):
            pass
        clocks = [each for each in reading.of_cases(session, [issue_id], ground, now)[issue_id] if each.stage == stage]
        if stage is None:
            assert listed(session, now) == (None, None)
            continue
        clock = clocks[-1]
        assert clock.state == "running"
        for moment in (
            now,
            clock.warn_at - timedelta(seconds=1),
            clock.warn_at,
            clock.due_at,
            clock.due_at + timedelta(hours=1),
        ):
            row, own = listed(session, moment)
            told = (row["light"], row["light_due_at"], row["light_stage"])
            assert told == (clock.light(moment), clock.due_at, stage), (step, moment)
            if own is not None and stage in ("review", "check"):
                assert (own.light, own.light_due_at, own.light_stage) == ("none", None, None)
            elif own is not None:
                assert (own.light, own.light_due_at, own.light_stage) == told


def test_until_its_clocks_are_counted_a_case_goes_by_the_deadline_of_its_body(session, ground, people):
    issue_id = report(session, "0302")
    session.execute(text("UPDATE category SET intake = 'auto' WHERE code = '0302'"))
    route_awaiting(session, NOW, ground)
    while alarms.refresh(session, ground, NOW, 10):
        pass
    assert listed(session, NOW)[0]["light_stage"] == "receipt"
    take_one(session, Wanted(uuid.uuid4(), issue_id, "receive", people["lead"], {}), ground, NOW)
    row, _ = listed(session, NOW)
    assert (row["light_stage"], row["light_due_at"], row["light"]) == ("handling", row["due_at"], "green")


def test_who_takes_a_step_and_who_counts_clocks_never_wait_for_one_another(session, sessions, ground, people):
    ids = [report(session, "0302") for _ in range(6)]
    session.execute(text("UPDATE category SET intake = 'auto' WHERE code = '0302'"))
    route_awaiting(session, NOW, ground)
    session.commit()
    broken, over = [], threading.Event()

    def count():
        while not over.is_set():
            try:
                with sessions.begin() as own:
                    alarms.refresh(own, ground, NOW, 10)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is told below
                broken.append(error)

    threads = [threading.Thread(target=count) for _ in range(2)]
    for thread in threads:
        thread.start()
    taken = [("lead", "receive", {})] + [("duty", "escalate", {"reason": "久拖不决"})] * 7
    try:
        for who, step, given in taken:
            for issue_id in ids:
                with sessions.begin() as own:
                    take_one(own, Wanted(uuid.uuid4(), issue_id, step, people[who], given), ground, NOW)
    finally:
        over.set()
    for thread in threads:
        thread.join()
    assert broken == []
