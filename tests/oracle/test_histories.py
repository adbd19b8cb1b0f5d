"""Generated histories of several phones, and what must hold at the end of every one of them.

Phones collect offline, edit what they hold, send batches again, out of order and with the answer lost, with clocks
that are days wrong; workers are reassigned and disputes decided under way. Then everybody comes home, and:

1. every operation that was sent is in the log once, and is in effect or waits for a person, with a reason;
2. every phone holds just what its worker may see, as the server has it;
3. whoever starts from nothing holds the same;
4. each record is what merging its operations anew makes of it.

``HISTORIES=2000 ./patrol test tests/oracle`` runs as many, others each time.
"""

import datetime as dt
import os
import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from geo.editions.ground import Grounds
from sync.access.charge import InCharge
from sync.collections import COLLECTIONS
from sync.merge.lineage import LoggedOp, writes_of
from sync.merge.merge import merge
from sync.resolution.conflicts import settle_waiting
from sync.resolution.review import decide
from tests.cases.city import EAST, IN_EAST, IN_WEST, WEST
from tests.emptying import empty
from tests.sync.phone import Phone

STEPS = (
    *("report", "visit", "edit", "edit", "edit", "edit", "move", "edit own", "delete", "bad", "skew"),
    *("send", "send", "send", "send", "lose answer", "shuffle", "again", "pull", "pull", "page"),
    *("settle", "reassign", "decide"),
)
HISTORIES = int(os.environ.get("HISTORIES", "60"))
HOLD = dt.timedelta(hours=24)
CODES = {WEST: IN_WEST, EAST: IN_EAST}


