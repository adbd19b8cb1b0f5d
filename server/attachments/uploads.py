"""Uploads: begun, appended to part by part, taken back. PostgreSQL says how far each has come.

Owns the rows ``upload`` and ``upload_part``. Bytes are stored as whole objects before the row that names them is
committed, so a crash at any point leaves an upload that goes on from its offset. Each request that appends makes
itself the writer; the earlier one finds out at its next part and stops, so two never mix their bytes.
Sessions are the caller's, and so are commits; nothing here writes to the store within a transaction.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, exists, func, select
from sqlalchemy.orm import Session

from server.attachments.errors import (
    FileIdTaken,
    FileTooLarge,
    OffsetConflict,
    QuotaReached,
    TooMuchSent,
    UnknownUpload,
    UploadFinished,
    UploadGone,
    UploadTaken,
)
from server.attachments.tables import LeftoverFolder, Upload, UploadPart
from sync.access.devices import CallingDevice

# Parts are joined up to this size, so that an upload in drops is not stored as a thousand objects.
PART_BYTES = 1024 * 1024
LEFT_FOR = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one device may have: bytes of a file, and unfinished uploads by number and bytes; and for how long."""

    file_bytes: int
    open_uploads: int
    open_bytes: int
    keep_for: dt.timedelta


@dataclass(frozen=True, slots=True)
class Announced:
    """What an upload says of itself when it begins."""

    id: uuid.UUID
    collection: str
    record_id: uuid.UUID
    sha256: bytes
    length: int
    said: str


@dataclass(frozen=True, slots=True)
class UploadStanding:
    """How far an upload is. ``tail``: the last part, where more can be joined to it."""

    id: uuid.UUID
    offset: int
    length: int
    state: str
    refusal: str | None
    mismatches: int
    said: str
    folder: uuid.UUID
    expires_at: dt.datetime
    tail: "Part | None" = None

    @property
    def complete(self) -> bool:
        """Return whether all bytes have come."""
        return self.offset == self.length


@dataclass(frozen=True, slots=True)
class Part:
    """One stored part."""

    position: int
    size: int
    key: str


def begin(
    session: Session, device: CallingDevice, announced: Announced, limits: Limits, now: dt.datetime
) -> UploadStanding:
    """Begin an upload, or return the one that this worker began for the same bytes: its answer may have been lost.

    It may have been begun under another enrolment: then it is this device's from now on.

    Raises ``FileTooLarge``, ``QuotaReached``, ``FileIdTaken``, or ``UploadGone`` for bytes that were refused before.
    """
    if announced.length > limits.file_bytes:
        raise FileTooLarge(limit_bytes=limits.file_bytes)
    session.execute(select(func.pg_advisory_xact_lock(_QUOTA_LOCK, device.id)))
    known = session.get(Upload, announced.id, with_for_update=True)
    if known is not None and _is_again(known, device, announced, now - limits.keep_for):
        if known.state == "open":
            known.touched_at = now
            known.device_id = device.id
        return _standing(known, limits)
    if known is not None:
        leave(session, [known], now)
    _check_quota(session, device, announced.length, limits)
    upload = Upload(
        id=announced.id, device_id=device.id, person_id=device.person_id, collection=announced.collection,
        record_id=announced.record_id, sha256=announced.sha256, length=announced.length, received=0, state="open",
        mismatches=0, created_at=now, touched_at=now, folder=uuid.uuid4(),
        said=announced.said,
    )  # fmt: skip
    session.add(upload)
    session.flush()
    return _standing(upload, limits)


_QUOTA_LOCK = 0x66696C65


def _is_again(known: Upload, device: CallingDevice, announced: Announced, lately: dt.datetime) -> bool:
    """Return whether an id is announced again for the same bytes; False where a refused file gives way to another.

    A file that was refused before ``lately`` may be sent again: what is taken may have changed since.
    """
    before = (known.collection, known.record_id, known.sha256, known.length)
    same = before == (announced.collection, announced.record_id, announced.sha256, announced.length)
    if known.person_id != device.person_id or (known.state != "refused" and not same):
        raise FileIdTaken(field="id")
    if same and known.state == "refused":
        if known.touched_at >= lately:
            raise UploadGone(reason=known.refusal)
        return False
    return same


