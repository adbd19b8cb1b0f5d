"""When cases speak up, and which clock of theirs runs out first, as a cache: counted again where it became stale.

Owns ``case_timing`` and ``case_alarm``, and the columns of an issue that its light is told by. Takes a session, never
commits. Locks: rows of ``case_timing`` with their issues, skipping those that others hold: whoever takes a step holds
the issue first, and waits here for nobody.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.cases.calendars import store
from server.cases.clocks.alarms import Alarm, alarms_of
from server.cases.clocks.clock import Clock, pressing
from server.cases.timing import reading
from sync.sql import arrays
from sync.sql.statements import Statement
from sync.store import dead_letters

QUEUE = "clocks"
_SKIPPED = "NOT (issue_id::text = ANY (CAST(:skipped AS text[])))"
_STALE = f"""
    SELECT issue_id FROM case_timing WHERE stale AND {_SKIPPED}
    UNION
    SELECT issue_id FROM case_timing WHERE calendar_edition > 0 AND calendar_edition < :newest AND {_SKIPPED}
"""  # noqa: S608  # constants of this module
_ANY = text(f"SELECT EXISTS ({_STALE})")
_BEHIND = text(f"SELECT issue_id FROM ({_STALE}) AS behind ORDER BY issue_id LIMIT :limit")  # noqa: S608  # the same
_CLAIM = text(f"""
    SELECT issue_id FROM case_timing JOIN issue ON issue.id = issue_id
    WHERE issue_id IN (
        SELECT issue_id FROM ({_STALE}) AS behind
        WHERE CAST(:only AS uuid[]) IS NULL OR issue_id = ANY (CAST(:only AS uuid[])) LIMIT :limit
    )
    ORDER BY issue_id FOR UPDATE OF case_timing SKIP LOCKED FOR NO KEY UPDATE OF issue SKIP LOCKED
""")  # noqa: S608  # constants of this module
_PLACES = text("""
    SELECT id, grid_now FROM issue WHERE id = ANY (CAST(:ids AS uuid[])) AND closed_at IS NULL AND deleted_at IS NULL
""")
_MARK = text("UPDATE case_timing SET stale = true WHERE issue_id = ANY (CAST(:ids AS uuid[])) AND NOT stale")
_CLEAR = text("DELETE FROM case_alarm WHERE issue_id = ANY (CAST(:ids AS uuid[]))")
# What was raised already is not looked forward to.
_WRITE = Statement("""
    INSERT INTO case_alarm (issue_id, clock, stage, body_id, level, area_id, alarm_at, due_at)
    SELECT new.* FROM unnest(
        CAST(:issues AS uuid[]), CAST(:clocks AS uuid[]), CAST(:stages AS text[]), CAST(:bodies AS int[]),
        CAST(:levels AS smallint[]), CAST(:areas AS int[]), CAST(:alarms AS timestamptz[]), CAST(:dues AS timestamptz[])
    ) AS new (issue_id, clock, stage, body_id, level, area_id, alarm_at, due_at)
    WHERE NOT EXISTS (
        SELECT FROM escalation AS told
        WHERE told.issue_id = new.issue_id AND told.clock = new.clock AND told.stage = new.stage
          AND told.body_id IS NOT DISTINCT FROM new.body_id AND told.level = new.level
    )
    ON CONFLICT DO NOTHING
""")
_DONE = Statement("""
    UPDATE case_timing SET stale = false, calendar_edition = new.edition
    FROM unnest(CAST(:issues AS uuid[]), CAST(:editions AS int[])) AS new (id, edition) WHERE issue_id = new.id
""")

_PRESS = Statement("""
    UPDATE issue SET pressing_stage = new.stage, pressing_warn_at = new.warn_at, pressing_due_at = new.due_at
    FROM unnest(
        CAST(:issues AS uuid[]), CAST(:stages AS text[]), CAST(:warns AS timestamptz[]), CAST(:dues AS timestamptz[])
    ) AS new (id, stage, warn_at, due_at)
    WHERE issue.id = new.id AND (issue.pressing_stage, issue.pressing_warn_at, issue.pressing_due_at)
        IS DISTINCT FROM (new.stage, new.warn_at, new.due_at)
