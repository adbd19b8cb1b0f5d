"""Records that a city has before any phone speaks: households with their doors, tasks given to workers.

Owns writing them set-wise together with the lines of the log that say where they come from: merging replays the log,
so a record without its first line would lose its fields at the first conflict. Knows no particular city.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from sync.collections import COLLECTIONS, Doc
from sync.store import feed, log, records
from sync.store.located import locate
from sync.store.records import Record, encode

_NAMESPACE = uuid.UUID("5a8fd1b2-7c0e-4b57-9f3e-360725000000")
_NEAR_M = 50.0


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task to give. ``kind``: visit, check or order."""

    id: uuid.UUID
    kind: str
    title: str
    login: str
    due_at: dt.datetime
    household_id: uuid.UUID | None = None


def named_id(*parts: object) -> uuid.UUID:
    """Return the same id for the same name, so that planting twice finds what is there."""
    return uuid.uuid5(_NAMESPACE, "/".join(str(part) for part in parts))


def plant_households(
    session: Session, docs: Sequence[tuple[uuid.UUID, Doc]], ground: Ground, *, now: dt.datetime
) -> list[feed.Touch]:
    """Add the households that are missing; return their touches. ``docs``: id and fields, each with a location."""
    households = COLLECTIONS["households"]
    missing = _missing(session, "household", [record_id for record_id, _ in docs])
    new = [(record_id, doc) for record_id, doc in docs if record_id in missing]
    places = locate(ground, [doc["location"] for _, doc in new], near_m=_NEAR_M)
    planted = [
        Record(record_id, 1, 1, doc, None, now, grid_now=place.grid, grid_at_capture=place.grid, located=place)
        for (record_id, doc), place in zip(new, places, strict=True)
    ]
    records.insert(session, households, planted, now)
    _log(session, "households", new, now)
    return feed.record_touches(households.topic, [(each.id, (each.grid_now,), None) for each in planted])


def plant_tasks(session: Session, tasks: Sequence[NewTask], *, now: dt.datetime) -> list[feed.Touch]:
    """Give the tasks that were not given yet; return their touches."""
    missing = _missing(session, "task", [task.id for task in tasks])
    new = [task for task in tasks if task.id in missing]
    if not new:
        return []
    doc: Doc = {"state": "open"}
    names = ("id", "kind", "title", "login", "due_at", "household_id")
    columns = {name: [getattr(task, name) for task in new] for name in names}
    rows = session.execute(_TASKS, columns | {"doc": encode(doc), "now": now}).all()
    _log(session, "tasks", [(task.id, doc) for task in new], now)
    return feed.record_touches(COLLECTIONS["tasks"].topic, [(row.id, (), row.person_id) for row in rows])


def _missing(session: Session, table: str, ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    known = text(f"SELECT id FROM {table} WHERE id = ANY (CAST(:ids AS uuid[]))")  # noqa: S608  # one of two tables
    return set(ids) - set(session.scalars(known, {"ids": list(ids)}))


def _log(session: Session, collection: str, docs: Sequence[tuple[uuid.UUID, Doc]], now: dt.datetime) -> None:
    rows = [
        log.made_here(named_id("first", record_id), collection, record_id, "put", data=doc, rev=1, corrected_at=now)
        for record_id, doc in docs
    ]
    log.write(session, rows, now=now)


_TASKS = text("""
    INSERT INTO task (id, rev, doc_rev, doc, captured_at, received_at, changed_at, kind, title, person_id, due_at,
                      household_id)
    SELECT new.id, 1, 1, CAST(:doc AS jsonb), :now, :now, :now, new.kind, new.title, person.id, new.due_at,
           new.household_id
    FROM unnest(CAST(:id AS uuid[]), CAST(:kind AS text[]), CAST(:title AS text[]), CAST(:login AS text[]),
                CAST(:due_at AS timestamptz[]), CAST(:household_id AS uuid[]))
        AS new (id, kind, title, login, due_at, household_id)
    JOIN person ON person.login = new.login
    RETURNING id, person_id
""")
