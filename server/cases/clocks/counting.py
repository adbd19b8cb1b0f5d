"""From the events of a case to its clocks. Pure: nothing is counted up anywhere, so nothing can be lost.

Owns which step begins, ends, stops or lets go on which clock, and from where its limit comes. Must not know which steps
are legal, who may take them, or the database: whatever comes, in whatever order, gives clocks and no error.

- A body's handling is counted from its dispatch, or from ``given["since"]`` of it (an ISO time: a city may count from
  the capture). ``given["limit"]`` of a dispatch goes before the catalogue's. The same body under the same limit again
  goes on with the time it had, not counting what lay with others; another limit begins anew.
- ``grant_extension``: ``given["limit"]`` is added where the time before ends; with ``given["anew"]`` it is a new time
  from the grant on; ``given["until"]`` (ISO time) is the deadline itself. Later pauses move it in any case.
- ``suspend`` lets all handling stand still until ``resume``; ``given["review_on"]`` (ISO date) is when somebody must
  look at it again, by the close of business.
- ``rework`` and ``reopen`` let the handling of the lead go on with what was left, or give the limit that a city has set
  for it; what lay between is nobody's time.
- ``whistle`` gives each body of ``given["bodies"]`` (``lead``, ``assisting``) its own handling; the lead alone signs.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from server.cases.calendars.calendar import SHANGHAI, Limit, WorkCalendar
from server.cases.case_event import CaseEvent
from server.cases.clocks.clock import Clock
from server.cases.clocks.ledger import Budget, Entry, Ledger
from server.cases.clocks.terms import Stage, Terms

BEFORE_A_BODY: tuple[Stage, ...] = ("acceptance", "verification", "filing", "dispatch")
_AT_A_BODY = ("dispatched", "received", "in_progress", "reworked")
_NO_TIME = timedelta(microseconds=1)


def run(events: Sequence[CaseEvent], terms: Terms, calendar: WorkCalendar, now: datetime) -> tuple[Clock, ...]:
    """Return all clocks of a case at ``now`` (aware), in the order in which they began.

    ``events`` in the order in which they were taken; those taken after ``now`` are not known yet.
    """
    course = _Course(terms, calendar)
    for event in events:
        if event.taken_at <= now:
            course.take(event)
    return tuple(entry.close(calendar, now) for entry in course.ledger.entries)


class _Course:
    """The clocks of one case, event after event."""

    def __init__(self, terms: Terms, calendar: WorkCalendar) -> None:
        self.ledger = Ledger()
        self._terms = terms
        self._verifies = terms.verify
        self._calendar = calendar
        self._lead: int | None = None
        self._limits: dict[int | None, Limit | None] = {}
        self._steps: Mapping[str, Callable[[CaseEvent], None]] = {
            "report": self._report, "accept": self._accept, "refuse": self._refuse, "settle": self._refuse,
            "verify": self._verify, "file": self._file, "dispatch": self._dispatch, "whistle": self._whistle,
            "receive": self._receive, "return": self._return, "start": self._receive, "done": self._done,
            "grant_extension": self._extend, "suspend": self._suspend, "resume": self._resume, "check": self._check,
            "rework": self._rework, "close": self._close, "rate": self._rate, "reopen": self._reopen,
            "merge": self._stop, "unmerge": self._unmerge, "void": self._stop, "assist_done": self._assist_done,
        }  # fmt: skip

    def take(self, event: CaseEvent) -> None:
        """Let one event do to the clocks what it does; one that no clock minds does nothing."""
        step = self._steps.get(event.step)
        if step is not None:
            step(event)

    def _begin(self, stage: Stage, event: CaseEvent, body_id: int | None = None) -> Entry:
        return self.ledger.begin(stage, event.taken_at, event.id, self._terms.limits.get(stage), body_id=body_id)

    def _end(self, event: CaseEvent, *stages: Stage, body_id: int | None = None) -> None:
        for entry in self.ledger.open(*stages, body_id=body_id):
            entry.end(_at(event), offline=event.offline)

    def _stop(self, event: CaseEvent) -> None:
        for entry in self.ledger.open():
            entry.end(_at(event), stopped_by=event.id)

    def _report(self, event: CaseEvent) -> None:
        reporting = self.ledger.begin("reporting", _at(event), event.id, self._terms.limits.get("reporting"))
        reporting.end(event.taken_at, offline=event.offline)
        self._begin("acceptance", event)
        self._verifies = self._verifies or event.given.get("source") == "resident"

    def _accept(self, event: CaseEvent) -> None:
        self._end(event, "acceptance")
        self._begin("verification" if self._verifies else "filing", event)

    def _refuse(self, event: CaseEvent) -> None:
        self._end(event, *BEFORE_A_BODY)
        self._stop(event)

    def _verify(self, event: CaseEvent) -> None:
        """End the verification unless nothing was found: then it is for others to say what becomes of the case."""
        if event.state == "accepted":
            return
        self._end(event, "acceptance", "verification")
        self._begin("filing", event)

    def _file(self, event: CaseEvent) -> None:
        self._end(event, "acceptance", "verification", "filing")
        self._begin("dispatch", event)

    def _dispatch(self, event: CaseEvent) -> None:
        self._end(event, *BEFORE_A_BODY, "review")
        lead = _bodies(event)[0]
        for entry in self.ledger.open("receipt", "handling", "return"):
            if entry.body_id != lead:
                entry.end(_at(event), stopped_by=event.id)
        self._lead = lead
        self._give(event, lead)

    def _whistle(self, event: CaseEvent) -> None:
        self._end(event, *BEFORE_A_BODY)
        lead, assisting = _bodies(event)
        if self._lead not in (None, lead, *assisting):
            for entry in self.ledger.open("receipt", "handling", "return", body_id=self._lead):
                entry.end(_at(event), stopped_by=event.id)
        self._lead = lead
        for body_id in (lead, *assisting):
            self._give(event, body_id)

    def _give(self, event: CaseEvent, body_id: int | None) -> None:
        """Give the case to a body: the lead must sign, and its handling is counted, or goes on."""
        limit = _limit(event.given.get("limit")) or self._terms.limits.get("handling")
        handling = self.ledger.last("handling", body_id)
        again = handling is not None and self._limits.get(body_id) == limit
        self._limits[body_id] = limit
        if (
            body_id == self._lead
            and event.state == "dispatched"
            and not (again and handling is not None and handling.is_open)
        ):
            self._begin("receipt", event, body_id)
        if handling is not None and again and (handling.is_open or handling.stopped_by is not None):
            if not handling.is_open:
                handling.go_on(event.taken_at, "return")
            return
        since = _moment(event.given.get("since")) or event.taken_at
        self.ledger.begin("handling", since, event.id, limit, body_id=body_id)

    def _receive(self, event: CaseEvent) -> None:
        body_id = self._body(event)
        signed = list(self.ledger.open("receipt", body_id=body_id))
        self._end(event, "receipt", body_id=body_id)
        if event.step == "receive" or signed:
            self._begin("return", event, body_id)

    def _return(self, event: CaseEvent) -> None:
        body_id = self._body(event)
        self._end(event, "receipt", "return", body_id=body_id)
        for entry in self.ledger.open("handling", body_id=body_id):
            entry.end(_at(event), stopped_by=event.id)
        if body_id == self._lead:
            self._begin("dispatch", event)

    def _done(self, event: CaseEvent) -> None:
        self._end(event, "receipt", "return", "handling", body_id=self._body(event))
        self._end(event, "review")
        self._begin("check", event)

    def _assist_done(self, event: CaseEvent) -> None:
        self._end(event, "receipt", "return", "handling", body_id=event.body_id)

    def _extend(self, event: CaseEvent) -> None:
        for entry in self.ledger.open("handling", body_id=self._body(event)):
            self._give_time(entry, event)

    def _give_time(self, entry: Entry, event: CaseEvent) -> None:
        until, limit = _moment(event.given.get("until")), _limit(event.given.get("limit"))
        if until is not None:
            entry.count_anew(event.taken_at, max(until - max(event.taken_at, entry.since), _NO_TIME))
        elif limit is not None and event.given.get("anew"):
            entry.count_anew(event.taken_at, limit)
        elif limit is not None and entry.budgets:
            entry.budgets.append(limit)

    def _suspend(self, event: CaseEvent) -> None:
        for entry in self.ledger.open("handling", "return", "receipt"):
            entry.pause(_at(event), event.step)
        review_on = _day(event.given.get("review_on"))
        budget = None if review_on is None else self._until_close_of(review_on, event.taken_at)
        self.ledger.begin("review", event.taken_at, event.id, budget)

    def _resume(self, event: CaseEvent) -> None:
        self._end(event, "review")
        for entry in self.ledger.open("handling", "return", "receipt"):
            entry.go_on(_at(event))

    def _check(self, event: CaseEvent) -> None:
        """End the check unless it could not be told: then the case is as it was, and so is its clock."""
        if event.state == "reworked":
            self._rework(event)
        elif event.state == "closed":
            self._close(event)
        elif event.state == "checked":
            self._end(event, "check")
            self._begin("closing", event)

    def _rework(self, event: CaseEvent) -> None:
        self._end(event, "check", "closing", "rating")
        handling = self.ledger.last("handling", self._lead)
        if handling is None:
            return
        handling.go_on(event.taken_at, event.step)
        again = _limit(event.given.get("limit")) or self._terms.limits.get("rework")
        if again is not None:
            handling.count_anew(event.taken_at, again)

    def _close(self, event: CaseEvent) -> None:
        self._end(event, "check", "closing")
        self._end(event, "handling", body_id=self._lead)
        self._stop(event)
        self._begin("rating", event)

    def _rate(self, event: CaseEvent) -> None:
        self._end(event, "rating")

    def _reopen(self, event: CaseEvent) -> None:
        self._end(event, "rating")
        if event.state in _AT_A_BODY:
            self._rework(event)
            return
        stage: Mapping[str, Stage] = {"reported": "acceptance", "accepted": "filing", "verified": "filing"}
        self._begin(stage.get(event.state, "dispatch"), event)

    def _unmerge(self, event: CaseEvent) -> None:
        """Let go on what the newest merge stopped: the time between is nobody's."""
        merges = [each for each in self.ledger.entries if each.stopped_by is not None]
        if not merges:
            return
        newest = max(merges, key=_ended).stopped_by
        for entry in merges:
            if entry.stopped_by == newest:
                entry.go_on(event.taken_at, "merge")

    def _body(self, event: CaseEvent) -> int | None:
        """Return the body whose clocks a step is about: the one that it names, or else the lead."""
        return self._lead if event.body_id is None else event.body_id

    def _until_close_of(self, day: date, at: datetime) -> Budget:
        spans = self._calendar.spans(day)
        closing = datetime.combine(day, spans[-1][1], SHANGHAI) if spans else _end_of(day)
        return max(closing - at, _NO_TIME)


def _at(event: CaseEvent) -> datetime:
    """Return when a step took effect: never after the server knew of it."""
    return min(event.at, event.taken_at)


def _ended(entry: Entry) -> datetime:
    assert entry.ended_at is not None  # noqa: S101  # what was stopped has ended
    return entry.ended_at


def _bodies(event: CaseEvent) -> tuple[int | None, tuple[int, ...]]:
    given = event.given.get("bodies")
    if not isinstance(given, Mapping):
        return event.body_id, ()
    lead = given.get("lead", event.body_id)
    return lead, tuple(each for each in given.get("assisting") or () if each != lead)


def _limit(given: Any) -> Limit | None:
    """Read ``{"value", "unit"}``; whoever wrote the event has checked it."""
    return Limit(given["value"], given["unit"]) if isinstance(given, Mapping) else None


def _moment(given: Any) -> datetime | None:
    if isinstance(given, datetime):
        return given
    return datetime.fromisoformat(given).astimezone(UTC) if isinstance(given, str) else None


def _day(given: Any) -> date | None:
    return date.fromisoformat(given) if isinstance(given, str) else given


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), SHANGHAI)
