"""Raising what is nearly due, or over: each level of each clock once, whatever is counted again or killed between.

Owns which alarms are due, ``escalation``, and the step by which a case goes up. Takes a session, never commits. One
run at a time: a second one finds the lock taken and leaves. Locks: that, alarms, then issues in ascending id.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import uuid_utils.compat
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.cases.clocks.alarms import WARNING
from server.cases.life.persons import Actor
from server.cases.life.taking import Wanted, take
from server.cases.timing import alarms
from sync.collections.issues import ISSUES
from sync.store import dead_letters, feed

SWEEPER = Actor("sweeper", is_rule=True)
# Any number that no other lock of the database has; held until the commit.
_ALONE = text("SELECT pg_try_advisory_xact_lock(7261002)")
_SKIPPED = "NOT (issue_id::text = ANY (CAST(:skipped AS text[])))"
_ANY = text(f"SELECT EXISTS (SELECT FROM case_alarm WHERE alarm_at <= :now AND {_SKIPPED})")  # noqa: S608  # the same
_DUE = text(f"""
    SELECT DISTINCT issue_id FROM case_alarm JOIN case_timing USING (issue_id)
    WHERE alarm_at <= :now AND NOT stale AND {_SKIPPED} ORDER BY issue_id LIMIT :limit
""")  # noqa: S608  # constants of this module
# Of one clock the lower level is raised first; alarms of cases that changed meanwhile are not believed.
_RAISE = text(f"""
    WITH due AS (
        SELECT alarm.id FROM case_alarm AS alarm JOIN case_timing AS timing USING (issue_id)
        WHERE alarm.alarm_at <= :now AND NOT timing.stale AND {_SKIPPED}
          AND (CAST(:only AS uuid[]) IS NULL OR issue_id = ANY (CAST(:only AS uuid[])))
        ORDER BY alarm.alarm_at, alarm.id LIMIT :limit
    ), gone AS (
        DELETE FROM case_alarm USING due WHERE case_alarm.id = due.id RETURNING case_alarm.*
    )
    INSERT INTO escalation (issue_id, clock, stage, body_id, level, area_id, due_at, raised_at)
    SELECT gone.issue_id, gone.clock, gone.stage, gone.body_id, gone.level, gone.area_id, gone.due_at, :now
    FROM gone JOIN issue ON issue.id = gone.issue_id AND issue.closed_at IS NULL AND issue.deleted_at IS NULL
    ORDER BY gone.issue_id, gone.level
    ON CONFLICT DO NOTHING
    RETURNING id, issue_id, clock, stage, body_id, level, area_id
""")  # noqa: S608  # constants of this module
_NAMES = text("""
    SELECT area_id, name FROM area_version WHERE area_id = ANY (CAST(:ids AS int[])) AND upper_inf(editions)
""")
_PLACES = text("SELECT id, grid_now, author_id, body_id FROM issue WHERE id = ANY (CAST(:ids AS uuid[])) ORDER BY id")


@dataclass(frozen=True, slots=True)
class Raised:
    """What one run did: warnings to who holds a case, and levels up the tree; whether more may wait."""

    warned: int = 0
    escalated: int = 0
    more: bool = False


def waits(session: Session, now: datetime) -> bool:
    """Return whether a run at ``now`` would find an alarm that is due."""
    return bool(session.scalar(_ANY, {"now": now, "skipped": dead_letters.resting(session, alarms.QUEUE, now)}))


def due(session: Session, limit: int, now: datetime) -> list[uuid.UUID]:
    """Return up to ``limit`` cases that a run at ``now`` would raise something of; locks nothing."""
    skipped = dead_letters.resting(session, alarms.QUEUE, now)
    return list(session.scalars(_DUE, {"now": now, "limit": limit, "skipped": skipped}))


def escalate(
    session: Session, ground: Ground | None, now: datetime, limit: int, *, only: Sequence[uuid.UUID] | None = None
) -> Raised:
    """Raise up to ``limit`` alarms that are due, in a number of statements that does not grow with them.

    Passes over cases that are set aside until after ``now``. ``only``: no other cases than these.
    """
    if not session.scalar(_ALONE):
        return Raised()
    skipped = dead_letters.resting(session, alarms.QUEUE, now)
    wanted = None if only is None else list(only)
    rows = session.execute(_RAISE, {"now": now, "limit": limit, "skipped": skipped, "only": wanted}).all()
    if not rows:
        return Raised()
    _touch(session, [row.issue_id for row in rows if row.level == WARNING])
    up = [row for row in rows if row.level > WARNING]
    names = _names(session, up)
    steps = [_step(row, names) for row in sorted(up, key=lambda row: (row.issue_id, row.level))]
    if steps:
        take(session, steps, ground, now)
    dead_letters.take_back(session, alarms.QUEUE, {str(row.issue_id) for row in rows})
    return Raised(len(rows) - len(up), len(up), more=len(rows) == limit)


def _step(row: Any, names: dict[int, str]) -> Wanted:
    """Return the step by which a case goes up: once, since ``escalation`` has each level of a clock once.

    Its id is nobody's to foretell: whoever took a step of their own under it would keep the case from going up.
    """
    overdue = {"stage": row.stage, "level": row.level, "area": names.get(row.area_id)}
    return Wanted(
        uuid_utils.compat.uuid7(), row.issue_id, "escalate", SWEEPER, {"reason": "overdue", "overdue": overdue}
    )


def _names(session: Session, rows: Sequence[Any]) -> dict[int, str]:
    ids = sorted({row.area_id for row in rows if row.area_id is not None})
    return dict(session.execute(_NAMES, {"ids": ids}).all()) if ids else {}


def _touch(session: Session, issue_ids: Sequence[uuid.UUID]) -> None:
    """Have the pages and phones that show these cases look again: their light is another."""
    if issue_ids:
        rows = session.execute(_PLACES, {"ids": sorted(set(issue_ids))}).all()
        touches = feed.record_touches(ISSUES.topic, [(row.id, (row.grid_now,), row.author_id) for row in rows])
        touches += feed.work_touches(ISSUES.topic, [(row.id, (row.body_id,)) for row in rows])
        feed.append(session, touches)
