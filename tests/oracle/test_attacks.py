"""Generated histories whose phones attack each other, and a simple oracle of who may do what.

Workers of two grids, one who was moved on and one with an office that works with no phone put, patch and delete upon
each other's records, by ids they cannot know, with bases that are old or made up, with times of when they had a right;
workers are reassigned, cases dispatched, tasks given, and staff release what was refused, also mended onto other
records. After every step:

1. a record changes only by operations of somebody who, by the oracle, had the right to it as it stood before the step;
2. what is private becomes public by nobody but staff who have the duty there;
3. no phone is sent words of a private issue that is neither its worker's own nor their task;

and at the end every operation that was sent is in the log once, in effect or refused with a reason.

The oracle knows the tables and the two grids, and nothing of the engine. ``HISTORIES=2000 ./patrol test tests/oracle``.
"""

import datetime as dt
import os
import random
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from geo.editions.ground import Grounds
from sync.errors import MendedInvalid, NotFoundInCharge
from sync.resolution import review
from sync.resolution.conflicts import settle_waiting
from sync.resolution.effect import Settling
from sync.resolution.review import InCharge, Mended
from tests.cases import city
from tests.cases.city import EAST, IN_EAST, IN_WEST, WEST
from tests.emptying import empty
from tests.oracle.rights import FIELD, IN_EFFECT, RULING, TABLES, Oracle

STEPS = (
    *("report", "report", "visit", "patch", "patch", "patch", "put_upon", "put_upon", "delete", "move", "publish"),
    *("foreign_task", "foreign_household", "strange_base", "again", "settle", "settle", "force", "pull", "pull"),
    *("reassign", "dispatch", "give_task", "release", "release_elsewhere"),
)
HISTORIES = int(os.environ.get("HISTORIES", "60"))
CATEGORIES = ("0301", "0302", "0601", "0701")
TELLING = {"description", "address_text", "location", "photos", "tags", "extra"}


