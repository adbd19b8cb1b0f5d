"""The editions that this process has in memory, for each database; one cache for all edges. Knows no requests."""

import datetime as dt
from collections.abc import Callable
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from geo.editions.ground import NEWEST, Ground, Grounds
from server.database.extensions import db
from sync.errors import NoEdition

_caches: WeakKeyDictionary[Engine, Grounds] = WeakKeyDictionary()


def ground_at(session: Session, serial: int | None = None) -> Callable[[dt.datetime], Ground | None]:
    """Return a function from a moment to the ground in force then.

    ``serial``: the city's ground serial where it was just read; it is read here otherwise.
    """
    known = serial if serial is not None else int(session.scalar(text("SELECT ground_serial FROM city_state")) or 0)
    grounds = _caches.setdefault(session.get_bind().engine, Grounds())
    return lambda moment: grounds.at(session, known, moment)


def ground_in_memory(serial: int) -> Ground | None:
    """Return the ground in force if this process has it for this serial of the city's, else None. Inside an app."""
    grounds = _caches.get(db.engine)
    return None if grounds is None else grounds.in_memory(serial, NEWEST)


def ground_now(session: Session, serial: int | None = None) -> Ground:
    """Return the ground in force. Raises ``NoEdition`` where none was ever published.

    By the serial, not by a clock: one that was read a moment ago, or runs slow, would give a new serial the old ground.
    """
    ground = ground_at(session, serial)(NEWEST)
    if ground is None:
        raise NoEdition
    return ground
