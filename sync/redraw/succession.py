"""What becomes of a grid's work when its ground passes to another: which grid inherits it, and which worker.

Owns the heirs of retired grids, and giving open tasks to who is in charge of the grid that they now belong to, but for
checks, whose people were drawn. A task that nobody could take stays with its worker, who sees it wherever it lies: none
is orphaned. Knows no editions' making.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from sync.collections.tasks import TASKS
from sync.sql import arrays
from sync.store import feed

# By which column a task hangs on a record of a collection.
_HANGING: Final = {"households": "household_id", "issues": "issue_id", "tasks": "id"}
_LONGEST_LINE: Final = 50
"""Of grids that inherited from one another."""

_HEIRS = text("""
    SELECT DISTINCT ON (from_area_id) from_area_id, to_area_id FROM edition_fragment
    WHERE from_area_id = ANY (CAST(:ids AS int[])) AND to_area_id IS NOT NULL
    ORDER BY from_area_id, edition_number DESC, ST_Area(polygon) DESC
""")


@dataclass(frozen=True, slots=True)
class Given:
    """The tasks that have another worker, and what tells both of it."""

    task_ids: Sequence[uuid.UUID] = ()
    touches: Sequence[feed.Touch] = ()


def heirs(session: Session, ground: Ground, retired: Iterable[int]) -> dict[int, int | None]:
    """Return for each grid that is no more the grid in force that has the largest part of its ground; None: nobody has.

    A grid that inherited and was retired in turn passes on what it had.
    """
    found: dict[int, int | None] = {grid: grid for grid in retired}
    for _ in range(_LONGEST_LINE):
        open_ends = sorted({heir for heir in found.values() if heir is not None and heir not in ground.areas})
        if not open_ends:
            return found
        heir_of: dict[int, int] = {row[0]: row[1] for row in session.execute(_HEIRS, {"ids": open_ends})}
        found = {
            grid: heir if heir is None or heir in ground.areas else heir_of.get(heir) for grid, heir in found.items()
        }
    return found


def reassign(
    session: Session,
    collection: str,
    moved: Sequence[tuple[uuid.UUID, int | None]],
    ground: Ground,
    *,
    now: dt.datetime,
) -> Given:
    """Give the open tasks that hang on moved records to the worker of the new grid; ``moved``: (record id, grid).

    Who is in charge of the new grid too keeps them. Locks the tasks in ascending id. The caller appends the touches.
    """
    column = _HANGING.get(collection)
    placed = [(record_id, grid) for record_id, grid in moved if grid is not None]
    if column is None or not placed:
        return Given()
    lines = [(grid, upper) for grid in {grid for _, grid in placed} for upper in ground.ancestors(grid)]
    rows = session.execute(
        _give(column),
        {
            "now": now,
            "records": arrays.uuids([record_id for record_id, _ in placed]),
            "grids": [grid for _, grid in placed],
            "lower": [grid for grid, _ in lines],
            "upper": [upper for _, upper in lines],
        },
    ).all()
    people = [(row.id, person) for row in rows for person in (row.was, row.person_id)]
    touches = feed.record_touches(TASKS.topic, [(task_id, (), person) for task_id, person in people])
    return Given(tuple(row.id for row in rows), tuple(touches))


@cache
def _give(column: str) -> TextClause:
    return text(f"""
        WITH charge AS (
            SELECT line.lower AS grid, person_id, role, line.lower = area_id AS itself, assignment.id
            FROM unnest(CAST(:lower AS int[]), CAST(:upper AS int[])) AS line (lower, upper)
            JOIN assignment ON area_id = line.upper AND during @> CAST(:now AS timestamptz)
                AND role IN ('grid_worker', 'grid_head')
            JOIN person ON person.id = person_id AND is_active
        ), worker AS (
            SELECT DISTINCT ON (grid) grid, person_id FROM charge WHERE itself
            ORDER BY grid, role = 'grid_head', charge.id
        ), held AS (
            SELECT task.id, task.person_id AS was, worker.person_id AS taker
            FROM unnest(CAST(:records AS uuid[]), CAST(:grids AS int[])) AS moved (id, grid)
            JOIN task ON task.{column} = moved.id AND task.deleted_at IS NULL AND task.state IN ('open', 'started')
                AND task.kind NOT IN ('verify', 'check')
            JOIN worker ON worker.grid = moved.grid
            WHERE NOT EXISTS (SELECT FROM charge WHERE charge.grid = moved.grid AND charge.person_id = task.person_id)
            ORDER BY task.id FOR NO KEY UPDATE OF task
        )
        UPDATE task SET person_id = held.taker, rev = task.rev + 1, changed_at = :now
        FROM held WHERE task.id = held.id RETURNING task.id, held.was, task.person_id
    """)  # noqa: S608  # one of three columns of ours
