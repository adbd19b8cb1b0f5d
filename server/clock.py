"""The clock of edges and jobs: the one place where they ask for the time.

Everything below them takes the time as an argument. Where a process moves its clock, as a simulated month does, it
moves for this process alone; a server that was started by ``up`` has no way to do so.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime


def _by_the_machine() -> datetime:
    return datetime.now(UTC)


_tells: Callable[[], datetime] = _by_the_machine


def now() -> datetime:
    """Return the time, aware UTC."""
    return _tells()


@contextmanager
def moved(tells: Callable[[], datetime]) -> Iterator[None]:
    """Let this process, all its threads, go by another clock while it is inside; ``tells``: the time, aware UTC."""
    global _tells  # noqa: PLW0603  # one clock for the process
    before, _tells = _tells, tells
    try:
        yield
    finally:
        _tells = before
