"""Blanks the metadata of a HEIC picture in place. Everything else of the file stays at its offset.

Owns as much of ISO/IEC 14496-12 as it takes to find the items of type ``Exif`` and ``mime`` (XMP): the boxes ``meta``,
``iinf`` and ``iloc``. Orientation is a property of the image item (``irot``), so it stays. Decodes no picture.
No library does that without encoding the picture anew. Raises ``ValueError`` or ``struct.error`` where the boxes
cannot be followed.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_METADATA = frozenset({b"Exif", b"mime", b"uri "})
# What draws a still picture. Any other box may hold anything (a film, a maker's notes) and is blanked whole.
_KEPT = frozenset({b"ftyp", b"meta", b"mdat"})
_KEPT_IN_META = frozenset({b"hdlr", b"dinf", b"pitm", b"iinf", b"iref", b"iprp", b"iloc", b"idat", b"grpl"})
_IN_FILE, _IN_IDAT = 0, 1
# An Exif item that tells nothing: offset of the TIFF header, the header, and a directory of no entries. Readers stop at
# one that is not even that.
_NO_EXIF = struct.pack(">I4sIHI", 0, b"MM\x00*", 8, 0, 0)


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its type, and where its body begins and ends in the file."""

    kind: bytes
    begins: int
    ends: int


def blank_metadata(content: bytes) -> bytes:
    """Return the file with its Exif and XMP items, and boxes that draw nothing, overwritten by zeros."""
    blank = bytearray(content)
    metas = []
    for box in boxes(content, 0, len(content)):
        if box.kind == b"meta":
            metas.append(box)
        elif box.kind not in _KEPT:
            _zero(blank, box.begins, box.ends)
    if not metas:
        raise ValueError("no meta box")
    for meta in metas:
        _blank_items(content, blank, meta)
    return bytes(blank)


def _zero(blank: bytearray, begins: int, ends: int) -> None:
    if not 0 <= begins <= ends <= len(blank):
        raise ValueError("an extent beyond the file")
    blank[begins:ends] = bytes(ends - begins)


def boxes(content: bytes, at: int, end: int) -> Iterator[Box]:
    """Yield the boxes between two offsets. Raises ``ValueError`` where one ends beyond what holds it."""
    while at < end:
        size, kind = struct.unpack_from(">I4s", content, at)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", content, at + 8)
            head = 16
        elif size == 0:
            size = end - at
        if size < head or at + size > end:
            raise ValueError("a box ends beyond what holds it")
        yield Box(kind, at + head, at + size)
        at += size


def _blank_items(content: bytes, blank: bytearray, meta: Box) -> None:
    inside = {box.kind: box for box in boxes(content, meta.begins + 4, meta.ends)}
    for kind in inside.keys() - _KEPT_IN_META:
        _zero(blank, inside[kind].begins, inside[kind].ends)
    if b"iinf" not in inside or b"iloc" not in inside:
        raise ValueError("items without a list or a place")
    telling = dict(_metadata_items(content, inside[b"iinf"]))
    for item, method, offset, length in _extents(content, inside[b"iloc"]):
        if item not in telling:
            continue
        if method not in (_IN_FILE, _IN_IDAT):
            raise ValueError("metadata made of other items")
        begins = offset + (_idat(inside) if method == _IN_IDAT else 0)
        ends = begins + length if length else len(content)
        _zero(blank, begins, ends)
        if telling[item] == b"Exif" and ends - begins >= len(_NO_EXIF):
            blank[begins : begins + len(_NO_EXIF)] = _NO_EXIF


def _idat(inside: Mapping[bytes, Box]) -> int:
    if b"idat" not in inside:
        raise ValueError("an item in a box that is not there")
    return inside[b"idat"].begins


def _metadata_items(content: bytes, iinf: Box) -> Iterator[tuple[int, bytes]]:
    """Yield (item, type) of what is no part of the picture."""
    version = content[iinf.begins]
    first = iinf.begins + (6 if version == 0 else 8)
    for entry in boxes(content, first, iinf.ends):
        version = content[entry.begins]
        if entry.kind != b"infe" or version not in (2, 3):
            raise ValueError("an item of an unknown sort")
        wide = version == 3  # noqa: PLR2004  # of the box: item ids of four bytes
        (item,) = struct.unpack_from(">I" if wide else ">H", content, entry.begins + 4)
        at = entry.begins + (10 if wide else 8)
        if content[at : at + 4] in _METADATA:
            yield item, content[at : at + 4]


def _extents(content: bytes, iloc: Box) -> Iterator[tuple[int, int, int, int]]:
    """Yield (item, construction method, offset, length) of each extent; length 0 is to the end of the file."""
    reader = _Reader(content, iloc)
    version = reader.take(1)
    reader.take(3)
    sizes = reader.take(2)
    offset_size, length_size = sizes >> 12, sizes >> 8 & 15
    base_size, index_size = sizes >> 4 & 15, sizes & 15 if version else 0
    wide = 4 if version == 2 else 2  # noqa: PLR2004  # of the box
    for _ in range(reader.take(wide)):
        item = reader.take(wide)
        method = reader.take(2) & 15 if version else _IN_FILE
        reader.take(2)
        base = reader.take(base_size)
        for _ in range(reader.take(2)):
            reader.take(index_size)
            offset, length = reader.take(offset_size), reader.take(length_size)
            yield item, method, base + offset, length


class _Reader:
    """Reads big-endian numbers of a box, one after the other."""

    def __init__(self, content: bytes, box: Box) -> None:
        self._content, self._at, self._end = content, box.begins, box.ends

    def take(self, size: int) -> int:
        if self._at + size > self._end:
            raise ValueError("a box ends too soon")
        value = int.from_bytes(self._content[self._at : self._at + size], "big")
        self._at += size
        return value
