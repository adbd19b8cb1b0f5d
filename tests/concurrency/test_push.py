"""Phones that push at the same instant: the same operation, the same record, crossing locks."""

import datetime as dt
import threading
import time
import uuid
from contextlib import contextmanager

import pytest
from sqlalchemy import text

import server.api.sync
from sync.access.devices import revoke
from sync.push.push import push


def together(*calls):
    """Call all at once, each in a thread of its own; return what they returned."""
    barrier, results = threading.Barrier(len(calls)), [None] * len(calls)

    def run(place, call):
        barrier.wait()
        results[place] = call()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_the_same_batch_at_the_same_instant_is_applied_once(phone_of, session):
    phone = phone_of("west")
    envelope = phone.envelope(*[phone.visit() for _ in range(20)], phone.issue())
    client = phone.client.application.test_client

    def send():
        return client().post("/v1/sync/push", json=envelope, headers=phone.headers).json["results"]

    answers = together(*[send] * 6)
    plain = [[{**result, "replayed": True} for result in answer] for answer in answers]
    assert all(answer == plain[0] for answer in plain)
    assert session.scalar(text("SELECT count(*) FROM visit")) == 20
    assert session.scalar(text("SELECT count(*) FROM operation")) == 21


def test_two_phones_that_make_the_same_records_in_opposite_order_both_end(phone_of, session):
    one, two = phone_of("west"), phone_of("west")
    ids = [uuid.uuid4() for _ in range(30)]
    first = one.envelope(*[one.issue(id=each) for each in ids])
    second = two.envelope(*[two.issue(id=each) for each in reversed(ids)])
    client = one.client.application.test_client
    answers = together(
        lambda: client().post("/v1/sync/push", json=first, headers=one.headers).json["results"],
        lambda: client().post("/v1/sync/push", json=second, headers=two.headers).json["results"],
    )
    statuses = [{result["op_id"]: result["status"] for result in answer} for answer in answers]
    ops_of = [{op["id"]: op["op_id"] for op in envelope["ops"]} for envelope in (first, second)]
    for each in map(str, ids):
        assert sorted(status[ops[each]] for status, ops in zip(statuses, ops_of, strict=True)) == ["applied", "pending"]
    assert session.scalar(text("SELECT count(*) FROM issue")) == 30


