"""Remembers for a minute which tokens a process has let in: who asks often is not looked up each time.

Only for routes that read the device again under a lock before they believe anything about it: what is remembered
decides that a body is worth parsing, and no more. And, of the staff, for what is the same for all of them and no
secret. Tokens are kept as digests. Knows no Flask.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from cachetools import TTLCache

from sync.access.devices import CallingDevice

KEPT_S = 60.0
MOST = 20_000

Caller = TypeVar("Caller")


class CallerCache(Generic[Caller]):
    """Whom one process let in, by a digest of what they showed. ``clock``: seconds that only grow. Safe for threads."""

    def __init__(self, kept_s: float = KEPT_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._seen: TTLCache[bytes, Caller] = TTLCache(MOST, kept_s, clock)
        self._lock = threading.Lock()

    def known(self, token: str) -> Caller | None:
        """Return who was let in with this token lately; None where nobody was."""
        with self._lock:
            return self._seen.get(_digest(token))

    def note(self, token: str, caller: Caller) -> None:
        """Remember from now on who showed this token."""
        with self._lock:
            self._seen[_digest(token)] = caller

    def forget(self, token: str) -> None:
        """Have a caller looked up again: what was remembered is no longer so."""
        with self._lock:
            self._seen.pop(_digest(token), None)


class DeviceCache(CallerCache[CallingDevice]):
    """The devices let in lately by one process."""

    def device(self, token: str, ask: Callable[[str], CallingDevice]) -> CallingDevice:
        """Return the device of a token, remembered or as ``ask`` tells; its errors are not remembered.

        A revoked device is asked for each time.
        """
        device = self.known(token)
        if device is None:
            device = ask(token)
            if device.revoked_at is None:
                self.note(token, device)
        return device


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
