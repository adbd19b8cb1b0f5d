"""The end of an upload: the whole is checked, what others may see is made, and the attachment is written.

Runs in the request that brings the last byte, or in a job where that request died: every step may be done twice.
Bytes are read and written outside any transaction; the verdict is entered in one, under the lock of the upload.
Knows no requests.
"""

import datetime as dt
import hashlib
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import ColumnElement, delete, exists, select
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.attachments.bonds import bond_to
from server.attachments.errors import ChecksumMismatch, FileRefused
from server.attachments.processing import Checked, check
from server.attachments.store import Store
from server.attachments.tables import LeftoverFolder, Upload, UploadPart
from server.attachments.uploads import Part, begin_anew, parts_of
from sync.collections.attachments import Attachment

Transaction = Callable[[], AbstractContextManager[Session]]
GroundOf = Callable[[Session], Ground]
# How long a request that brought the last byte is left to finish it, before a job does.
STRANDED_AFTER = dt.timedelta(minutes=2)


def original_key(file_id: uuid.UUID) -> str:
    """Return the key of the file as it was sent; nobody is served it."""
    return f"originals/{file_id}"


def served_key(file_id: uuid.UUID) -> str:
    """Return the key of the file as others see it."""
    return f"served/{file_id}"


def refused_key(file_id: uuid.UUID, sha256: bytes) -> str:
    """Return the key of a file that was refused, as it was sent: it is kept for a person who looks after it."""
    return f"refused/{file_id}/{sha256.hex()}"


def is_stranded(session: Session, now: dt.datetime) -> bool:
    """Return whether there is an upload whose bytes have all come and whose end nobody sees to."""
    return session.scalar(select(exists().where(*_stranded(now)))) or False


def claim_stranded(session: Session, now: dt.datetime) -> uuid.UUID | None:
    """Return a stranded upload; it is nobody else's for a while, and others are tried before it is tried again."""
    found = select(Upload).where(*_stranded(now)).order_by(Upload.touched_at).limit(1)
    upload = session.scalars(found.with_for_update(skip_locked=True)).one_or_none()
    if upload is None:
        return None
    upload.touched_at = now
    session.flush()
    return upload.id


def _stranded(now: dt.datetime) -> tuple[ColumnElement[bool], ...]:
    whole = Upload.received == Upload.length
    return (Upload.state == "open", whole, Upload.touched_at < now - STRANDED_AFTER)


def finish(transaction: Transaction, store: Store, upload_id: uuid.UUID, ground_of: GroundOf, now: dt.datetime) -> None:
    """Check the whole of an upload and make an attachment of it; one that is finished stays as it is.

    Raises ``ChecksumMismatch`` where the bytes are not those announced (the upload begins anew), or ``FileRefused``
    (the upload stays refused, and its file is kept apart: what a worker took is not thrown away).
    """
    with transaction() as session:
        upload = session.get(Upload, upload_id)
        if upload is None or upload.state != "open" or upload.received != upload.length:
            return
        announced, parts = upload.sha256, parts_of(session, upload_id)
    content = _whole(store, parts)
    if hashlib.sha256(content).digest() != announced:
        with transaction() as session:
            _mismatch(session, upload_id, parts, now)
        raise ChecksumMismatch(of="file")
    try:
        checked = check(content)
    except FileRefused as refusal:
        store.put(refused_key(upload_id, announced), content)
        with transaction() as session:
            _refuse(session, upload_id, refusal.reason, now)
        raise
    store.put(original_key(upload_id), content)
    store.put(served_key(upload_id), checked.served)
    with transaction() as session:
        _enter(session, upload_id, checked, ground_of(session), now)


def _whole(store: Store, parts: list[Part]) -> bytes:
    """Return the bytes of all parts; what the store has lost is missing, and the checksum tells."""
    try:
        return b"".join(store.get(part.key) for part in parts)
    except FileNotFoundError:
        return b""


def _mismatch(session: Session, upload_id: uuid.UUID, parts: list[Part], now: dt.datetime) -> None:
    """Take an upload back to its beginning, unless somebody did so before."""
    upload = session.get(Upload, upload_id, with_for_update=True)
    if upload is not None and upload.state == "open" and parts_of(session, upload_id) == parts:
        upload.mismatches += 1
        begin_anew(session, upload, now)


def _refuse(session: Session, upload_id: uuid.UUID, reason: str, now: dt.datetime) -> None:
    upload = session.get(Upload, upload_id, with_for_update=True)
    if upload is not None and upload.state == "open":
        upload.state, upload.refusal = "refused", reason
        begin_anew(session, upload, now)


def _enter(session: Session, upload_id: uuid.UUID, checked: Checked, ground: Ground, now: dt.datetime) -> None:
    """Write the attachment and end the upload. Locks the upload, then the record."""
    upload = session.get(Upload, upload_id, with_for_update=True)
    if upload is None or upload.state != "open" or upload.received != upload.length:
        return
    bond = bond_to(session, upload.person_id, upload.collection, upload.record_id, ground, now)
    sha256, size = hashlib.sha256(checked.served), len(checked.served)
    doc = {
        "sha256": upload.sha256.hex(),
        "size": upload.length,
        "type": checked.media.type,
        "record": str(upload.record_id),
        "collection": upload.collection,
        "content": {"sha256": sha256.hexdigest(), "size": size},
    }
    session.add(
        Attachment(
            id=upload.id, rev=1, doc_rev=1, doc=doc, author_id=upload.person_id, captured_at=upload.created_at,
            received_at=now, changed_at=now, deleted_at=bond.deleted_at, grid_now=bond.grid_now,
            collection=upload.collection, record_id=upload.record_id, bond=bond.bond, follower_id=bond.follower_id,
            closed_at=bond.closed_at, media_type=checked.media.type, served_sha256=sha256.digest(), served_size=size,
            preview="awaited" if checked.media.readable else "none",
        )
    )  # fmt: skip
    upload.state, upload.writer = "finished", None
    session.execute(delete(UploadPart).where(UploadPart.upload_id == upload.id))
    session.add(LeftoverFolder(folder=upload.folder, left_at=now))
    session.flush()
