"""Small previews of pictures, made outside any transaction and any request.

Owns the claim on a picture, so that several workers make different ones, and a picture that kills its worker is tried
three times and then left without. Knows no queues.
"""

import datetime as dt
import io
import uuid
import warnings
from dataclasses import dataclass

import structlog
from PIL import Image, ImageOps
from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from server.attachments.finishing import served_key
from server.attachments.media import MAX_PIXELS
from server.attachments.store import Store
from sync.collections.attachments import Attachment

EDGE_PX = 480
QUALITY = 78
ATTEMPTS = 3
CLAIMED_FOR = dt.timedelta(minutes=10)
_FORMATS = ("JPEG", "PNG", "WEBP")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Claimed:
    """A picture whose preview this process makes. ``exhausted``: it was tried too often, and gets none."""

    id: uuid.UUID
    exhausted: bool


def preview_key(file_id: uuid.UUID) -> str:
    """Return the key of the preview."""
    return f"previews/{file_id}"


def awaited(session: Session, now: dt.datetime) -> bool:
    """Return whether a preview waits to be made."""
    return session.scalar(select(exists().where(*_free(now)))) or False


def claim_preview(session: Session, now: dt.datetime) -> Claimed | None:
    """Claim one picture; another process may have it again once the claim is old."""
    found = session.scalars(
        select(Attachment).where(*_free(now)).order_by(Attachment.id).limit(1).with_for_update(skip_locked=True)
    ).one_or_none()
    if found is None:
        return None
    found.preview_claimed_at = now
    found.preview_attempts += 1
    session.flush()
    return Claimed(found.id, exhausted=found.preview_attempts > ATTEMPTS)


def make_preview(store: Store, file_id: uuid.UUID) -> bool:
    """Make the preview of a file and store it; return whether it could be made."""
    with store.open(served_key(file_id)) as file:
        content = file.read()
    try:
        small = shrink(content)
    except Exception as error:  # noqa: BLE001  # Pillow raises whatever the bytes lead it to; it gets no preview
        log.warning("no preview can be made", file=str(file_id), error=str(error))
        return False
    store.put(preview_key(file_id), small)
    return True


def enter_preview(session: Session, file_id: uuid.UUID, now: dt.datetime, *, made: bool) -> None:
    """Note that a preview is there, or that there will be none; the phones hear of it."""
    attachment = session.get(Attachment, file_id, with_for_update=True)
    if attachment is not None and attachment.preview == "awaited":
        attachment.preview = "ready" if made else "none"
        attachment.rev += 1
        attachment.changed_at = now
        session.flush()


def shrink(content: bytes) -> bytes:
    """Return a JPEG of at most ``EDGE_PX`` a side, upright, without metadata."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise ValueError("more pixels than a picture may have")
            # Reads a JPEG at an eighth of its size where that is enough: memory follows the preview.
            picture.draft("RGB", (EDGE_PX * 2, EDGE_PX * 2))
            picture.thumbnail((EDGE_PX, EDGE_PX), reducing_gap=2.0)
            upright = ImageOps.exif_transpose(picture)
            small = _on_white(upright)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()


def _on_white(picture: Image.Image) -> Image.Image:
    """Return the picture in RGB without metadata; what is transparent becomes white."""
    whole = picture.convert("RGBA")
    flat = Image.new("RGB", whole.size, "white")
    flat.paste(whole, mask=whole.getchannel("A"))
    return flat


def _free(now: dt.datetime) -> tuple[ColumnElement[bool], ...]:
    claimed = Attachment.preview_claimed_at
    return (Attachment.preview == "awaited", or_(claimed.is_(None), claimed < now - CLAIMED_FOR))
