"""When cases speak up, as a cache: counted again where steps, decisions or calendar made it stale.

Owns ``case_timing`` and ``case_alarm``. Takes a session, never commits. Locks: rows of ``case_timing``, skipping those
that others hold.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.cases.calendars import store
from server.cases.clocks.alarms import Alarm, alarms_of
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
    SELECT issue_id FROM case_timing
    WHERE issue_id IN (
        SELECT issue_id FROM ({_STALE}) AS behind
        WHERE CAST(:only AS uuid[]) IS NULL OR issue_id = ANY (CAST(:only AS uuid[])) LIMIT :limit
    )
    ORDER BY issue_id FOR UPDATE SKIP LOCKED
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
