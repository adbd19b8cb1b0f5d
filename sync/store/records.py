"""The record tables, read and written set-wise: one statement for all records of a collection in a batch.

Owns the SQL that every synced collection shares; collections differ by their table alone. Knows nothing
of devices, rights or merging.
"""

import datetime as dt
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from sync.collections import COLLECTIONS, Collection, Doc
from sync.sql import arrays
from sync.sql.statements import Statement
from sync.store.located import Located


@dataclass(slots=True)
class Record:
    """The state of one record as an exchange sees and changes it.

    ``has_body``, ``case_state`` and ``task_holders`` are of issues: whether a body handles it, how far its case is,
    and who has an open task on it. ``located`` is set only where this exchange located it; ``grid_before`` is the
    grid it lay in; ``first_rev`` is the revision with which this exchange makes it, None where it was there.
    """

    id: uuid.UUID
    rev: int
    doc_rev: int
    doc: Doc
    author_id: int | None
    captured_at: dt.datetime
    deleted_at: dt.datetime | None = None
    grid_now: int | None = None
    grid_before: int | None = None
    grid_at_capture: int | None = None
    personal_id: int | None = None
    has_body: bool = False
    case_state: str | None = None
    task_holders: Sequence[int] | None = None
    located: Located | None = None
    first_rev: int | None = None

    @property
    def is_first(self) -> bool:
        """Whether it stands at the revision with which this exchange makes it."""
        return self.rev == self.first_rev


def encode(doc: Any) -> str:
    """Return JSON text for a jsonb parameter."""
    return msgspec.json.encode(doc).decode()


def lock(
    session: Session, collection: Collection, ids: Sequence[uuid.UUID], *, skip_locked: bool = False
) -> dict[uuid.UUID, Record]:
    """Lock the records that exist, in ascending id, and return them by id; rows that refer to them may still be added.

    With ``skip_locked`` those that another transaction holds are left out.
    """
    if not ids:
        return {}
    statement = _lock_statement(collection.name, collection.personal, "SKIP LOCKED" if skip_locked else "")
    return {row[0]: Record(*row) for row in statement.run(session, ids=arrays.uuids(sorted(ids)))}


def read(session: Session, collection: Collection, record_id: uuid.UUID) -> Record | None:
    """Return one record as it stands, without a lock; None where there is none."""
    rows = _lock_statement(collection.name, collection.personal, None).run(session, ids=arrays.uuids([record_id]))
    return Record(*rows[0]) if rows else None


def insert(session: Session, collection: Collection, records: Sequence[Record], now: dt.datetime) -> set[uuid.UUID]:
    """Insert new records in ascending id; return the ids that were new (another writer may have been first)."""
    if not records:
        return set()
    ordered = sorted(records, key=lambda record: record.id)
    rows = _insert_statement(collection.name).send(session, **_columns(ordered), now=now)
    if rows.count == len(ordered):
        return {record.id for record in ordered}
    return {record_id for (record_id,) in rows.all()}


def update(session: Session, collection: Collection, records: Sequence[Record], now: dt.datetime) -> None:
    """Write the new state of records that this transaction has locked."""
    if records:
        _update_statement(collection.name).send(session, **_columns(records), now=now)


def _columns(records: Sequence[Record]) -> dict[str, Any]:
    located = [record.located for record in records]
    return {
        "ids": arrays.uuids([record.id for record in records]),
        "revs": arrays.numbers([record.rev for record in records]),
        "doc_revs": arrays.numbers([record.doc_rev for record in records]),
        "docs": arrays.texts([encode(record.doc) for record in records]),
        "authors": arrays.numbers([record.author_id for record in records]),
        "captured": arrays.times([record.captured_at for record in records]),
        "deleted": arrays.times([record.deleted_at for record in records]),
        "grids": arrays.numbers([record.grid_now for record in records]),
        "first_grids": arrays.numbers([record.grid_at_capture for record in records]),
        "lons": arrays.numbers([None if place is None else place.lon for place in located]),
        "lats": arrays.numbers([None if place is None else place.lat for place in located]),
        "hows": arrays.texts([None if place is None else place.how for place in located]),
        "distances": arrays.numbers([_finite(place) for place in located]),
        "candidates": arrays.texts([_candidates(place) for place in located]),
        "editions": arrays.numbers([None if place is None else place.edition for place in located]),
    }


