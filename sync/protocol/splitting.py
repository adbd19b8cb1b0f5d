"""Takes a push apart where its JSON is not what the standard has, so that one bad operation is found by itself.

Owns the lenient reading of JSON: half a surrogate pair, modified UTF-8 (CESU-8), bytes of another encoding, raw
control characters, NaN and numbers beyond all bounds. Such values come out as they are, for the wire to name. Must not
know what an operation is.
"""

import json
import math
import re
from typing import Any

from sync.collections.normal import NoNumber
from sync.protocol.nesting import end_of

_MOST_BUILT = 2 * 1024 * 1024
"""Of a body whose values are built to find their ends: what is built takes fifty times its bytes."""
_BLANK = re.compile(r"[ \t\n\r]*")
_LONGEST_INTEGER = 400
_SAFE = "surrogateescape"
_OPS = "ops"


def _integer(digits: str) -> int | NoNumber:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else NoNumber(digits)


def _decimal(digits: str) -> float | NoNumber:
    number = float(digits)
    return number if math.isfinite(number) else NoNumber(digits)


_LENIENT = json.JSONDecoder(strict=False, parse_constant=NoNumber, parse_int=_integer, parse_float=_decimal)


def lenient(raw: bytes) -> Any:
    """Return the value of JSON, however its texts are encoded. Raises ``ValueError`` or ``RecursionError``."""
    return _LENIENT.decode(raw.decode(errors=_SAFE))


def split(body: bytes) -> tuple[bytes, list[bytes]]:
    """Return a body without its operations, and the bytes of each of them.

    Raises ``ValueError`` where the body is no JSON object, however leniently it is read. What nests too deep to be read
    is taken out as it is.
    """
    text = body.decode(errors=_SAFE)
    at = _past(text, _after(text, 0), "{")
    head: list[str] = []
    ops: list[bytes] = []
    while text[at : at + 1] != "}":
        key, at = _LENIENT.raw_decode(text, at)
        begin = at = _past(text, _after(text, at), ":")
        if key == _OPS and text[at : at + 1] == "[":
            ops, at = _elements(text, at)
            head.append(f"{json.dumps(key)}:[]")
        else:
            at = _past_value(text, at)
            head.append(f"{json.dumps(key)}:{text[begin:at]}")
        at = _next(text, at, "}")
    if _after(text, at + 1) != len(text):
        message = "there is more after the end"
        raise ValueError(message)
    return ("{" + ",".join(head) + "}").encode(errors=_SAFE), ops


def _elements(text: str, at: int) -> tuple[list[bytes], int]:
    """Return the bytes of each element of the list that begins at a place, and the place after the list."""
    found = []
    at = _after(text, at + 1)
    while text[at : at + 1] != "]":
        end = _past_value(text, at)
        found.append(text[at:end].encode(errors=_SAFE))
        at = _next(text, end, "]")
    return found, at + 1


def _past_value(text: str, at: int) -> int:
    if len(text) > _MOST_BUILT and text[at : at + 1] in ("{", "["):
        return end_of(text, at)
    try:
        return _LENIENT.raw_decode(text, at)[1]
    except RecursionError:
        return end_of(text, at)


def _next(text: str, at: int, closing: str) -> int:
    """Return where the next member begins, or where the closing bracket stands."""
    at = _after(text, at)
    return at if text[at : at + 1] == closing else _after(text, _past(text, at, ","))


def _after(text: str, at: int) -> int:
    """Return the place after the blanks at a place."""
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _past(text: str, at: int, sign: str) -> int:
    """Return the place after a sign and the blanks behind it. Raises ``ValueError``."""
    if text[at : at + 1] != sign:
        message = f"{sign} is missing"
        raise ValueError(message)
    return _after(text, at + 1)
