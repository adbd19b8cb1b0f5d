"""What a file is, found in its first bytes, and how large a picture or how long a sound may be.

Owns the types that are taken and their bounds. Pure; opens no file. Nothing a phone says is believed.
"""

from dataclasses import dataclass
from typing import Final

# The leading bytes of ISO base media files, which HEIC is: brands of still pictures.
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1"})
# Those of what recorders of browsers write; whether it is sound alone, its tracks tell.
_MP4_BRANDS = frozenset({b"M4A ", b"isom", b"iso5", b"iso6", b"iso8", b"mp41", b"mp42"})
_EBML = b"\x1aE\xdf\xa3"
SUFFIXES = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/heic": "heic",
    "application/pdf": "pdf",
    "audio/webm": "weba",
    "audio/mp4": "m4a",
}
# The largest sensors of phones have 200 million pixels, and JPEG is read at an eighth of its size. What has no such
# way is unpacked whole, at up to 8 bytes a pixel for PNG and 16 for WebP, and no camera writes it.
MOST_PIXELS: Final = {
    "image/jpeg": 210_000_000,
    "image/heic": 210_000_000,
    "image/png": 50_000_000,
    "image/webp": 25_000_000,
}
MOST_EDGE_PX: Final = 20_000
# A voice memo: what is longer is no memo, and nobody listens to it.
MOST_SECONDS: Final = 330
MOST_SOUND_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Media:
    """The type of a file. ``readable``: a picture that previews can be made of."""

    type: str
    readable: bool


def sniff(content: bytes) -> str | None:
    """Return the media type that the first bytes tell, None for one that is not taken."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp":
        return "image/heic" if content[8:12] in _HEIC_BRANDS else _of_brand(content[8:12])
    if content.startswith(_EBML):
        return "audio/webm"
    return "application/pdf" if content.startswith(b"%PDF-") else None


def _of_brand(brand: bytes) -> str | None:
    return "audio/mp4" if brand in _MP4_BRANDS else None
