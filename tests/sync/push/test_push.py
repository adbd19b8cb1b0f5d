"""What one batch does: results in order, receipts that repeat, neighbours that never suffer."""

import uuid

import pytest
from sqlalchemy import text

from tests.cases.city import WEST


def test_new_records_are_applied_in_their_grid(phone_of):
    phone = phone_of("west")
    visit, issue = phone.push(phone.visit(), phone.issue())
    for result in (visit, issue):
        assert (result["status"], result["rev"]) == ("applied", 1)
        assert result["grid"]["code"] == WEST
        assert result["grid"]["how"] == "inside"
        assert result["grid"]["edition"] == 1


def test_results_stand_in_the_order_of_the_operations(phone_of):
    phone = phone_of("west")
    ops = [phone.visit(), phone.issue(), phone.visit(outcome="wrong"), phone.issue(category="9999"), phone.visit()]
    results = phone.push(*ops)
    assert [result["op_id"] for result in results] == [op["op_id"] for op in ops]
    assert [result["status"] for result in results] == ["applied", "applied", "quarantined", "quarantined", "applied"]


def test_retry_of_a_batch_changes_nothing(phone_of, session):
    phone = phone_of("west")
    ops = [phone.visit(), phone.issue(), phone.visit(outcome="wrong")]
    first = phone.push(*ops)
    again = phone.push(*ops)
    assert again == [result | {"replayed": True} for result in first]
    assert session.scalar(text("SELECT count(*) FROM operation")) == 3
    assert session.scalar(text("SELECT count(*) FROM visit")) == 1
    assert session.scalar(text("SELECT count(*) FROM feed")) == 3  # the issue also goes to its reporter


def test_receipt_of_a_replay_is_the_first_byte_for_byte(phone_of):
    phone = phone_of("west")
    op = phone.visit(note='门口 "引号" é')
    first = phone.send(op).get_data(as_text=True)
    again = phone.send(op).get_data(as_text=True)
    receipt = first.split('"results":[', 1)[1].split('],"cursor_hint"')[0]
    assert receipt[:-1] + ',"replayed":true}' in again


def test_op_id_with_another_body_is_kept_in_quarantine(phone_of, session):
    phone = phone_of("west")
    op = phone.visit()
    phone.push(op)
    other = op | {"data": op["data"] | {"outcome": "refused"}}
    (result,) = phone.push(other)
    assert result["status"] == "quarantined"
    assert result["error"]["type"].endswith("/op-id-reused")
    (again,) = phone.push(other)
    assert again == result | {"replayed": True}
    assert session.scalar(text("SELECT doc ->> 'outcome' FROM visit")) == "met"
    assert session.scalar(text("SELECT count(*) FROM operation")) == 2


def test_each_of_many_bodies_under_one_op_id_gets_its_own_receipt_again(phone_of, session):
    phone = phone_of("west")
    op = phone.visit()
    bodies = [op] + [op | {"data": op["data"] | {"note": f"第 {number} 次"}} for number in range(5)]
    first = phone.push(*bodies[:4])
    assert [result["status"] for result in first] == ["applied"] + ["quarantined"] * 3
    mixed = phone.push(bodies[4], bodies[2], bodies[0], bodies[5], bodies[4], phone.visit())
    assert mixed[1] == first[2] | {"replayed": True}
    assert mixed[2] == first[0] | {"replayed": True}
    assert mixed[4] == mixed[0] | {"replayed": True}
    assert [result["status"] for result in mixed] == ["quarantined", "quarantined", "applied"] + ["quarantined"] * 2 + [
        "applied"
    ]
    assert session.scalar(text("SELECT count(*) FROM operation")) == 7


def test_what_builds_on_a_reused_op_id_builds_on_the_first_body(phone_of):
    phone = phone_of("west")
    put = phone.issue(description="一")
    phone.push(put)
    phone.push(put | {"data": put["data"] | {"description": "二"}})
    (patched,) = phone.push(phone.patch("issues", put["id"], {"op_id": put["op_id"]}, severity="urgent"))
    assert (patched["status"], patched["rev"]) == ("applied", 2)


