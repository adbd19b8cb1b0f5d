"""When a clock speaks up, and to whom: a warning to who holds the case, then up the tree. Pure.

Owns the ladder: level 0 when four fifths of the time are gone; level 1 when it is over, to the smallest area that the
case lies in; each further level when half as much time again has gone, to the next area. Clocks of working time speak
in working hours alone. Must not know what was raised already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from server.cases.calendars.calendar import Pause, WorkCalendar
from server.cases.clocks.clock import Clock

WARNING = 0
SHORTEST_STEP = timedelta(minutes=30)
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One level of one clock, and when it is reached (UTC). ``area_id``: to whom it goes; None: who holds the case."""

    clock: Clock
    level: int
    area_id: int | None
    at: datetime


def alarms_of(clock: Clock, line: Sequence[int], calendar: WorkCalendar) -> list[Alarm]:
    """Return the alarms of a clock that runs; ``line``: the areas that the case lies in, the smallest first."""
    if clock.state != "running" or clock.is_window or clock.due_at is None or clock.warn_at is None:
        return []
    pauses: list[Pause] = [(each.since, each.until) for each in clock.pauses]
    step = max(calendar.between(clock.since, clock.due_at, pauses, working=clock.working) / 2, SHORTEST_STEP)
    found, at = [Alarm(clock, WARNING, None, _spoken(clock, clock.warn_at, calendar))], clock.due_at
    for level, area_id in enumerate(line, 1):
        # What is due at a moment is late after it, so that it does not speak on the stroke of closing.
        found.append(Alarm(clock, level, area_id, _spoken(clock, at + _MOMENT, calendar)))
        later = calendar.after(at, step, working=clock.working)
        at = at + step if later is None else later.astimezone(UTC)
    return found


def _spoken(clock: Clock, at: datetime, calendar: WorkCalendar) -> datetime:
    """Return when something may be said that is to be said from ``at`` on."""
    return calendar.opening(at) if clock.working else at
