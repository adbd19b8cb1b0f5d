"""The clocks of a case while its events are gone through: begun, stopped, let go on, given more time. Pure.

Owns that no time is lost and none counted twice: a clock that goes on after it ended has a pause between. Must not
know which step does what, nor the days of a calendar but by asking it.

An end takes effect when it was done (``at``), also offline; a beginning when the server knew (``taken_at``), so that
nobody answers for hours in which another's phone was out of reach.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from server.cases.calendars.calendar import Deadline, Limit, Pause, WorkCalendar
from server.cases.clocks.clock import WARN_AT, Clock, ClockState, Standstill
from server.cases.clocks.terms import WINDOWS, Stage

Budget = Limit | timedelta
"""How much time there is; a ``timedelta`` is clock time, up to a moment that a person named."""


@dataclass(slots=True)
class Entry:
    """One clock under way. ``counted_from``: where ``budgets`` begin, one after the other."""

    stage: Stage
    body_id: int | None
    by: UUID
    since: datetime
    counted_from: datetime
    budgets: list[Budget]
    pauses: list[Standstill] = field(default_factory=list)
    ended_at: datetime | None = None
    stopped_by: UUID | None = None
    offline: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it has not ended; it may stand still."""
        return self.ended_at is None

    @property
    def stands_still(self) -> bool:
        """Whether it is in a pause that has no end yet."""
        return bool(self.pauses) and self.pauses[-1].until is None

    def end(self, at: datetime, *, offline: bool = False, stopped_by: UUID | None = None) -> None:
        """End it: done, or stopped by an event. What lies in a pause at ``at`` is cut there."""
        if not self.is_open:
            return
        self.ended_at = max(at, self.since)
        self.offline, self.stopped_by = offline, stopped_by
        self.pauses = [_cut(each, self.ended_at) for each in self.pauses if each.since < self.ended_at]

    def pause(self, at: datetime, why: str) -> None:
        """Stand still from ``at`` on."""
        if self.is_open and not self.stands_still:
            self.pauses.append(Standstill(max(at, self._free_from()), None, why))

    def go_on(self, at: datetime, why: str = "") -> None:
        """Run again from ``at`` on: after a pause, or after an end, since when it then has stood still."""
        if self.ended_at is not None:
            self.pauses.append(Standstill(self.ended_at, max(at, self.ended_at), why))
            self.ended_at = self.stopped_by = None
            self.offline = False
        elif self.stands_still:
            last = self.pauses.pop()
            self.pauses.append(Standstill(last.since, max(at, last.since), last.why))

    def count_anew(self, at: datetime, budget: Budget) -> None:
        """Have another time from ``at`` on, whatever was left."""
        self.counted_from, self.budgets = max(at, self.since), [budget]

    def _free_from(self) -> datetime:
        ends = [each.until for each in self.pauses if each.until is not None]
        return max([self.since, *ends])

    def close(self, calendar: WorkCalendar, now: datetime) -> Clock:
        """Return it as it stands at ``now`` by a calendar."""
        pauses: list[Pause] = [(each.since, each.until) for each in self.pauses]
        due = _due(self.counted_from, self.budgets, pauses, calendar)
        working = any(isinstance(each, Limit) and each.unit in ("wh", "wd") for each in self.budgets)
        return Clock(
            stage=self.stage, body_id=self.body_id, by=self.by, since=self.since,
            due_at=None if due is None else due.due_at,
            warn_at=None if due is None else _warn_at(self.counted_from, due.due_at, pauses, calendar, working=working),
            ended_at=self.ended_at, pauses=tuple(self.pauses), state=self._state(),
            in_time=self._in_time(due, now), offline=self.offline,
            provisional=() if due is None else due.provisional_years,
            edition=calendar.edition if working else None, working=working,
        )  # fmt: skip

    def _state(self) -> ClockState:
        if self.is_open:
            return "paused" if self.stands_still else "running"
        return "ended" if self.stopped_by is None else "stopped"

    def _in_time(self, due: Deadline | None, now: datetime) -> bool | None:
        if due is None or self.stopped_by is not None or self.stage in WINDOWS:
            return None
        if self.ended_at is None:
            return False if now > due.due_at else None
        return self.ended_at <= due.due_at


@dataclass(slots=True)
class Ledger:
    """All clocks of a case, in the order in which they began."""

    entries: list[Entry] = field(default_factory=list)

    def begin(
        self, stage: Stage, at: datetime, by: UUID, budget: Budget | None, *, body_id: int | None = None
    ) -> Entry:
        """Start a clock, and end an older one of the same stage and body that still ran."""
        for each in self.open(stage, body_id=body_id):
            each.end(at, stopped_by=by)
        entry = Entry(stage, body_id, by, at, at, [] if budget is None else [budget])
        self.entries.append(entry)
        return entry

    def open(self, *stages: Stage, body_id: int | None = None) -> Iterator[Entry]:
        """Yield what has not ended, of some stages (none named: of all), of one body (None: of all)."""
        for each in list(self.entries):
            if each.is_open and (not stages or each.stage in stages) and body_id in (None, each.body_id):
                yield each

    def last(self, stage: Stage, body_id: int | None) -> Entry | None:
        """Return the newest clock of a stage and body, ended or not; None where there was none."""
        own = (each for each in reversed(self.entries) if (each.stage, each.body_id) == (stage, body_id))
        return next(own, None)


def _cut(pause: Standstill, at: datetime) -> Standstill:
    return pause if pause.until is not None and pause.until <= at else Standstill(pause.since, at, pause.why)


def _due(start: datetime, budgets: list[Budget], pauses: list[Pause], calendar: WorkCalendar) -> Deadline | None:
    """Return when the last of the budgets is used up, each counted from where the one before was; None: never."""
    if not budgets:
        return None
    at, years = start, set[int]()
    for budget in budgets:
        if isinstance(budget, timedelta):
            found = calendar.after(at, budget, pauses, working=False)
            due = None if found is None else Deadline(found.astimezone(UTC))
        else:
            due = calendar.due_across(at, budget, pauses)
        if due is None:
            return None
        at = due.due_at
        years.update(due.provisional_years)
    return Deadline(at, tuple(sorted(years)))


def _warn_at(
    start: datetime, due_at: datetime, pauses: list[Pause], calendar: WorkCalendar, *, working: bool
) -> datetime:
    whole = calendar.between(start, due_at, pauses, working=working)
    found = calendar.after(start, whole * WARN_AT, pauses, working=working) if whole else due_at
    return (due_at if found is None else found).astimezone(UTC)
