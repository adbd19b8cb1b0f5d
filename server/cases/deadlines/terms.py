"""Setting limits of stages: who may take how long for what, and which deadlines of open cases that moves.

Owns editions of these limits (``stage_limit``: never changed, the newest of a stage counts, an edition is known by its
number) and ``stage_limit_move``. What handling may take is the catalogue's. Open cases are counted again at once: their
clocks follow from the limits, and what keeps something of them, alarms and tasks, is told. Ended cases are left as they
were judged. Takes a session, never commits: who only wants to look rolls back. The feed is written last.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.accounts.charge import Reach
from server.accounts.issue_sight import in_reach
from server.cases.calendars import store
from server.cases.calendars.calendar import Limit
from server.cases.clocks.clock import Clock
from server.cases.clocks.terms import SETTABLE, STAGES
from server.cases.errors import InvalidTerms, TermsSuperseded
from server.cases.life import checks
from server.cases.life.declared import Stage
from server.cases.life.transitions import TRANSITIONS
from server.cases.timing import alarms, reading
from server.cases.timing.reading import CityTerms
from server.cases.timing.tables import StageLimit, StageLimitMove
from sync.collections.issues import ISSUES, Issue
from sync.sql import arrays
from sync.sql.statements import Statement
from sync.store import feed

SET_HERE: Final = tuple(stage for stage in STAGES if stage in SETTABLE - {"handling", "reporting", "rating"})
"""Those whose limit is a city's to set, in the order of a case's life. A report is only measured, and for how long a
case may be rated or reopened the table of steps says."""
CHUNK: Final = 1000
_LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)
_DECLARED: Final[Mapping[str, Stage]] = {each.name.lower(): each for each in Stage}
_NOT_DECLARED: Final[Mapping[str, set[str]]] = {"return": {"received"}}

_NEWEST = text("SELECT coalesce(max(number), 0) FROM stage_limit")
# One at a time: each must see which limits the one before set.
_ALONE = text("SELECT pg_advisory_xact_lock(hashtext('limits of stages'))")
_HISTORY = text("""
    SELECT number, stage, limit_value, limit_unit, entered_at, source, person.name AS entered_by,
           (SELECT count(*) FROM stage_limit_move AS move WHERE move.number = stage_limit.number) AS moved
    FROM stage_limit LEFT JOIN person ON person.id = entered_by
    WHERE CAST(:before AS int) IS NULL OR number < :before ORDER BY number DESC LIMIT :limit
""")
_SET = text("""
    INSERT INTO stage_limit (stage, limit_value, limit_unit, entered_at, entered_by, source)
    VALUES (:stage, :value, :unit, :now, :by, :source) RETURNING number
""")
_CONCERNED = text("""
    SELECT id FROM issue
    WHERE closed_at IS NULL AND deleted_at IS NULL AND state = ANY (CAST(:states AS text[])) ORDER BY id
""")
_PLACES = text("SELECT id, grid_now, author_id, body_id FROM issue WHERE id = ANY (CAST(:ids AS uuid[])) ORDER BY id")
_NOTE = Statement("""
    INSERT INTO stage_limit_move (number, issue_id, clock, body_id, was_due_at, due_at)
    SELECT number, issue_id, clock, body_id, was_due_at, due_at
    FROM unnest(
        CAST(:numbers AS int[]), CAST(:issues AS uuid[]), CAST(:clocks AS uuid[]), CAST(:bodies AS int[]),
        CAST(:was AS timestamptz[]), CAST(:due AS timestamptz[])
    ) AS new (number, issue_id, clock, body_id, was_due_at, due_at)
""")


@dataclass(frozen=True, slots=True)
class StageTerms:
    """What a stage may take; ``limit`` None: it has none. ``is_own``: the city has set it."""

    stage: str
    limit: Limit | None
    is_own: bool


@dataclass(frozen=True, slots=True)
class Move:
    """One deadline of an open case, where it was and where it goes (UTC; None: there was, or is, none)."""

    issue_id: uuid.UUID
    stage: str
    clock: uuid.UUID
    body_id: int | None
    was_due_at: datetime | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Limits to be set, by stage (None: no limit). ``follows``: the newest edition that was seen; None: not said."""

    limits: Mapping[str, Limit | None]
    source: str
    by: int | None
    follows: int | None = None


@dataclass(frozen=True, slots=True)
class Entered:
    """The edition from which on the limits hold, and the deadlines that this moves, those due first first."""

    edition: int
    moves: tuple[Move, ...]


def newest(session: Session) -> int:
    """Return the newest edition; 0 where the city has set nothing."""
    return session.scalar(_NEWEST) or 0


def standing(session: Session) -> list[StageTerms]:
    """Return what holds of each stage."""
    city = CityTerms.read(session)
    own = {stage for _, stage, _ in city.changes}
    return [StageTerms(stage, city.at(None).limits.get(stage), stage in own) for stage in SET_HERE]


def history(session: Session, *, before: int | None = None, limit: int = 50) -> list[Any]:
    """Return who set which limit, when and by what, the newest first."""
    return list(session.execute(_HISTORY, {"before": before, "limit": limit}).mappings())


