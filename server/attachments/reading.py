"""Who may fetch a file: devices whose scope holds its record, staff whose charge does. Everything else does not exist.

What of a private issue is masked for somebody has no files for them either, as ``server.cases.board`` has it.
Reads only; knows no requests.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, select, true
from sqlalchemy.orm import Session

from server.accounts.charge import Reach
from server.attachments.errors import UnknownFile
from server.cases.board import in_reach, masked
from sync.collections import COLLECTIONS
from sync.collections.attachments import ATTACHMENTS, Attachment
from sync.collections.issues import Issue
from sync.scope import Scope
from sync.states import of_person, within


@dataclass(frozen=True, slots=True)
class Served:
    """What a caller may fetch of a file. ``sha256`` in hex and ``size`` are of the content, not of what was sent."""

    id: uuid.UUID
    type: str
    sha256: str
    size: int
    preview: str


def for_device(session: Session, file_id: uuid.UUID, scope: Scope, person_id: int) -> Served:
    """Return a file that the pull shows to this person's devices. Raises ``UnknownFile`` for any other."""
    seen = or_(within(ATTACHMENTS, scope.grid_ids), of_person(ATTACHMENTS, person_id, scope))
    return _one(session, file_id, seen)


def for_staff(session: Session, file_id: uuid.UUID, reach: Reach) -> Served:
    """Return a file whose record is in this charge and not masked. Raises ``UnknownFile`` for any other."""
    return _one(session, file_id, _staff_see(reach))


def photos_of(session: Session, photo_ids: Sequence[uuid.UUID], record_id: uuid.UUID) -> dict[uuid.UUID, Served]:
    """Return those of the files that a record names which have come, and are its own."""
    rows = session.scalars(
        select(Attachment).where(
            Attachment.id.in_(photo_ids), Attachment.record_id == record_id, Attachment.bond == "bound"
        )
    )
    return {row.id: _served(row) for row in rows}


def _one(session: Session, file_id: uuid.UUID, seen: ColumnElement[bool]) -> Served:
    row = session.scalars(select(Attachment).where(Attachment.id == file_id, seen)).one_or_none()
    if row is None:
        raise UnknownFile
    return _served(row)


def _served(row: Attachment) -> Served:
    return Served(row.id, row.media_type, row.served_sha256.hex(), row.served_size, row.preview)


def _staff_see(reach: Reach) -> ColumnElement[bool]:
    issue = select(Issue.id).where(Issue.id == Attachment.record_id, in_reach(reach), ~masked(reach))
    seen = [and_(Attachment.collection == "issues", issue.correlate(Attachment).exists())]
    for name in ("visits", "households", "tasks"):
        table = COLLECTIONS[name].table
        here = true() if reach.everywhere else table.c.grid_now.in_(reach.grid_ids)
        record = select(table.c.id).where(table.c.id == Attachment.record_id, table.c.deleted_at.is_(None), here)
        seen.append(and_(Attachment.collection == name, record.correlate(Attachment).exists()))
    return and_(Attachment.bond == "bound", Attachment.deleted_at.is_(None), or_(*seen))
