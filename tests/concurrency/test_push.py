"""Phones that push at the same instant: the same operation, the same record, crossing locks."""

import threading
import uuid

from sqlalchemy import text


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