def test_an_operation_twice_in_one_batch_is_applied_once(phone_of, session):
    phone = phone_of("west")
    op = phone.issue()
    first, second = phone.push(op, op)
    assert first["status"] == "applied"
    assert second == first | {"replayed": True}
    assert session.scalar(text("SELECT count(*) FROM operation")) == 1


def test_a_batch_builds_on_its_own_operations(phone_of, session):
    phone = phone_of("west")
    put = phone.issue(description="一")
    patch = phone.patch("issues", put["id"], {"op_id": put["op_id"]}, description="二", severity="urgent")
    results = phone.push(put, patch)
    assert [(result["status"], result.get("rev")) for result in results] == [("applied", 1), ("applied", 2)]
    row = session.execute(text("SELECT rev, doc, severity FROM issue")).one()
    assert (row.rev, row.doc["description"], row.severity) == (2, "二", "urgent")


def test_what_builds_on_an_unknown_base_is_held(phone_of):
    phone = phone_of("west")
    put = phone.issue()
    early = phone.patch("issues", put["id"], {"op_id": put["op_id"]}, severity="low")
    (held,) = phone.push(early)
    assert held["status"] == "held"
    (later,) = phone.push(phone.patch("issues", str(uuid.uuid4()), {"rev": 7}, severity="low"))
    assert later["status"] == "held"


@pytest.mark.long
def test_a_stale_base_is_pending_and_a_current_one_applied(phone_of):
    phone, other = phone_of("west"), phone_of("west")
    put = phone.issue(description="一")
    phone.push(put)
    (ahead,) = phone.push(phone.patch("issues", put["id"], {"rev": 1}, severity="urgent"))
    assert (ahead["status"], ahead["rev"]) == ("applied", 2)
    (stale,) = other.push(other.patch("issues", put["id"], {"rev": 1}, description="二"))
    assert stale["status"] == "pending"
    assert "rev" not in stale


@pytest.mark.long
def test_a_second_record_under_a_taken_id_is_pending(phone_of):
    phone, other = phone_of("west"), phone_of("west")
    taken = uuid.uuid4()
    phone.push(phone.issue(id=taken))
    (result,) = other.push(other.issue(id=taken))
    assert result["status"] == "pending"


def test_unreadable_operations_are_kept_and_known_again(phone_of, session):
    phone = phone_of("west")
    good = phone.visit()
    bad = [{"op_id": "no uuid", "x": 1}, 7, None, {"op_id": str(uuid.uuid4()), "seq": "one"}, "text"]
    results = phone.push(*bad, good)
    assert [result["status"] for result in results] == ["quarantined"] * 5 + ["applied"]
    assert results[0]["op_id"] == "no uuid"
    again = phone.push(*bad, good)
    assert all(result["replayed"] for result in again)
    assert session.scalar(text("SELECT count(*) FROM operation WHERE raw IS NOT NULL")) == 5


def test_gaps_in_seq_show_in_the_status(phone_of, app):
    phone = phone_of("west")
    phone.push(phone.visit(seq=1), phone.visit(seq=2), phone.visit(seq=5), phone.visit(seq=9))
    told = phone.client.get("/v1/sync/status", headers=phone.headers).json
    assert told["gaps"] == [[3, 4], [6, 8]]
    assert told["highest_seq"] == 9


def test_status_lists_what_is_in_doubt_with_reasons(phone_of):
    phone = phone_of("west")
    phone.push(phone.visit(outcome="wrong"), phone.patch("issues", str(uuid.uuid4()), {"rev": 3}, severity="low"))
    told = phone.client.get("/v1/sync/status", headers=phone.headers).json
    assert [each["reason"]["errors"][0]["field"] for each in told["quarantined"]] == ["data.outcome"]
    assert len(told["held"]) == 1
