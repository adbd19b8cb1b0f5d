"""What of a text file is beyond measure, looked at before GDAL opens it.

Owns how deep GeoJSON and WKT may nest, and how long and wide the rows of a CSV may be. GDAL ends such files too, but
says that they are damaged, and takes its time. Must not know what a file means.
"""

import re
from typing import Final

import numpy as np

from geo.errors import UnsupportedFile

MOST_NESTED: Final = 64
"""Brackets within brackets: a multipolygon in a collection has eight, what hangs on a feature may have its own."""
MOST_COLUMNS: Final = 2_000
LONGEST_ROW_BYTES: Final = 10 << 20
"""GDAL's own, for CSV: a border of 400,000 points."""

_TEXT: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_QUOTED: Final = re.compile(rb'"[^"]*+"')
_EVERY: Final = bytes(range(256))


def require_measured(content: bytes, driver: str, name: str) -> None:
    """Raise UnsupportedFile for what no boundary file needs: "nested-too-deep", "row-too-long", "too-many-columns".

    `detail` names the file, what it has, and how much it may have. Formats other than GeoJSON and CSV pass.
    """
    if driver == "GeoJSON":
        _require_flat(_TEXT.sub(b"", content), b"[{", b"]}", name)
    elif driver == "CSV":
        _require_rows(content, name)
        _require_flat(content, b"(", b")", name)


def _require_flat(text: bytes, opening: bytes, closing: bytes, name: str) -> None:
    signs = text.translate(None, bytes(set(_EVERY) - set(opening + closing)))
    if not signs:
        return
    steps = np.where(np.isin(np.frombuffer(signs, np.uint8), list(opening)), 1, -1)
    deepest = int(np.cumsum(steps, dtype=np.int32).max())
    if deepest > MOST_NESTED:
        raise UnsupportedFile("nested-too-deep", f"{name}: {deepest} > {MOST_NESTED}")


def _require_rows(content: bytes, name: str) -> None:
    data = np.frombuffer(content, np.uint8)
    # A line break between quotes does not end a row. The parity of the quotes before it survives the overflow.
    quotes = np.cumsum(data == ord('"'), dtype=np.uint8)
    ends = np.flatnonzero((data == ord("\n")) & (quotes % 2 == 0))
    rows = np.diff(np.concatenate(([-1], ends, [len(data)])))
    if int(rows.max()) > LONGEST_ROW_BYTES:
        raise UnsupportedFile("row-too-long", f"{name}: {int(rows.max())} > {LONGEST_ROW_BYTES} bytes")
    del data, quotes
    plain = _QUOTED.sub(b"", content)
    widest = max((max(row.count(sign) for sign in (b",", b";", b"\t")) for row in plain.split(b"\n")), default=0) + 1
    if widest > MOST_COLUMNS:
        raise UnsupportedFile("too-many-columns", f"{name}: {widest} > {MOST_COLUMNS}")
