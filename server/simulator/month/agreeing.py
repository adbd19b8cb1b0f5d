"""Does what the month left behind hold? Asked of every case; each question yields sentences about what does not.

Owns the questions: the story of the steps is what the case shows; every step is in the log once; a level of a clock was
raised once, after the one below; every clock is what counting its minutes gives. Reads only.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.cases.calendars.calendar import OFFICE_HOURS, SHANGHAI, WORKING_WEEKDAYS
from server.cases.calendars.seeding import announced_years
from server.cases.case_event import CaseEvent
from server.cases.clocks.clock import Clock
from server.cases.history import steps
from server.cases.history.replay import replay
from server.cases.timing import reading
from server.simulator.month.painted import Case, Length, Place, as_painted

_CHUNK: Final = 500
_BEFORE: Final = timedelta(days=4)
_BEYOND_DAYS: Final = 60
_NEVER_MIN: Final = 10**6
_IDS = text("SELECT DISTINCT issue_id FROM case_step ORDER BY issue_id")
_SHOWN = text("""
    SELECT issue.id, state, body_id, coalesce(assisting_ids, '{}') AS assisting, closed_at, closing_reason,
           public_answer, merged_into, due_at, coalesce(own.limit_value, above.limit_value) AS value,
           CASE WHEN own.limit_value IS NULL THEN above.limit_unit ELSE own.limit_unit END AS unit
    FROM issue JOIN category AS own ON own.code = category LEFT JOIN category AS above ON above.code = own.parent_code
    WHERE issue.id = ANY (CAST(:ids AS uuid[]))
""")
# A rule accepts, files and dispatches by one decision, which the log has as one line.
_LOGGED = text("""
    SELECT step.issue_id, step.step, count(operation.id) AS times
    FROM case_step AS step LEFT JOIN operation
        ON operation.record_id = step.issue_id AND operation.collection = 'cases'
        AND operation.data ->> 'step_id' = step.id::text
    WHERE step.step <> 'report' AND NOT (step.source = 'rule' AND step.step IN ('accept', 'file', 'dispatch'))
    GROUP BY step.id HAVING count(operation.id) <> 1
    UNION ALL
    SELECT record_id, action, 0 FROM operation
    WHERE collection = 'cases' AND data ? 'step_id'
      AND NOT EXISTS (SELECT FROM case_step WHERE id::text = data ->> 'step_id')
    UNION ALL
    SELECT issue_id, 'report', count(*) FROM case_step WHERE step = 'report' GROUP BY issue_id HAVING count(*) <> 1
    UNION ALL
    SELECT issue_id, step.doc ->> 'step', 0 FROM step WHERE outcome IS NULL
       OR (outcome = 'taken') <> EXISTS (SELECT FROM case_step WHERE case_step.id = step.id)
""")
_RAISED = text("""
    SELECT issue_id, stage || ' ' || level || ' was raised ' || count(*) || ' times' AS what FROM escalation
    GROUP BY issue_id, clock, stage, body_id, level HAVING count(*) > 1
    UNION ALL
    SELECT issue_id, stage || ' ' || level || ' was raised without the level below it' FROM escalation AS raised
    WHERE level > 1 AND NOT EXISTS (
        SELECT FROM escalation AS below WHERE below.issue_id = raised.issue_id AND below.clock = raised.clock
        AND below.stage = raised.stage AND below.body_id IS NOT DISTINCT FROM raised.body_id
        AND below.level = raised.level - 1 AND below.raised_at <= raised.raised_at)
    UNION ALL
    SELECT issue_id, raised || ' levels up, and ' || taken || ' steps of it' FROM (
        SELECT issue_id, count(*) AS raised, (SELECT count(*) FROM case_step WHERE source = 'sweeper'
            AND case_step.issue_id = escalation.issue_id AND step = 'escalate') AS taken
        FROM escalation WHERE level > 0 GROUP BY issue_id) AS each WHERE raised <> taken
