"""`./patrol import-outbox`: what a phone could not send, from the file that it exported. Calls one service and prints.

Whoever has the terminal looks after every phone.
"""

import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from server.attachments.errors import AttachmentError
from server.attachments.store import open_store
from server.attachments.uploads import Limits
from server.config import Config
from server.database.ground_cache import ground_at
from server.http.problems import TABLE
from server.jobs import process
from server.outboxes.keys import keys_of
from server.outboxes.taking import Desk, Taken, take
from sync.errors import SyncError

_BLOCK_BYTES: Final = 1 << 20


def import_outbox(*, file: str) -> int:
    """Take a file in and say what became of it; 1 where nothing of it was taken."""
    try:
        with Path(file).open("rb") as opened:
            taken = take(_desk(process.config()), _blocks(opened.read))
    except (SyncError, AttachmentError) as error:
        entry = TABLE[error.code]
        at_fault = "  ".join(f"{name}={value}" for name, value in error.data.items())
        sys.stderr.write(f"✗ {entry.zh} · {entry.en}  {at_fault}\n  → {entry.do_zh} · {entry.do_en}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"✗ 无法读取 · cannot be read: {error}\n")
        return 1
    for queue in taken.wake:
        process.wake(queue)
    sys.stdout.write(_told(taken))
    return 0


def _blocks(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while block := read(_BLOCK_BYTES):
        yield block


def _desk(config: Config) -> Desk:
    return Desk(
        transaction=process.transaction, grounds=ground_at, charge=_everybody, clock=process.now,
        keys=keys_of(config.secret_key), store=open_store(config.files_url),
        limits=Limits(config.file_limit_bytes, config.open_uploads, config.open_upload_bytes, config.upload_ttl),
        limit_bytes=config.outbox_limit_bytes, near_m=config.near_m, late_for=config.late_for,
        revoked_grace=config.revoked_grace, lang="zh",
    )  # fmt: skip


def _everybody(_session: Session, _device_uid: uuid.UUID) -> None:
    """Let every phone be spoken for."""


def _told(taken: Taken) -> str:
    """Return in both languages what became of a file, and of each photo that is not taken why."""
    count = taken.operations
    settled = (
        f"已接收 taken {count['applied']}  待处理 waiting {taken.waiting}  待核 quarantined {count['quarantined']}"
    )
    lines = [
        f"{taken.worker} ({taken.login})  {taken.device_uid}  {taken.exported_at.isoformat()}",
        f"  {settled}  其中此前已到 had come before {taken.repeated}",
        f"  照片 photos {taken.photos}  未接收 not taken {len(taken.refused)}",
    ]
    for photo, code in taken.refused:
        lines.append(f"  ✗ {photo}  {TABLE[code].zh} · {TABLE[code].en}")
    return "\n".join(lines) + "\n"
