"""An outbox file taken in: its operations pushed as the phone that made it, its photos finished as uploads are.

What the phone itself sent before, or sends later, is the same operation or the same file and happens once. Operations
come first, batch by batch, then photos; each is a transaction of its own, so a file whose taking broke off is taken
again from the start and changes nothing twice. Knows no requests.
"""

import datetime as dt
import tempfile
import uuid
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import BinaryIO, Final

import msgspec
from sqlalchemy.orm import Session

from geo.editions.ground import NEWEST, Ground
from server.attachments import uploads
from server.attachments.bonds import check_record
from server.attachments.errors import AttachmentError, ChecksumMismatch, FileTooLarge, ReadingLate
from server.attachments.finishing import finish
from server.attachments.store import Store
from server.attachments.uploads import PART_BYTES, Announced, Limits, Part, UploadStanding, part_key
from server.outboxes import contents
from server.outboxes.contents import Outbox, Photo
from server.outboxes.errors import OutboxPhoneRevoked, OutboxPhoneUnknown
from server.outboxes.keys import Keys
from server.outboxes.sealed import unseal
from sync.access.devices import AbsentDevice, absent
from sync.errors import NoEdition
from sync.protocol.wire import Batch
from sync.push.batch import BatchContext, DeviceBatch, GroundAt
from sync.push.push import push
from sync.wording.reasons import Lang

_IN_MEMORY_BYTES: Final = 4 * 1024 * 1024
_UNBOUNDED: Final = 1 << 40


@dataclass(frozen=True)
class Desk:
    """What taking a file in needs of the program around it.

    ``grounds``: from a session and the city's ground serial to the ground of a moment; ``charge``: whether whoever
    hands the file in looks after its phone, asked in a transaction; it raises where they do not.
    """

    transaction: Callable[[], AbstractContextManager[Session]]
    grounds: Callable[[Session, int | None], GroundAt]
    charge: Callable[[Session, uuid.UUID], None]
    clock: Callable[[], dt.datetime]
    keys: Keys
    store: Store
    limits: Limits
    limit_bytes: int
    near_m: float
    late_for: dt.timedelta
    revoked_grace: dt.timedelta
    lang: Lang


@dataclass
class Taken:
    """What became of a file.

    ``operations``: by what they were answered with, replays with what they were answered with first; ``repeated``: how
    many of them had come before. ``refused``: photos that are not taken, each with the code of the error. ``wake``:
    queues that have work now.
    """

    device_uid: uuid.UUID
    login: str
    worker: str
    exported_at: dt.datetime
    app_version: str
    operations: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("applied", "pending", "held", "quarantined"), 0)
    )
    repeated: int = 0
    photos: int = 0
    refused: list[tuple[uuid.UUID, str]] = field(default_factory=list)
    wake: set[str] = field(default_factory=set)

    @property
    def waiting(self) -> int:
        """How many operations are kept and not settled yet."""
        return self.operations["pending"] + self.operations["held"]


def take(desk: Desk, blocks: Iterable[bytes]) -> Taken:
    """Take a file in. ``blocks``: its bytes as they come.

    Raises the errors of ``server.outboxes.errors`` before anything was taken, ``NoEdition``, and what ``Desk.charge``
    does.
    """
    with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as spool:
        file: BinaryIO = spool  # type: ignore[assignment]  # it has all that is asked of one
        outbox = contents.read(file, unseal(blocks, desk.keys, file, desk.limit_bytes))
        device = _device(desk, outbox)
        calling = device.calling
        taken = Taken(calling.uid, device.login, calling.person_name, outbox.exported_at, outbox.app_version)
        for batch in contents.batches(outbox.ops, outbox.exported_at):
            _push(desk, device, batch, taken)
        for photo in outbox.photos:
            _keep(desk, device, outbox, photo, taken)
    return taken


def _device(desk: Desk, outbox: Outbox) -> AbsentDevice:
    """Return the phone that made the file. Raises ``OutboxPhoneUnknown``, ``OutboxPhoneRevoked``."""
    with desk.transaction() as session:
        device = absent(session, outbox.device_uid)
        if device is None:
            raise OutboxPhoneUnknown(device_id=str(outbox.device_uid))
        outbox.require_made_by(device.token_hash)
        desk.charge(session, outbox.device_uid)
    revoked_at = device.calling.revoked_at
    if revoked_at is not None and desk.clock() - revoked_at > desk.revoked_grace:
        raise OutboxPhoneRevoked(device_id=str(outbox.device_uid))
    return device


def _push(desk: Desk, device: AbsentDevice, batch: Batch, taken: Taken) -> None:
    now = desk.clock()
    # What its clock shows now is known from when it last sent something, and is no less than it was with this file.
    batch = replace(batch, sent_at=max(batch.sent_at, now + device.skew))
    with desk.transaction() as session:
        grounds = partial(desk.grounds, session)
        city = BatchContext(session, now, grounds, desk.near_m, desk.late_for)
        (pushed,) = push(city, [DeviceBatch(device.calling, batch, now, desk.lang)])
    for result in map(msgspec.json.decode, pushed.results):
        taken.operations[result["status"]] += 1
        taken.repeated += result.get("replayed", False)
    taken.wake |= pushed.wake


def _keep(desk: Desk, device: AbsentDevice, outbox: Outbox, photo: Photo, taken: Taken) -> None:
    """Take one photo; what is wrong with it is noted, and the others go on."""
    try:
        if photo.size > desk.limits.file_bytes:
            raise FileTooLarge(limit_bytes=desk.limits.file_bytes)
        content = outbox.content(photo)
        if content is None:
            raise ChecksumMismatch(of="file")
        _upload(desk, device, photo, content)
    except ReadingLate:
        pass  # it is kept whole, and the files job reads it
    except AttachmentError as error:
        taken.refused.append((photo.id, error.code))
        return
    taken.photos += 1
    taken.wake.add("files")


def _upload(desk: Desk, device: AbsentDevice, photo: Photo, content: bytes) -> None:
    """Bring what is missing of an upload, from where the phone left it, and finish it."""
    now, writer, calling = desk.clock(), uuid.uuid4(), device.calling
    sha256 = bytes.fromhex(photo.sha256)
    announced = Announced(photo.id, photo.collection, photo.record, sha256, len(content), said="")
    # The bounds of one phone's unfinished uploads protect from many that never end: these end here.
    limits = replace(desk.limits, open_uploads=_UNBOUNDED, open_bytes=_UNBOUNDED)
    with desk.transaction() as session:
        ground = _ground(desk, session)
        check_record(session, calling.person_id, photo.collection, photo.record, ground, now)
        standing = uploads.begin(session, calling, announced, limits, now)
    if standing.state != "open":
        return
    with desk.transaction() as session:
        standing = uploads.claim(session, calling, photo.id, standing.offset, limits, now, writer=writer)
    if parts := _stored(desk.store, standing, content):
        with desk.transaction() as session:
            uploads.append(session, standing, parts, limits, now, writer=writer)
    finish(desk.transaction, desk.store, photo.id, lambda session: _ground(desk, session), now)


def _stored(store: Store, standing: UploadStanding, content: bytes) -> list[Part]:
    """Store the bytes from the offset on, in parts as requests bring them."""
    parts = []
    for at in range(standing.offset, len(content), PART_BYTES):
        piece = content[at : at + PART_BYTES]
        part = Part(at, len(piece), part_key(standing.folder, at))
        store.put(part.key, piece)
        parts.append(part)
    return parts


def _ground(desk: Desk, session: Session) -> Ground:
    ground = desk.grounds(session, None)(NEWEST)
    if ground is None:
        raise NoEdition
    return ground
