"""Claiming the issues that await routing, and seeing them as routing does.

Owns the claim (``SKIP LOCKED``, so that two jobs never route one issue) and the step from an issue's
columns to a ``Case`` on a ground. Must not choose, write or deliver anything.
"""

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.cases.calendars.calendar import Limit
from server.cases.case import BY_NONE, AreaName, Case, Counted, Place, Standing
from server.cases.routing import retries

_MARGIN_SLACK_M = 0.5

# The standing decision is the newest one.
_SEEN = f"""
    SELECT issue.id, issue.rev, issue.state, issue.category, issue.severity, issue.captured_at, issue.author_id,
           issue.grid_now, issue.located, issue.distance_m, issue.due_at, issue.closed_at,
           issue.calendar_edition, standing.calendar_edition AS standing_calendar, standing.provisional_years,
           ST_X(issue.position) AS lon, ST_Y(issue.position) AS lat,
           standing.body_id, standing.assisting_ids, standing.since, standing.due_at AS standing_due_at,
           standing.limit_value, standing.limit_unit,
           CASE WHEN first.device_id IS NULL AND first.author_id IS NULL AND first.received_at IS NOT NULL
                    THEN 'resident'
                WHEN first.device_id IS NULL AND first.received_at IS NOT NULL THEN 'staff'
                ELSE 'worker' END AS source,
           aside.item IS NOT NULL AS was_aside, issue.received_at, category.intake, issue.must_tell,
           issue.deleted_at IS NOT NULL AS is_deleted
    FROM issue JOIN category ON category.code = issue.category
    {retries.JOIN}
    LEFT JOIN LATERAL (
        SELECT * FROM routing_decision WHERE issue_id = issue.id ORDER BY id DESC LIMIT 1
    ) AS standing ON true
    LEFT JOIN LATERAL (
        SELECT device_id, author_id, received_at FROM operation
        WHERE record_id = issue.id AND rev = 1 AND collection = 'issues' LIMIT 1
    ) AS first ON true
"""  # noqa: S608  # constants of ours
# The lock is on the issues alone.
_CLAIM = text(f"""
    {_SEEN}
    WHERE {retries.AWAITS}
      AND (CAST(:only AS uuid[]) IS NULL OR issue.id = ANY (CAST(:only AS uuid[])))
    ORDER BY issue.id
    LIMIT :limit
    FOR NO KEY UPDATE OF issue SKIP LOCKED
""")
_LOOK = text(f"{_SEEN} WHERE issue.id = ANY (CAST(:ids AS uuid[]))")


@dataclass(frozen=True, slots=True)
class Claimed:
    """One issue that awaits routing, locked until the transaction ends, and who was told of it before.

    ``must_tell``: it was rewritten or deleted since.
    """

    id: uuid.UUID
    rev: int
    state: str
    author_id: int | None
    grid_now: int | None
    is_closed: bool
    case: Case
    told_before: tuple[int, ...]
    was_aside: bool
    must_tell: bool = False
    is_deleted: bool = False
    intake: str = "auto"
    received_at: datetime | None = None


def claim(
    session: Session,
    limit: int,
    ground: Ground | None,
    now: datetime,
    *,
    border_m: float,
    only: Sequence[uuid.UUID] | None = None,
) -> list[Claimed]:
    """Lock up to ``limit`` issues that await routing, in ascending id, passing over those locked by others.

    Passes over those that are set aside until after ``now``, too. ``only`` leaves all others out.
    """
    wanted = None if only is None else list(only)
    rows = session.execute(_CLAIM, {"limit": limit, "now": now, "only": wanted}).all()
    return [_claimed(row, place) for row, place in zip(rows, _places(rows, ground, border_m), strict=True)]