""")


@dataclass(slots=True)
class Asked:
    """How much was asked about."""

    cases: int = 0
    steps: int = 0
    clocks: int = 0


def of_stories(session: Session, asked: Asked) -> Iterator[str]:
    """Ask whether each case shows what its steps add up to, in an unbroken chain."""
    for ids, events in _by_chunk(session):
        for row in session.execute(_SHOWN, {"ids": ids}):
            told = events[row.id]
            asked.cases += 1
            asked.steps += len(told)
            yield from _of_story(row, told)


def _of_story(row: Any, told: Sequence[CaseEvent]) -> Iterator[str]:
    story = replay(told)
    mine = (story.state, story.body_id, story.closed_at, story.closing_reason, story.answer, story.of)
    shown = (row.state, row.body_id, row.closed_at, row.closing_reason, row.public_answer, row.merged_into)
    if mine != shown or tuple(row.assisting) != tuple(story.assisting):
        yield f"{row.id} shows {shown}, and its steps add up to {mine}"
    if [each.state_before for each in told] != ["", *(each.state for each in told[:-1])]:
        yield f"{row.id}: its steps do not follow on each other"


def of_log(session: Session) -> Iterator[str]:
    """Ask whether each step is in the log once, and nothing is there that was not taken."""
    yield from (f"{row.issue_id}: {row.step} is in the log {row.times} times" for row in session.execute(_LOGGED))


def of_escalations(session: Session) -> Iterator[str]:
    """Ask whether each level of each clock was raised at most once, in turn, with one step of its case."""
    yield from (f"{row.issue_id}: {row.what}" for row in session.execute(_RAISED))


def place_of(begin: datetime, days: int) -> Place:
    """Return the worked minutes of a month and of what is due long after it, by the announced calendar."""
    years = announced_years()
    week = (OFFICE_HOURS,) * WORKING_WEEKDAYS + ((),) * (7 - WORKING_WEEKDAYS)
    said: dict[date, str] = {day: told.kind for year in years.values() for day, told in year.items()}
    zero = (begin - _BEFORE).astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    return Place(zero, days + _BEYOND_DAYS, said, week, years)


def of_clocks(session: Session, ground: Ground, place: Place, now: datetime, asked: Asked) -> Iterator[str]:
    """Ask whether every clock of every case is what painting and counting its minutes gives."""
    limits: dict[str, Length] = {
        stage: (limit.value, limit.unit) for stage, limit in reading.CityTerms.read(session).at(None).limits.items()
    }
    for ids, events in _by_chunk(session):
        counted = reading.of_cases(session, ids, ground, now)
        for row in session.execute(_SHOWN, {"ids": ids}):
            own = limits if row.value is None else {**limits, "handling": (row.value, row.unit)}
            painted = painted_of(events[row.id], own, place)
            asked.clocks += len(counted[row.id])
            yield from (f"{row.id}: {each}" for each in differences(counted[row.id], painted, place, now))
            lead = reading.handling_of(counted[row.id], row.body_id)
            if row.body_id is not None and row.due_at != (None if lead is None else lead.due_at):
                yield f"{row.id}: it shows {row.due_at} as its deadline, and its clock {lead and lead.due_at}"


def painted_of(events: Sequence[CaseEvent], limits: Mapping[str, Length], place: Place) -> Case:
    """Return the strips of a case."""
    verify = any(each.step == "report" and each.given.get("source") == "resident" for each in events)
    case, merged = Case(limits, verify=verify, length=place.minutes), 0
    for event in events:
        known = place.minute(event.taken_at)
        if (event.step == "verify" and event.state == "accepted") or (event.step == "check" and event.state == "done"):
            continue  # nothing was found out: everything stays as it was
        if event.step == "merge":
            merged = known
        case.take(event.step, place.minute(min(event.at, event.taken_at)), known, _given(event, place, merged))
    return case


def _given(event: CaseEvent, place: Place, merged: int) -> dict[str, Any]:
    given, told = event.given, dict[str, Any]()
    bodies = given.get("bodies")
    if event.step in ("dispatch", "whistle"):
        told = {"lead": (bodies or {}).get("lead", event.body_id), "assisting": (bodies or {}).get("assisting") or ()}
        if given.get("since"):
            told["since"] = place.minute(datetime.fromisoformat(str(given["since"])))
    elif event.body_id is not None:
        told = {"body": event.body_id}
    if isinstance(given.get("limit"), Mapping):
        told["limit"] = (given["limit"]["value"], given["limit"]["unit"])
    return told | {"anew": given.get("anew"), "review_after": _NEVER_MIN, "merged": merged}


def differences(counted: Sequence[Clock], case: Case, place: Place, now: datetime) -> Iterator[str]:
    """Yield in what the clocks of a case, as they were counted, differ from its strips."""
    if len(counted) != len(case.strips):
        yield f"{len(counted)} clocks, and {len(case.strips)} strips"
        return
    beyond = place.when(place.minutes - 1)
    for clock, strip in zip(counted, case.strips, strict=True):
        mine, theirs = as_counted(clock), as_painted(strip, place, place.minute(now))
        if mine["stage"] == "review":
            # Its deadline is a day that somebody named, and no length.
            theirs |= {name: mine[name] for name in ("due", "unsure", "in_time")}
        if mine != theirs and (mine["due"] is None or mine["due"] <= beyond):
            unlike = {name: (str(mine[name]), str(theirs[name])) for name in mine if mine[name] != theirs[name]}
            yield f"{clock.stage} of body {clock.body_id}: counted and painted differ in {unlike}"


def as_counted(clock: Clock) -> dict[str, Any]:
    """Return what a clock says, by the names of ``as_painted``."""
    return {
        "stage": clock.stage, "body": clock.body_id, "since": clock.since, "due": clock.due_at,
        "unsure": clock.provisional, "ended": clock.ended_at, "state": clock.state, "in_time": clock.in_time,
        "still": None if clock.state == "paused" else clock.paused_for,
    }  # fmt: skip


def _by_chunk(session: Session) -> Iterator[tuple[list[uuid.UUID], Mapping[uuid.UUID, Sequence[CaseEvent]]]]:
    ids = list(session.scalars(_IDS))
    for first in range(0, len(ids), _CHUNK):
        some = ids[first : first + _CHUNK]
        yield some, steps.of_cases(session, some)
