"""What a run with faults is, and what all of its parts share: the plan, the counts, the restores, and who hurts.

Owns the words: a `Broken` invariant, and the `Harm` that somebody above this layer does to the patrol's own processes.
Knows neither phones nor checks.
"""

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """How long, with how many devices, from which seed, against which web.

    ``round_s``: from one quiet point to the next; ``gap_s``: between two disturbances; ``pause_s``: the longest rest of
    a worker between two steps; ``settle_s``: how long anything may wait after all is quiet; ``silence_s``: how long
    the web may answer nobody, or say that it cannot serve; ``stands_s``: how long a job's work may stand with nothing
    of it done while the patrol is well. ``secret_key``: what seals the secrets of bodies; without it none calls.
    """

    minutes: float
    devices: int
    seed: int
    url: str
    sign_ins: Path
    round_s: float = 150.0
    gap_s: float = 6.0
    pause_s: float = 6.0
    settle_s: float = 120.0
    silence_s: float = 5.0
    stands_s: float = 60.0
    secret_key: str = field(default="", repr=False)

    @property
    def command(self) -> str:
        """How the run is made again."""
        return f"./patrol simulate --faults --minutes {self.minutes:g} --seed {self.seed} --devices {self.devices}"


class Harm(Protocol):
    """What can be done to the patrol under test. ``victims``: the names that `kill` knows."""

    @property
    def victims(self) -> Sequence[str]:
        """Return what can be killed."""

    def kill(self, victim: str) -> None:
        """Kill a process, or the children of one, with the signal that cannot be caught."""

    def is_well(self) -> bool:
        """Return whether everything that was killed runs again and the web serves."""

    def backup(self) -> None:
        """Write a backup, replacing the one before."""

    def restore(self) -> None:
        """Replace the database by the last backup."""


@dataclass(frozen=True, slots=True)
class Restore:
    """When a restore began and was done, aware UTC by this machine's clock."""

    began: dt.datetime
    done: dt.datetime


class Broken(Exception):
    """An invariant that does not hold. ``record``: (collection, id) where one record is concerned."""

    def __init__(self, invariant: str, told: str, record: tuple[str, str] | None = None) -> None:
        super().__init__(f"{invariant}: {told}")
        self.invariant = invariant
        self.told = told
        self.record = record


@dataclass(slots=True)
class World:
    """One run. ``done`` counts what was done by name, ``slowest_s`` the longest recovery from each kind of kill."""

    plan: FaultPlan
    engine: Engine
    say: Callable[[str], object]
    done: Counter[str] = field(default_factory=Counter)
    slowest_s: dict[str, float] = field(default_factory=dict)
    restores: list[Restore] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    _restoring: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def minute(self) -> float:
        """Minutes since the run began."""
        return round((time.monotonic() - self.began) / 60, 2)

    @property
    def restores_begun(self) -> int:
        """How many restores were begun; one more than are done while one is under way."""
        with self._lock:
            return len(self.restores) + self._restoring

    def count(self, name: str, by: int = 1) -> None:
        """Note that something was done; from any thread."""
        with self._lock:
            self.done[name] += by

    def restore(self, harm: Harm) -> None:
        """Restore, and note from when to when: answers of that while may be of either database."""
        began = dt.datetime.now(dt.UTC)
        with self._lock:
            self._restoring = True
        try:
            harm.restore()
        finally:
            with self._lock:
                self._restoring = False
                self.restores.append(Restore(began, dt.datetime.now(dt.UTC)))


def blind_from(filled_at: dt.datetime, restores: Sequence[Restore]) -> dt.datetime | None:
    """Return the moment after which whoever filled a phone at ``filled_at`` saw nothing, None where there is none.

    A phone sees nothing of what came after a restore until it has begun anew, so a revision that it names is one of
    the database before. What was filled during a restore may be of either.
    """
    return next((restore.done for restore in restores if restore.began > filled_at), None)
