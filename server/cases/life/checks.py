"""Honest checks: who is to verify a report or check a repair, drawn at random and in turn among those near.

Owns the draw and the tasks that come of it. Never drawn: who reported the case, who had a hand in it or works for a
body that has it, and who was drawn for the same before. Near is the case's community; where nobody is there,
the next area above. Of a private case nobody is drawn: the duty chief looks at it. Must not judge steps.
"""

import random
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import uuid_utils.compat
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.cases.calendars.calendar import SHANGHAI
from server.cases.life.guards import NIGHT_TO
from server.cases.life.persons import CaseNow
from server.cases.life.reading import COMMUNITY_KIND
from server.cases.life.turn import Turn
from server.cases.timing import reading as timing
from sync.collections.tasks import TASKS
from sync.sql import arrays
from sync.sql.statements import Statement
from sync.store import feed

STAGES: Final[Mapping[str, str]] = {"verification": "verify", "check": "check"}
"""Stage -> kind of the task that ends it."""
_TITLES: Final = {"verify": "核实", "check": "核查"}
_RECENT: Final = timedelta(days=30)
HANDLING: Final = ("receive", "return", "start", "done", "ask_extension", "assist_done")

_CANDIDATES = Statement("""
    SELECT need.issue_id, person.id, (
        SELECT count(*) FROM task WHERE task.person_id = person.id AND kind IN ('verify', 'check')
        AND received_at > CAST(:since AS timestamptz)
    )
    FROM unnest(CAST(:issues AS uuid[]), CAST(:kinds AS text[]), CAST(:places AS int[])) AS need (issue_id, kind, place)
    JOIN unnest(CAST(:near AS int[]), CAST(:areas AS int[])) AS near (place, area_id) ON near.place = need.place
    JOIN assignment ON assignment.area_id = near.area_id AND assignment.during @> CAST(:now AS timestamptz)
        AND assignment.role IN ('grid_worker', 'grid_head', 'checker')
    JOIN person ON person.id = assignment.person_id AND person.is_active
    JOIN issue ON issue.id = need.issue_id
    WHERE person.id IS DISTINCT FROM issue.author_id
      AND NOT EXISTS (
          SELECT FROM case_step WHERE case_step.issue_id = issue.id AND case_step.person_id = person.id
          AND step = ANY (CAST(:handling AS text[]))
      )
      AND NOT EXISTS (
          SELECT FROM assignment AS handling WHERE handling.person_id = person.id
          AND handling.role = 'handler' AND handling.during @> CAST(:now AS timestamptz)
          AND (handling.organisation_id = issue.body_id OR handling.organisation_id = ANY (issue.assisting_ids))
      )
      AND NOT EXISTS (
          SELECT FROM task WHERE task.issue_id = issue.id AND task.kind = need.kind AND task.person_id = person.id
      )
    GROUP BY need.issue_id, person.id
""")
_GIVE = Statement("""
    INSERT INTO task (
        id, rev, doc_rev, doc, captured_at, received_at, changed_at, grid_now, kind, title, person_id, due_at, issue_id
    )
    SELECT new.id, 1, 1, '{}', CAST(:now AS timestamptz), CAST(:now AS timestamptz), CAST(:now AS timestamptz),
           issue.grid_now, new.kind, new.title || ' · ' || category.name_zh, new.person_id, new.due_at, issue.id
    FROM unnest(
        CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:titles AS text[]), CAST(:people AS int[]),
        CAST(:due AS timestamptz[]), CAST(:issues AS uuid[])
    ) AS new (id, kind, title, person_id, due_at, issue_id)
    JOIN issue ON issue.id = new.issue_id JOIN category ON category.code = issue.category
""")
_TAKE_BACK = Statement("""
    UPDATE task SET deleted_at = CAST(:now AS timestamptz), rev = rev + 1, changed_at = CAST(:now AS timestamptz)
    FROM unnest(CAST(:issues AS uuid[]), CAST(:kinds AS text[])) AS over (issue_id, kind)
    WHERE task.issue_id = over.issue_id AND task.kind = over.kind AND task.deleted_at IS NULL
    RETURNING task.id, task.person_id
""")
_MOVE = Statement("""
    UPDATE task SET due_at = new.due_at, rev = rev + 1, changed_at = CAST(:now AS timestamptz)
    FROM unnest(CAST(:issues AS uuid[]), CAST(:kinds AS text[]), CAST(:due AS timestamptz[]))
        AS new (issue_id, kind, due_at)
    WHERE task.issue_id = new.issue_id AND task.kind = new.kind AND task.deleted_at IS NULL
      AND task.state IN ('open', 'started') AND task.due_at IS DISTINCT FROM new.due_at
    RETURNING task.id, task.person_id
""")
_NIGHTLY = Statement("""
    SELECT issue.id FROM issue JOIN category ON category.code = issue.category
    WHERE issue.id = ANY (CAST(:issues AS uuid[])) AND is_night
""")


