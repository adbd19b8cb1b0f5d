"""Pushes that come together share a transaction, and nothing else: neither errors nor answers."""

import threading
import time

import pytest
from sqlalchemy.exc import OperationalError

from server.api.groups import Groups


class Applied:
    """What was applied, group by group; batches named ``bad`` spoil their group, ``down`` is the database's trouble."""

    def __init__(self):
        self.groups = []
        self.may_go = threading.Event()
        self.may_go.set()

    def __call__(self, batches):
        self.may_go.wait(10)
        self.groups.append(list(batches))
        if "bad" in batches:
            raise ValueError("bad")
        if "down" in batches:
            raise OperationalError("", {}, Exception("away"))
        return [batch.upper() for batch in batches]


def together(groups, *batches):
    """Apply all at once: the first is under way while the others come in, in order. Returns answers or errors."""
    results = {}

    def go(place, batch, key, weight):
        try:
            results[place] = groups.apply(batch, key, weight)
        except (ValueError, OperationalError) as error:
            results[place] = error

    threads = [
        threading.Thread(target=go, args=(place, *(each if isinstance(each, tuple) else (each, place, 1))))
        for place, each in enumerate(batches)
    ]
    groups._apply.may_go.clear()
    for place, thread in enumerate(threads):
        thread.start()
        expected = place
        ends = time.monotonic() + 10
        while len(groups._waiting) != expected and time.monotonic() < ends:
            time.sleep(0.001)
    groups._apply.may_go.set()
    for thread in threads:
        thread.join(10)
    return [results[place] for place in range(len(batches))]


@pytest.fixture
def groups():
    return Groups(Applied(), most=10)


def test_who_comes_alone_is_applied_at_once(groups):
    assert groups.apply("a", 1, 1) == "A"
    assert groups._apply.groups == [["a"]]


def test_those_who_come_meanwhile_go_together_and_each_gets_its_own_answer(groups):
    assert together(groups, "a", "b", "c", "d") == ["A", "B", "C", "D"]
    assert groups._apply.groups == [["a"], ["b", "c", "d"]]


def test_batches_of_one_device_never_share_a_group_and_keep_their_order(groups):
    assert together(groups, ("a", 1, 1), ("b", 2, 1), ("c", 2, 1), ("d", 3, 1)) == ["A", "B", "C", "D"]
    assert groups._apply.groups == [["a"], ["b", "d"], ["c"]]


def test_a_group_is_bounded_but_one_batch_may_be_larger(groups):
    assert together(groups, ("a", 1, 1), ("b", 2, 50), ("c", 3, 6), ("d", 4, 4), ("e", 5, 1)) == list("ABCDE")
    assert groups._apply.groups == [["a"], ["b"], ["c", "d"], ["e"]]


def test_one_that_fails_spoils_no_other(groups):
    answers = together(groups, "a", "b", "bad", "c")
    assert [answers[0], answers[1], answers[3]] == ["A", "B", "C"]
    assert isinstance(answers[2], ValueError)
    assert groups._apply.groups == [["a"], ["b", "bad", "c"], ["b"], ["bad"], ["c"]]


def test_trouble_of_the_database_is_told_to_all_and_not_tried_once_for_each(groups):
    answers = together(groups, "a", "b", "down", "c")
    assert answers[0] == "A"
    assert all(isinstance(each, OperationalError) for each in answers[1:])
    assert groups._apply.groups == [["a"], ["b", "down", "c"]]
    assert groups.apply("e", 9, 1) == "E", "the next may be luckier"