def _check_quota(session: Session, device: CallingDevice, length: int, limits: Limits) -> None:
    count, total = session.execute(
        select(func.count(), func.coalesce(func.sum(Upload.length), 0)).where(
            Upload.device_id == device.id, Upload.state == "open"
        )
    ).one()
    if count >= limits.open_uploads or total + length > limits.open_bytes:
        raise QuotaReached(limit_uploads=limits.open_uploads, limit_bytes=limits.open_bytes)


def look(
    session: Session, device: CallingDevice, upload_id: uuid.UUID, limits: Limits, now: dt.datetime
) -> UploadStanding:
    """Return how far an upload of this device is. Raises ``UnknownUpload`` or ``UploadGone``."""
    return _standing(_find(session, device, upload_id, limits, now), limits)


def tell(session: Session, device: CallingDevice, upload_id: uuid.UUID, limits: Limits) -> UploadStanding:
    """Return how an upload of this device stands, refused and expired ones too. Raises ``UnknownUpload``."""
    return _standing(_of_device(session, device, upload_id), limits)


def claim(
    session: Session,
    device: CallingDevice,
    upload_id: uuid.UUID,
    offset: int,
    limits: Limits,
    now: dt.datetime,
    *,
    writer: uuid.UUID,
) -> UploadStanding:
    """Make a request the writer of an upload that stands at ``offset``; whoever was before may append no more.

    Locks the row. Raises ``OffsetConflict``, ``UnknownUpload`` or ``UploadGone``.
    """
    upload = _find(session, device, upload_id, limits, now, lock=True)
    if upload.received != offset:
        raise OffsetConflict(offset=upload.received)
    if upload.state == "open":
        upload.writer = writer
    return _standing(upload, limits, _tail(session, upload))


def append(
    session: Session,
    standing: UploadStanding,
    parts: Sequence[Part],
    limits: Limits,
    now: dt.datetime,
    *,
    writer: uuid.UUID,
) -> UploadStanding:
    """Enter parts that are durably stored, in order; the first may replace the tail that it was joined to.

    Locks the row. Raises ``UploadTaken`` where another request is the writer now, ``TooMuchSent`` beyond the length.
    """
    upload = session.get(Upload, standing.id, with_for_update=True)
    if upload is None or upload.writer != writer or upload.received != standing.offset or upload.state != "open":
        raise UploadTaken
    last = parts[-1]
    if last.position + last.size > upload.length:
        raise TooMuchSent(length=upload.length)
    session.execute(
        delete(UploadPart).where(UploadPart.upload_id == upload.id, UploadPart.position >= parts[0].position)
    )
    session.add_all(UploadPart(upload_id=upload.id, position=p.position, size=p.size, key=p.key) for p in parts)
    upload.received = last.position + last.size
    upload.touched_at = now
    session.flush()
    return _standing(upload, limits, last)


def terminate(session: Session, device: CallingDevice, upload_id: uuid.UUID, limits: Limits, now: dt.datetime) -> None:
    """Take an unfinished upload back. Raises ``UnknownUpload``, ``UploadGone`` or ``UploadFinished``."""
    upload = _find(session, device, upload_id, limits, now, lock=True)
    if upload.state == "finished":
        raise UploadFinished
    leave(session, [upload], now)


def has_expired(session: Session, keep_for: dt.timedelta, now: dt.datetime) -> bool:
    """Return whether an upload has expired."""
    return session.scalar(select(exists().where(*_expired(keep_for, now)))) or False


def expire(session: Session, limits: Limits, now: dt.datetime, *, limit: int) -> int:
    """Forget uploads that are unfinished and not touched for too long; return how many."""
    found = select(Upload).where(*_expired(limits.keep_for, now)).order_by(Upload.touched_at).limit(limit)
    gone = session.scalars(found.with_for_update(skip_locked=True)).all()
    leave(session, gone, now)
    return len(gone)