class Attacks:
    """One run: hostile phones, the staff, and what the tables said before each step."""

    def __init__(self, phones, session, seed):
        self.phones, self.session, self.random = phones, session, random.Random(seed)
        self.grids = {code: city.id_of(session, "area", code) for code in (WEST, EAST)}
        self.oracle = Oracle(session, self.grids)
        self.people = {phone.login: city.id_of(session, "person", phone.login) for phone in phones}
        grounds = Grounds()
        self.ground_at = lambda moment: grounds.at(session, 1, moment)
        self.sent = {}
        self.known = {"issues": [], "visits": [], "tasks": [], "households": []}

    def step(self, name):
        before, log = self.oracle.read(), self.oracle.effects()
        getattr(self, name)(self.random.choice(self.phones))
        self.session.rollback()
        self.oracle.judge(
            before, self.oracle.read(), {op.id: op for op in self.oracle.effects().values() if op.id not in log}
        )

    # What they do.

    def push(self, phone, op):
        (result,) = phone.push(op)
        self.sent[op["op_id"]] = (phone, op)
        return result

    def when(self):
        days = self.random.choice([0, 0, 0, 1, 20, 42])
        return dt.datetime.now(dt.UTC) - dt.timedelta(days=days)

    def place(self):
        return self.random.choice([IN_WEST, IN_EAST])

    def base(self):
        return {"rev": self.random.choice([1, 1, 1, 2, 3])}

    def victim(self, collection):
        return self.random.choice(self.known[collection]) if self.known[collection] else str(uuid.uuid4())

    def report(self, phone):
        op = phone.issue(
            self.place(), category=self.random.choice(CATEGORIES), private=self.random.random() < 0.3,
            description="甲乙丙", captured_at=self.when(),
        )  # fmt: skip
        self.known["issues"].append(op["id"])
        self.push(phone, op)

    def visit(self, phone):
        op = phone.visit(self.place(), captured_at=self.when())
        self.known["visits"].append(op["id"])
        self.push(phone, op)

    def change(self, phone, data, action="patch", base=None):
        op = phone.op(
            "issues", data, action=action, id=self.victim("issues"), base=base or self.base(), captured_at=self.when()
        )
        self.push(phone, op)

    def patch(self, phone):
        self.change(phone, self.random.choice([{"description": "甲乙丙丁"}, {"severity": "urgent"}, {"tags": ["x"]}]))

    def move(self, phone):
        self.change(phone, {"location": dict(zip(("lon", "lat"), self.place(), strict=True))})

    def publish(self, phone):
        self.change(phone, self.random.choice([{"private": False}, {"category": "0301"}, {"private": None}]))

    def delete(self, phone):
        self.change(phone, {}, "delete")

    def put_upon(self, phone):
        if self.random.random() < 0.6:
            op = phone.issue(self.place(), id=self.victim("issues"), category=self.random.choice(CATEGORIES))
        else:
            op = phone.visit(self.place(), id=self.victim("visits"), note="占")
        op["captured_at"] = self.when().isoformat()
        self.push(phone, op)

    def foreign_task(self, phone):
        action, base = self.random.choice([("patch", {"rev": 1}), ("put", None)])
        self.push(phone, phone.op("tasks", {"state": "done"}, action=action, id=self.victim("tasks"), base=base))

    def foreign_household(self, phone):
        action, base, data = self.random.choice(
            [("patch", {"rev": 1}, {"needs": ["x"]}), ("put", None, {"building": "x"}), ("delete", {"rev": 1}, {})]
        )
        self.push(phone, phone.op("households", data, action=action, id=self.victim("households"), base=base))

    def strange_base(self, phone):
        own = self.random.choice([*self.sent, str(uuid.uuid4())])
        self.change(phone, {"severity": "low"}, base=self.random.choice([{"op_id": own}, {"rev": 99}]))

    def again(self, phone):
        mine = [op for owner, op in self.sent.values() if owner is phone]
        if mine:
            phone.push(self.random.choice(mine))

    def settle(self, _phone=None, after=dt.timedelta(0)):
        done = settle_waiting(
            self.session, dt.datetime.now(dt.UTC) + after, self.ground_at, limit=50, hold_for=dt.timedelta(hours=24),
            near_m=50.0,
        )  # fmt: skip
        self.session.commit()
        return done

    def force(self, _phone):
        self.settle(after=dt.timedelta(hours=25))

    def reassign(self, phone):
        self.session.execute(
            text("""
                UPDATE assignment SET during = tstzrange(lower(during), clock_timestamp())
                WHERE person_id = :person AND upper_inf(during)
            """),
            {"person": self.people[phone.login]},
        )
        role = self.random.choice([*FIELD[:2], "supervisor", "auditor"])
        for code in self.random.sample([WEST, EAST], self.random.randint(0, 2)):
            self.session.execute(
                text("""
                    INSERT INTO assignment (person_id, role, area_id, during)
                    VALUES (:person, :role, :area, tstzrange(clock_timestamp(), NULL))
                """),
                {"person": self.people[phone.login], "role": role, "area": self.grids[code]},
            )
        self.session.commit()

    def dispatch(self, _phone):
        self.session.execute(
            text("""
                UPDATE issue SET state = 'received', rev = rev + 1, body_id = (SELECT id FROM organisation LIMIT 1)
                WHERE id = :id AND body_id IS NULL
            """),
            {"id": self.victim("issues")},
        )
        self.session.commit()

    def give_task(self, phone):
        task = uuid.uuid4()
        self.session.execute(
            text("""
                INSERT INTO task (id, rev, doc_rev, doc, captured_at, received_at, changed_at, kind, title, person_id,
                                  issue_id)
                VALUES (:id, 1, 1, '{}', now(), now(), now(), 'check', '核查', :person, :issue)
            """),
            {"id": task, "person": self.people[phone.login], "issue": self.victim("issues")},
        )
        self.known["tasks"].append(str(task))
        self.session.commit()

    def release(self, phone, **mended):
        """Somebody with a duty, or who claims one, lets something out of quarantine."""
        row = self.session.execute(
            text("SELECT id, collection, data FROM operation WHERE status = 'quarantined' ORDER BY random() LIMIT 1")
        ).first()
        if row is None:
            return
        person = self.people[phone.login]
        grids = [grid for role, grid in self.oracle.roles(person) if role in RULING]
        charge = InCharge(person, grids, list(self.grids.values()), everywhere=False, now=dt.datetime.now(dt.UTC))
        settling = Settling(dt.datetime.now(dt.UTC), self.ground_at, 50.0)
        try:
            review.release(self.session, charge, row.id, Mended(**mended), settling, note="")
            self.session.commit()
        except (MendedInvalid, NotFoundInCharge):
            self.session.rollback()

    def release_elsewhere(self, phone):
        collection = self.random.choice(list(TABLES))
        self.release(
            phone, collection=collection, record_id=uuid.UUID(self.victim(collection)),
            action=self.random.choice(["put", "patch", "delete"]), data={},
        )  # fmt: skip

    def pull(self, phone):
        me = self.people[phone.login]
        records = self.oracle.read()
        for change in phone.pull(limit=self.random.choice([2, 500])):
            if change["collection"] == "issues" and change["action"] == "put":
                was = records["issues", change["id"]]
                if was.private and was.author != me and me not in was.holders:
                    assert not TELLING & change["data"].keys(), change

    def come_home(self):
        while self.settle().operations:
            pass
        self.step("force")
        for phone in self.phones:
            self.pull(phone)

    def check_log(self):
        rows = self.session.execute(
            text("SELECT op_id::text, status, problem FROM operation WHERE device_id IS NOT NULL")
        ).all()
        assert sorted(row.op_id for row in rows) == sorted(self.sent)
        for row in rows:
            assert row.status in (*IN_EFFECT, "quarantined", "held"), row
            assert row.status in IN_EFFECT or row.problem, row


