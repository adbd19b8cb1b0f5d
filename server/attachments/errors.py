"""The errors of attachments, as data. Must not know HTTP statuses or words; ``server.http.problems`` has those.

AttachmentError
├── MetadataInvalid     what an upload says of itself is missing or not right; ``field`` says where
├── FileTooLarge        more bytes than a file may have
├── QuotaReached        too many unfinished uploads of one device
├── FileIdTaken         the id names another file
├── RecordNotYours      a record that this worker may not attach to
├── UnknownUpload       no such upload, or none of this device
├── UploadGone          an upload that expired or whose file was refused; ``reason`` says why
├── UploadFinished      an upload that ended well cannot be taken back
├── OffsetConflict      the bytes sent do not begin where the upload stands
├── UploadTaken         another request went on with the upload meanwhile
├── TooMuchSent         more bytes than the upload was announced with
├── ChecksumMismatch    bytes that are not those that their checksum names
├── ChecksumUnknown     a checksum in an algorithm that is not known
├── FileRefused         a file that is not taken; ``reason`` says why
├── ReadingLate         the machine is too busy to read a file now; it is kept, and read later
├── UploadsBusy         this process receives as many uploads as it may
└── UnknownFile         no such file, or none that the caller may see
"""

from typing import ClassVar


class AttachmentError(Exception):
    """Base of the errors of attachments; ``data`` is what is told beside the words."""

    code: ClassVar[str] = "attachment-error"

    def __init__(self, **data: object) -> None:
        super().__init__(self.code)
        self.data: dict[str, object] = data


class MetadataInvalid(AttachmentError):
    """A field of the upload's metadata is missing or not right. ``field`` names it, ``takes`` what it may be."""

    code = "file-metadata-invalid"


class FileTooLarge(AttachmentError):
    """More bytes than a file may have; ``limit_bytes`` says how many."""

    code = "file-too-large"


class QuotaReached(AttachmentError):
    """The device has too many unfinished uploads, or too many bytes in them."""

    code = "upload-quota-reached"


class FileIdTaken(AttachmentError):
    """The id names another file already."""

    code = "file-id-taken"


class RecordNotYours(AttachmentError):
    """The record exists and is neither the worker's own nor in their areas."""

    code = "record-not-yours"


class UnknownUpload(AttachmentError):
    """No such upload, or none that this device began."""

    code = "unknown-upload"


class UploadGone(AttachmentError):
    """The upload expired, or its file was refused; ``reason`` says which."""

    code = "upload-gone"


class UploadFinished(AttachmentError):
    """The file is finished and belongs to its record now."""

    code = "upload-finished"


class OffsetConflict(AttachmentError):
    """``offset`` is where the upload stands."""

    code = "upload-offset-conflict"


class UploadTaken(AttachmentError):
    """A later request went on with this upload; what it has not taken over is not lost: ask where it stands."""

    code = "upload-taken"


class TooMuchSent(AttachmentError):
    """More bytes than ``length``, with which the upload was announced."""

    code = "upload-too-much"


class ChecksumMismatch(AttachmentError):
    """``of`` is "part" or "file". A part is not taken; a file is taken back to offset 0, to be sent again."""

    code = "checksum-mismatch"


class ChecksumUnknown(AttachmentError):
    """A checksum in an algorithm or form that is not known; ``takes`` names those that are."""

    code = "checksum-unknown"


class FileRefused(AttachmentError):
    """The file is not shown to anybody; it is kept apart.

    ``reason``: type-unknown, picture-damaged, picture-too-large, document-damaged, document-encrypted, takes-too-much.
    """

    code = "file-refused"

    def __init__(self, reason: str, **data: object) -> None:
        super().__init__(reason=reason, **data)
        self.reason = reason


class ReadingLate(AttachmentError):
    """A file could not be read in time for no fault of its own. It is whole and kept; a job reads it later."""

    code = "file-reading-late"


class UnknownFile(AttachmentError):
    """No such file, or none that the caller may see."""

    code = "unknown-file"


class UploadsBusy(AttachmentError):
    """This process receives as many uploads as it may."""

    code = "uploads-busy"
