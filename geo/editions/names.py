"""Which names an area may have: what people can read, and what reads the same everywhere.

Owns that one rule; drafts, OGC, the API, imports and publishing all ask it. Must not know who asks.
"""

import unicodedata
from typing import Final, Literal

from geo.errors import InvalidName

NameFault = Literal["name-blank", "name-too-long", "name-control-character", "name-direction-mark"]

MOST_CHARACTERS: Final = 200
# They turn the text around them, so that a name, and what is written beside it, reads as something else (UAX #9).
_DIRECTION: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Line and paragraph separators end lines as control characters do; lone surrogates cannot be stored.
_CONTROL: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_UNSEEN: Final = frozenset({"Zs", "Cf", "Mn", "Me", "Cn", "Co"})
# Letters and signs by their category, and blank all the same: Hangul fillers, the empty braille cell.
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def name_fault(name: str) -> NameFault | None:
    """Return what keeps a text from being an area's name; None for a name."""
    if any(each in _DIRECTION for each in name):
        return "name-direction-mark"
    categories = [unicodedata.category(each) for each in name]
    if any(each in _CONTROL for each in categories):
        return "name-control-character"
    if all(kind in _UNSEEN or each in _FILLERS for each, kind in zip(name, categories, strict=True)):
        return "name-blank"
    return "name-too-long" if len(name) > MOST_CHARACTERS else None


def require_name(name: str, area: str | None) -> None:
    """Raise InvalidName unless a text can be the name of an area, of which this is the code."""
    fault = name_fault(name)
    if fault is not None:
        raise InvalidName(fault, area)
