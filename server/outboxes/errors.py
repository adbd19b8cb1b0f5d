"""The errors of outbox files, as data. Must not know HTTP statuses or words; ``server.http.problems`` has those.

OutboxError
├── NoOutbox            not a file that a patrol app wrote, or of a form that this server does not know
├── OutboxKeyForeign    encrypted for another city, or for a secret that this one had before
├── OutboxDamaged       changed on its way, or not whole
├── OutboxTooLarge      more bytes, operations or photos than a file may have
├── OutboxPhoneUnknown  of a phone that this city does not know, or not made by the phone that it names
└── OutboxPhoneRevoked  of a phone that was revoked longer ago than its work is taken
"""

from typing import ClassVar

from sync.errors import SyncError


class OutboxError(SyncError):
    """Base of the errors of outbox files."""

    code: ClassVar[str] = "outbox-error"


class NoOutbox(OutboxError):
    """The file is no outbox of a patrol app. ``reason``: file, version, contents."""

    code = "outbox-unreadable"


class OutboxKeyForeign(OutboxError):
    """The file is encrypted for a key that is not this city's; ``key`` is its id."""

    code = "outbox-key-foreign"


class OutboxDamaged(OutboxError):
    """Bytes were changed or are missing: nothing of the file is taken."""

    code = "outbox-damaged"


class OutboxTooLarge(OutboxError):
    """More than a file may have; ``limit_bytes``, ``limit_ops`` or ``limit_photos`` says how much that is."""

    code = "outbox-too-large"


class OutboxPhoneUnknown(OutboxError):
    """No phone of this city made the file."""

    code = "outbox-phone-unknown"


class OutboxPhoneRevoked(OutboxError):
    """The phone was revoked, and the time is over in which its work is still taken."""

    code = "outbox-phone-revoked"