class History:
    """One run: phones with outboxes, and the server that they talk to."""

    def __init__(self, phones, session, seed):
        self.phones, self.session, self.random = phones, session, random.Random(seed)
        self.grounds = Grounds()
        self.outboxes = {phone.login: [] for phone in phones}
        self.own = {phone.login: {} for phone in phones}
        self.skews = {phone.login: dt.timedelta(0) for phone in phones}
        self.sent = {}

    def begin(self):
        """Give every phone a record that others have too."""
        for _ in range(2):
            self.report(self.phones[0])
        self.send(self.phones[0])
        for phone in self.phones:
            self.pull(phone)

    def step(self, name):
        phone = self.random.choice(self.phones)
        getattr(self, name.replace(" ", "_"))(phone)

    def clock(self, phone):
        return dt.datetime.now(dt.UTC) + self.skews[phone.login]

    def collect(self, phone, op):
        self.outboxes[phone.login].append(op)
        self.own[phone.login][op["collection"], op["id"]] = op["op_id"]

    def report(self, phone):
        grid = self.random.choice([WEST, EAST])
        self.collect(phone, phone.issue(at=CODES[grid], tags=["a"], captured_at=self.clock(phone)))

    def visit(self, phone):
        grid = self.random.choice([WEST, EAST])
        self.collect(phone, phone.visit(at=CODES[grid], captured_at=self.clock(phone)))

    def changes(self):
        return self.random.choice(
            [
                {"severity": self.random.choice(["low", "normal", "urgent"])},
                {"address_text": self.random.choice("东西南北")},
                {"tags": self.random.sample(["a", "b", "c", "d"], self.random.randint(0, 3))},
                {"description": self.random.choice(["漏水", "漏水了", "已处理"])},
                {"category": self.random.choice(["0301", "0302", "0303"])},
                {"tags": self.random.sample(["a", "b"], self.random.randint(0, 1)), "severity": "low"},
            ]
        )

    def change(self, phone, record_id, base, action="patch", data=None):
        data = data or (self.changes() if action == "patch" else None)
        op = phone.op("issues", data, action=action, id=record_id, base=base, captured_at=self.clock(phone))
        self.collect(phone, op)

    def move(self, phone):
        place = dict(zip(("lon", "lat"), self.random.choice([IN_WEST, IN_EAST]), strict=True))
        self.edit(phone, data={"location": place})

    def edit(self, phone, action="patch", data=None):
        held = sorted(phone.records("issues").items())
        if held:
            record_id, change = self.random.choice(held)
            own = self.own[phone.login].get(("issues", record_id))
            base = {"op_id": own} if own and self.random.random() < 0.5 else {"rev": change["rev"]}
            self.change(phone, record_id, base, action, data)

    def edit_own(self, phone):
        own = sorted(key for key in self.own[phone.login] if key[0] == "issues")
        if own:
            key = self.random.choice(own)
            self.change(phone, key[1], {"op_id": self.own[phone.login][key]})

    def delete(self, phone):
        self.edit(phone, "delete")

    def bad(self, phone):
        wrong = self.random.choice([phone.visit(outcome="maybe"), phone.issue(category="9999"), phone.issue(at=(0, 0))])
        self.outboxes[phone.login].append(wrong)

    def skew(self, phone):
        self.skews[phone.login] = dt.timedelta(hours=self.random.choice([-70, -2, 0, 0, 3, 49]))

    def shuffle(self, phone):
        self.random.shuffle(self.outboxes[phone.login])

    def send(self, phone, *, heard=True):
        box = self.outboxes[phone.login]
        batch = box[: self.random.randint(1, 6)]
        if not batch:
            return
        results = phone.push(*batch, sent_at=self.clock(phone))
        for op, result in zip(batch, results, strict=True):
            assert result["op_id"] == op["op_id"]
            receipt = {key: value for key, value in result.items() if key != "replayed"}
            known = self.sent.setdefault(op["op_id"], (phone, op, receipt))
            assert known[2] == receipt, "an operation seen before gets the same result again"
        if heard:
            del box[: len(batch)]

    def lose_answer(self, phone):
        self.send(phone, heard=False)

    def again(self, phone):
        mine = [op for owner, op, _ in self.sent.values() if owner is phone]
        if mine:
            self.outboxes[phone.login] += self.random.sample(mine, min(3, len(mine)))

    def pull(self, phone):
        phone.pull(limit=self.random.choice([1, 3, 500]))

    def page(self, phone):
        phone.take(phone.page(limit=2))

    def settle(self, _phone=None, after=dt.timedelta(0)):
        done = settle_waiting(
            self.session, dt.datetime.now(dt.UTC) + after, lambda moment: self.grounds.at(self.session, 1, moment),
            limit=50, hold_for=HOLD, near_m=50.0,
        )  # fmt: skip
        self.session.commit()
        return done

    def reassign(self, phone):
        self.session.execute(
            text("""
                UPDATE assignment SET during = tstzrange(lower(during), clock_timestamp()) FROM person
                WHERE person.id = person_id AND login = :login AND upper_inf(during)
            """),
            {"login": phone.login},
        )
        for code in self.random.sample([WEST, EAST], self.random.randint(0, 2)):
            self.session.execute(
                text("""
                    INSERT INTO assignment (person_id, role, area_id, during)
                    SELECT person.id, 'grid_worker', area.id, tstzrange(clock_timestamp(), NULL)
                    FROM person, area WHERE login = :login AND code = :code
                """),
                {"login": phone.login, "code": code},
            )
        self.session.commit()

    def decide(self, _phone):
        row = self.session.execute(
            text("SELECT id, kind, offered FROM conflict WHERE decided_at IS NULL LIMIT 1")
        ).first()
        if row is not None:
            chief = InCharge(1, (), (), everywhere=True, now=dt.datetime.now(dt.UTC))
            value = row.offered["value"] if row.kind == "field" else None
            decide(self.session, chief, row.id, value, delete=self.random.random() < 0.5, now=dt.datetime.now(dt.UTC))
        self.session.commit()

    def come_home(self):
        for phone in self.phones:
            while self.outboxes[phone.login]:
                self.send(phone)
        while self.settle().operations:
            pass
        while self.settle(after=HOLD + dt.timedelta(minutes=1)).operations:
            pass
        for phone in self.phones:
            phone.pull()


