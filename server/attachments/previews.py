"""Small previews of pictures, made outside any transaction and any request.

Owns the claim on a picture, so that several workers make different ones, and a picture that kills its worker is tried
three times and then left without. Knows no queues.
"""

import datetime as dt
import uuid
from dataclasses import dataclass

import structlog
from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from server.attachments.finishing import served_key
from server.attachments.processing import Small, preview
from server.attachments.store import Store
from server.attachments.tables import PhotoHash
from sync.collections.attachments import Attachment

ATTEMPTS = 3
CLAIMED_FOR = dt.timedelta(minutes=10)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ClaimedPreview:
    """A picture whose preview this process makes. ``exhausted``: it was tried too often, and gets none."""

    id: uuid.UUID
    exhausted: bool


def preview_key(file_id: uuid.UUID) -> str:
    """Return the key of the preview."""
    return f"previews/{file_id}"


def awaited(session: Session, now: dt.datetime) -> bool:
    """Return whether a preview waits to be made."""
    return session.scalar(select(exists().where(*_free(now)))) or False


def claim_preview(session: Session, now: dt.datetime) -> ClaimedPreview | None:
    """Claim one picture; another process may have it again once the claim is old."""
    found = session.scalars(
        select(Attachment).where(*_free(now)).order_by(Attachment.id).limit(1).with_for_update(skip_locked=True)
    ).one_or_none()
    if found is None:
        return None
    found.preview_claimed_at = now
    found.preview_attempts += 1
    session.flush()
    return ClaimedPreview(found.id, exhausted=found.preview_attempts > ATTEMPTS)


def make_preview(store: Store, file_id: uuid.UUID) -> Small | None:
    """Make the preview of a file and store it; return it, None where it could not be made."""
    try:
        content = store.get(served_key(file_id))
    except FileNotFoundError:
        log.error("a file is not in the store", file=str(file_id))  # noqa: TRY400  # no trace needed
        return None
    small = preview(content)
    if small is not None:
        store.put(preview_key(file_id), small.content)
    return small


def enter_preview(session: Session, file_id: uuid.UUID, now: dt.datetime, made: Small | None) -> None:
    """Note that a preview is there, or that there will be none; the phones hear of it. The photo is known by its print.

    One that could not be made small is known as a file alone.
    """
    attachment = session.get(Attachment, file_id, with_for_update=True)
    if attachment is not None and attachment.preview == "awaited":
        attachment.preview = "none" if made is None else "ready"
        attachment.rev += 1
        attachment.changed_at = now
        sha256 = bytes.fromhex(attachment.doc["sha256"])
        session.add(PhotoHash(attachment_id=file_id, sha256=sha256, phash=made and made.phash))
        session.flush()


def _free(now: dt.datetime) -> tuple[ColumnElement[bool], ...]:
    claimed = Attachment.preview_claimed_at
    return (Attachment.preview == "awaited", or_(claimed.is_(None), claimed < now - CLAIMED_FOR))