def _finite(place: Located | None) -> float | None:
    return place.distance_m if place is not None and place.how == "near" else None


def _candidates(place: Located | None) -> str | None:
    many = place is not None and len(place.candidates) > 1
    return "{" + json.dumps(place.candidates)[1:-1] + "}" if place is not None and many else None


_ROWS = """
    unnest(
        CAST(:ids AS uuid[]), CAST(:revs AS int[]), CAST(:doc_revs AS int[]), CAST(:docs AS text[]),
        CAST(:authors AS int[]), CAST(:captured AS timestamptz[]), CAST(:deleted AS timestamptz[]),
        CAST(:grids AS int[]), CAST(:first_grids AS int[]), CAST(:lons AS float8[]), CAST(:lats AS float8[]),
        CAST(:hows AS text[]), CAST(:distances AS float8[]), CAST(:candidates AS text[]), CAST(:editions AS int[])
    ) AS new (
        id, rev, doc_rev, doc, author_id, captured_at, deleted_at, grid_now, grid_at_capture, lon, lat,
        located, distance_m, candidates, edition
    )
"""
_POINT = "CASE WHEN new.lon IS NOT NULL THEN ST_SetSRID(ST_MakePoint(new.lon, new.lat), 4326) END"


def _table(collection: str) -> str:
    return COLLECTIONS[collection].table.name


@cache
def _lock_statement(collection: str, personal: str | None, patience: str | None) -> Statement:
    # In the order of Record's fields: the grid it lies in is also the one it lay in before.
    declared = COLLECTIONS[collection].case
    case = "" if declared is None else f", {declared}"
    lock = "" if patience is None else f"FOR NO KEY UPDATE {patience}"
    return Statement(f"""
        SELECT id, rev, doc_rev, doc, author_id, captured_at, deleted_at, grid_now, grid_now, grid_at_capture,
               {personal or "NULL::int"} AS personal_id{case}
        FROM {_table(collection)} WHERE id = ANY (CAST(:ids AS uuid[])) ORDER BY id {lock}
    """)  # noqa: S608  # table and column names are the collections' own


@cache
def _insert_statement(collection: str) -> Statement:
    return Statement(f"""
        INSERT INTO {_table(collection)} (
            id, rev, doc_rev, doc, author_id, captured_at, received_at, changed_at, deleted_at, position,
            located, distance_m, candidates, edition_at_capture, grid_at_capture, grid_now
        )
        SELECT new.id, new.rev, new.doc_rev, new.doc::jsonb, new.author_id, new.captured_at, :now, :now,
               new.deleted_at, {_POINT}, new.located, new.distance_m, new.candidates::int[], new.edition,
               new.grid_at_capture, new.grid_now
        FROM {_ROWS}
        ON CONFLICT (id) DO NOTHING
        RETURNING id
    """)  # noqa: S608  # table names are the collections' own


@cache
def _update_statement(collection: str) -> Statement:
    table = _table(collection)
    return Statement(f"""
        UPDATE {table} SET
            rev = new.rev, doc_rev = new.doc_rev, doc = new.doc::jsonb, changed_at = :now,
            deleted_at = new.deleted_at, grid_now = new.grid_now,
            position = CASE WHEN new.located IS NULL THEN {table}.position ELSE {_POINT} END,
            located = coalesce(new.located, {table}.located),
            distance_m = CASE WHEN new.located IS NULL THEN {table}.distance_m ELSE new.distance_m END,
            candidates = CASE WHEN new.located IS NULL THEN {table}.candidates ELSE new.candidates::int[] END
        FROM {_ROWS}
        WHERE {table}.id = new.id
    """)  # noqa: S608  # table names are the collections' own
