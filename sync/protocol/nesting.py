"""How deep JSON nests, told without descending: what a reader that descends cannot survive is found before it.

Owns the counting of brackets outside texts. JSON that is none is left for its reader to refuse.
"""

import re
from itertools import accumulate
from typing import Final

MOST_NESTED: Final = 64
"""Objects and lists within one another in the JSON of any route: a multipolygon in a feature has seven."""

_TEXT: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_TEXT_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
_OTHERS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEPS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def is_deeper(raw: bytes, most: int = MOST_NESTED) -> bool:
    """Return whether objects and lists lie more than so many levels within one another."""
    if raw.count(b"[") + raw.count(b"{") <= most:
        return False
    brackets = _TEXT.sub(b"", raw).translate(None, _OTHERS)
    return max(accumulate(_STEPS[sign] for sign in brackets), default=0) > most


def end_of(text: str, at: int) -> int:
    """Return the place after the object or list that begins at a place. Raises ``ValueError`` where it never ends."""
    depth = 0
    for found in _TEXT_OR_BRACKET.finditer(text, at):
        depth += _STEPS.get(ord(found[0][0]), 0)
        if depth == 0:
            return found.end()
    message = "it never ends"
    raise ValueError(message)


def shallow(text: str, most: int) -> str:
    """Return JSON with null for what lies more than so many levels deep. Raises ``ValueError`` where it never ends."""
    kept, depth, at, past = [], 0, 0, 0
    for found in _TEXT_OR_BRACKET.finditer(text):
        if found.start() < past:
            continue
        depth += _STEPS.get(ord(found[0][0]), 0)
        if depth > most:
            past = end_of(text, found.start())
            kept += [text[at : found.start()], "null"]
            at, depth = past, depth - 1
    return "".join([*kept, text[at:]])
