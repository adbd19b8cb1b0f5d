"""What an outbox file holds once it is open: a ZIP with ``outbox.json``, the proof of its phone, and photos.

``outbox.json``: ``{"format": "gridpatrol-outbox", "version": 1, "device_id", "app_version", "exported_at", "ops",
"attachments": [{"id", "collection", "record", "sha256", "size", "type", "name"}]}``. ``proof``: HMAC-SHA256 of the
file's head and ``outbox.json``, under SHA-256 of the phone's token. ``attachments/<id>``: a photo. Nothing in it is
compressed, so nothing in it can grow.
"""

import datetime as dt
import hashlib
import hmac
import io
import struct
import uuid
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Final

import msgspec

from server.outboxes.errors import NoOutbox, OutboxPhoneUnknown, OutboxTooLarge
from sync.collections import normal
from sync.collections.attachments import ATTACHABLE
from sync.collections.fields import AwareTime
from sync.errors import BodyTooLarge, MalformedJson
from sync.protocol import wire
from sync.protocol.splitting import lenient, split
from sync.protocol.wire import Batch

FORMAT: Final = "gridpatrol-outbox"
MOST_OPS: Final = 50_000
MOST_PHOTOS: Final = 2_000
MOST_MANIFEST_BYTES: Final = 64 * 1024 * 1024
BATCH_BYTES: Final = 7 * 1024 * 1024
_MANIFEST: Final = "outbox.json"
_PROOF: Final = "proof"
_PROOF_BYTES: Final = 32
# The end of the list of a ZIP, with no comment behind it, and what stands before it where sizes are of 64 bits.
_END: Final = struct.Struct("<4s4H2LH")
_END_64: Final = b"PK\x06\x07"
_END_64_BYTES: Final = 20
# Of one entry in the list: 46 bytes and its name; two entries are no photos.
_MOST_LISTED_BYTES: Final = (MOST_PHOTOS + 2) * 128


class Photo(msgspec.Struct, frozen=True):
    """A photo that was not uploaded yet, and the record that names it. ``sha256`` and ``size``: of its bytes."""

    id: uuid.UUID
    collection: str
    record: uuid.UUID
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    size: Annotated[int, msgspec.Meta(ge=1)]
    type: Annotated[str, msgspec.Meta(max_length=100)] = ""
    name: Annotated[str, msgspec.Meta(max_length=200)] = ""


class _Manifest(msgspec.Struct):
    format: str
    version: int
    device_id: uuid.UUID
    exported_at: AwareTime
    app_version: Annotated[str, msgspec.Meta(max_length=60)] = ""
    attachments: list[Photo] = []


@dataclass(frozen=True)
class Outbox:
    """An open file. ``ops``: each operation as the phone wrote it; ``exported_at``: by the phone's clock."""

    device_uid: uuid.UUID
    exported_at: dt.datetime
    app_version: str
    ops: Sequence[bytes]
    photos: Sequence[Photo]
    _file: zipfile.ZipFile
    _proven: bytes
    _proof: bytes

    def require_made_by(self, token_hash: bytes) -> None:
        """Raise ``OutboxPhoneUnknown`` unless the phone whose token has this SHA-256 made the file."""
        if not hmac.compare_digest(hmac.digest(token_hash, self._proven, "sha256"), self._proof):
            raise OutboxPhoneUnknown(device_id=str(self.device_uid))

    def content(self, photo: Photo) -> bytes | None:
        """Return the bytes of a photo; None where they are missing or are not those announced."""
        name = f"attachments/{photo.id}"
        if name not in self._file.NameToInfo or self._file.getinfo(name).file_size != photo.size:
            return None
        try:
            content = _read(self._file, name)
        except NoOutbox:
            return None
        return content if hashlib.sha256(content).hexdigest() == photo.sha256 else None