def enter(session: Session, asked: Asked, ground: Ground | None, now: datetime) -> Entered:
    """Set limits of stages from now on, and count open cases again. Limits that stand already are passed over.

    Raises ``InvalidTerms`` for a stage whose limit is not set here, ``TermsSuperseded`` where others were faster.
    """
    session.execute(_ALONE)
    if asked.follows is not None and asked.follows != newest(session):
        raise TermsSuperseded(asked.follows, newest(session))
    if foreign := [stage for stage in asked.limits if stage not in SET_HERE]:
        raise InvalidTerms(foreign[0], "stage")
    city = CityTerms.read(session)
    limits = {stage: limit for stage, limit in asked.limits.items() if city.at(None).limits.get(stage) != limit}
    numbers = {stage: _set(session, stage, limit, asked, now) for stage, limit in limits.items()}
    moves = _moves(session, city, limits, ground, now) if limits else []
    _follow(session, moves, numbers, now)
    return Entered(newest(session), tuple(sorted(moves, key=_by_due)))


def moved_by(session: Session, number: int, reach: Reach, limit: int) -> tuple[list[Move], int]:
    """Return deadlines that an edition moved, of cases in somebody's reach, and how many there are in all."""
    here = (
        select(StageLimitMove, StageLimit.stage)
        .join(StageLimit, StageLimit.number == StageLimitMove.number)
        .join(Issue, Issue.id == StageLimitMove.issue_id)
        .where(StageLimitMove.number == number, in_reach(reach))
    )
    count = session.scalar(select(func.count()).select_from(here.subquery())) or 0
    rows = session.execute(here.order_by(StageLimitMove.due_at, StageLimitMove.issue_id).limit(limit))
    return [
        Move(each.issue_id, stage, each.clock, each.body_id, each.was_due_at, each.due_at) for each, stage in rows
    ], count


def _set(session: Session, stage: str, limit: Limit | None, asked: Asked, now: datetime) -> int:
    value, unit = (None, None) if limit is None else (limit.value, limit.unit)
    told = {"stage": stage, "value": value, "unit": unit, "now": now, "by": asked.by, "source": asked.source}
    return int(session.execute(_SET, told).scalar_one())


def _moves(
    session: Session, before: CityTerms, limits: Mapping[str, Limit | None], ground: Ground | None, now: datetime
) -> list[Move]:
    """Return the running deadlines of open cases that are others by these limits than by those of before."""
    ids = list(session.scalars(_CONCERNED, {"states": sorted(states_of(limits))}))
    calendars, after = store.read(session), before.but(limits, now)
    found = []
    for first in range(0, len(ids), CHUNK):
        some = ids[first : first + CHUNK]
        was = reading.of_cases(session, some, ground, now, calendars=calendars, terms=before)
        is_now = reading.of_cases(session, some, ground, now, calendars=calendars, terms=after)
        found += [move for issue_id in some for move in _differ(issue_id, was[issue_id], is_now[issue_id])]
    return found


def states_of(stages: Iterable[str]) -> frozenset[str]:
    """Return the states in which clocks of these stages may run: those from which a step ends them."""
    found: set[str] = set()
    for stage in stages:
        declared = _DECLARED.get(stage)
        rows = (row for row in TRANSITIONS if row.step != "void" and declared in row.clocks.stops)
        found |= _NOT_DECLARED.get(stage, set()) if declared is None else {state for row in rows for state in row.froms}
    return frozenset(found)


def _differ(issue_id: uuid.UUID, was: Sequence[Clock], is_now: Sequence[Clock]) -> Iterator[Move]:
    """Yield what moves of the clocks that still run."""
    before = {(each.stage, each.body_id, each.by): each.due_at for each in was}
    for each in is_now:
        was_due_at = before.get((each.stage, each.body_id, each.by))
        if each.ended_at is None and was_due_at != each.due_at:
            yield Move(issue_id, each.stage, each.by, each.body_id, was_due_at, each.due_at)


def _follow(session: Session, moves: Sequence[Move], numbers: Mapping[str, int], now: datetime) -> None:
    """Note the moves, and let what was counted by the limits of before follow them."""
    if not moves:
        return
    _NOTE.send(
        session,
        numbers=arrays.numbers([numbers[each.stage] for each in moves]),
        issues=arrays.uuids([each.issue_id for each in moves]),
        clocks=arrays.uuids([each.clock for each in moves]),
        bodies=arrays.numbers([each.body_id for each in moves]),
        was=arrays.times([each.was_due_at for each in moves]),
        due=arrays.times([each.due_at for each in moves]),
    )
    alarms.mark_stale(session, sorted({each.issue_id for each in moves}))
    due = {(each.issue_id, each.stage): each.due_at for each in moves if each.stage in checks.STAGES}
    touches = checks.move(session, due, now)
    rows = session.execute(_PLACES, {"ids": sorted({each.issue_id for each in moves})}).all()
    changed = [(row.id, (row.grid_now,), row.author_id) for row in rows]
    worked = [(row.id, (row.body_id,)) for row in rows]
    touches += feed.record_touches(ISSUES.topic, changed) + feed.work_touches(ISSUES.topic, worked)
    feed.append(session, touches)


def _by_due(move: Move) -> tuple[bool, datetime, uuid.UUID]:
    return (move.due_at is None, move.due_at or _LAST, move.issue_id)
