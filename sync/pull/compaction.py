"""Keeps the feed short: touches that every live cursor has passed are taken away, never others.

A phone that has not pulled for a season does not hold the feed back: its cursor falls below the floor, it is asked
to pull anew, and keeps what it has not pushed. Records are not touched: nothing that a worker entered is removed.
"""

import datetime as dt

from sqlalchemy import text
from sqlalchemy.orm import Session

LIVE_FOR = dt.timedelta(days=90)
# A pull writes where it stands at most this often, so that an idle pull writes nothing.
NOTE_EVERY = dt.timedelta(minutes=15)

_NOTE = text("""
    UPDATE device SET pulled_to = :position, pulled_at = :now
    WHERE id = :device AND (pulled_at IS NULL OR pulled_at < :before)
""")
_HORIZON = text("""
    SELECT least(
        (SELECT position FROM feed_counter),
        (SELECT min(coalesce(pulled_to, 0)) FROM device JOIN person ON person.id = device.person_id
         WHERE revoked_at IS NULL AND is_active AND greatest(pulled_at, enrolled_at) > :live_since)
    )
""")
_RAISE = text("UPDATE feed_counter SET floor = :horizon WHERE floor < :horizon")
_TRIM = text("""
    DELETE FROM feed WHERE (channel, position) IN (
        SELECT channel, position FROM feed WHERE position <= :horizon LIMIT :limit
    )
""")


def note_due(pulled_at: dt.datetime | None, now: dt.datetime) -> bool:
    """Return whether it is time again to note where a device stands."""
    return pulled_at is None or pulled_at < now - NOTE_EVERY


def note_pulled(session: Session, device_id: int, position: int, now: dt.datetime) -> None:
    """Note that a device's cursor has passed a position, unless that was noted a moment ago."""
    wanted = {"device": device_id, "position": position, "now": now, "before": now - NOTE_EVERY}
    session.execute(_NOTE, wanted)


def compact(session: Session, now: dt.datetime, *, limit: int = 50_000) -> int:
    """Take away up to ``limit`` touches behind the oldest live cursor; return how many. The caller commits.

    The floor is raised in the same transaction, so no cursor can stand among touches that are gone. It is raised last:
    every push waits for the row that holds it.
    """
    horizon = session.scalar(_HORIZON, {"live_since": now - LIVE_FOR}) or 0
    removed = session.execute(_TRIM, {"horizon": horizon, "limit": limit})
    session.execute(_RAISE, {"horizon": horizon})
    return int(removed.rowcount)  # type: ignore[attr-defined]  # a cursor result
