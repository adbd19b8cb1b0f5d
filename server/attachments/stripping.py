"""Takes out of a picture what it tells of its author: position, times, serial numbers, thumbnails, hidden trailers.

Owns the containers JPEG, PNG, WebP, HEIC and JPEG 2000, as far as needed to copy what draws the picture and nothing
else; pixels are not decoded, so nothing is lost and nothing can explode. Kept are an allow-list of parts, and of Exif
the orientation alone. A container that cannot be followed to its end is refused: what is not understood is not shown.
Knows nothing of files, uploads or Pillow.

Formats: ITU T.81 B.1 (JPEG), W3C PNG 3rd edition 5, Google's "WebP Container Specification", ISO/IEC 14496-12 (HEIC),
ISO/IEC 15444-1 annex I (JPEG 2000), JFIF 1.02.
"""

import io
import struct
import zlib
from collections.abc import Callable, Iterator

from PIL import ExifTags, Image

from server.attachments.errors import FileRefused
from server.attachments.heic import blank_metadata, boxes

_EXIF = b"Exif\x00\x00"
_ORIENTATIONS = range(2, 9)
# JPEG markers
_EOI, _SOS, _COM, _APP0, _APP1, _PREFIX = 0xD9, 0xDA, 0xFE, 0xE0, 0xE1, 0xFF
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_APP = range(0xE0, 0xF0)
# What application segments may stay beside the density: colour profile, colour transform.
_KEPT_APPS = {0xE2: b"ICC_PROFILE\x00", 0xEE: b"Adobe"}
# The bytes of a JFIF segment up to its density; a thumbnail may follow, which may show what was cut off since.
_JFIF_HEAD = 16
# The boxes of JPEG 2000 that draw: signature, type, head and the picture itself.
_JP2_KEPT = frozenset({b"jP  ", b"ftyp", b"jp2h", b"jp2c"})
# PNG chunks that draw: the critical ones, transparency, colour, density, and animation.
_PNG_KEPT = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT", b"bKGD",
     b"pHYs", b"acTL", b"fcTL", b"fdAT"}
)  # fmt: skip
_WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_WEBP_XMP, _WEBP_EXIF = 0x04, 0x08


def strip(content: bytes, media_type: str) -> bytes:
    """Return a picture as others may see it. Raises ``FileRefused`` where it cannot be followed."""
    try:
        return _STRIPPERS[media_type](content)
    except (struct.error, IndexError, ValueError) as error:
        raise FileRefused("picture-damaged") from error


def strip_jpeg(content: bytes) -> bytes:
    """Copy the segments that draw, then the scans, and stop at the end of the first image."""
    kept = [b"\xff\xd8"]
    oriented = False
    for marker, segment in _jpeg_segments(content):
        if marker == _APP1 and segment[4:10] == _EXIF and not oriented:
            kept.append(_jpeg_orientation(_orientation(segment[4:])))
            oriented = True
        elif marker == _APP0 and segment[4:9] == b"JFIF\x00":
            kept.append(b"\xff\xe0" + struct.pack(">H", _JFIF_HEAD) + segment[4:_JFIF_HEAD] + b"\x00\x00")
        elif _stays(marker, segment):
            kept.append(segment)
    return b"".join(kept)


def _stays(marker: int, segment: bytes) -> bool:
    if marker in _APP:
        return marker in _KEPT_APPS and segment[4:].startswith(_KEPT_APPS[marker])
    return marker != _COM


def _jpeg_segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (marker, bytes) of each segment after the first marker; a scan's bytes go with its SOS."""
    at = 2
    while True:
        if content[at] != _PREFIX:
            raise ValueError("no marker where one must be")
        while content[at + 1] == _PREFIX:
            at += 1  # fill bytes
        marker = content[at + 1]
        if marker == _EOI:
            yield marker, content[at : at + 2]
            return
        end = at + 2 if marker in _STANDALONE else at + 2 + struct.unpack_from(">H", content, at + 2)[0]
        if end > len(content):
            raise ValueError("a segment ends beyond the file")
        if marker == _SOS:
            end = _scan_end(content, end)
        yield marker, content[at:end]
        at = end


