"""What a file is, found in its first bytes, and how large a picture of its kind may be.

Owns the types that are taken and their bounds. Pure; opens no file. Nothing a phone says is believed.
"""

from dataclasses import dataclass
from typing import Final

# The leading bytes of ISO base media files, which HEIC is: brands of still pictures.
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1"})
SUFFIXES = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/heic": "heic",
    "application/pdf": "pdf",
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
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS:
        return "image/heic"
    return "application/pdf" if content.startswith(b"%PDF-") else None
