"""Watches a run from outside, all the while: how long the web is silent, and how long work of the jobs stands.

Owns the two bounds of liveness. It asks as a caller would, over connections of its own, and reads what waits from the
database; it raises nothing itself, but notes what was broken first. Knows neither phones nor disturbances.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import requests
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from server.simulator.faults.world import Broken, World

LOOK_EVERY_S: Final = 0.2
WORK_EVERY_S: Final = 2.0
_PATIENCE_S: Final = 4.0

# The oldest work of each kind that nothing but its job is waited for.
_OLDEST: Final[Mapping[str, str]] = {
    "merge": "SELECT min(id)::text FROM operation WHERE status = 'pending'",
    "route": "SELECT min(id::text) FROM issue WHERE awaiting_routing AND deleted_at IS NULL "
    "AND NOT EXISTS (SELECT FROM dead_letter WHERE queue = 'routing' AND item = issue.id::text)",
    "move": "SELECT min(edition_number || ' ' || stage) FROM edition_move WHERE finished_at IS NULL",
}


def silence(answers: Callable[[], bool], bound_s: float, over: threading.Event) -> Broken | None:
    """Ask again and again until it is over, or until nothing good came for longer than the bound."""
    good_at = time.monotonic()
    while not over.is_set():
        if answers():
            good_at = time.monotonic()
        elif (silent_s := time.monotonic() - good_at) > bound_s:
            return Broken("silence", f"the web served nobody for {silent_s:.1f} s, and {bound_s:g} s are the most")
        over.wait(LOOK_EVERY_S)
    return None


@dataclass(slots=True)
class WatchedStanding:
    """Since when each kind of work has the same item waiting first. ``seen``: kind -> (item, since)."""

    bound_s: float
    seen: dict[str, tuple[str, float]] = field(default_factory=dict)

    def look(self, oldest: Mapping[str, str | None], moment: float) -> Broken | None:
        """Take in what waits first of each kind now; return what has stood too long."""
        for kind, item in oldest.items():
            if item is None:
                self.seen.pop(kind, None)
            elif kind not in self.seen or self.seen[kind][0] != item:
                self.seen[kind] = (item, moment)
            elif (stood_s := moment - self.seen[kind][1]) > self.bound_s:
                return Broken("standing", f"{kind} of {item} stands since {stood_s:.0f} s")
        return None


@dataclass(slots=True)
class Watch:
    """Looks on while it is open; ``check`` raises what it found broken."""

    world: World
    found: list[Broken] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: Sequence[threading.Thread] = ()

    def __enter__(self) -> Self:
        """Begin."""
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._hear, self._look)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def check(self) -> None:
        """Raise the first that was broken."""
        if self.found:
            raise self.found[0]

    def _hear(self) -> None:
        url = f"{self.world.plan.url}/readyz"

        def answers() -> bool:
            try:
                return requests.get(url, timeout=_PATIENCE_S).ok
            except requests.RequestException:
                return False

        if broken := silence(answers, self.world.plan.silence_s, self._over):
            self.found.append(broken)

    def _look(self) -> None:
        standing = WatchedStanding(self.world.plan.stands_s)
        while not self._over.wait(WORK_EVERY_S):
            try:
                with Session(self.world.engine) as session:
                    oldest = oldest_work(session)
            except OperationalError:
                # It is away, or going back: nothing is done meanwhile, and nothing stands.
                standing.seen.clear()
                continue
            if broken := standing.look(oldest, time.monotonic()):
                self.found.append(broken)
                return


def oldest_work(session: Session) -> dict[str, str | None]:
    """Return what waits first of each kind of work, None where nothing does."""
    return {kind: session.scalar(text(question)) for kind, question in _OLDEST.items()}
