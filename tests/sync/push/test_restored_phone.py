"""A phone that is set up again from an old backup: it gives numbers anew that it had given, and nothing is lost."""

import copy
import uuid

import pytest
from sqlalchemy import text

from tests.api.staff import Desk


def backed_up(phone):
    """Return the phone as a backup of now would bring it back: the same device, its numbers, its cursor."""
    return copy.deepcopy(phone, {id(phone.client): phone.client})


def status(phone):
    return phone.client.get("/v1/sync/status", headers=phone.headers).json


def worked(phone, count):
    """Push so many visits, each in a batch of its own; return them."""
    ops = [phone.visit() for _ in range(count)]
    for op in ops:
        assert phone.push(op)[0]["status"] == "applied"
    return ops


@pytest.mark.long
def test_new_operations_under_numbers_given_before_are_applied_and_told(phone_of, session):
    phone = phone_of("west")
    phone.pull()
    first = worked(phone, 3)
    phone.pull()
    old = backed_up(phone)
    lost = worked(phone, 5)
    again = [old.visit() for _ in range(4)]
    assert [op["seq"] for op in again] == [4, 5, 6, 7]
    results = old.push(*again)
    assert [result["status"] for result in results] == ["applied"] * 4
    assert not any("replayed" in result for result in results)
    told = status(old)
    assert (told["reused_seqs"], told["gaps"], told["highest_seq"]) == (4, [], 8)
    old.pull()
    assert old.records("visits").keys() == {op["id"] for op in first + lost + again}
    kept = session.scalars(text("SELECT seq FROM operation ORDER BY id")).all()
    assert kept == [1, 2, 3, 4, 5, 6, 7, 8, 4, 5, 6, 7], "each stands in the log under its own op_id"


def test_what_lay_unsent_in_the_backup_is_known_again_and_counts_for_nothing(phone_of):
    phone = phone_of("west")
    worked(phone, 2)
    unsent = [phone.visit(), phone.visit()]
    old = backed_up(phone)
    phone.push(*unsent)
    results = old.push(*unsent, old.visit())
    assert [result.get("replayed") for result in results] == [True, True, None]
    assert status(old)["reused_seqs"] == 0
    old.push(*unsent)
    assert status(old)["reused_seqs"] == 0


def test_numbers_given_again_are_counted_once_for_each_operation(phone_of):
    phone = phone_of("west")
    old = backed_up(phone)
    worked(phone, 3)
    again = [old.visit(), old.visit()]
    old.push(*again)
    old.push(*again)
    old.push(old.visit(outcome="maybe"))
    assert status(old)["reused_seqs"] == 3


def test_another_body_under_a_known_id_is_not_a_number_given_again(phone_of):
    phone = phone_of("west")
    op = phone.visit()
    phone.push(op)
    (result,) = phone.push(op | {"data": op["data"] | {"note": "changed"}})
    assert result["status"] == "quarantined"
    assert status(phone)["reused_seqs"] == 0


def test_an_edit_on_what_the_backup_remembers_is_merged_with_what_came_after_it(phone_of, session):
    phone = phone_of("west")
    put = phone.issue(severity="low", description="井盖")
    phone.push(put)
    old = backed_up(phone)
    phone.push(phone.patch("issues", put["id"], {"rev": 1}, severity="urgent"))
    (result,) = old.push(old.patch("issues", put["id"], {"rev": 1}, address_text="阳岭大道"))
    assert result["status"] == "pending"
    assert session.scalar(text("SELECT count(*) FROM operation")) == 3


@pytest.mark.long
def test_support_sees_which_phones_give_numbers_again(app, phone_of, session):
    phone, other = phone_of("west"), phone_of("west")
    old = backed_up(phone)
    worked(phone, 2)
    worked(other, 2)
    old.push(old.visit(), old.visit())
    desk = Desk.of(app, session, "supervisor", "360725")
    told = {
        each["device_id"]: each
        for sender in (phone, other)
        for each in desk.get("/v1/support/devices", q=sender.login).json["devices"]
    }
    assert (told[phone.device_id]["reused_seqs"], told[other.device_id]["reused_seqs"]) == (2, 0)


@pytest.mark.long
def test_phones_of_one_batch_are_counted_apart(phone_of):
    one, two = phone_of("west"), phone_of("west")
    one.push(one.visit(seq=1))
    two.push(two.visit(seq=2))
    one.push(one.visit(seq=2), one.visit(seq=1, op_id=uuid.uuid4()))
    two.push(two.visit(seq=1))
    assert (status(one)["reused_seqs"], status(two)["reused_seqs"]) == (1, 0)
