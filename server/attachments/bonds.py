"""The bond of a file to its record: who may attach what, and binding what came before its record did.

Owns the right to attach: to one's own record, one given to oneself, or one in the areas one is assigned to. A record
that has not come yet may be named by anybody; the right is judged again when it has. Knows no requests.
"""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from geo.editions import Ground
from server.attachments.errors import RecordNotYours
from sync.collections import COLLECTIONS
from sync.collections.attachments import Attachment
from sync.scope import areas_at, assignments

_RECORD = text("""
    SELECT author_id, lies_in, grid_now, follower_id, closed_at, deleted_at FROM attachable
    WHERE collection = :collection AND id = :id
""")
# Files whose record has come meanwhile. The record is judged under its lock, one by one.
_ARRIVED = text("""
    SELECT attachment.id FROM attachment
    WHERE bond = 'awaited' AND EXISTS (
        SELECT FROM attachable WHERE attachable.collection = attachment.collection AND attachable.id = record_id
    ) LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class Bond:
    """What an attachment has of its record: see ``sync.collections.attachments``."""

    bond: str
    grid_now: int | None
    follower_id: int | None
    closed_at: dt.datetime | None
    deleted_at: dt.datetime | None


def check_record(
    session: Session, person_id: int, collection: str, record_id: uuid.UUID, ground: Ground, now: dt.datetime
) -> None:
    """Raise ``RecordNotYours`` where the record has come and this person may not attach to it."""
    record = session.execute(_RECORD, {"collection": collection, "id": record_id}).one_or_none()
    if record is not None and not _may_attach(session, person_id, record, ground, now):
        raise RecordNotYours(field="record")


def bond_to(
    session: Session, person_id: int, collection: str, record_id: uuid.UUID, ground: Ground, now: dt.datetime
) -> Bond:
    """Return the bond of a person's file to a record, under a lock that keeps the record where it is meanwhile.

    Without the lock the record could move between this and the commit of the attachment, unseen by the trigger.
    """
    table = COLLECTIONS[collection].table
    session.execute(select(table.c.id).where(table.c.id == record_id).with_for_update(read=True))
    record = session.execute(_RECORD, {"collection": collection, "id": record_id}).one_or_none()
    if record is None:
        return Bond("awaited", None, person_id, None, None)
    if not _may_attach(session, person_id, record, ground, now):
        return Bond("refused", None, person_id, None, None)
    return Bond("bound", record.grid_now, record.follower_id, record.closed_at, record.deleted_at)


def has_arrived(session: Session) -> bool:
    """Return whether a record has come whose file waits for it."""
    return session.execute(_ARRIVED, {"limit": 1}).first() is not None


def bind_arrived(session: Session, ground: Ground, now: dt.datetime) -> bool:
    """Bind one file whose record has come since; return whether there was one.

    One in a transaction: it locks the record, then the attachment, as every writer of records does.
    """
    found = session.scalars(_ARRIVED, {"limit": 1}).one_or_none()
    if found is None:
        return False
    attachment = session.get_one(Attachment, found)
    bond = bond_to(
        session, attachment.author_id or 0, attachment.collection, attachment.record_id, ground, now
    )  # fmt: skip
    session.refresh(attachment, with_for_update=True)
    if attachment.bond == "awaited":
        _bind(attachment, bond, now)
    session.flush()
    return True


def _bind(attachment: Attachment, bond: Bond, now: dt.datetime) -> None:
    attachment.bond = bond.bond
    attachment.grid_now = bond.grid_now
    attachment.follower_id = bond.follower_id
    attachment.closed_at = bond.closed_at
    attachment.deleted_at = bond.deleted_at
    attachment.rev += 1
    attachment.changed_at = now


def _may_attach(session: Session, person_id: int, record: Row[Any], ground: Ground, now: dt.datetime) -> bool:
    if person_id in (record.author_id, record.follower_id):
        return True
    areas = areas_at(assignments(session, person_id), now)
    return record.lies_in is not None and ground.lies_in(record.lies_in, areas)
