"""The bond of a file to its record: who may attach what, and binding what came before its record did.

Owns asking for the right to attach: to one's own record, one that by ``sync.access.rights`` one works on and sees in
full, or a case that one handles or took a step of. A record that has not come yet may be named by anybody; the right is
judged again when it has. Knows no requests.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.attachments.errors import RecordNotYours
from sync.access.rights import Today, Worker, sees_in_full, works_on
from sync.access.scope import assignments
from sync.access.zones import read_zones
from sync.collections import COLLECTIONS
from sync.collections.attachments import Attachment
from sync.resolution.effect import read_private
from sync.store.records import read

_RECORD = text("""
    SELECT author_id, lies_in, grid_now, follower_id, closed_at, deleted_at FROM attachable
    WHERE collection = :collection AND id = :id
""")
# Evidence is of those who handle a case, or took a step of it: what a returned case was shown with comes later still.
_HAS_PART = text("""
    SELECT EXISTS (
        SELECT FROM issue JOIN category ON category.code = issue.category
        JOIN assignment ON assignment.person_id = :person AND role = 'handler' AND during @> CAST(:now AS timestamptz)
            AND (organisation_id = issue.body_id
                 OR organisation_id = ANY (issue.assisting_ids) AND NOT (issue.private OR category.is_private))
        WHERE issue.id = :issue
    ) OR EXISTS (SELECT FROM case_step WHERE issue_id = :issue AND person_id = :person AND step <> 'report')
""")
# Files whose record has come meanwhile. The record is judged under its lock, one by one.
_ARRIVED = text("""
    SELECT attachment.id FROM attachment
    WHERE bond = 'awaited' AND attachment.id <> ALL (CAST(:skipped AS uuid[])) AND EXISTS (
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
    if record is not None and not _may_attach(session, person_id, collection, record_id, ground, now):
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
    if not _may_attach(session, person_id, collection, record_id, ground, now):
        return Bond("refused", None, person_id, None, None)
    return Bond("bound", record.grid_now, record.follower_id, record.closed_at, record.deleted_at)


def has_arrived(session: Session) -> bool:
    """Return whether a record has come whose file waits for it."""
    return next_arrived(session) is not None


def next_arrived(session: Session, skipped: Sequence[uuid.UUID] = ()) -> uuid.UUID | None:
    """Return a file whose record has come since, passing over some; None where there is none."""
    return session.scalars(_ARRIVED, {"limit": 1, "skipped": list(skipped)}).one_or_none()


def bind_arrived(session: Session, attachment_id: uuid.UUID, ground: Ground, now: dt.datetime) -> None:
    """Bind a file whose record has come since.

    One in a transaction: it locks the record, then the attachment, as every writer of records does.
    """
    attachment = session.get_one(Attachment, attachment_id)
    bond = bond_to(
        session, attachment.author_id or 0, attachment.collection, attachment.record_id, ground, now
    )  # fmt: skip
    session.refresh(attachment, with_for_update=True)
    if attachment.bond == "awaited":
        _bind(attachment, bond, now)
    session.flush()


def _bind(attachment: Attachment, bond: Bond, now: dt.datetime) -> None:
    attachment.bond = bond.bond
    attachment.grid_now = bond.grid_now
    attachment.follower_id = bond.follower_id
    attachment.closed_at = bond.closed_at
    attachment.deleted_at = bond.deleted_at
    attachment.rev += 1
    attachment.changed_at = now


def _has_part(session: Session, person_id: int, issue_id: uuid.UUID, now: dt.datetime) -> bool:
    return bool(session.scalar(_HAS_PART, {"person": person_id, "issue": issue_id, "now": now}))


def _may_attach(
    session: Session, person_id: int, collection: str, record_id: uuid.UUID, ground: Ground, now: dt.datetime
) -> bool:
    assigned = assignments(session, person_id)
    record = read(session, COLLECTIONS[collection], record_id)
    if record is None:
        return False
    zones = read_zones(session, ground, {each.area_id for each in assigned})
    today = Today(ground, now, read_private(session), zones)
    if record.author_id == person_id or (collection == "issues" and _has_part(session, person_id, record_id, now)):
        return True
    return works_on(Worker(person_id, assigned), collection, record, today) and sees_in_full(person_id, record, today)