def look(
    session: Session, ids: Sequence[uuid.UUID], ground: Ground | None, *, border_m: float
) -> dict[uuid.UUID, Claimed]:
    """Return these issues as routing sees them, whether they await it or not; locks nothing."""
    rows = session.execute(_LOOK, {"ids": list(ids)}).all() if ids else []
    return {row.id: _claimed(row, place) for row, place in zip(rows, _places(rows, ground, border_m), strict=True)}


def _claimed(row: Any, place: Place) -> Claimed:
    standing = None
    if row.body_id is not None:
        limit = None if row.limit_value is None else Limit(row.limit_value, row.limit_unit)
        # An extension granted since moved the deadline: that is the one that stands.
        due_at = row.due_at or row.standing_due_at
        edition = row.standing_calendar if row.calendar_edition is None else row.calendar_edition
        counted_by = Counted(edition, tuple(row.provisional_years)) if due_at == row.standing_due_at else BY_NONE
        standing = Standing(row.body_id, limit, row.since, due_at, counted_by)
    return Claimed(
        id=row.id,
        rev=row.rev,
        state=row.state,
        author_id=row.author_id,
        grid_now=row.grid_now,
        is_closed=row.closed_at is not None,
        case=Case(row.category, row.severity, row.source, place, row.captured_at, standing),
        told_before=() if row.body_id is None else (row.body_id, *row.assisting_ids),
        was_aside=row.was_aside,
        must_tell=row.must_tell,
        is_deleted=row.is_deleted,
        intake=row.intake,
        received_at=row.received_at,
    )


def _places(rows: Sequence[Any], ground: Ground | None, border_m: float) -> list[Place]:
    """Return where each issue lies in the ground. Without a ground nobody knows more than the issue says."""
    if ground is None:
        return [Place(None, (), row.located) for row in rows]
    roots = tuple(_name(ground, area) for area in sorted(ground.root_ids))
    margins = _margins(rows, ground)
    neighbours = _neighbours(rows, ground, margins, border_m)
    return [_place(row, ground, roots, margins.get(row.id), neighbours.get(row.id)) for row in rows]


def _place(
    row: Any, ground: Ground, roots: tuple[AreaName, ...], margin_m: float | None, neighbour: AreaName | None
) -> Place:
    if not _in_a_grid(row, ground):
        how = None if row.lon is None else "outside"
        return Place(None, roots, how, row.distance_m, ground.number)
    line = tuple(_name(ground, area) for area in ground.ancestors(row.grid_now))
    return Place(line[0], line, row.located, row.distance_m, ground.number, margin_m, neighbour)


def _in_a_grid(row: Any, ground: Ground) -> bool:
    return row.grid_now is not None and row.grid_now in ground.areas


def _margins(rows: Sequence[Any], ground: Ground) -> dict[uuid.UUID, float]:
    """Return by issue how far each that lies inside its grid is from a border, all in one go."""
    inside = [row for row in rows if row.lon is not None and row.located == "inside" and _in_a_grid(row, ground)]
    margins = ground.locator.margins_m([row.lon for row in inside], [row.lat for row in inside])
    return {row.id: margin for row, margin in zip(inside, margins.tolist(), strict=True)}


def _neighbours(
    rows: Sequence[Any], ground: Ground, margins: Mapping[uuid.UUID, float], border_m: float
) -> dict[uuid.UUID, AreaName]:
    """Return by issue the grid beyond the nearest border, where that is near; none at the edge of the city."""
    close = [row for row in rows if margins.get(row.id, math.inf) <= border_m]
    reach_m = [margins[row.id] + _MARGIN_SLACK_M for row in close]
    around = ground.locator.places([row.lon for row in close], [row.lat for row in close], reach_m, 0.0)
    found = {}
    for row, place in zip(close, around, strict=True):
        other = next((area for area in place.candidates if area != row.grid_now), None)
        if other is not None:
            found[row.id] = _name(ground, other)
    return found


def _name(ground: Ground, area_id: int) -> AreaName:
    facts = ground.areas[area_id]
    return AreaName(facts.id, facts.code, facts.name)
