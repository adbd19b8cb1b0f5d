"""How many files a process receives and reads at once, whoever sends them. Knows no requests."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from server.attachments.errors import UploadsBusy


@contextmanager
def slot(count: int) -> Iterator[None]:
    """Hold one of the places that a process has for uploads. Raises ``UploadsBusy`` where all are held."""
    places = _places(count)
    if not places.acquire(blocking=False):
        raise UploadsBusy
    try:
        yield
    finally:
        places.release()


@cache
def _places(count: int) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(count)
