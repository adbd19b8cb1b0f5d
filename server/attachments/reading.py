"""Who may fetch a file: devices whose scope holds its record, staff whose charge does. Everything else does not exist.

What of a private issue is masked for somebody has no files for them either, as ``server.accounts.issue_sight`` has
it. Reads only; knows no requests.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, true
from sqlalchemy.orm import Session

from server.accounts.charge import Reach
from server.accounts.issue_sight import in_reach, masked
from server.attachments.errors import UnknownFile
from server.attachments.tables import Upload
from sync.access.scope import Scope
from sync.access.sight import of_person, within
from sync.collections import COLLECTIONS
from sync.collections.attachments import ATTACHMENTS, Attachment
from sync.collections.issues import Issue


@dataclass(frozen=True, slots=True)
class Served:
    """What a caller may fetch of a file. ``sha256`` in hex and ``size`` are of the content, not of what was sent."""

    id: uuid.UUID
    type: str
    sha256: str
    size: int
    preview: str


def for_device(session: Session, file_id: uuid.UUID, scope: Scope, bound: Mapping[str, Any]) -> Served:
    """Return a file that the pull shows to a device. Raises ``UnknownFile`` for any other.

    ``bound``: what ``sync.access.sight.asker`` says of the device.
    """
    seen = or_(within(ATTACHMENTS, scope.tokens), of_person(ATTACHMENTS, scope))
    return _one(session, file_id, seen, bound)


def for_staff(session: Session, file_id: uuid.UUID, reach: Reach) -> Served:
    """Return a file whose record is in this charge and not masked. Raises ``UnknownFile`` for any other."""
    return _one(session, file_id, _staff_see(reach))


@dataclass(frozen=True, slots=True)
class SetApart:
    """A file as it was sent, which was refused and is kept. ``length`` in bytes."""

    id: uuid.UUID
    sha256: bytes
    length: int


def refused_for_staff(session: Session, file_id: uuid.UUID, reach: Reach) -> SetApart:
    """Return a refused file whose record is in this charge and not masked. Raises ``UnknownFile`` for any other.

    One whose record never came is shown to those in charge of the whole city.
    """
    upload = session.scalars(
        select(Upload).where(Upload.id == file_id, Upload.state == "refused")
    ).one_or_none()  # fmt: skip
    if upload is None or not _record_in(session, upload.collection, upload.record_id, reach):
        raise UnknownFile
    return SetApart(upload.id, upload.sha256, upload.length)


def _record_in(session: Session, collection: str, record_id: uuid.UUID, reach: Reach) -> bool:
    table = COLLECTIONS[collection].table
    if session.scalar(select(table.c.id).where(table.c.id == record_id)) is None:
        return reach.everywhere
    if collection == "issues":
        seen = select(Issue.id).where(Issue.id == record_id, in_reach(reach), ~masked(reach))
        return session.scalar(seen) is not None
    here = true() if reach.everywhere else table.c.grid_now.in_(reach.grid_ids)
    return session.scalar(select(table.c.id).where(table.c.id == record_id, here)) is not None


def photos_of(session: Session, photo_ids: Sequence[uuid.UUID], record_id: uuid.UUID) -> dict[uuid.UUID, Served]:
    """Return those of the files that a record names which have come, and are its own."""
    rows = session.scalars(
        select(Attachment).where(
            Attachment.id.in_(photo_ids), Attachment.record_id == record_id, Attachment.bond == "bound"
        )
    )
    return {row.id: _served(row) for row in rows}


def refusals_of(session: Session, photo_ids: Sequence[uuid.UUID], record_id: uuid.UUID) -> dict[uuid.UUID, str]:
    """Return those of the files that a record names which have come and are not shown, with the reason."""
    rows = session.execute(
        select(Upload.id, Upload.refusal).where(
            Upload.id.in_(photo_ids), Upload.record_id == record_id, Upload.state == "refused"
        )
    )
    return {file_id: reason or "" for file_id, reason in rows}


def _one(
    session: Session, file_id: uuid.UUID, seen: ColumnElement[bool], bound: Mapping[str, Any] | None = None
) -> Served:
    row = session.scalars(select(Attachment).where(Attachment.id == file_id, seen), bound).one_or_none()
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