def _expired(keep_for: dt.timedelta, now: dt.datetime) -> tuple[ColumnElement[bool], ...]:
    # What has come whole is finished by a job, however late.
    whole = and_(Upload.state == "open", Upload.received == Upload.length)
    return (Upload.state == "open", Upload.touched_at < now - keep_for, ~whole)


def leave(session: Session, uploads: Sequence[Upload], now: dt.datetime) -> None:
    """Forget uploads; their bytes are left over."""
    for upload in uploads:
        session.add(LeftoverFolder(folder=upload.folder, left_at=now))
        session.delete(upload)
    session.flush()


def begin_anew(session: Session, upload: Upload, now: dt.datetime) -> None:
    """Take an upload back to its beginning; its bytes are left over, and whoever writes now may append no more."""
    session.execute(delete(UploadPart).where(UploadPart.upload_id == upload.id))
    session.add(LeftoverFolder(folder=upload.folder, left_at=now))
    upload.folder, upload.received, upload.writer = uuid.uuid4(), 0, None
    session.flush()


def left_over(session: Session, now: dt.datetime, *, limit: int) -> list[uuid.UUID]:
    """Return folders whose bytes may go: a request that still wrote into them has found out by now."""
    old = select(LeftoverFolder.folder).where(LeftoverFolder.left_at < now - LEFT_FOR)
    return list(session.scalars(old.order_by(LeftoverFolder.left_at).limit(limit)))


def tidied(session: Session, folders: Sequence[uuid.UUID]) -> None:
    """Note that folders are out of the store."""
    session.execute(delete(LeftoverFolder).where(LeftoverFolder.folder.in_(folders)))


def parts_of(session: Session, upload_id: uuid.UUID) -> list[Part]:
    """Return the parts of an upload in order."""
    rows = session.scalars(select(UploadPart).where(UploadPart.upload_id == upload_id).order_by(UploadPart.position))
    return [Part(row.position, row.size, row.key) for row in rows]


def part_key(folder: uuid.UUID, position: int) -> str:
    """Return a key that was never used, for a part that begins at ``position``."""
    return f"{folder_key(folder)}/{position}-{uuid.uuid4().hex}"


def folder_key(folder: uuid.UUID) -> str:
    """Return the key under which all parts of a folder lie."""
    return f"uploads/{folder}"


def _find(
    session: Session,
    device: CallingDevice,
    upload_id: uuid.UUID,
    limits: Limits,
    now: dt.datetime,
    *,
    lock: bool = False,
) -> Upload:
    upload = _of_device(session, device, upload_id, lock=lock)
    if upload.state == "refused":
        raise UploadGone(reason=upload.refusal)
    if upload.state == "open" and upload.touched_at + limits.keep_for <= now:
        raise UploadGone(reason="expired")
    return upload


def _of_device(session: Session, device: CallingDevice, upload_id: uuid.UUID, *, lock: bool = False) -> Upload:
    upload = session.get(Upload, upload_id, with_for_update=True if lock else None)
    # A worker enrolled anew goes on with what the phone began before.
    if upload is None or upload.person_id != device.person_id:
        raise UnknownUpload
    return upload


def _tail(session: Session, upload: Upload) -> Part | None:
    row = session.scalars(
        select(UploadPart).where(UploadPart.upload_id == upload.id).order_by(UploadPart.position.desc()).limit(1)
    ).one_or_none()
    return None if row is None else Part(row.position, row.size, row.key)


def _standing(upload: Upload, limits: Limits, tail: Part | None = None) -> UploadStanding:
    return UploadStanding(
        upload.id, upload.received, upload.length, upload.state, upload.refusal, upload.mismatches, upload.said,
        upload.folder, upload.touched_at + limits.keep_for, tail,
    )  # fmt: skip
