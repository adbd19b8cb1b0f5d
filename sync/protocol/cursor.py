"""The cursor of a pull as a type: what it holds, and its opaque, sealed text.

A cursor says in which epoch, how far in the feed, and between which two scopes a phone stands. It is
sealed with a keyed hash: one that was tampered with is refused, never believed.
"""

import base64
import hashlib
import hmac
import uuid
from dataclasses import dataclass

import msgspec

from sync.errors import CursorInvalid

_SEAL_BYTES = 12


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where one phone stands.

    ``scope_from`` is the scope version it held, ``scope_to`` the one it is moving to; equal when it has
    arrived. ``through`` are versions it was moving to when its scope moved again: of those it holds a part.
    ``position`` is the last feed position it has. While it moves, ``step`` and ``after`` say how far the
    records that leave and arrive have been listed (step counts the lists; after is the last id); ``step``
    is -1 when they all have, and the feed is being drained. ``given``: the collections it was given for, a bit for each
    topic (0: not noted); ``bringing``: those that were asked for since and are being listed in full, anew after a move
    where the scope moves meanwhile.
    """

    epoch: uuid.UUID
    person_id: int
    position: int
    scope_from: int
    scope_to: int
    step: int = -1
    after: uuid.UUID | None = None
    through: tuple[int, ...] = ()
    given: int = 0
    bringing: int = 0

    @property
    def begun(self) -> bool:
        """Return whether something was listed of the move that is under way."""
        return self.step != 0 or self.after is not None

    def seal(self, key: bytes) -> str:
        """Return the opaque text."""
        packed = msgspec.msgpack.encode(
            (self.epoch.bytes, self.person_id, self.position, self.scope_from, self.scope_to, self.step,
             None if self.after is None else self.after.bytes, self.through, self.given, self.bringing)
        )  # fmt: skip
        return base64.urlsafe_b64encode(_seal(packed, key) + packed).decode().rstrip("=")

    @classmethod
    def open(cls, text: str, key: bytes, person_id: int) -> "Cursor":
        """Return the cursor of a text. Raises ``CursorInvalid`` for one that is not ours, or another person's."""
        try:
            blob = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        except ValueError:
            raise CursorInvalid(field="cursor") from None
        seal, packed = blob[:_SEAL_BYTES], blob[_SEAL_BYTES:]
        # The last letter has bits that decode to nothing: only the very text that was given out is taken.
        genuine = base64.urlsafe_b64encode(blob).decode().rstrip("=") == text
        if not genuine or not hmac.compare_digest(seal, _seal(packed, key)):
            raise CursorInvalid(field="cursor")
        # Those from before the collections were noted have none.
        epoch, owner, position, scope_from, scope_to, step, after, through, *noted = msgspec.msgpack.decode(packed)
        if owner != person_id:
            raise CursorInvalid(field="cursor")
        return cls(
            uuid.UUID(bytes=epoch), owner, position, scope_from, scope_to, step,
            None if after is None else uuid.UUID(bytes=after), tuple(through), *noted,
        )  # fmt: skip


def _seal(packed: bytes, key: bytes) -> bytes:
    return hashlib.blake2b(packed, key=key[:64], digest_size=_SEAL_BYTES, person=b"sync-cursor").digest()
