"""Digests: count and checksum of what a phone should hold, so that it can prove that it does.

The checksum is the MD5, in lower-case hex, of the lines ``id:rev`` joined by newlines, in ascending id;
it guards against mistakes, not against malice.
"""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from sync.access.devices import CallingDevice
from sync.access.scope import Scope
from sync.access.sight import asker, of_person, within
from sync.collections import COLLECTIONS

EMPTY = "d41d8cd98f00b204e9800998ecf8427e"


@dataclass(frozen=True, slots=True)
class Digest:
    """Count and checksum of one collection in one grid; ``grid`` is None for a person's own records elsewhere."""

    grid: str | None
    collection: str
    count: int
    checksum: str

    def as_json(self) -> dict[str, Any]:
        """Return the digest of the protocol."""
        return {"grid": self.grid, "collection": self.collection, "count": self.count, "checksum": self.checksum}


def digest(session: Session, scope: Scope, ground: Ground, device: CallingDevice) -> list[Digest]:
    """Return a digest for each grid in scope and collection, those with nothing in them too."""
    digests = []
    me = asker(device, ground)
    for name, collection in COLLECTIONS.items():
        table = collection.table
        if collection.by_grid:
            rows = session.execute(
                select(table.c.grid_now, *_sums(table.c.id, table.c.rev))
                .where(within(collection, scope.tokens))
                .group_by(table.c.grid_now),
                me,
            )
            found = {row[0]: (row[1], row[2]) for row in rows}
            for grid in scope.grid_ids:
                code = ground.areas[grid].code if grid in ground.areas else None
                digests.append(Digest(code, name, *found.get(grid, (0, EMPTY))))
        if collection.seen_by is not None:
            row = session.execute(
                select(literal(0), *_sums(table.c.id, table.c.rev)).where(of_person(collection, scope)), me
            ).one()
            digests.append(Digest(None, name, row[1], row[2] or EMPTY))
    return digests


def _sums(record_id: ColumnElement[uuid.UUID], rev: ColumnElement[int]) -> tuple[ColumnElement[Any], ...]:
    line = cast(record_id, Text) + ":" + cast(rev, Text)
    return func.count(), func.md5(func.string_agg(line, aggregate_order_by(literal("\n"), record_id)))
