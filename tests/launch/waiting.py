"""Waiting for what another process does; the bound only keeps a broken test from hanging."""

import time

PATIENCE_S = 60


def until(condition):
    """What `condition` returns once it is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return value