def test_edits_of_the_same_records_in_opposite_order_lose_none(phone_of, session):
    one, two = phone_of("west"), phone_of("west")
    puts = [one.issue() for _ in range(20)]
    one.push(*puts)
    first = one.envelope(*[one.patch("issues", put["id"], {"rev": 1}, severity="urgent") for put in puts])
    second = two.envelope(*[two.patch("issues", put["id"], {"rev": 1}, address_text="东") for put in reversed(puts)])
    client = one.client.application.test_client
    answers = together(
        lambda: client().post("/v1/sync/push", json=first, headers=one.headers),
        lambda: client().post("/v1/sync/push", json=second, headers=two.headers),
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    rows = session.execute(text("SELECT status, count(*) FROM operation WHERE action = 'patch' GROUP BY status")).all()
    assert sum(count for _, count in rows) == 40
    assert dict(map(tuple, rows)).get("applied", 0) == 20


@contextmanager
def no_turn(groups):
    """All turns are taken; at the end they are free, and whoever waits is called."""
    with groups._changed:
        groups._free -= server.api.sync.TURNS
    yield
    with groups._changed:
        groups._free += server.api.sync.TURNS
        groups._call_next()


def grouped(app, *calls):
    """Call all while another group is under way, so that they share the next one."""
    groups = app.extensions["push_groups"]
    answers = [None] * len(calls)
    threads = []
    with no_turn(groups):
        for place, call in enumerate(calls):

            def run(place=place, call=call):
                answers[place] = call()

            threads.append(threading.Thread(target=run))
            threads[-1].start()
            ends = time.monotonic() + 10
            while len(groups._waiting) <= place and time.monotonic() < ends:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    return answers


def sender(phone, envelope):
    client = phone.client.application.test_client
    return lambda: client().post("/v1/sync/push", json=envelope, headers=phone.headers)


def test_phones_in_one_group_edit_one_record_as_if_one_had_come_first(phone_of, session, sizes):
    author, one, two = phone_of("west"), phone_of("west"), phone_of("west")
    put = author.issue()
    author.push(put)
    first = one.envelope(one.patch("issues", put["id"], {"rev": 1}, severity="urgent"), one.visit())
    second = two.envelope(two.patch("issues", put["id"], {"rev": 1}, address_text="东"), two.visit())
    answers = grouped(author.client.application, sender(one, first), sender(two, second))
    assert sizes[-1] == 2
    assert [[result["status"] for result in answer.json["results"]] for answer in answers] == [
        ["applied", "applied"],
        ["pending", "applied"],
    ]
    assert [answer.json["results"][0].get("rev") for answer in answers] == [2, None]
    assert session.scalar(text("SELECT rev FROM issue")) == 2
    authors = session.execute(
        text("SELECT device.uid::text FROM operation JOIN device ON device.id = device_id ORDER BY operation.id")
    )
    assert list(authors.scalars()) == [author.device_id, *[one.device_id] * 2, *[two.device_id] * 2]


def test_phones_in_one_group_make_one_record_and_the_second_waits(phone_of, session, sizes):
    one, two = phone_of("west"), phone_of("west")
    one.push(one.visit())
    record = uuid.uuid4()
    envelopes = [phone.envelope(phone.issue(id=record), phone.visit()) for phone in (one, two)]
    answers = grouped(one.client.application, *map(sender, (one, two), envelopes))
    assert sizes[-1] == 2
    assert [[result["status"] for result in answer.json["results"]] for answer in answers] == [
        ["applied", "applied"],
        ["pending", "applied"],
    ]
    assert session.scalar(text("SELECT count(*) FROM issue")) == 1


def test_the_ids_of_one_phone_are_not_the_ids_of_another(phone_of, session, sizes):
    """Two phones use the same op_id and build on it: neither hears of the other's."""
    one, two = phone_of("west"), phone_of("west")
    one.push(one.visit())
    op_id = uuid.uuid4()
    puts = [phone.issue(op_id=op_id) for phone in (one, two)]
    envelopes = [
        phone.envelope(put, phone.patch("issues", put["id"], {"op_id": str(op_id)}, severity="low"))
        for phone, put in zip((one, two), puts, strict=True)
    ]
    answers = grouped(one.client.application, *map(sender, (one, two), envelopes))
    assert sizes[-1] == 2
    for answer in answers:
        assert [(each["status"], each.get("rev")) for each in answer.json["results"]] == [
            ("applied", 1),
            ("applied", 2),
        ]
    again = grouped(one.client.application, *map(sender, (one, two), envelopes))
    assert sizes == [1, 2, 2], "no group had to be taken apart"
    for answer, repeated in zip(answers, again, strict=True):
        assert [each | {"replayed": True} for each in answer.json["results"]] == repeated.json["results"]
    assert session.scalar(text("SELECT count(*) FROM operation")) == 5


def test_a_phone_revoked_while_it_waited_has_its_batch_kept_and_the_others_go_on(phone_of, session, sizes):
    one, two = phone_of("west"), phone_of("west")
    one.push(one.visit())
    two.push(two.visit())
    revoke(session, uuid.UUID(one.device_id), wipe=False, now=dt.datetime.now(dt.UTC))
    session.commit()
    envelopes = [phone.envelope(phone.visit()) for phone in (one, two)]
    answers = grouped(one.client.application, *map(sender, (one, two), envelopes))
    assert sizes[-1] == 2
    assert [answer.json["results"][0]["status"] for answer in answers] == ["quarantined", "applied"]


@pytest.fixture
def sizes(monkeypatch):
    """How many batches each transaction had."""
    found = []

    def noted(city, exchanges):
        found.append(len(exchanges))
        return push(city, exchanges)

    monkeypatch.setattr(server.api.sync, "push", noted)
    return found
