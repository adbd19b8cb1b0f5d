"""Has a file from outside checked, stripped and made small in a confined child, and says what became of it.

Owns the bounds of that child, and the reasons for which a file is not shown. Knows no libraries of pictures, no store
and no uploads.
"""

import hashlib
import threading
from dataclasses import dataclass
from typing import Any, Final

import structlog

from server.attachments.errors import FileRefused, ReadingLate
from server.attachments.media import MOST_SOUND_BYTES, SUFFIXES, Media, sniff
from server.confined import ConfinedError, Crashed, Limits, Task, run

_FILE: Final = "content"
_MIB: Final = 1 << 20
# Stripping copies a file a few times; a PDF is unpacked object by object.
_CHECKING = Limits(wall_s=60, cpu_s=20, memory_bytes=384 * _MIB, disk_bytes=_MIB, output_bytes=64 * _MIB)
# A progressive JPEG of 108 million pixels is held whole, at up to 6 bytes each; HEIC at 8 of up to 90 million.
_SHRINKING = Limits(wall_s=120, cpu_s=60, memory_bytes=768 * _MIB, disk_bytes=_MIB, output_bytes=4 * _MIB)
# So many of a process's threads read at a time, and how long others wait for their turn: memory is bounded by both.
_AT_ONCE: Final = 2
_TURN_WITHIN_S: Final = 60.0
_turns = threading.BoundedSemaphore(_AT_ONCE)
# How a child ends for no fault of the file: it had no turn on the processor, or somebody stopped it.
_NOT_OF_THE_FILE: Final = frozenset({"by the clock", "signal 9", "signal 15"})
_CHECK_PICTURE = Task("server.attachments.pictures:check", _CHECKING)
_CHECK_DOCUMENT = Task("server.attachments.documents:check", _CHECKING)
_CHECK_SOUND = Task("server.attachments.sounds:check", _CHECKING)
_PREVIEW = Task("server.attachments.photo_prints:preview", _SHRINKING)
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Checked:
    """A whole file that may be shown, and how."""

    media: Media
    served: bytes


def check(content: bytes) -> Checked:
    """Return what a file is and what others may see of it.

    Raises ``FileRefused`` for other types, damaged, encrypted or oversized files, and those that take too much to read;
    ``ReadingLate`` where the machine is too busy to say.
    """
    kind = sniff(content)
    if kind is None:
        raise FileRefused("type-unknown", takes=sorted(SUFFIXES))
    task, damaged = _reader_of(kind)
    if kind.startswith("audio/") and len(content) > MOST_SOUND_BYTES:
        raise FileRefused("sound-too-large", limit_bytes=MOST_SOUND_BYTES)
    try:
        told = _run(task, content, kind)
    except Crashed as error:
        raise FileRefused(damaged) from error
    except ConfinedError as error:
        raise FileRefused("takes-too-much") from error
    if "refused" in told:
        data: dict[str, Any] = told["data"]
        raise FileRefused(**{"reason": told["refused"]} | data)
    return Checked(Media(kind, readable=kind.startswith("image/")), told["served"])


def _reader_of(kind: str) -> tuple[Task, str]:
    """Return what looks at files of a kind, and what is said of one that harms its reader."""
    if kind.startswith("audio/"):
        return _CHECK_SOUND, "sound-damaged"
    return (_CHECK_DOCUMENT, "document-damaged") if kind == "application/pdf" else (_CHECK_PICTURE, "picture-damaged")


@dataclass(frozen=True, slots=True)
class Small:
    """A picture made small, as JPEG, and the fingerprint of how it looks: 64 bits, signed (None: nothing on it)."""

    content: bytes
    phash: int | None


def preview(content: bytes) -> Small | None:
    """Return a picture made small with its fingerprint, None where none can be made. Raises ``ReadingLate``."""
    try:
        told = _run(_PREVIEW, content, sniff(content))
        return Small(bytes(told["small"]), told["phash"])
    except ConfinedError:
        return None


def _run(task: Task, content: bytes, kind: str | None) -> Any:
    """Run a task on a file; log how its child ended, with what finds the file again and nothing of what is in it."""
    if not _turns.acquire(timeout=_TURN_WITHIN_S):
        raise ReadingLate
    try:
        return run(task, {"name": _FILE, "kind": kind}, {_FILE: content})
    except ConfinedError as error:
        log.warning(
            "a file could not be read",
            sha256=hashlib.sha256(content).hexdigest(), type=kind, size=len(content), error=error.code,
            detail=error.detail,
        )  # fmt: skip
        if error.detail in _NOT_OF_THE_FILE:
            raise ReadingLate from error
        raise
    finally:
        _turns.release()
