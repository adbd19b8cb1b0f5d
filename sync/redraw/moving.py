"""Records follow a redraw: those on ground that changed hands get the grid that they lie in today.

Owns finding them, by the grids that lost ground and by the index of what lies in no grid, so that the cost is that of
the ground that changed and not of the city; and setting ``grid_now`` with one statement for each collection and chunk.
Author, capture and history stay as they are; what hangs on records is ``sync.redraw.succession``. Knows no queues.

Whatever edition is noted, records are located in the newest: a later one notes its own move, and what a push wrote
meanwhile is right already. A flip waits for what was located before it; but a push may still read the grid of a
household that has not moved yet. So households come first, and before each collection the fence is closed for an
instant: every push that could have read what has moved since is committed then, and found.

Chunks are transactions; a move that was cut off looks again at the collection it was in, and finds nothing to do where
it had been. Two that run at once do the same work and count it once, under the locks of the records.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from geo.editions.ground import NEWEST, Ground
from sync.collections import COLLECTIONS, Collection
from sync.push.batch import GroundAt
from sync.redraw.succession import heirs, reassign
from sync.sql import arrays
from sync.store import dead_letters, feed, fence
from sync.store.located import Located, locate

STAGES: Final = ("households", "issues", "tasks", "visits")
_THEN: Final = dict(zip(STAGES, (*STAGES[1:], "done"), strict=True))
CHUNK: Final = 500
_AREAS_AT_ONCE: Final = 200
# A degree is at least this long, east-west, in any city south of 74 degrees north.
_SHORTEST_DEGREE_M: Final = 30_000.0

Open = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True, slots=True)
class JobContext:
    """What moving needs of the process: transactions, a clock (aware UTC), the editions, and how near is near."""

    open: Open
    clock: Callable[[], dt.datetime]
    grounds: Callable[[Session], GroundAt]
    near_m: float


@dataclass(frozen=True, slots=True)
class Followed:
    """What one run did. ``moved``: records; ``reassigned``: tasks that have another worker."""

    moved: int
    reassigned: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the records have followed one edition. ``stage`` is the collection at work, or done."""

    edition: int
    stage: str
    areas: int
    looked_at: int
    moved: int
    reassigned: int
    started_at: dt.datetime | None
    finished_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class _Move:
    number: int
    area_ids: Sequence[int]
    stage: str


@dataclass(frozen=True, slots=True)
class _Step:
    """One record that must move: where it lies by the newest edition (None: it has no position), and its new grid."""

    id: uuid.UUID
    grid: int | None
    before: int | None
    personal_id: int | None
    place: Located | None


QUEUE: Final = "editions"
_WAITS = text(f"""
    SELECT EXISTS (SELECT FROM edition_move WHERE finished_at IS NULL)
        OR EXISTS (SELECT FROM dead_letter WHERE queue = '{QUEUE}' AND next_attempt_at <= :now)
""")  # noqa: S608  # a constant of this module
_LAST = text("SELECT max(edition_number) FROM edition_move")
_NEXT = text("""
    UPDATE edition_move SET started_at = coalesce(started_at, :now)
    WHERE edition_number = (SELECT min(edition_number) FROM edition_move WHERE finished_at IS NULL)
    RETURNING edition_number, area_ids, stage
""")
_ADVANCE = text("""
    UPDATE edition_move SET stage = :next, finished_at = CASE WHEN :next = 'done' THEN CAST(:now AS timestamptz) END
    WHERE edition_number = :number AND stage = :stage
""")
_COUNT = text("""
    UPDATE edition_move
    SET looked_at = looked_at + :looked, moved = moved + :moved, reassigned = reassigned + :reassigned
    WHERE edition_number = :number
""")
_PROGRESS = text("""
    SELECT edition_number, stage, cardinality(area_ids), looked_at, moved, reassigned, started_at, finished_at
    FROM edition_move WHERE edition_number = :number
""")


def waits(session: Session, now: dt.datetime) -> bool:
    """Return whether records have not followed an edition yet, or some that could not are to be tried again."""
    return bool(session.scalar(_WAITS, {"now": now}))


def progress(session: Session, number: int) -> Progress | None:
    """Return how far the records have followed an edition; None where there was nothing to follow."""
    row = session.execute(_PROGRESS, {"number": number}).one_or_none()
    return None if row is None else Progress(*row)


def follow(city: JobContext, *, chunk: int = CHUNK) -> Followed:
    """Move all records that must follow an edition, edition by edition; safe to run twice at once and to kill."""
    moved = reassigned = 0
    while (move := _next(city)) is not None:
        for name in STAGES[STAGES.index(move.stage) :]:
            with city.open() as session:
                fence.close(session)
            for found in _found(city, move, COLLECTIONS[name]):
                for start in range(0, len(found), chunk):
                    done = _move_each(city, move.number, COLLECTIONS[name], found[start : start + chunk])
                    moved, reassigned = moved + done.moved, reassigned + done.reassigned
            step = {"number": move.number, "stage": name, "next": _THEN[name], "now": city.clock()}
            with city.open() as session:
                session.execute(_ADVANCE, step)
    return Followed(moved, reassigned)


