"""The errors of the engine that fail a whole request. One bad operation is no error: it is quarantined.

Each carries data and a stable ``code``; none knows HTTP.

    SyncError
    ├── MalformedJson, NestedTooDeep, EnvelopeInvalid, BodyTooLarge                       the batch
    ├── EncodingUnknown, EncodingDamaged                                                  how it was packed
    ├── TokenMissing, TokenUnknown, DeviceRevoked, AppTooOld                              the device
    ├── CodeUnknown, CodeUsed, CodeExpired                                                enrolment
    ├── CursorInvalid, ResyncRequired                                                     the cursor
    ├── NotFoundInCharge, AlreadyDecided, MendedInvalid (BecomesPublic)                   review and quarantine
    ├── TextUnclean                                                                       any text that is sent
    └── CollectionUnknown, NoEdition
"""

from collections.abc import Mapping
from typing import ClassVar

from sync.wording.reasons import Reason


class SyncError(Exception):
    """Base of the engine's errors."""

    code: ClassVar[str] = "sync-error"

    def __init__(self, message: str = "", **data: object) -> None:
        super().__init__(message or self.code)
        self.data: dict[str, object] = data | ({"detail": message} if message else {})


class MalformedJson(SyncError):
    """The body is not JSON."""

    code = "malformed-json"


class NestedTooDeep(SyncError):
    """Objects and lists of a JSON body lie more than ``limit`` levels within one another."""

    code = "nested-too-deep"


class EnvelopeInvalid(SyncError):
    """The body is JSON but no batch; ``field`` says where."""

    code = "envelope-invalid"


class BodyTooLarge(SyncError):
    """More bytes, unpacked or not, or more operations than a batch may have; ``limit`` says how many."""

    code = "body-too-large"


class EncodingUnknown(SyncError):
    """A Content-Encoding other than gzip, zstd or identity."""

    code = "encoding-unknown"


class EncodingDamaged(SyncError):
    """A compressed body that does not unpack."""

    code = "encoding-damaged"


class TokenMissing(SyncError):
    """No bearer token."""

    code = "token-missing"


class TokenUnknown(SyncError):
    """A bearer token of no device."""

    code = "token-unknown"


class DeviceRevoked(SyncError):
    """The device was revoked; ``wipe`` is true where a wipe was ordered."""

    code = "device-revoked"


class AppTooOld(SyncError):
    """The app is older than the protocol's least; it may still push."""

    code = "app-too-old"


class CodeUnknown(SyncError):
    """An enrolment code that was never given out."""

    code = "code-unknown"


class CodeUsed(SyncError):
    """An enrolment code that enrolled a device already."""

    code = "code-used"


class CodeExpired(SyncError):
    """An enrolment code past its time."""

    code = "code-expired"


class CodeVoid(SyncError):
    """An enrolment code whose maker is no longer in charge of all that it would give."""

    code = "code-void"


class CursorInvalid(SyncError):
    """A cursor that this server did not make."""

    code = "cursor-invalid"


class ResyncRequired(SyncError):
    """A cursor from another epoch, or one that expired."""

    code = "resync"


class CollectionUnknown(SyncError):
    """A collection that is not synced."""

    code = "collection-unknown"


class NotFoundInCharge(SyncError):
    """No such thing within what the caller is in charge of."""

    code = "not-in-charge"


class AlreadyDecided(SyncError):
    """A conflict or quarantined operation that somebody decided before."""

    code = "already-decided"


class MendedInvalid(SyncError):
    """A mended operation that is still not right; ``reason`` says where."""

    code = "mended-invalid"

    def __init__(self, reason: Reason) -> None:
        super().__init__()
        self.reason = reason


class BecomesPublic(MendedInvalid):
    """A release or decision that makes a private issue public, and does not say that it shall.

    ``record``: what tells which issue it is, to somebody with duty in it.
    """

    code = "becomes-public"

    def __init__(self, reason: Reason, doc: Mapping[str, object]) -> None:
        named = {name: doc[name] for name in ("category", "address_text", "description") if name in doc}
        super().__init__(reason)
        self.data["record"] = named


class TextUnclean(SyncError):
    """A text that cannot be kept or shown as it is, or what stands for a number and is none; ``reason`` says where."""

    code = "text-unclean"

    def __init__(self, reason: Reason) -> None:
        super().__init__()
        self.reason = reason


class NoEdition(SyncError):
    """No edition of the ground is in force."""

    code = "no-edition"
