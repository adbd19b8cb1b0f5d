"""Editions as cities, and drafts folded over them, kept by a process so that one more operation costs one operation.

Owns the keeping alone: what is kept can always be made again. Safe for threads.
"""

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Final, Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from geo.tables import Edition
from server.grids.city import City, read_city
from server.grids.operations import Operation, Step, perform

_CITIES: Final = 2
_FOLDS: Final = 6
_Stamp = tuple[int, dt.datetime | None]
_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class _Latest(Generic[_Key, _Value]):
    """The few that were used last."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._lock = threading.Lock()
        self._held: OrderedDict[_Key, _Value] = OrderedDict()

    def get(self, key: _Key) -> _Value | None:
        """What is held under a key."""
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key]

    def put(self, key: _Key, value: _Value) -> None:
        """Hold a value, and let go of the one that was used longest ago."""
        with self._lock:
            self._held[key] = value
            self._held.move_to_end(key)
            while len(self._held) > self._keep:
                self._held.popitem(last=False)


class Shelf:
    """What a process keeps of one database."""

    def __init__(self) -> None:
        self._cities: _Latest[_Stamp, City] = _Latest(_CITIES)
        self._folds: _Latest[tuple[object, ...], tuple[Step, ...]] = _Latest(_FOLDS)

    def city(self, session: Session, number: int) -> City:
        """An edition, which never changes."""
        key = self._stamp(session, number)
        found = self._cities.get(key)
        if found is None:
            found = read_city(session, number)
            self._cities.put(key, found)
        return found

    def fold(self, session: Session, number: int, operations: Sequence[Operation]) -> tuple[Step, ...]:
        """Operations that have rows, done one after another over an edition; errors as ``perform``."""
        rows = [operation.row for operation in operations]
        stamp = self._stamp(session, number)
        keys = [(stamp, *rows[:n]) for n in range(len(operations) + 1)]
        done: tuple[Step, ...] = ()
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


_shelves: WeakKeyDictionary[Engine, Shelf] = WeakKeyDictionary()


def shelf_of(session: Session) -> Shelf:
    """The shelf of a session's database."""
    return _shelves.setdefault(session.get_bind().engine, Shelf())
