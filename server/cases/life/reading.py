"""Cases as steps are judged on them: read with their events and tasks, locked or not, a fixed number of statements.

Owns the step from rows to ``CaseNow``; a case that no rule has looked at yet begins with its report here. Must not
judge or write.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.cases.case_event import CaseEvent
from server.cases.history import steps
from server.cases.history.replay import replay
from server.cases.life.persons import CaseNow
from sync.sql import arrays
from sync.sql.statements import Statement

COMMUNITY_KIND = "community"
_READ = """
    SELECT issue.id, issue.rev, issue.number, issue.category, issue.private OR category.is_private, issue.author_id,
           issue.grid_now, issue.due_at, issue.captured_at, issue.received_at, issue.deleted_at IS NOT NULL,
           category.is_night, category.photo_rule,
           (SELECT jsonb_agg(jsonb_build_array(extract(epoch FROM lower(during)), extract(epoch FROM upper(during)),
                                               terms ->> 'photo_rule'))
            FROM category_version WHERE code = issue.category AND upper(during) <= now()
              AND terms ->> 'photo_rule' <> category.photo_rule),
           CASE WHEN EXISTS (SELECT FROM case_step WHERE case_step.issue_id = issue.id) THEN NULL ELSE (
               SELECT CASE WHEN operation.device_id IS NOT NULL THEN 'worker'
                           WHEN operation.author_id IS NULL THEN 'resident' ELSE 'staff' END
               FROM operation WHERE record_id = issue.id AND rev = 1 AND collection = 'issues' LIMIT 1
           ) END
    FROM issue JOIN category ON category.code = issue.category
    WHERE issue.id = ANY (CAST(:ids AS uuid[])) ORDER BY issue.id
"""
_LOCK = Statement(f"{_READ} FOR NO KEY UPDATE OF issue")
_LOOK = Statement(_READ)
_TASKS = Statement("""
    SELECT issue_id, kind, person_id FROM task
    WHERE issue_id = ANY (CAST(:ids AS uuid[])) AND kind IN ('verify', 'check') AND deleted_at IS NULL
      AND state IN ('open', 'started')
""")


@dataclass(frozen=True, slots=True)
class Opened:
    """A case with its events. ``report``: the first of them, where it is not written down yet."""

    case: CaseNow
    events: tuple[CaseEvent, ...]
    report: CaseEvent | None = None


def lock(session: Session, ids: Sequence[uuid.UUID], ground: Ground | None) -> dict[uuid.UUID, Opened]:
    """Lock the issues of these cases in ascending id, and return those that there are."""
    return _open(session, _LOCK.run(session, ids=arrays.uuids(sorted(set(ids)))), ground) if ids else {}


def look(session: Session, ids: Sequence[uuid.UUID], ground: Ground | None) -> dict[uuid.UUID, Opened]:
    """Return these cases as they stand, without a lock."""
    return _open(session, _LOOK.run(session, ids=arrays.uuids(sorted(set(ids)))), ground) if ids else {}


def _open(session: Session, rows: Sequence[tuple[Any, ...]], ground: Ground | None) -> dict[uuid.UUID, Opened]:
    ids = [row[0] for row in rows]
    events, tasks = steps.of_cases(session, ids), _tasks(session, ids)
    return {row[0]: _opened(row, events.get(row[0], []), tasks.get(row[0], {}), ground) for row in rows}


def _tasks(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[str, frozenset[int]]]:
    found: dict[uuid.UUID, dict[str, frozenset[int]]] = {}
    for issue_id, kind, person_id in _TASKS.run(session, ids=arrays.uuids(ids)) if ids else ():
        kinds = found.setdefault(issue_id, {})
        kinds[kind] = kinds.get(kind, frozenset()) | {person_id}
    return found


def _opened(
    row: tuple[Any, ...], events: list[CaseEvent], tasks: dict[str, frozenset[int]], ground: Ground | None
) -> Opened:
    (
        issue_id,
        rev,
        number,
        category,
        private,
        author,
        grid,
        due,
        captured,
        received,
        deleted,
        night,
        photo_rule,
        photo_rules_before,
        source,
    ) = row
    report = None
    if not events:
        report = steps.report_of(steps.Reported(issue_id, author, captured, received, source or "worker"))
        events = [report]
    line = ground.ancestors(grid) if ground is not None and grid is not None else ()
    case = CaseNow(
        id=issue_id,
        rev=rev,
        number=number,
        category=category,
        is_private=private,
        author_id=author,
        grid_id=grid,
        line=line,
        above=_above(line, ground),
        roots=frozenset() if ground is None else ground.root_ids,
        due_at=due,
        captured_at=captured,
        story=replay(events),
        tasks=tasks,
        is_deleted=deleted,
        is_night=night,
        photo_rule=photo_rule,
        photo_rules_before=tuple(map(tuple, photo_rules_before or ())),
    )
    return Opened(case, tuple(events), report)


def _above(line: tuple[int, ...], ground: Ground | None) -> frozenset[int]:
    """Return the areas above the community of a case; without one, those above what its grid lies in."""
    if ground is None:
        return frozenset()
    kinds = [ground.areas[area].kind for area in line]
    first = kinds.index(COMMUNITY_KIND) + 1 if COMMUNITY_KIND in kinds else 2
    return frozenset(line[first:])
