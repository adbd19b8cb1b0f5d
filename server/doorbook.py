"""Remembers for a minute which tokens a process has let in: a phone that sends often is not looked up each time.

Only for routes that read the device again under a lock before they believe anything about it: what is remembered
decides that a body is worth parsing, and no more. Tokens are kept as digests. Knows no Flask.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from sync.devices import CallingDevice

KEPT_S = 60.0
MOST = 20_000


class Doorbook:
    """The devices let in lately by one process. ``clock``: seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: OrderedDict[bytes, tuple[float, CallingDevice]] = OrderedDict()
        self._lock = threading.Lock()

    def device(self, token: str, ask: Callable[[str], CallingDevice]) -> CallingDevice:
        """Return the device of a token, remembered or as ``ask`` tells; its errors are not remembered.

        A revoked device is asked for each time.
        """
        digest = hashlib.sha256(token.encode()).digest()
        now = self._clock()
        with self._lock:
            noted = self._seen.get(digest)
        if noted is not None and now - noted[0] < KEPT_S:
            return noted[1]
        device = ask(token)
        if device.revoked_at is None:
            with self._lock:
                self._seen[digest] = (now, device)
                self._seen.move_to_end(digest)
                if len(self._seen) > MOST:
                    self._seen.popitem(last=False)
        return device

    def forget(self, token: str) -> None:
        """Have a device looked up again: what was remembered of it is no longer so."""
        with self._lock:
            self._seen.pop(hashlib.sha256(token.encode()).digest(), None)
