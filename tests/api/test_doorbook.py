"""The doorbook remembers who was let in, for a minute, and never an error."""

import uuid

import pytest

from server.doorbook import KEPT_S, Doorbook
from sync.devices import CallingDevice
from sync.errors import TokenUnknown


class Door:
    def __init__(self):
        self.asked = []
        self.revoked_at = None
        self.known = True

    def __call__(self, token):
        self.asked.append(token)
        if not self.known:
            raise TokenUnknown
        facts = (7, uuid.uuid4(), 1, "", "1.0.0", self.revoked_at, False, uuid.uuid4(), 1, 1, 0, 0, None, None)
        return CallingDevice(*facts)


@pytest.fixture
def now():
    return [1000.0]


@pytest.fixture
def book(now):
    return Doorbook(clock=lambda: now[0])


def test_a_token_is_looked_up_once_a_minute(book, now):
    door = Door()
    first = book.device("t", door)
    assert book.device("t", door) is first
    now[0] += KEPT_S
    assert book.device("t", door) is not first
    assert door.asked == ["t", "t"]


def test_another_token_is_looked_up(book):
    door = Door()
    assert book.device("t", door) is not book.device("u", door)


def test_a_wrong_token_is_refused_each_time(book):
    door = Door()
    door.known = False
    for _ in range(2):
        with pytest.raises(TokenUnknown):
            book.device("t", door)
    assert len(door.asked) == 2


def test_a_revoked_device_is_looked_up_each_time_and_a_forgotten_one_again(book):
    door = Door()
    book.device("t", door)
    book.forget("t")
    door.revoked_at = "yesterday"
    book.device("t", door)
    book.device("t", door)
    assert len(door.asked) == 3
