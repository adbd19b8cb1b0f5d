"""The steps of cases as they are kept: read by case, and appended, one statement however many there are.

Owns the SQL of ``case_step``. Appends only to cases whose issue is locked by the caller; must not judge or replay.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import uuid_utils.compat
from sqlalchemy.orm import Session

from server.cases.case_event import CaseEvent
from sync.sql import arrays
from sync.sql.statements import Statement
from sync.store.records import encode

_COLUMNS = "id, step, state_before, state, at, taken_at, body_id, person_id, source, offline, given"
_OF_CASES = Statement(f"""
    SELECT issue_id, {_COLUMNS} FROM case_step
    WHERE issue_id = ANY (CAST(:issues AS uuid[])) ORDER BY issue_id, place
""")  # noqa: S608  # constants of this module
_BY_ID = Statement(f"""
    SELECT issue_id, {_COLUMNS} FROM case_step WHERE id = ANY (CAST(:ids AS uuid[]))
""")  # noqa: S608  # as above
# In ascending key, whatever the order of the ids: of two who send the same, one waits for the other.
_LOCK_IDS = Statement("""
    SELECT count(pg_advisory_xact_lock(key)) FROM (
        SELECT DISTINCT hashtextextended(CAST(id AS text), 0) AS key
        FROM unnest(CAST(:ids AS uuid[])) AS wanted (id) ORDER BY key
    ) AS locked
""")
_APPEND = Statement("""
    INSERT INTO case_step (
        id, issue_id, place, step, state_before, state, at, taken_at, body_id, person_id, source, offline, given
    )
    SELECT new.id, new.issue_id, new.place, new.step, new.state_before, new.state, new.at, new.taken_at, new.body_id,
           new.person_id, new.source, new.offline, CAST(new.given AS jsonb)
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:issues AS uuid[]), CAST(:places AS int[]), CAST(:steps AS text[]),
        CAST(:befores AS text[]), CAST(:states AS text[]), CAST(:ats AS timestamptz[]), CAST(:taken AS timestamptz[]),
        CAST(:bodies AS int[]), CAST(:people AS int[]), CAST(:sources AS text[]), CAST(:offline AS boolean[]),
        CAST(:given AS text[])
    ) AS new (
        id, issue_id, place, step, state_before, state, at, taken_at, body_id, person_id, source, offline, given
    )
""")
_NUMBER = Statement("""
    UPDATE issue SET number = case_number(
        CAST(extract(year FROM captured_at AT TIME ZONE 'Asia/Shanghai') AS integer), nextval('case_serial')
    ) WHERE id = ANY (CAST(:issues AS uuid[])) AND number IS NULL
""")
# A phone that took its picture and was sent within this time was on line.
OFFLINE_FROM_S = 300


@dataclass(frozen=True, slots=True)
class Appended:
    """An event with the case that it belongs to, and its place in it (1, 2, 3 ...)."""

    issue_id: uuid.UUID
    place: int
    event: CaseEvent


@dataclass(frozen=True, slots=True)
class Reported:
    """What is known of a report before its case has any event. Times are aware UTC."""

    issue_id: uuid.UUID
    author_id: int | None
    captured_at: datetime
    received_at: datetime
    source: str


def of_cases(session: Session, issue_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[CaseEvent]]:
    """Return the events of cases, each in their order; a case without any is left out."""
    found: dict[uuid.UUID, list[CaseEvent]] = {}
    if issue_ids:
        for issue_id, *columns in _OF_CASES.run(session, issues=arrays.uuids(issue_ids)):
            found.setdefault(issue_id, []).append(CaseEvent(*columns))
    return found


def lock_ids(session: Session, ids: Sequence[uuid.UUID]) -> None:
    """Have nobody else take steps under these ids until the transaction ends. Before any case is locked."""
    if ids:
        _LOCK_IDS.send(session, ids=arrays.uuids(ids))


def by_id(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[uuid.UUID, CaseEvent]]:
    """Return those of these steps that were taken: id -> the case and the event."""
    rows = _BY_ID.run(session, ids=arrays.uuids(ids)) if ids else []
    return {columns[0]: (issue_id, CaseEvent(*columns)) for issue_id, *columns in rows}


def append(session: Session, rows: Sequence[Appended]) -> None:
    """Append events to cases whose issues the caller has locked."""
    if not rows:
        return
    events = [row.event for row in rows]
    _APPEND.send(
        session,
        ids=arrays.uuids([event.id for event in events]),
        issues=arrays.uuids([row.issue_id for row in rows]),
        places=arrays.numbers([row.place for row in rows]),
        steps=arrays.texts([event.step for event in events]),
        befores=arrays.texts([event.state_before for event in events]),
        states=arrays.texts([event.state for event in events]),
        ats=arrays.times([event.at for event in events]),
        taken=arrays.times([event.taken_at for event in events]),
        bodies=arrays.numbers([event.body_id for event in events]),
        people=arrays.numbers([event.person_id for event in events]),
        sources=arrays.texts([event.source for event in events]),
        offline=arrays.texts(["t" if event.offline else "f" for event in events]),
        given=arrays.texts([encode(dict(event.given)) for event in events]),
    )


def give_numbers(session: Session, issue_ids: Sequence[uuid.UUID]) -> None:
    """Give these cases, which are locked, a number each, where they have none."""
    if issue_ids:
        _NUMBER.send(session, issues=arrays.uuids(sorted(issue_ids)))


def report_of(reported: Reported) -> CaseEvent:
    """Return the event that a case begins with."""
    late_s = (reported.received_at - reported.captured_at).total_seconds()
    return CaseEvent(
        id=uuid_utils.compat.uuid7(),
        step="report",
        state_before="",
        state="reported",
        at=min(reported.captured_at, reported.received_at),
        taken_at=reported.received_at,
        person_id=reported.author_id,
        source="phone" if reported.source == "worker" else "page",
        offline=reported.source == "worker" and late_s > OFFLINE_FROM_S,
        given={"source": reported.source},
    )


def by_rule(before: CaseEvent, step: str, state: str, now: datetime, **more: Any) -> CaseEvent:
    """Return the event of a rule that follows another."""
    given: Mapping[str, Any] = more.pop("given", {})
    return CaseEvent(
        id=uuid_utils.compat.uuid7(),
        step=step,
        state_before=before.state,
        state=state,
        at=max(now, before.at),
        taken_at=max(now, before.at),
        source="rule",
        given=given,
        **more,
    )