def follow_late(city: JobContext, *, limit: int = CHUNK) -> Followed:
    """Move what was set aside and whose time to be tried again has come."""
    moved = reassigned = 0
    with city.open() as session:
        number = session.scalar(_LAST)
        items = [each.partition("/") for each in dead_letters.due(session, QUEUE, city.clock(), limit)]
    late: dict[str, list[uuid.UUID]] = {}
    for name, _, record_id in items:
        if name in STAGES:
            late.setdefault(name, []).append(uuid.UUID(record_id))
    for name in (each for each in STAGES if each in late):
        done = _move_each(city, number or 0, COLLECTIONS[name], sorted(late[name]))
        moved, reassigned = moved + done.moved, reassigned + done.reassigned
        tried = [f"{name}/{each}" for each in late[name]]
        with city.open() as session:
            # Those that failed again are not due.
            again = set(dead_letters.resting(session, QUEUE, city.clock()))
            dead_letters.take_back(session, QUEUE, [each for each in tried if each not in again])
    return Followed(moved, reassigned)


def _next(city: JobContext) -> _Move | None:
    """Return the oldest move that is not done, with the ground read before anybody has to wait for it."""
    with city.open() as session:
        city.grounds(session)(NEWEST)
        row = session.execute(_NEXT, {"now": city.clock()}).one_or_none()
    return None if row is None else _Move(*row)


def _found(city: JobContext, move: _Move, collection: Collection) -> Iterator[list[uuid.UUID]]:
    """Yield the ids of records whose grid is another now, ascending, for some areas at a time."""
    areas = list(move.area_ids)
    for start in range(0, len(areas), _AREAS_AT_ONCE):
        some = {"areas": areas[start : start + _AREAS_AT_ONCE]}
        yield _astray(city, move, collection.name, _OF_AREAS, some)
    margin = city.near_m / _SHORTEST_DEGREE_M
    yield _astray(city, move, collection.name, _ELSEWHERE, {"number": move.number, "margin": margin})


def _astray(city: JobContext, move: _Move, name: str, where: str, parameters: Mapping[str, object]) -> list[uuid.UUID]:
    """Return which of some records lie in another grid now; all of them where one of them cannot be read."""
    try:
        return _located_astray(city, move, name, where, parameters)
    except dead_letters.NOT_OF_AN_ITEM:
        raise
    except Exception:  # noqa: BLE001  # the chunks will find the one
        with city.open() as session:
            return sorted(session.scalars(_ids(name, where), parameters))


def _located_astray(
    city: JobContext, move: _Move, name: str, where: str, parameters: Mapping[str, object]
) -> list[uuid.UUID]:
    with city.open() as session:
        rows = session.execute(_rows(name, where), parameters).all()
        ground = city.grounds(session)(NEWEST)
        if ground is None or not rows:
            return []
        session.execute(_COUNT, {"number": move.number, "looked": len(rows), "moved": 0, "reassigned": 0})
        return sorted(step.id for step in _steps(session, ground, rows, city.near_m))


def _move_each(city: JobContext, number: int, collection: Collection, ids: Sequence[uuid.UUID]) -> Followed:
    """Move those of the records that can be; set the others aside, so that none of them holds up the rest."""
    aside = dead_letters.Aside(QUEUE, city.open, city.clock)
    done = dead_letters.one_by_one(
        ids,
        lambda some: _move_chunk(city, number, collection, some),
        lambda one, error: aside.put(f"{collection.name}/{one}", error),
    )
    return Followed(sum(each.moved for each in done), sum(each.reassigned for each in done))


def _move_chunk(city: JobContext, number: int, collection: Collection, ids: Sequence[uuid.UUID]) -> Followed:
    """Move some records, in one transaction. Locks them in ascending id, then tasks, then the feed's counter."""
    now = city.clock()
    with city.open() as session:
        fence.hold(session)
        ground = city.grounds(session)(NEWEST)
        rows = session.execute(_locked(collection.name), {"ids": arrays.uuids(list(ids))}).all()
        steps = [] if ground is None else _steps(session, ground, rows, city.near_m)
        if ground is None or not steps:
            return Followed(0, 0)
        session.execute(_set(collection.name), _columns(steps) | {"now": now})
        given = reassign(session, collection.name, [(step.id, step.grid) for step in steps], ground, now=now)
        touches = feed.record_touches(
            collection.topic, [(step.id, (step.before, step.grid), step.personal_id) for step in steps]
        )
        session.execute(_COUNT, {"number": number, "looked": 0, "moved": len(steps), "reassigned": len(given.task_ids)})
        feed.append(session, [*touches, *given.touches])
    return Followed(len(steps), len(given.task_ids))