def visible(session, login):
    """What a worker may see, straight from the tables: the oracle of scope."""
    rows = session.execute(
        text("""
            WITH me AS (SELECT id FROM person WHERE login = :login),
            grids AS (SELECT area_id FROM assignment, me WHERE person_id = me.id AND during @> now())
            SELECT 'issues', issue.id::text, rev FROM issue, me WHERE deleted_at IS NULL
                AND (grid_now IN (SELECT area_id FROM grids) OR author_id = me.id)
            UNION ALL SELECT 'visits', id::text, rev FROM visit WHERE deleted_at IS NULL
                AND grid_now IN (SELECT area_id FROM grids)
            UNION ALL SELECT 'grids', area.uid::text, 1 FROM area JOIN grids ON area_id = area.id
        """),
        {"login": login},
    )
    return {tuple(row) for row in rows}


def held(phone):
    return {(collection, record_id, change["rev"]) for (collection, record_id), change in phone.held.items()}


def check(history, session):
    session.rollback()
    logged = session.execute(
        text("SELECT op_id::text, status, problem, rev FROM operation WHERE device_id IS NOT NULL")
    ).all()
    assert len(logged) == len({row.op_id for row in logged}) == len(history.sent)
    for row in logged:
        assert row.status in ("applied", "merged", "review", "quarantined"), row
        assert (row.status == "quarantined") == (row.rev is None), row
        assert row.status != "quarantined" or row.problem
    for phone in history.phones:
        assert held(phone) == visible(session, phone.login)
    fresh = Phone(history.phones[0].client, history.phones[0].token, "", history.phones[0].login, {})
    fresh.pull()
    assert {key: change["data"] for key, change in fresh.held.items()} == {
        key: change["data"] for key, change in history.phones[0].held.items()
    }
    check_merging(session)


def check_merging(session):
    """Each issue is what its operations make, however they came."""
    rows = session.execute(
        text("""
            SELECT operation.id, record_id, op_id, device_id, coalesce(person.name, '') AS author, author_id, action,
                   base_rev, base_op, corrected_at AS captured_at, received_at, coalesce(changes, data) AS changes,
                   rev, status
            FROM operation LEFT JOIN person ON person.id = author_id
            WHERE collection = 'issues' AND status <> 'quarantined' ORDER BY operation.id
        """)
    ).mappings()
    by_record = {}
    for row in rows:
        by_record.setdefault(row["record_id"], []).append(LoggedOp(**row))
    issues = {row.id: row for row in session.execute(text("SELECT id, doc, deleted_at, grid_now FROM issue"))}
    assert set(issues) == set(by_record)
    for record_id, ops in by_record.items():
        merged = merge(writes_of(ops), COLLECTIONS["issues"].rules)
        assert plain(merged.doc) == plain(issues[record_id].doc), ops
        assert merged.deleted == (issues[record_id].deleted_at is not None), ops


def plain(doc):
    return {
        name: frozenset(value) if name == "tags" else value for name, value in doc.items() if value not in (None, [])
    }


@settings(max_examples=HISTORIES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(steps=st.lists(st.sampled_from(STEPS), min_size=10, max_size=60), seed=st.integers(0, 2**32))
def test_everything_sent_is_in_effect_once_and_all_agree(phone_of, session, steps, seed):
    session.rollback()
    empty(session, "feed, conflict, operation, scope_snapshot, visit, issue, assignment")
    session.execute(text("UPDATE feed_counter SET position = 0"))
    session.commit()
    phones = [phone_of("west", "east"), phone_of("west"), phone_of("west", "east")]
    history = History(phones, session, seed)
    history.begin()
    for step in steps:
        history.step(step)
    history.come_home()
    check(history, session)