@dataclass(frozen=True, slots=True)
class Need:
    """A case that somebody is to verify or check, by when (None: no limit)."""

    case: CaseNow
    kind: str
    due_at: datetime | None


@dataclass(slots=True)
class Draw:
    """One draw for many cases. ``given``: how many checks each person got in it so far."""

    session: Session
    ground: Ground | None
    now: datetime
    chance: random.Random = field(default_factory=random.SystemRandom)
    given: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def draw(self, needs: Sequence[Need]) -> dict[uuid.UUID, int]:
        """Return case -> who is to look at it; a case that nobody can look at is left out."""
        drawn: dict[uuid.UUID, int] = {}
        level, waiting = 0, list(needs)
        while waiting and self.ground is not None:
            placed = [(need, areas) for need in waiting if (areas := self._near(need.case, level))]
            drawn |= self._among(placed)
            waiting = [need for need, _ in placed if need.case.id not in drawn]
            level += 1
        return drawn

    def _among(self, placed: Sequence[tuple[Need, tuple[int, ...]]]) -> dict[uuid.UUID, int]:
        if not placed:
            return {}
        numbers = {areas: number for number, areas in enumerate(dict.fromkeys(areas for _, areas in placed))}
        near = [(number, area) for areas, number in numbers.items() for area in areas]
        rows = _CANDIDATES.run(
            self.session,
            now=self.now,
            since=self.now - _RECENT,
            issues=arrays.uuids([need.case.id for need, _ in placed]),
            kinds=arrays.texts([need.kind for need, _ in placed]),
            places=arrays.numbers([numbers[areas] for _, areas in placed]),
            near=arrays.numbers([number for number, _ in near]),
            areas=arrays.numbers([area for _, area in near]),
            handling=arrays.texts(HANDLING),
        )
        candidates: dict[uuid.UUID, list[tuple[int, int]]] = defaultdict(list)
        for issue_id, person_id, recent in rows:
            candidates[issue_id].append((person_id, recent))
        return {issue_id: self._one_of(people) for issue_id, people in sorted(candidates.items())}

    def _one_of(self, people: Iterable[tuple[int, int]]) -> int:
        """Return whoever had the fewest checks lately; among equals, chance decides."""
        load = {person: recent + self.given[person] for person, recent in people}
        fewest = min(load.values())
        drawn = self.chance.choice(sorted(person for person, count in load.items() if count == fewest))
        self.given[drawn] += 1
        return drawn

    def _near(self, case: CaseNow, level: int) -> tuple[int, ...]:
        """Return the areas that are near: those of the community, then of what lies above it; none beyond the root."""
        if self.ground is None or not case.line:
            return ()
        kinds = [self.ground.areas[area].kind for area in case.line]
        top = (kinds.index(COMMUNITY_KIND) if COMMUNITY_KIND in kinds else min(1, len(case.line) - 1)) + level
        if top >= len(case.line):
            return ()
        tops = frozenset({case.line[top]})
        ground = self.ground
        grids = (grid for grid in ground.grid_ids if ground.lies_in(grid, tops))
        return (*case.line[: top + 1], *(grid for grid in grids if grid != case.line[0]))


