"""Editions as cities, and drafts folded over them, kept by a process so that one more operation costs one operation.

Owns the keeping alone: what is kept can always be made again. Safe for threads.
"""

import datetime as dt
import threading
from collections.abc import Hashable, Sequence
from typing import Final, Generic, TypeVar
from weakref import WeakKeyDictionary

from cachetools import LRUCache
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from geo.editions.tables import Edition
from server.grids.draft_ground import DraftGround, read_city, read_city_after
from server.grids.operations import DraftStep, Operation, perform

_CITIES: Final = 2
_FOLDS: Final = 6
_Stamp = tuple[int, dt.datetime | None]
_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class _Latest(Generic[_Key, _Value]):
    """The few that were used last."""

    def __init__(self, keep: int) -> None:
        self._lock = threading.Lock()
        self._held: LRUCache[_Key, _Value] = LRUCache(keep)

    def get(self, key: _Key) -> _Value | None:
        """What is held under a key."""
        with self._lock:
            return self._held.get(key)

    def items(self) -> list[tuple[_Key, _Value]]:
        """All that is held."""
        with self._lock:
            return list(self._held.items())

    def put(self, key: _Key, value: _Value) -> None:
        """Hold a value, and let go of the one that was used longest ago."""
        with self._lock:
            self._held[key] = value


class DraftCache:
    """What a process keeps of one database."""

    def __init__(self) -> None:
        self._cities: _Latest[_Stamp, DraftGround] = _Latest(_CITIES)
        self._folds: _Latest[tuple[object, ...], tuple[DraftStep, ...]] = _Latest(_FOLDS)

    def city(self, session: Session, number: int) -> DraftGround:
        """An edition, which never changes."""
        key = self._stamp(session, number)
        found = self._cities.get(key)
        if found is None:
            found = self._read(session, number)
            self._cities.put(key, found)
        return found

    def _read(self, session: Session, number: int) -> DraftGround:
        """Read an edition, from the nearest one that is held where that is of the same life of the database."""
        held = sorted(self._cities.items(), key=lambda each: abs(each[0][0] - number))
        for stamp, city in held:
            if stamp == self._stamp(session, stamp[0]):
                return read_city_after(session, city, stamp[0], number)
        return read_city(session, number)

    def fold(self, session: Session, number: int, operations: Sequence[Operation]) -> tuple[DraftStep, ...]:
        """Operations that have rows, done one after another over an edition; errors as ``perform``."""
        rows = [operation.row for operation in operations]
        stamp = self._stamp(session, number)
        keys = [(stamp, *rows[:n]) for n in range(len(operations) + 1)]
        done: tuple[DraftStep, ...] = ()
        for count in range(len(operations), 0, -1):
            held = self._folds.get(keys[count])
            if held is not None:
                done = held
                break
        city = done[-1].city if done else self.city(session, number)
        for operation in operations[len(done) :]:
            step = perform(city, operation)
            done, city = (*done, step), step.city
        if done:
            self._folds.put(keys[-1], done)
        return done

    def _stamp(self, session: Session, number: int) -> _Stamp:
        """What tells an edition from all others: after a restore another may have its number."""
        return number, session.scalar(select(Edition.published_at).where(Edition.number == number))


_caches: WeakKeyDictionary[Engine, DraftCache] = WeakKeyDictionary()


def cache_of(session: Session) -> DraftCache:
    """The cache of a session's database."""
    return _caches.setdefault(session.get_bind().engine, DraftCache())
