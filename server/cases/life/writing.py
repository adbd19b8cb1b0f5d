"""Writing what steps made of cases: the steps, the issues' own columns, the history, the feed; one statement for each.

Must not judge. The columns of an issue are a copy of what its events add up to. The feed is written last.
"""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.cases.history import steps
from server.cases.history.steps import Appended
from server.cases.life import checks, handing, telling
from server.cases.life.turn import Turn
from server.cases.routing import notices
from server.cases.routing.decisions import array_text, history_line
from sync.collections.issues import ISSUES
from sync.sql import arrays
from sync.sql.statements import Statement
from sync.store import feed, log
from sync.store.records import encode

_WRITE = Statement("""
    UPDATE issue SET state = new.state, body_id = new.body_id, pressing_due_at = NULL,
        assisting_ids = CASE WHEN new.body_id IS NOT NULL THEN CAST(new.assisting AS int[]) END,
        closed_at = new.closed_at, closing_reason = new.closing_reason, public_answer = new.answer,
        merged_into = new.merged_into, due_at = new.due_at,
        calendar_edition = CASE WHEN new.recounted THEN new.calendar_edition ELSE issue.calendar_edition END,
        routing = CASE WHEN new.routing IS NOT NULL THEN CAST(new.routing AS jsonb)
                       WHEN new.body_id IS NOT NULL THEN issue.routing END,
        awaiting_routing = issue.awaiting_routing AND new.body_id IS NULL,
        rev = issue.rev + new.events, changed_at = CAST(:now AS timestamptz)
    FROM unnest(
        CAST(:issues AS uuid[]), CAST(:states AS text[]), CAST(:bodies AS int[]), CAST(:assisting AS text[]),
        CAST(:closed AS timestamptz[]), CAST(:reasons AS text[]), CAST(:answers AS text[]), CAST(:merged AS uuid[]),
        CAST(:due AS timestamptz[]), CAST(:recounted AS boolean[]), CAST(:calendars AS int[]),
        CAST(:routings AS text[]), CAST(:events AS int[])
    ) AS new (
        id, state, body_id, assisting, closed_at, closing_reason, answer, merged_into, due_at, recounted,
        calendar_edition, routing, events
    )
    WHERE issue.id = new.id
""")


# Those whose reporters see how these cases stand; the cases themselves are told of anyway.
_MERGED = Statement("""
    WITH RECURSIVE merged AS (
        SELECT id, grid_now, author_id FROM issue WHERE merged_into = ANY (CAST(:leads AS uuid[]))
        UNION
        SELECT issue.id, issue.grid_now, issue.author_id FROM merged JOIN issue ON issue.merged_into = merged.id
    )
    SELECT id, grid_now, author_id FROM merged WHERE id <> ALL (CAST(:leads AS uuid[])) ORDER BY id
""")


def write(session: Session, turns: Sequence[Turn], ground: Ground | None, now: datetime) -> tuple[uuid.UUID, ...]:
    """Write what happened to cases that are locked; return the deliveries that are to be sent."""
    if not turns:
        return ()
    turns = sorted(turns, key=lambda turn: turn.case.id)
    handed = handing.hand(session, turns, ground, now)
    steps.append(session, [row for turn in turns for row in _appended(turn)])
    steps.give_numbers(session, [turn.case.id for turn in turns if turn.case.number is None])
    _write_issues(session, turns, handed, now)
    log.write_all(session, _lines(turns), now)
    told = notices.tell_steps(
        session, [each for turn in turns for each in telling.of_steps(turn.opened.case, turn.fresh)], now
    )
    touches = checks.follow(session, turns, ground, now)
    changed = [(turn.case.id, (turn.case.grid_id,), turn.case.author_id) for turn in turns]
    merged = _MERGED.run(session, leads=arrays.uuids([turn.case.id for turn in turns]))
    changed += [(issue_id, (grid_id,), author_id) for issue_id, grid_id, author_id in merged]
    worked = [(turn.case.id, _bodies(turn)) for turn in turns]
    touches += feed.record_touches(ISSUES.topic, changed) + feed.work_touches(ISSUES.topic, worked)
    feed.append(session, touches)
    return handed.deliveries + told


def _bodies(turn: Turn) -> tuple[int | None, ...]:
    """Return the bodies at whose desks a case is after a walk, or was before it."""
    before, after = turn.opened.case.story, turn.case.story
    return (before.body_id, *before.assisting, after.body_id, *after.assisting)


def _appended(turn: Turn) -> list[Appended]:
    first = len(turn.events) - len(turn.fresh) + 1
    return [Appended(turn.case.id, place, event) for place, event in enumerate(turn.fresh, first)]


def _write_issues(session: Session, turns: Sequence[Turn], handed: handing.Handed, now: datetime) -> None:
    stories = [turn.case.story for turn in turns]
    dues = [handed.due[turn.case.id] for turn in turns]
    routings = [handed.routings.get(turn.case.id) for turn in turns]
    _WRITE.send(
        session,
        now=now,
        issues=arrays.uuids([turn.case.id for turn in turns]),
        states=arrays.texts([story.state for story in stories]),
        bodies=arrays.numbers([story.body_id for story in stories]),
        assisting=arrays.texts([array_text(story.assisting) for story in stories]),
        closed=arrays.times([story.closed_at for story in stories]),
        reasons=arrays.texts([story.closing_reason for story in stories]),
        answers=arrays.texts([story.answer for story in stories]),
        merged=arrays.uuids([story.of for story in stories]),
        due=arrays.times([due.due_at for due in dues]),
        recounted=arrays.texts(["t" if due.recounted else "f" for due in dues]),
        calendars=arrays.numbers([due.calendar_edition for due in dues]),
        routings=arrays.texts([None if each is None else encode(each) for each in routings]),
        events=arrays.numbers([_counted(turn) for turn in turns]),
    )


def _counted(turn: Turn) -> int:
    """Return how many revisions a walk makes of an issue: one for each step but the report, which made the issue."""
    return sum(event.step != "report" for event in turn.fresh)


def _lines(turns: Sequence[Turn]) -> list[log.Lines]:
    """Return the lines of the history: each step by whoever took it."""
    by: dict[int | None, list[log.Logged]] = defaultdict(list)
    for turn in turns:
        rev = turn.case.rev
        for event in turn.fresh:
            if event.step == "report":
                continue
            data: dict[str, Any] = {"state": event.state, "step": event.step, "step_id": str(event.id)}
            by[event.person_id].append(history_line(turn.case.id, rev, event.step, data))
            rev += 1
    return [log.Lines(None, person_id, None, rows) for person_id, rows in by.items()]