def _scan_end(content: bytes, at: int) -> int:
    """Return where the marker after the entropy-coded bytes stands; stuffed zeros and restarts belong to them."""
    while True:
        at = content.index(b"\xff", at)
        following = content[at + 1]
        if following == _PREFIX:
            at += 1
        elif following == 0 or following in range(0xD0, 0xD8):
            at += 2
        else:
            return at


def _orientation(exif: bytes) -> int:
    """Return the orientation that an Exif block tells, 1 where it tells none that can be read."""
    told = Image.Exif()
    try:
        told.load(exif)
        found = told.get(ExifTags.Base.Orientation)
    except Exception:  # noqa: BLE001  # Pillow raises whatever the bytes lead it to; upright is no harm
        return 1
    return found if isinstance(found, int) and found in _ORIENTATIONS else 1


def _exif_of(orientation: int) -> bytes:
    """Return an Exif block with nothing but an orientation."""
    only = Image.Exif()
    only[ExifTags.Base.Orientation] = orientation
    return only.tobytes()


def _jpeg_orientation(orientation: int) -> bytes:
    if orientation == 1:
        return b""
    block = _exif_of(orientation)
    block = block if block.startswith(_EXIF) else _EXIF + block
    return b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block


def strip_png(content: bytes) -> bytes:
    """Copy the chunks that draw, up to the end of the image."""
    kept = io.BytesIO()
    kept.write(content[:8])
    at = 8
    while True:
        (length,) = struct.unpack_from(">I", content, at)
        kind, end = content[at + 4 : at + 8], at + 12 + length
        if end > len(content):
            raise ValueError("a chunk ends beyond the file")
        if kind in _PNG_KEPT:
            kept.write(content[at:end])
        elif kind == b"eXIf" and (orientation := _orientation(_EXIF + content[at + 8 : end - 4])) != 1:
            kept.write(_png_chunk(b"eXIf", _exif_of(orientation).removeprefix(_EXIF)))
        if kind == b"IEND":
            return kept.getvalue()
        at = end


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def strip_webp(content: bytes) -> bytes:
    """Copy the chunks that draw, with an Exif chunk of the orientation alone where it is turned."""
    chunks, orientation = [], 1
    for kind, body in _webp_chunks(content):
        if kind == b"EXIF":
            orientation = _orientation(body if body.startswith(_EXIF) else _EXIF + body)
        elif kind in _WEBP_KEPT:
            chunks.append((kind, body))
    if chunks and chunks[0][0] == b"VP8X":
        flags = chunks[0][1][0] & ~(_WEBP_XMP | _WEBP_EXIF)
        turned = orientation != 1
        chunks[0] = (b"VP8X", bytes([flags | (_WEBP_EXIF if turned else 0)]) + chunks[0][1][1:])
        if turned:
            chunks.append((b"EXIF", _exif_of(orientation).removeprefix(_EXIF)))
    packed = b"".join(kind + struct.pack("<I", len(body)) + body + b"\x00" * (len(body) % 2) for kind, body in chunks)
    return b"RIFF" + struct.pack("<I", len(packed) + 4) + b"WEBP" + packed


def _webp_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    end = 8 + struct.unpack_from("<I", content, 4)[0]
    if end > len(content):
        raise ValueError("the file ends before it says")
    at = 12
    while at + 8 <= end:
        (length,) = struct.unpack_from("<I", content, at + 4)
        if at + 8 + length > end:
            raise ValueError("a chunk ends beyond the file")
        yield content[at : at + 4], content[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def strip_jp2(content: bytes) -> bytes:
    """Copy the boxes that draw of a JPEG 2000, as PDFs hold them; one without boxes is returned as it is."""
    if content.startswith(b"\xff\x4f"):
        return content
    kept, at = [], 0
    for box in boxes(content, 0, len(content)):
        if box.kind in _JP2_KEPT:
            kept.append(content[at : box.ends])
        at = box.ends
    return b"".join(kept)


_STRIPPERS: dict[str, Callable[[bytes], bytes]] = {
    "image/jpeg": strip_jpeg,
    "image/png": strip_png,
    "image/webp": strip_webp,
    "image/heic": blank_metadata,
}