def follow(session: Session, turns: Sequence[Turn], ground: Ground | None, now: datetime) -> list[feed.Touch]:
    """Give and take back the tasks that cases want after their steps, which are written; return what tells of them."""
    over = [(turn.case.id, kind) for turn in turns for kind in turn.case.tasks if _is_over(turn, kind)]
    taken = _take_back(session, over, now)
    wanted = [
        (turn.case, kind)
        for turn in turns
        if (kind := needed(turn.case)) is not None and (kind not in turn.case.tasks or (turn.case.id, kind) in over)
    ]
    due = _due(session, [case.id for case, _ in wanted], ground, now)
    needs = [
        Need(case, kind, _by_night(due.get((case.id, kind)), now, is_night=case.is_night)) for case, kind in wanted
    ]
    drawn = Draw(session, ground, now).draw(needs)
    given = [(need, drawn[need.case.id], uuid_utils.compat.uuid7()) for need in needs if need.case.id in drawn]
    if given:
        _GIVE.send(
            session,
            now=now,
            ids=arrays.uuids([task_id for _, _, task_id in given]),
            kinds=arrays.texts([need.kind for need, _, _ in given]),
            titles=arrays.texts([_title(need) for need, _, _ in given]),
            people=arrays.numbers([person for _, person, _ in given]),
            due=arrays.times([need.due_at for need, _, _ in given]),
            issues=arrays.uuids([need.case.id for need, _, _ in given]),
        )
    rows = [(task_id, (), person) for task_id, person in taken]
    rows += [(task_id, (), person) for _, person, task_id in given]
    return feed.record_touches(TASKS.topic, rows)


def move(session: Session, due: Mapping[tuple[uuid.UUID, str], datetime | None], now: datetime) -> list[feed.Touch]:
    """Give the open tasks of cases other deadlines: (case, stage) -> time (None: no limit); return touches."""
    if not due:
        return []
    issues = arrays.uuids(sorted({issue_id for issue_id, _ in due}))
    nightly = {row[0] for row in _NIGHTLY.run(session, issues=issues)}
    rows = _MOVE.run(
        session,
        now=now,
        issues=arrays.uuids([issue_id for issue_id, _ in due]),
        kinds=arrays.texts([STAGES[stage] for _, stage in due]),
        due=arrays.times([_by_night(at, now, is_night=issue_id in nightly) for (issue_id, _), at in due.items()]),
    )
    return feed.record_touches(TASKS.topic, [(task_id, (), person_id) for task_id, person_id in rows])


def _due(
    session: Session, issue_ids: Sequence[uuid.UUID], ground: Ground | None, now: datetime
) -> dict[tuple[uuid.UUID, str], datetime | None]:
    """Return by when cases are to be looked at, by the clocks of their stages: (case, kind of task) -> time."""
    clocks = timing.of_cases(session, issue_ids, ground, now)
    return {
        (issue_id, STAGES[clock.stage]): clock.due_at
        for issue_id, found in clocks.items()
        for clock in found
        if clock.stage in STAGES and clock.state == "running"
    }


def needed(case: CaseNow) -> str | None:
    """Return which task a case waits for; None for a private one, which the duty chief looks at."""
    story = case.story
    if case.is_private or case.is_deleted:
        return None
    if story.state == "accepted" and story.source == "resident" and story.verified in (None, "cannot_tell"):
        return "verify"
    return "check" if story.state == "done" else None


def _is_over(turn: Turn, kind: str) -> bool:
    """Return whether a task has been answered, or is wanted no longer."""
    return needed(turn.case) != kind or any(event.step == kind for event in turn.fresh)


def _by_night(due_at: datetime | None, now: datetime, *, is_night: bool) -> datetime | None:
    """Return by when a task is to be done: a fault of the night not before the end of the next night."""
    if not is_night or due_at is None:
        return due_at
    local = now.astimezone(SHANGHAI)
    morning = local.replace(hour=NIGHT_TO, minute=0, second=0, microsecond=0)
    if local >= morning:
        morning += timedelta(days=1)
    return max(due_at, morning)


def _title(need: Need) -> str:
    return _TITLES[need.kind] + ("（夜间）" if need.case.is_night else "")


def _take_back(session: Session, over: Sequence[tuple[uuid.UUID, str]], now: datetime) -> list[tuple[uuid.UUID, int]]:
    if not over:
        return []
    rows = _TAKE_BACK.run(
        session,
        now=now,
        issues=arrays.uuids([issue_id for issue_id, _ in over]),
        kinds=arrays.texts([kind for _, kind in over]),
    )
    return [(task_id, person_id) for task_id, person_id in rows]
