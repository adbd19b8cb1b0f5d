"""The cache of callers remembers who was let in, for a minute, and never an error."""

import uuid

import pytest

from server.http.caller_cache import KEPT_S, DeviceCache
from sync.access.devices import CallingDevice
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
def cache(now):
    return DeviceCache(clock=lambda: now[0])


def test_a_token_is_looked_up_once_a_minute(cache, now):
    door = Door()
    first = cache.device("t", door)
    assert cache.device("t", door) is first
    now[0] += KEPT_S
    assert cache.device("t", door) is not first
    assert door.asked == ["t", "t"]


def test_another_token_is_looked_up(cache):
    door = Door()
    assert cache.device("t", door) is not cache.device("u", door)


def test_a_wrong_token_is_refused_each_time(cache):
    door = Door()
    door.known = False
    for _ in range(2):
        with pytest.raises(TokenUnknown):
            cache.device("t", door)
    assert len(door.asked) == 2


def test_a_revoked_device_is_looked_up_each_time_and_a_forgotten_one_again(cache):
    door = Door()
    cache.device("t", door)
    cache.forget("t")
    door.revoked_at = "yesterday"
    cache.device("t", door)
    cache.device("t", door)
    assert len(door.asked) == 3
