"""The clocks of cases, read from their events and decisions: a fixed number of statements however many cases.

Owns the SQL of what clocks are counted from, and the limits that a city has set for stages. Must not write, and must
not know what a step does to a clock.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.cases.calendars import store
from server.cases.calendars.calendar import Calendars, Limit
from server.cases.case_event import CaseEvent
from server.cases.clocks import run
from server.cases.clocks.clock import Clock
from server.cases.clocks.terms import Terms, defaults, over
from server.cases.history import steps
from server.cases.timing.decided import Decided, with_decisions
from sync.sql import arrays
from sync.sql.statements import Statement

_PLACES = Statement("""
    SELECT issue.id, issue.grid_now, issue.closed_at, coalesce(category.limit_value, above.limit_value),
           CASE WHEN category.limit_value IS NULL THEN above.limit_unit ELSE category.limit_unit END
    FROM issue JOIN category ON category.code = issue.category
    LEFT JOIN category AS above ON above.code = category.parent_code
    WHERE issue.id = ANY (CAST(:issues AS uuid[]))
""")
_DECISIONS = Statement("""
    SELECT issue_id, id, decided_at, body_id, since, limit_value, limit_unit FROM routing_decision
    WHERE issue_id = ANY (CAST(:issues AS uuid[])) ORDER BY issue_id, id
""")
_SET = text("SELECT entered_at, stage, limit_value, limit_unit FROM stage_limit ORDER BY number")


@dataclass(frozen=True, slots=True)
class CityTerms:
    """The limits of stages as a city has set them, one after another, over the defaults."""

    changes: tuple[tuple[datetime, str, Limit | None], ...] = ()

    @classmethod
    def read(cls, session: Session) -> "CityTerms":
        """Return what the city has set so far."""
        rows = session.execute(_SET)
        return cls(tuple((at, stage, None if value is None else Limit(value, unit)) for at, stage, value, unit in rows))

    def at(self, moment: datetime | None) -> Terms:
        """Return what held at a moment (aware); None: what holds now."""
        told = {stage: limit for at, stage, limit in self.changes if moment is None or at <= moment}
        return over(defaults().limits, told) if told else defaults()

    def but(self, stages: Mapping[str, Limit | None], at: datetime) -> "CityTerms":
        """Return these terms with a change more."""
        return CityTerms((*self.changes, *((at, stage, limit) for stage, limit in stages.items())))


def of_cases(
    session: Session,
    issue_ids: Sequence[uuid.UUID],
    ground: Ground | None,
    now: datetime,
    *,
    calendars: Calendars | None = None,
    fresh: Mapping[uuid.UUID, Sequence[CaseEvent]] | None = None,
    terms: CityTerms | None = None,
) -> dict[uuid.UUID, tuple[Clock, ...]]:
    """Return the clocks of cases at ``now`` (aware). ``fresh``: events not written yet, which follow those that are.

    ``calendars``: by which edition; by the newest where none is given. ``terms``: by which limits of stages; by the
    city's where none are given. An ended case is told by those of its end.
    """
    if not issue_ids:
        return {}
    ids = arrays.uuids(issue_ids)
    by = store.read(session) if calendars is None else calendars
    city = CityTerms.read(session) if terms is None else terms
    events, decisions = steps.of_cases(session, issue_ids), _decisions(session, issue_ids)
    found = {}
    for issue_id, grid_id, closed_at, value, unit in _PLACES.run(session, issues=ids):
        handling = None if value is None else Limit(value, unit)
        told = [*events.get(issue_id, ()), *(fresh or {}).get(issue_id, ())]
        told = with_decisions(told, decisions.get(issue_id, ()))
        found[issue_id] = run(
            told, city.at(closed_at).of_case(handling=handling), by.over(line_of(grid_id, ground)), now
        )
    return found


def line_of(grid_id: int | None, ground: Ground | None) -> tuple[int, ...]:
    """Return the areas that a case lies in as routing sees them, its grid first: of one in no grid, the roots alone."""
    if ground is None:
        return ()
    if grid_id is None or grid_id not in ground.areas:
        return tuple(sorted(ground.root_ids))
    return tuple(ground.ancestors(grid_id))


def handling_of(clocks: Sequence[Clock], body_id: int | None) -> Clock | None:
    """Return the newest clock of a body's handling."""
    own = (clock for clock in reversed(clocks) if clock.stage == "handling" and clock.body_id == body_id)
    return next(own, None)


def _decisions(session: Session, issue_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Decided]]:
    found: dict[uuid.UUID, list[Decided]] = {}
    for issue_id, number, decided_at, body_id, since, value, unit in _DECISIONS.run(
        session, issues=arrays.uuids(issue_ids)
    ):
        limit = None if value is None else Limit(value, unit)
        found.setdefault(issue_id, []).append(Decided(number, decided_at, body_id, since, limit))
    return found