def _steps(session: Session, ground: Ground, rows: Sequence[Row[Any]], near_m: float) -> list[_Step]:
    """Return those rows whose grid is another by this ground, in the order of the rows.

    What has no position goes where its household or issue is, or with the ground that its retired grid had.
    """
    placed = [row for row in rows if row.lon is not None]
    points = [{"lon": row.lon, "lat": row.lat, "accuracy_m": row.accuracy_m} for row in placed]
    found = locate(ground, points, near_m=near_m)
    places = {row.id: place for row, place in zip(placed, found, strict=True)}
    gone = {row.grid_now for row in rows if row.id not in places and row.grid_now not in ground.areas}
    heir = heirs(session, ground, {grid for grid in gone if grid is not None})
    steps = []
    for row in rows:
        place = places.get(row.id)
        if place is not None:
            grid = place.grid
        elif row.hangs_in is not None:
            grid = row.hangs_in
        else:
            grid = heir.get(row.grid_now, row.grid_now)
        if grid != row.grid_now:
            steps.append(_Step(row.id, grid, row.grid_now, row.personal_id, place))
    return steps


def _columns(steps: Sequence[_Step]) -> dict[str, object]:
    places = [step.place for step in steps]
    return {
        "ids": arrays.uuids([step.id for step in steps]),
        "grids": arrays.numbers([step.grid for step in steps]),
        "hows": arrays.texts([None if place is None else place.how for place in places]),
        "distances": arrays.numbers([_distance(place) for place in places]),
        "candidates": arrays.texts([_candidates(place) for place in places]),
    }


def _distance(place: Located | None) -> float | None:
    return place.distance_m if place is not None and place.how == "near" and np.isfinite(place.distance_m) else None


def _candidates(place: Located | None) -> str | None:
    several = place is not None and len(place.candidates) > 1
    return arrays.numbers(place.candidates) if place is not None and several else None


# What a record without a position hangs on, and the grid of that.
_HANGS: Final = {
    "visits": ("household.grid_now", "LEFT JOIN household ON household.id = record.household_id::uuid"),
    "tasks": (
        "coalesce(household.grid_now, issue.grid_now)",
        "LEFT JOIN household ON household.id = record.household_id LEFT JOIN issue ON issue.id = record.issue_id",
    ),
}


def _read(name: str) -> str:
    collection = COLLECTIONS[name]
    hangs_in, joins = _HANGS.get(name, ("NULL::int", ""))
    personal = f"record.{collection.personal}" if collection.personal else "NULL::int"
    return f"""
        SELECT record.id, ST_X(record.position) AS lon, ST_Y(record.position) AS lat, record.grid_now,
               CAST(record.doc -> 'location' ->> 'accuracy_m' AS float8) AS accuracy_m, {personal} AS personal_id,
               CASE WHEN record.position IS NULL THEN {hangs_in} END AS hangs_in
        FROM {collection.table.name} AS record {joins}
    """  # noqa: S608  # names are the collections' own


_OF_AREAS: Final = "record.grid_now = ANY (CAST(:areas AS int[]))"
_ELSEWHERE: Final = """
    record.located <> 'inside' AND record.position && (
        SELECT ST_Expand(reach, :margin) FROM edition_move WHERE edition_number = :number)
"""


@cache
def _rows(name: str, where: str) -> TextClause:
    return text(f"{_read(name)} WHERE {where}")


@cache
def _ids(name: str, where: str) -> TextClause:
    return text(f"SELECT record.id FROM {COLLECTIONS[name].table.name} AS record WHERE {where}")  # noqa: S608  # ours


@cache
def _locked(name: str) -> TextClause:
    return text(f"""
        {_read(name)} WHERE record.id = ANY (CAST(:ids AS uuid[])) ORDER BY record.id FOR NO KEY UPDATE OF record
    """)


@cache
def _set(name: str) -> TextClause:
    table = COLLECTIONS[name].table.name
    return text(f"""
        UPDATE {table} SET
            grid_now = new.grid, rev = {table}.rev + 1, changed_at = :now,
            located = coalesce(new.how, {table}.located),
            distance_m = CASE WHEN new.how IS NULL THEN {table}.distance_m ELSE new.distance_m END,
            candidates = CASE WHEN new.how IS NULL THEN {table}.candidates ELSE new.candidates::int[] END
        FROM unnest(CAST(:ids AS uuid[]), CAST(:grids AS int[]), CAST(:hows AS text[]), CAST(:distances AS float8[]),
                    CAST(:candidates AS text[])) AS new (id, grid, how, distance_m, candidates)
        WHERE {table}.id = new.id
    """)  # noqa: S608  # table names are the collections' own
