"""What can be wrong with a request by tus itself, before any upload is looked at.

AttachmentError
├── TusVersionUnknown    no or another Tus-Resumable
├── HeaderInvalid        a header that is missing or cannot be read; ``field`` names it
└── Interrupted          the body broke off; what came before is kept
"""

from server.attachments.errors import AttachmentError


class TusVersionUnknown(AttachmentError):
    """The request names no version of tus, or one that is not spoken here."""

    code = "tus-version"


class HeaderInvalid(AttachmentError):
    """A header is missing or cannot be read; ``field`` names it, ``takes`` says what it may be."""

    code = "tus-header-invalid"


class Interrupted(AttachmentError):
    """The body broke off; mostly nobody is left to be told."""

    code = "upload-interrupted"
