"""The encoding of the texts in a shapefile's .dbf.

Owns telling UTF-8 from GBK, which files often do not say, or say wrongly. Must not know shapes. The format: dBase III,
a header of 32 bytes, 32 bytes for each field, a terminator, then records of fixed length.
"""

import codecs
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from geo.errors import UnsupportedFile

_HEADER: Final = struct.Struct("<4xIHH")
_HEADER_BYTES: Final = 32
_FIELD_BYTES: Final = 32
_TERMINATOR: Final = b"\r"
_LANGUAGE_AT: Final = 29
_GBK_LANGUAGES: Final = (0x4D, 0x7A)
_MOST_BYTES: Final = 64 << 20
_FALLBACKS: Final = ("UTF-8", "GB18030")


@dataclass(frozen=True)
class Encoding:
    """The encoding to read with, and what the files said (None: nothing)."""

    name: str
    declared: str | None

    @property
    def contradicted(self) -> bool:
        """Whether the texts cannot be in the encoding that the files declare."""
        return self.declared is not None and self.declared != self.name


def encoding_of(shapefile: Path) -> Encoding:
    """Tell the encoding of a shapefile's texts.

    What the .cpg, or the language byte of the .dbf, declares is believed if all texts can be read so; else UTF-8, else
    GB18030 (which GBK and GB2312 are parts of). Raises UnsupportedFile for a .dbf that is missing or cut off.
    """
    table = next((path for path in shapefile.parent.glob(f"{shapefile.stem}.*") if path.suffix.lower() == ".dbf"), None)
    if table is None:
        raise UnsupportedFile("missing-part", ".dbf")
    with table.open("rb") as opened:
        content = opened.read(_MOST_BYTES)
    texts = set(_texts(content))
    declared = _declared(shapefile, content)
    candidates = (*([declared] if declared else []), *_FALLBACKS)
    readable = (name for name in candidates if all(_can_be(text, name) for text in texts))
    return Encoding(next(readable, _FALLBACKS[-1]), declared)


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
    try:
        found = codecs.lookup(name).name
    except LookupError:
        return None
    return {"gbk": "GB18030", "gb2312": "GB18030", "gb18030": "GB18030", "utf-8": "UTF-8"}.get(found, found.upper())


def _texts(table: bytes) -> Iterator[bytes]:
    """The names of the fields, and the contents of those that hold characters, as far as they go beyond ASCII."""
    if len(table) < _HEADER_BYTES:
        raise UnsupportedFile("damaged", ".dbf")
    records, header_bytes, record_bytes = _HEADER.unpack_from(table)
    columns, at = [], 1
    for field in range(_HEADER_BYTES, header_bytes - _FIELD_BYTES + 1, _FIELD_BYTES):
        described = table[field : field + _FIELD_BYTES]
        if described[:1] == _TERMINATOR or len(described) < _FIELD_BYTES:
            break
        yield described[:11].split(b"\0")[0]
        if described[11:12] == b"C":
            columns.append((at, at + described[16]))
        at += described[16]
    for record in range(min(records, (len(table) - header_bytes) // max(record_bytes, 1))):
        foot = header_bytes + record * record_bytes
        for start, stop in columns:
            text = table[foot + start : foot + stop].rstrip(b" \0")
            if not text.isascii():
                yield text


def _can_be(text: bytes, encoding: str) -> bool:
    """Whether the bytes can be read so; the last character may be cut off, as it is where a field was too short."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(text, final=False)
    except UnicodeDecodeError:
        return False
    return True
