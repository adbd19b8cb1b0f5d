"""One clock of a case, as it stands. Pure values.

Owns what a deadline's light is, and when its warning is due. Must not know the events that a clock was counted from.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from server.cases.clocks.terms import WINDOWS, Stage

Light = Literal["none", "green", "yellow", "red"]
ClockState = Literal["running", "paused", "ended", "stopped"]

WARN_AT = 0.8
"""The part of a limit after which its light is yellow."""


@dataclass(frozen=True, slots=True)
class Standstill:
    """From when until when (UTC; None: still) a clock stands still, and why: the step that stopped it."""

    since: datetime
    until: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class Clock:
    """One stage of a case that has, or had, a limit. Times are aware UTC.

    ``body_id``: whose it is, None where it is not a body's. ``due_at`` is None where nothing limits the stage, and
    while it stands still with time left. ``warn_at`` is when four fifths of the time are gone. ``ended_at``: when what
    was to be done was done, by the corrected time of the device where it was done ``offline``; of a clock that was
    stopped instead (the case went elsewhere), when it was. ``in_time``: True or False where that is settled, None
    where it is not, or where nothing was to be in time. ``provisional`` names the years that may move the deadline,
    ``edition`` the calendar that counted it. ``working``: it counts working time, and speaks up in working hours alone.
    ``by``: the event that began it.
    """

    stage: Stage
    body_id: int | None
    by: UUID
    since: datetime
    due_at: datetime | None
    warn_at: datetime | None
    ended_at: datetime | None
    pauses: tuple[Standstill, ...]
    state: ClockState
    in_time: bool | None
    offline: bool
    provisional: tuple[int, ...]
    edition: int | None
    working: bool

    @property
    def is_window(self) -> bool:
        """Whether it says until when something may be done: nobody is late who does not."""
        return self.stage in WINDOWS

    @property
    def paused_for(self) -> timedelta:
        """How long it has stood still in pauses that are over."""
        return sum((each.until - each.since for each in self.pauses if each.until is not None), timedelta())

    def light(self, now: datetime) -> Light:
        """Return the light at a moment (aware), of what has ended the one that it ended with."""
        if self.due_at is None or self.is_window or self.state == "stopped":
            return "none"
        at = now if self.ended_at is None else self.ended_at
        if at > self.due_at:
            return "red"
        if self.state == "paused":
            return "none"
        return "yellow" if self.warn_at is not None and at >= self.warn_at else "green"


def pressing(clocks: Iterable[Clock]) -> Clock | None:
    """Return the running clock that runs out first, by which a list shows the light of its case."""
    running = (each for each in clocks if each.state == "running" and each.due_at and not each.is_window)
    return min(running, key=lambda each: (each.due_at, each.stage), default=None)
