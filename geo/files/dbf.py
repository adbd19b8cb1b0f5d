"""The encoding of the texts in a shapefile's .dbf, and numbers in it that GDAL would read as others.

Owns telling UTF-8, GBK and Latin-1 apart, which files often do not say, or say wrongly. Must not know shapes.
The format: dBase III, a header of 32 bytes, 32 bytes for each field, a terminator, then records of fixed length.
"""

import codecs
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from geo.errors import UnsupportedFile

_HEADER: Final = struct.Struct("<4xIHH")
_HEADER_BYTES: Final = 32
_FIELD_BYTES: Final = 32
_TERMINATOR: Final = b"\r"
_LANGUAGE_AT: Final = 29
_GBK_LANGUAGES: Final = (0x4D, 0x7A)
_MOST_BYTES: Final = 64 << 20
_LATIN: Final = "CP1252"
# Every byte is a letter in these: that texts can be read in them says nothing.
_WESTERN: Final = frozenset({"ISO8859-1", "ISO8859-15", "CP1252", "CP437", "CP850", "ASCII"})
_NUMBERED: Final = {"88591": "latin-1", "885915": "iso8859-15", "1252": "cp1252", "1251": "cp1251", "437": "cp437"}
# Of the pairs of bytes in real Chinese texts nearly all are of the 6,763 usual characters; of Latin ones, few look so.
_MOSTLY: Final = 0.8


@dataclass(frozen=True)
class Encoding:
    """The encoding to read with, and what the files said (None: nothing)."""

    name: str
    declared: str | None

    @property
    def contradicted(self) -> bool:
        """Whether the texts cannot be in the encoding that the files declare."""
        return self.declared is not None and self.declared != self.name


def encoding_of(shapefile: Path, given: str | None = None) -> Encoding:
    """Tell the encoding of a shapefile's texts.

    `given` by a person goes before all. What the .cpg, or the language byte of the .dbf, declares is believed if all
    texts can be read so; one of the Western ones, in which everything can, only if the bytes are not UTF-8 or Chinese.
    Else UTF-8, else GB18030 (which GBK and GB2312 are parts of), else CP1252. Raises UnsupportedFile for a .dbf that is
    missing or cut off, and where texts cannot be in the encoding given.
    """
    content = _table(shapefile)
    texts = set(_texts(content))
    declared = _declared(shapefile, content)
    if given is not None:
        return Encoding(require_readable(texts, given), declared)
    if declared is not None and declared not in _WESTERN and _all_can_be(texts, declared):
        return Encoding(declared, declared)
    return Encoding(told_by(texts, declared if declared in _WESTERN else None), declared)


def told_by(texts: Collection[bytes], western: str | None = None) -> str:
    """The encoding that texts show: UTF-8, GB18030 or a one-byte encoding (`western`; CP1252 where none is named)."""
    if _all_can_be(texts, "UTF-8"):
        return western if western is not None and all(text.isascii() for text in texts) else "UTF-8"
    if _all_can_be(texts, "GB18030") and _is_chinese(texts):
        return "GB18030"
    return western if western is not None and _all_can_be(texts, western) else _LATIN


def require_readable(texts: Collection[bytes], given: str) -> str:
    """The encoding that a person named, by its usual name. Raises UnsupportedFile."""
    name = _canonical(given)
    if name is None:
        raise UnsupportedFile("unknown-encoding", given)
    if not _all_can_be(texts, name):
        raise UnsupportedFile("wrong-encoding", name)
    return name


def columns_with_exponents(shapefile: Path) -> frozenset[int]:
    """The columns of numbers, by their place from 0, where one is written as 3.6E+16: its last digits are lost."""
    content = _table(shapefile)
    fields, header_bytes, record_bytes, records = _described(content)
    rows = np.frombuffer(content, np.uint8, offset=header_bytes, count=records * record_bytes)
    table = rows.reshape(records, record_bytes)
    found, at = set(), 1
    for number, (_, kind, width) in enumerate(fields):
        if kind in b"NF" and np.isin(table[:, at : at + width], (0x45, 0x65)).any():
            found.add(number)
        at += width
    return frozenset(found)


