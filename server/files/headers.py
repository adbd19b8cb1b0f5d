"""The headers of tus 1.0.0, read and written. Pure: strings in, values out.

Source: https://tus.io/protocols/resumable-upload, version 1.0.0, with the extensions creation, creation-with-upload,
checksum, expiration and termination. Creation with deferred length is not offered: the checksum of the whole must be
known before the first byte, so the length is.
"""

import base64
import datetime as dt
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime

from werkzeug.datastructures import Headers

from server.attachments.errors import ChecksumUnknown, FileRefused, MetadataInvalid
from server.attachments.media import SUFFIXES
from server.attachments.uploads import Announced
from server.files.errors import HeaderInvalid, TusVersionUnknown
from sync.collections.attachments import ATTACHABLE

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination"
# The protocol asks for sha1; sha256 is what our own clients send.
ALGORITHMS = ("sha256", "sha1")
OFFSET_TYPE = "application/offset+octet-stream"
METADATA_LIMIT_BYTES = 4096
_WHOLE_NUMBER = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of one request must hash to."""

    algorithm: str
    digest: bytes


def require_version(headers: Headers) -> None:
    """Raise ``TusVersionUnknown`` unless the request speaks version 1.0.0."""
    if headers.get("Tus-Resumable") != VERSION:
        raise TusVersionUnknown(field="Tus-Resumable", takes=[VERSION])


def read_number(headers: Headers, name: str) -> int:
    """Return a header that is a whole number. Raises ``HeaderInvalid``."""
    told = headers.get(name, "").strip()
    if not _WHOLE_NUMBER.fullmatch(told):
        raise HeaderInvalid(field=name, takes="0, 1, 2 ...")
    return int(told)


def read_checksum(headers: Headers) -> Checksum | None:
    """Return the Upload-Checksum, None where there is none. Raises ``ChecksumUnknown``."""
    told = headers.get("Upload-Checksum")
    if told is None:
        return None
    algorithm, _, coded = told.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise ChecksumUnknown(field="Upload-Checksum", takes=list(ALGORITHMS))
    try:
        return Checksum(algorithm, base64.b64decode(coded.strip(), validate=True))
    except ValueError as error:
        raise ChecksumUnknown(field="Upload-Checksum", takes=list(ALGORITHMS)) from error


def read_announced(headers: Headers) -> Announced:
    """Return what a new upload says of itself: its length, and of its metadata what the device protocol names.

    ``id`` is the id by which the record names the file; where it is missing, the server makes one. Other keys are
    passed over. Raises ``HeaderInvalid``, ``MetadataInvalid``, or ``FileRefused`` for a type that is never taken.
    """
    if "Upload-Defer-Length" in headers:
        raise HeaderInvalid(field="Upload-Defer-Length", takes="Upload-Length")
    length = read_number(headers, "Upload-Length")
    if length == 0:
        raise HeaderInvalid(field="Upload-Length", takes="1, 2, 3 ...")
    said = headers.get("Upload-Metadata", "")
    told = read_metadata(said)
    if told.get("collection") not in ATTACHABLE:
        raise MetadataInvalid(field="collection", takes=list(ATTACHABLE))
    sha256 = told.get("sha256", "")
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise MetadataInvalid(field="sha256", takes="64 hexadecimal digits")
    _check_filetype(told.get("filetype", ""))
    return Announced(
        id=_uuid(told, "id") if told.get("id") else uuid.uuid4(),
        collection=told["collection"],
        record_id=_uuid(told, "record"),
        sha256=bytes.fromhex(sha256),
        length=length,
        said=said,
    )


def read_metadata(said: str) -> dict[str, str]:
    """Return the pairs of an Upload-Metadata header. Raises ``MetadataInvalid`` where it is not that."""
    if len(said) > METADATA_LIMIT_BYTES:
        raise MetadataInvalid(field="Upload-Metadata", takes=f"<= {METADATA_LIMIT_BYTES} bytes")
    pairs: dict[str, str] = {}
    for pair in filter(None, (each.strip() for each in said.split(","))):
        key, _, coded = pair.partition(" ")
        try:
            pairs[key] = base64.b64decode(coded.strip(), validate=True).decode()
        except ValueError as error:
            raise MetadataInvalid(field=key, takes="base64") from error
    return pairs


def expires(moment: dt.datetime) -> str:
    """Return a time as Upload-Expires has it."""
    return format_datetime(moment.astimezone(dt.UTC), usegmt=True)


def _uuid(told: Mapping[str, str], field: str) -> uuid.UUID:
    try:
        return uuid.UUID(told.get(field, ""))
    except ValueError as error:
        raise MetadataInvalid(field=field, takes="UUID") from error


def _check_filetype(told: str) -> None:
    """Refuse early what cannot be right; what is right is found in the bytes."""
    if told and not (told.startswith(("image/", "audio/")) or told in ("application/pdf", "application/octet-stream")):
        raise FileRefused("type-unknown", field="filetype", takes=sorted(SUFFIXES))