def read(file: BinaryIO, head: bytes) -> Outbox:
    """Return what an opened file holds. ``head``: that of the encrypted file.

    Raises ``NoOutbox`` or ``OutboxTooLarge``.
    """
    archive = _archive(file)
    manifest, proof = _entry(archive, _MANIFEST, MOST_MANIFEST_BYTES), _entry(archive, _PROOF, _PROOF_BYTES)
    try:
        said, ops = _split(manifest)
        told = msgspec.convert(said, _Manifest)
    except (MalformedJson, msgspec.ValidationError):
        raise NoOutbox(reason="contents") from None
    if told.format != FORMAT or told.version != 1:
        raise NoOutbox(reason="version", takes=[1])
    if len(ops) > MOST_OPS:
        raise OutboxTooLarge(limit_ops=MOST_OPS)
    if len(told.attachments) > MOST_PHOTOS:
        raise OutboxTooLarge(limit_photos=MOST_PHOTOS)
    if any(photo.collection not in ATTACHABLE for photo in told.attachments):
        raise NoOutbox(reason="contents")
    return Outbox(
        told.device_id, told.exported_at, told.app_version, ops, told.attachments, archive, head + manifest, proof
    )


def _split(manifest: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Return a manifest without its operations, and the bytes of each of those, as a push would have them.

    Raises ``MalformedJson`` where it is no object with such a list.
    """
    try:
        plain: dict[str, Any] = msgspec.json.decode(manifest, type=dict[str, msgspec.Raw])
        ops = [bytes(each) for each in msgspec.json.decode(plain.pop("ops", b""), type=list[msgspec.Raw])]
        return {name: msgspec.json.decode(value) for name, value in plain.items()}, ops
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        pass  # one of them may be no JSON; the others are
    try:
        head, ops = split(manifest)
        if len(head) > wire.SEARCHED_BYTES:
            raise MalformedJson
        told = normal.cleaned(lenient(head))
    except (ValueError, RecursionError):
        raise MalformedJson from None
    # Where the list stood there is an empty one.
    if told.pop("ops", None) != []:
        raise MalformedJson
    return told, ops


def batches(ops: Sequence[bytes], sent_at: dt.datetime) -> Iterator[Batch]:
    """Yield operations in batches that a push may have, decoded as a push is, in order."""
    held: list[bytes] = []
    size = 0
    for op in ops:
        if held and (len(held) == wire.MAX_OPS or size + len(op) > BATCH_BYTES):
            yield from _decoded(held, sent_at)
            held, size = [], 0
        held.append(op)
        size += len(op)
    if held:
        yield from _decoded(held, sent_at)


def _decoded(ops: Sequence[bytes], sent_at: dt.datetime) -> Iterator[Batch]:
    """Yield one batch, or halves of it where it asks too much at once, as a phone sends halves."""
    batch_id = uuid.uuid4()
    head = f'{{"batch_id":"{batch_id}","sent_at":"{sent_at.isoformat()}","ops":['.encode()
    try:
        yield wire.decode(head + b",".join(ops) + b"]}")
    except BodyTooLarge:
        if len(ops) == 1:
            # No push could carry it, so no phone gets rid of it otherwise: it is kept, and the others go on.
            yield Batch(batch_id, sent_at, (wire.too_large(ops[0]),))
            return
        yield from _decoded(ops[: len(ops) // 2], sent_at)
        yield from _decoded(ops[len(ops) // 2 :], sent_at)


def _archive(file: BinaryIO) -> zipfile.ZipFile:
    """Open the ZIP once its list is known to be short: the library would read any list whole."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END.size - _END_64_BYTES))
    tail = file.read()
    if len(tail) < _END.size:
        raise NoOutbox(reason="contents")
    mark, _, _, _, _, listed, _, comment = _END.unpack(tail[-_END.size :])
    if mark != b"PK\x05\x06" or comment or _END_64 in tail:
        raise NoOutbox(reason="contents")
    if listed > _MOST_LISTED_BYTES:
        raise OutboxTooLarge(limit_photos=MOST_PHOTOS)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, UnicodeDecodeError, ValueError, NotImplementedError):
        raise NoOutbox(reason="contents") from None
    entries = archive.infolist()
    plain = all(each.compress_type == zipfile.ZIP_STORED and not each.flag_bits & 1 for each in entries)
    # Entries that share their bytes would be read as often as they are listed.
    if not plain or sum(each.file_size for each in entries) > size:
        raise NoOutbox(reason="contents")
    return archive


def _entry(archive: zipfile.ZipFile, name: str, limit_bytes: int) -> bytes:
    if name not in archive.NameToInfo:
        raise NoOutbox(reason="contents")
    if archive.getinfo(name).file_size > limit_bytes:
        raise OutboxTooLarge(limit_bytes=limit_bytes)
    return _read(archive, name)


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError):
        raise NoOutbox(reason="contents") from None
