"""A slow oracle of clocks: minutes are painted, one after the other, and then counted.

It shares no arithmetic with the program: of each clock there is a strip of minutes, each of which runs, stands still,
or lies after the end; every step paints from its minute on. A limit is used up by walking over the strip.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from server.cases.calendars.calendar import SHANGHAI
from server.cases.calendars.statutory import guessed

DAY: Final = 24 * 60
NONE, RUNS, STILL, OVER = b"n", b"r", b"s", b"e"
WINDOWS: Final = ("reporting", "return", "rating")
Week = Sequence[Sequence[tuple[time, time]]]
Length = tuple[int, str]
"""How much, and of what: min, h, wh, wd or d."""


class Place:
    """The worked minutes of a place, from a midnight (aware) on for so many days.

    ``days``: as announced, by date: "holiday" or "workday"; ``week``: hours by weekday; ``announced``: years.
    """

    def __init__(
        self, zero: datetime, length_days: int, days: Mapping[date, str], week: Week, announced: Iterable[int]
    ) -> None:
        self.zero = zero
        self.minutes = length_days * DAY
        self.announced = frozenset(announced)
        self.worked = bytearray(self.minutes)
        self.closings: set[int] = set()
        for number in range(length_days):
            day = (zero + timedelta(days=number)).date()
            last = None
            for opens, closes in self._spans(day, days, week):
                first = number * DAY + opens.hour * 60 + opens.minute
                last = number * DAY + closes.hour * 60 + closes.minute
                self.worked[first:last] = b"\1" * (last - first)
            if last is not None:
                self.closings.add(last)

    def _spans(self, day: date, days: Mapping[date, str], week: Week) -> Sequence[tuple[time, time]]:
        said = days.get(day) or ("holiday" if day.year not in self.announced and day in guessed(day.year) else None)
        if said == "holiday":
            return ()
        return week[day.weekday()] or (next(each for each in week if each) if said == "workday" else ())

    def when(self, minute: int) -> datetime:
        """Return the moment at which a minute begins (UTC)."""
        return (self.zero + timedelta(minutes=minute)).astimezone(UTC)

    def minute(self, moment: datetime) -> int:
        """Return the minute of a moment that is a whole one. Raises ``ValueError`` for any other."""
        minutes, rest = divmod(moment - self.zero, timedelta(minutes=1))
        if rest:
            raise ValueError(moment)
        return minutes

    def unsure(self, first: int, last: int) -> set[int]:
        """Return the years between two minutes that nobody has announced."""
        years = {self.when(each).astimezone(SHANGHAI).year for each in (first, last)}
        return {year for year in range(min(years), max(years) + 1) if year not in self.announced}


@dataclass
class Strip:
    """One clock as minutes. ``stopped``: by what, where it was not done but taken away."""

    stage: str
    body: int | None
    since: int
    counted_from: int
    budgets: list[Length]
    length: int
    minutes: bytearray = field(init=False)
    ended: int | None = None
    stopped: object = None

    def __post_init__(self) -> None:
        self.minutes = bytearray(NONE * self.length)
        self.paint(self.since, RUNS)

    def paint(self, since: int, colour: bytes) -> None:
        """Paint all minutes from one on."""
        since = max(since, self.since)
        self.minutes[since:] = colour * (self.length - since)

    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.ended is None

    def is_still(self) -> bool:
        """Whether it stands still, and nothing says until when."""
        return self.minutes[-1:] == STILL

    def end(self, at: int, stopped: object = None) -> None:
        """End it, unless it has."""
        if self.is_open():
            self.ended, self.stopped = max(at, self.since), stopped
            self.paint(self.ended, OVER)

    def still(self, at: int) -> None:
        """Let it stand still."""
        if self.is_open() and not self.is_still():
            self.paint(at, STILL)

    def go_on(self, at: int) -> None:
        """Let it run again, after a pause or an end."""
        if self.ended is not None:
            self.minutes[self.ended :] = STILL * (self.length - self.ended)
            at = max(at, self.ended)
            self.ended = self.stopped = None
            self.paint(at, RUNS)
        elif self.is_still():
            self.paint(max(at, self.minutes.rindex(RUNS) + 1 if RUNS in self.minutes else self.since), RUNS)

    def stood_still(self) -> int:
        """Return in how many minutes it stood still."""
        return self.minutes.count(STILL)

    def due(self, place: Place) -> tuple[int, set[int]] | None:
        """Return (minute, unsure years), or None where the strip ends first or nothing limits it."""
        at, unsure = self.counted_from, set[int]()
        if not self.budgets:
            return None
        for value, unit in self.budgets:
            begins = at
            found = self._days(begins, value, place) if unit == "wd" else self._minutes(begins, value, unit, place)
            if found is None:
                return None
            at = found
            if unit in ("wd", "wh"):
                unsure |= place.unsure(begins, at)
        return at, unsure

    def _counts(self, minute: int) -> bool:
        return self.minutes[minute] in (RUNS[0], OVER[0])

    def _days(self, at: int, left: int, place: Place) -> int | None:
        for minute in range(at + 1, self.length):
            if minute in place.closings and minute // DAY > at // DAY and self._counts(minute - 1):
                left -= 1
                if not left:
                    return minute
        return None

    def _minutes(self, at: int, value: int, unit: str, place: Place) -> int | None:
        left = value * {"min": 1, "h": 60, "wh": 60, "d": DAY}[unit]
        for minute in range(at, self.length):
            left -= self._counts(minute) and (unit != "wh" or place.worked[minute] == 1)
            if not left:
                return minute + 1
        return None


class Case:
    """The strips of one case. Each step is given the minute when it was done, and the one when it was known."""

    def __init__(self, limits: Mapping[str, Length], *, verify: bool, length: int) -> None:
        self.limits, self.verify, self.length = limits, verify, length
        self.strips: list[Strip] = []
        self.lead: int | None = None
        self.had: dict[int | None, Length | None] = {}

    def _open(self, *stages: str, body: int | None = None) -> list[Strip]:
        return [
            each for each in self.strips
            if each.is_open() and (not stages or each.stage in stages) and body in (None, each.body)
        ]  # fmt: skip

    def _begin(self, stage: str, at: int, body: int | None = None) -> None:
        self._begin_of(stage, at, body, self.limits.get(stage))

    def _begin_of(self, stage: str, at: int, body: int | None, limit: Length | None) -> None:
        for each in self._open(stage, body=body):
            each.end(at, stopped=object())
        self.strips.append(Strip(stage, body, at, at, [limit] if limit else [], self.length))

    def _end(self, at: int, *stages: str, body: int | None = None) -> None:
        for each in self._open(*stages, body=body):
            each.end(at)

    def _stop(self, at: int, step: object, strips: Sequence[Strip] | None = None) -> None:
        for each in self._open() if strips is None else strips:
            each.end(at, stopped=step)

    def _give(self, body: int, known: int, limit: Length | None, since: int | None = None) -> None:
        limit = limit or self.limits.get("handling")
        older = [each for each in self.strips if each.stage == "handling" and each.body == body]
        same = bool(older) and self.had.get(body) == limit and (older[-1].is_open() or older[-1].stopped is not None)
        self.had[body] = limit
        if body == self.lead and not (same and older[-1].is_open()):
            self._begin("receipt", known, body)
        if not same:
            self._begin_of("handling", known if since is None else since, body, limit)
        elif not older[-1].is_open():
            older[-1].go_on(known)

    def take(self, step: str, done: int, known: int, given: Mapping[str, Any]) -> None:
        """Let a step do to the strips what it does; one that no clock minds does nothing."""
        deed = getattr(self, f"_{step}", None)
        if deed is not None:
            deed(done, known, given)

    def _report(self, done: int, known: int, _given: Mapping[str, Any]) -> None:
        self._begin("reporting", done)
        self._end(known, "reporting")
        self._begin("acceptance", known)

    def _accept(self, done: int, known: int, _given: Mapping[str, Any]) -> None:
        self._end(done, "acceptance")
        self._begin("verification" if self.verify else "filing", known)

    def _verify(self, done: int, known: int, _given: Mapping[str, Any]) -> None:
        self._end(done, "verification")
        self._begin("filing", known)

    def _file(self, done: int, known: int, _given: Mapping[str, Any]) -> None:
        self._end(done, "acceptance", "verification", "filing")
        self._begin("dispatch", known)

    def _refuse(self, done: int, _known: int, _given: Mapping[str, Any]) -> None:
        self._end(done, "acceptance", "verification", "filing", "dispatch")
        self._stop(done, object())

    _settle = _refuse

    def _handed(self, done: int, known: int, given: Mapping[str, Any], gone: Sequence[Strip]) -> None:
        self._stop(done, object(), gone)
        self.lead = given["lead"]
        for each in (given["lead"], *given.get("assisting", ())):
            self._give(each, known, given.get("limit"), given.get("since"))

    def _dispatch(self, done: int, known: int, given: Mapping[str, Any]) -> None:
        self._end(done, "acceptance", "verification", "filing", "dispatch", "review")
        gone = [each for each in self._open("receipt", "handling", "return") if each.body != given["lead"]]
        self._handed(done, known, {**given, "assisting": ()}, gone)

    def _whistle(self, done: int, known: int, given: Mapping[str, Any]) -> None:
        bodies = (given["lead"], *given.get("assisting", ()))
        self._end(done, "acceptance", "verification", "filing", "dispatch")
        others = [each for each in self._open("receipt", "handling", "return") if each.body not in bodies]
        self._handed(done, known, given, [each for each in others if each.body == self.lead])

    def _receive(self, done: int, known: int, given: Mapping[str, Any]) -> None:
        body = given.get("body", self.lead)
        self._end(done, "receipt", body=body)
        self._begin("return", known, body)

    def _return(self, done: int, known: int, given: Mapping[str, Any]) -> None:
        body = given.get("body", self.lead)
        self._end(done, "receipt", "return", body=body)
        self._stop(done, object(), self._open("handling", body=body))
        if body == self.lead:
            self._begin("dispatch", known)

    def _done(self, done: int, known: int, given: Mapping[str, Any]) -> None:
        self._assist_done(done, known, given)
        self._end(done, "review")
        self._begin("check", known)

    def _assist_done(self, done: int, _known: int, given: Mapping[str, Any]) -> None:
        self._end(done, "receipt", "return", "handling", body=given.get("body", self.lead))

    def _grant_extension(self, _done: int, known: int, given: Mapping[str, Any]) -> None:
        for each in self._open("handling", body=given.get("body", self.lead)):
            if given.get("anew"):
                each.counted_from, each.budgets = known, [given["limit"]]
            else:
                each.budgets.append(given["limit"])

    def _suspend(self, done: int, known: int, given: Mapping[str, Any]) -> None:
        for each in self._open("handling", "return", "receipt"):
            each.still(done)
        self._begin_of("review", known, None, (given["review_after"], "min"))

    def _resume(self, done: int, _known: int, _given: Mapping[str, Any]) -> None:
        self._end(done, "review")
        for each in self._open("handling", "return", "receipt"):
            each.go_on(done)

    def _check(self, done: int, known: int, _given: Mapping[str, Any]) -> None:
        self._end(done, "check")
        self._begin("closing", known)

    def _rework(self, done: int, known: int, _given: Mapping[str, Any]) -> None:
        self._end(done, "check", "closing", "rating")
        [*_, last] = [each for each in self.strips if each.stage == "handling" and each.body == self.lead]
        last.go_on(known)
        if "rework" in self.limits:
            last.counted_from, last.budgets = known, [self.limits["rework"]]

    _reopen = _rework

    def _close(self, done: int, known: int, _given: Mapping[str, Any]) -> None:
        self._end(done, "check", "closing")
        self._end(done, "handling", body=self.lead)
        self._stop(done, object())
        self._begin("rating", known)

    def _rate(self, done: int, _known: int, _given: Mapping[str, Any]) -> None:
        self._end(done, "rating")

    def _merge(self, done: int, known: int, _given: Mapping[str, Any]) -> None:
        self._stop(done, known)

    _void = _merge

    def _unmerge(self, _done: int, known: int, given: Mapping[str, Any]) -> None:
        for each in self.strips:
            if each.stopped == given["merged"] and not each.is_open():
                each.go_on(known)


def as_painted(strip: Strip, place: Place, now: int) -> dict[str, Any]:
    """Return what a strip says of its clock at a minute."""
    due = strip.due(place)
    stopped, windowed = strip.stopped is not None, strip.stage in WINDOWS
    in_time = None
    if due is not None and not stopped and not windowed:
        in_time = strip.ended <= due[0] if strip.ended is not None else (False if now > due[0] else None)
    state = (
        "stopped" if stopped else "ended" if strip.ended is not None else "paused" if strip.is_still() else "running"
    )
    return {
        "stage": strip.stage, "body": strip.body, "since": place.when(strip.since),
        "due": None if due is None else place.when(due[0]), "unsure": () if due is None else tuple(sorted(due[1])),
        "ended": None if strip.ended is None else place.when(strip.ended), "state": state, "in_time": in_time,
        "still": None if state == "paused" else timedelta(minutes=strip.stood_still()),
    }  # fmt: skip
