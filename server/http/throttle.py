"""Counts of attempts, shared by all processes through Redis, and by each for itself while Redis is away.

Owns nothing but counting: what is an attempt, whose, and how many there may be, is said by ``server.http.attempts``.
Windows slide, and an attempt that is refused is not counted: hammering makes no wait longer.
"""

import functools
import hashlib
import math
import threading
import time
from collections.abc import Callable, Sequence

import limits
import redis
import structlog
from limits.errors import ConfigurationError, StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

log = structlog.get_logger()
# So long the memory of the process counts alone after Redis did not answer.
AWAY_S = 10.0
_PATIENCE = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}
_AWAY = (StorageError, ConfigurationError, redis.RedisError, OSError)


class Throttle:
    """Counts of one app. ``clock``: seconds that only grow. Safe for threads and before a fork."""

    def __init__(self, redis_url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = redis_url
        self._clock = clock
        self._lock = threading.Lock()
        self._shared: MovingWindowRateLimiter | None = None
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._away_until = -math.inf

    def wait_s(self, rates: str, *whose: str) -> int:
        """Return for how many seconds no attempt would be let through; 0 where one would. Counts nothing."""
        key = _key(whose)
        return self._counted(lambda limiter: _longest(limiter, rates, key))

    def count(self, rates: str, *whose: str) -> int:
        """Count an attempt and return 0; where there were as many as may be, count nothing and return the wait."""
        key = _key(whose)

        def hit(limiter: MovingWindowRateLimiter) -> int:
            if wait := _longest(limiter, rates, key):
                return wait
            for rate in _parsed(rates):
                if not limiter.hit(rate, key):
                    return _until_free(limiter, rate, key)
            return 0

        return self._counted(hit)

    def forget(self, rates: str, *whose: str) -> None:
        """Count from nothing again."""
        key = _key(whose)

        def clear(limiter: MovingWindowRateLimiter) -> int:
            for rate in _parsed(rates):
                limiter.clear(rate, key)
            return 0

        self._counted(clear)

    def _counted(self, ask: Callable[[MovingWindowRateLimiter], int]) -> int:
        if self._clock() >= self._away_until:
            try:
                return ask(self._of_all())
            except _AWAY as error:
                log.warning("Redis does not answer: attempts are counted by this process alone", why=str(error))
                self._away_until = self._clock() + AWAY_S
        return ask(self._own)

    def _of_all(self) -> MovingWindowRateLimiter:
        with self._lock:
            if self._shared is None:
                self._shared = MovingWindowRateLimiter(_storage(self._url))
            return self._shared


def _storage(url: str) -> Storage:
    return storage_from_string(url, **_PATIENCE)  # type: ignore[return-value]  # of a URL that is not async


@functools.cache
def _parsed(rates: str) -> Sequence[limits.RateLimitItem]:
    """Return the rates of a text as ``5 per minute;20 per hour``, the shortest first."""
    return sorted(limits.parse_many(rates), key=lambda rate: rate.get_expiry())


def _longest(limiter: MovingWindowRateLimiter, rates: str, key: str) -> int:
    full = [rate for rate in _parsed(rates) if not limiter.test(rate, key)]
    return max((_until_free(limiter, rate, key) for rate in full), default=0)


def _until_free(limiter: MovingWindowRateLimiter, rate: limits.RateLimitItem, key: str) -> int:
    return max(1, math.ceil(limiter.get_window_stats(rate, key).reset_time - time.time()))


def _key(whose: Sequence[str]) -> str:
    """Return one key that tells nobody who reads Redis whose it is, and that no two callers share."""
    digest = hashlib.blake2b(digest_size=16)
    for part in whose:
        piece = part.encode("utf-8", "surrogatepass")
        digest.update(len(piece).to_bytes(4) + piece)
    return f"attempts:{digest.hexdigest()}"
