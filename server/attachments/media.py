"""What a file is, found in its bytes: type, and for pictures whether they can be read and how large they are.

Owns the types that are taken. Pure but for Pillow; knows nothing of uploads. Nothing a phone says is believed.
"""

import io
import warnings
from dataclasses import dataclass

from PIL import Image

from server.attachments.errors import FileRefused

# The largest sensors of phones are read whole; what claims more is a bomb or useless at that size.
MAX_PIXELS = 80_000_000
MAX_EDGE_PX = 20_000
# The leading bytes of ISO base media files, which HEIC is: brands of still pictures.
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1"})
_PILLOW_NAMES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
SUFFIXES = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/heic": "heic",
    "application/pdf": "pdf",
}


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


def examine(content: bytes) -> Media:
    """Return what a file is. Raises ``FileRefused`` for other types, damaged pictures and decompression bombs."""
    found = sniff(content)
    if found is None:
        raise FileRefused("type-unknown", takes=sorted(SUFFIXES))
    if found not in _PILLOW_NAMES:
        return Media(found, readable=False)
    _check_picture(content, _PILLOW_NAMES[found])
    return Media(found, readable=True)


def _check_picture(content: bytes, name: str) -> None:
    """Read the head, and what can be verified without unpacking pixels."""
    try:
        with warnings.catch_warnings():
            # Pillow warns of sizes that are judged here.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=[name]) as picture:
                width, height = picture.size
                picture.verify()
    except Image.DecompressionBombError as error:
        raise FileRefused("picture-too-large", limit_pixels=MAX_PIXELS) from error
    except Exception as error:  # Pillow's plugins raise whatever the bytes lead them to
        raise FileRefused("picture-damaged") from error
    if width * height > MAX_PIXELS or max(width, height) > MAX_EDGE_PX:
        raise FileRefused("picture-too-large", limit_pixels=MAX_PIXELS, limit_edge_px=MAX_EDGE_PX)