""")


def mark_stale(session: Session, issue_ids: Sequence[uuid.UUID]) -> None:
    """Have the alarms of these cases counted again."""
    if issue_ids:
        session.execute(_MARK, {"ids": sorted(issue_ids)})


def waits(session: Session, now: datetime) -> bool:
    """Return whether the alarms of some case are stale, of those that are not set aside until after ``now``."""
    return bool(session.scalar(_ANY, {"newest": store.newest(session), "skipped": _skipped(session, now)}))


def behind(session: Session, limit: int, now: datetime) -> list[uuid.UUID]:
    """Return up to ``limit`` cases that a run at ``now`` would take; locks nothing."""
    asked = {"newest": store.newest(session), "skipped": _skipped(session, now), "limit": limit}
    return list(session.scalars(_BEHIND, asked))


def refresh(
    session: Session, ground: Ground | None, now: datetime, limit: int, *, only: Sequence[uuid.UUID] | None = None
) -> int:
    """Count the alarms of up to ``limit`` cases again; return of how many. Statements do not grow with them.

    Passes over those that are set aside until after ``now``. ``only``: no others than these.
    """
    calendars = store.read(session)
    asked = {"newest": calendars.edition, "limit": limit, "skipped": _skipped(session, now)}
    ids = list(session.scalars(_CLAIM, asked | {"only": None if only is None else list(only)}))
    if not ids:
        return 0
    places: dict[uuid.UUID, int | None] = dict(session.execute(_PLACES, {"ids": ids}).all())
    clocks = reading.of_cases(session, list(places), ground, now, calendars=calendars)
    alarms: dict[uuid.UUID, list[Alarm]] = {}
    for issue_id, counted in clocks.items():
        line = reading.line_of(places[issue_id], ground)
        calendar = calendars.over(line)
        alarms[issue_id] = [alarm for clock in counted for alarm in alarms_of(clock, line, calendar)]
    session.execute(_CLEAR, {"ids": ids})
    _write(session, alarms)
    _press(session, {issue_id: pressing(counted) for issue_id, counted in clocks.items()})
    editions = [calendars.edition if any(each.clock.edition for each in alarms.get(key, ())) else None for key in ids]
    _DONE.send(session, issues=arrays.uuids(ids), editions=arrays.numbers(editions))
    dead_letters.take_back(session, QUEUE, map(str, ids))
    return len(ids)


def _skipped(session: Session, now: datetime) -> list[str]:
    return dead_letters.resting(session, QUEUE, now)


def _write(session: Session, alarms: Mapping[uuid.UUID, Sequence[Alarm]]) -> None:
    rows = [(issue_id, alarm) for issue_id, found in alarms.items() for alarm in found]
    if not rows:
        return
    _WRITE.send(
        session,
        issues=arrays.uuids([issue_id for issue_id, _ in rows]),
        clocks=arrays.uuids([alarm.clock.by for _, alarm in rows]),
        stages=arrays.texts([alarm.clock.stage for _, alarm in rows]),
        bodies=arrays.numbers([alarm.clock.body_id for _, alarm in rows]),
        levels=arrays.numbers([alarm.level for _, alarm in rows]),
        areas=arrays.numbers([alarm.area_id for _, alarm in rows]),
        alarms=arrays.times([alarm.at for _, alarm in rows]),
        dues=arrays.times([alarm.clock.due_at for _, alarm in rows]),
    )


def _press(session: Session, found: Mapping[uuid.UUID, Clock | None]) -> None:
    """Write down of each of these cases which clock runs out first."""
    if not found:
        return
    clocks = list(found.values())
    _PRESS.send(
        session,
        issues=arrays.uuids(list(found)),
        stages=arrays.texts([None if clock is None else clock.stage for clock in clocks]),
        warns=arrays.times([None if clock is None else clock.warn_at for clock in clocks]),
        dues=arrays.times([None if clock is None else clock.due_at for clock in clocks]),
    )
