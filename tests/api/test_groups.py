"""Pushes that come together share a transaction, and nothing else: neither errors nor answers."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
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


def test_the_turn_is_handed_to_who_has_waited_longest(groups):
    """Nobody whose answer is there works another group before they have it."""
    by = {}
    apply = groups._apply

    class Noting:
        may_go = apply.may_go
        groups = apply.groups

        def __call__(self, batches):
            by[batches[0]] = threading.current_thread().name
            return apply(batches)

    groups._apply = Noting()
    assert together(groups, ("a", 1, 6), ("b", 2, 6), ("c", 3, 6)) == ["A", "B", "C"]
    assert [*by] == ["a", "b", "c"]
    assert len(set(by.values())) == 3


def test_who_is_being_decoded_is_waited_for_and_nobody_else():
    groups = Groups(Applied(), most=10, patience_s=10)
    answers = {}

    def first():
        answers["a"] = groups.apply("a", 1, 1)

    with groups.coming() as coming, groups.coming() as never:
        thread = threading.Thread(target=first)
        thread.start()
        thread.join(0.05)
        assert groups._apply.groups == []
        with groups._changed:
            groups._came(never)
        answers["b"] = groups.apply("b", 2, 1, coming)
    thread.join(10)
    assert answers == {"a": "A", "b": "B"}
    assert groups._apply.groups == [["a", "b"]]
    assert groups._coming == 0


def test_what_turns_out_to_be_no_batch_holds_nobody_up():
    groups = Groups(Applied(), most=10, patience_s=10)
    thread = threading.Thread(target=lambda: groups.apply("a", 1, 1))

    def decode():
        with groups.coming():
            thread.start()
            raise ValueError("unreadable")

    with pytest.raises(ValueError, match="unreadable"):
        decode()
    thread.join(5)
    assert groups._apply.groups == [["a"]]


def test_who_takes_long_to_decode_is_not_waited_for():
    groups = Groups(Applied(), most=10, patience_s=0.01)
    with groups.coming():
        assert groups.apply("a", 1, 1) == "A"


def test_a_full_group_does_not_wait():
    groups = Groups(Applied(), most=10, patience_s=30)
    with groups.coming():
        thread = threading.Thread(target=lambda: groups.apply("a", 1, 10))
        thread.start()
        thread.join(10)
        assert groups._apply.groups == [["a"]]


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 12)), min_size=1, max_size=30), st.integers(1, 3))
def test_each_is_applied_once_in_the_order_of_its_phone_within_bounds(batches, turns):
    applied, lock = [], threading.Lock()

    def apply(group):
        with lock:
            applied.append(group)
        return [("answer", each) for each in group]

    groups = Groups(apply, most=10, turns=turns, patience_s=0.001)
    by_key = {}
    for place, (key, weight) in enumerate(batches):
        by_key.setdefault(key, []).append((place, weight))
    answers = {}

    def phone(key):
        for place, weight in by_key[key]:
            with groups.coming() as coming:
                answers[place] = groups.apply((place, key, weight), key, weight, coming)

    threads = [threading.Thread(target=phone, args=(key,)) for key in by_key]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert answers == {place: ("answer", (place, *each)) for place, each in enumerate(batches)}
    for group in applied:
        assert len({key for _, key, _ in group}) == len(group)
        assert len(group) == 1 or sum(weight for _, _, weight in group) <= 10
    for key, mine in by_key.items():
        assert [each[0] for group in applied for each in group if each[1] == key] == [place for place, _ in mine]
    assert (groups._waiting, groups._free, groups._gathering, groups._coming) == ([], turns, False, 0)