def _table(shapefile: Path) -> bytes:
    table = next((path for path in shapefile.parent.glob(f"{shapefile.stem}.*") if path.suffix.lower() == ".dbf"), None)
    if table is None:
        raise UnsupportedFile("missing-part", ".dbf")
    with table.open("rb") as opened:
        return opened.read(_MOST_BYTES)


def _all_can_be(texts: Collection[bytes], encoding: str) -> bool:
    return all(_can_be(text, encoding) for text in texts)


def _is_chinese(texts: Collection[bytes]) -> bool:
    """Whether most characters beyond ASCII, read as GBK, are of its usual part."""
    usual, pairs = 0, 0
    for text in texts:
        at = 0
        while at < len(text) - 1:
            if text[at] < 0x80:  # noqa: PLR2004  # ASCII
                at += 1
                continue
            pairs += 1
            usual += 0xA1 <= text[at] <= 0xF7 and text[at + 1] >= 0xA1  # noqa: PLR2004  # GB 2312
            at += 2
    return usual >= _MOSTLY * pairs


def decode(text: str, encoding: str) -> str:
    """A text that was read byte by byte (as ISO-8859-1), without a last character that was cut off."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    return decoder.decode(text.encode("latin-1"), final=False)


def _declared(shapefile: Path, table: bytes) -> str | None:
    for path in shapefile.parent.glob(f"{shapefile.stem}.*"):
        if path.suffix.lower() == ".cpg":
            name = _canonical(path.read_bytes()[:64].decode("ascii", "ignore").strip())
            if name:
                return name
    return "GB18030" if table[_LANGUAGE_AT] in _GBK_LANGUAGES else None


def _canonical(name: str) -> str | None:
    """One name for each encoding; GBK is read as what contains it."""
    name = {"936": "gbk", "CP_936": "gbk", "ANSI 936": "gbk", "65001": "utf-8", "OEM": "", "SYSTEM": ""}.get(name, name)
    name = _NUMBERED.get(name.upper().removeprefix("ANSI").strip(), name)
    try:
        found = codecs.lookup(name).name
    except LookupError:
        return None
    return {"gbk": "GB18030", "gb2312": "GB18030", "gb18030": "GB18030", "utf-8": "UTF-8"}.get(found, found.upper())


def _texts(table: bytes) -> Iterator[bytes]:
    """The names of the fields, and the contents of those that hold characters, as far as they go beyond ASCII."""
    fields, header_bytes, record_bytes, records = _described(table)
    columns, at = [], 1
    for name, kind, width in fields:
        yield name
        if kind == ord("C"):
            columns.append((at, at + width))
        at += width
    for record in range(records):
        foot = header_bytes + record * record_bytes
        for start, stop in columns:
            text = table[foot + start : foot + stop].rstrip(b" \0")
            if not text.isascii():
                yield text


def _described(table: bytes) -> tuple[list[tuple[bytes, int, int]], int, int, int]:
    """The fields (name, kind, width), the bytes of the header and of a record, and how many whole records there are."""
    if len(table) < _HEADER_BYTES:
        raise UnsupportedFile("damaged", ".dbf")
    records, header_bytes, record_bytes = _HEADER.unpack_from(table)
    fields = []
    for field in range(_HEADER_BYTES, header_bytes - _FIELD_BYTES + 1, _FIELD_BYTES):
        described = table[field : field + _FIELD_BYTES]
        if described[:1] == _TERMINATOR or len(described) < _FIELD_BYTES:
            break
        fields.append((described[:11].split(b"\0")[0], described[11], described[16]))
    whole = max(len(table) - header_bytes, 0) // max(record_bytes, 1)
    return fields, header_bytes, record_bytes, min(records, whole)


def _can_be(text: bytes, encoding: str) -> bool:
    """Whether the bytes can be read so; the last character may be cut off, as it is where a field was too short."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(text, final=False)
    except UnicodeDecodeError:
        return False
    return True