def begin(phone_of, session):
    session.rollback()
    empty(session, "feed, conflict, operation, scope_snapshot, visit, issue, task, household, assignment")
    session.execute(text("UPDATE feed_counter SET position = 0"))
    session.commit()
    phones = [phone_of("west"), phone_of("east"), phone_of("west", "east"), phone_of(), phone_of()]
    for login, role, until in ((phones[3].login, "grid_worker", "2026-06-01"), (phones[4].login, "supervisor", None)):
        session.execute(
            text("""
                INSERT INTO assignment (person_id, role, area_id, during)
                SELECT person.id, :role, area.id, tstzrange('2026-01-01', :until) FROM person, area
                WHERE login = :login AND code = :code
            """),
            {"login": login, "role": role, "until": until, "code": WEST},
        )
    session.commit()
    return phones


@pytest.fixture
def household(session):
    """Makes a household of the east."""

    def make():
        home = uuid.uuid4()
        session.execute(
            text("""
                INSERT INTO household (id, rev, doc_rev, doc, captured_at, received_at, changed_at, grid_now)
                SELECT :id, 1, 1, '{"building": "一栋"}', now(), now(), now(), id FROM area WHERE code = :code
            """),
            {"id": home, "code": EAST},
        )
        session.commit()
        return str(home)

    return make


@settings(max_examples=HISTORIES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(steps=st.lists(st.sampled_from(STEPS), min_size=15, max_size=70), seed=st.integers(0, 2**32))
def test_no_record_changes_by_somebody_without_the_right_and_nothing_is_lost(phone_of, session, household, steps, seed):
    history = Attacks(begin(phone_of, session), session, seed)
    home = household()
    for phone in history.phones[:3]:
        history.report(phone)
        history.visit(phone)
    for step in steps:
        history.step(step)
    history.come_home()
    history.check_log()
    kept = session.execute(text("SELECT rev, doc FROM household WHERE id = :id"), {"id": home}).one()
    assert (kept.rev, kept.doc) == (1, {"building": "一栋"})
