"""The normal forms of what people and phones send: times, UUIDs, texts and numbers, each read by one parser.

What is accepted is brought into its normal form once, at the door; whatever reads it later (merging, SQL, maps, web
pages) meets that form alone. Pure: knows no schema, no field and no database.

time     RFC 3339 -> UTC with a capital Z, a fraction only where there is one, at most six digits
UUID     capitals, braces, ``urn:uuid:`` and missing hyphens -> lower case with hyphens
text     NFC, without blanks around it, line ends as line feeds, at most thirty marks on one letter
number   no negative zero
"""

import datetime as dt
import re
import unicodedata
import uuid
from collections.abc import Iterator
from typing import Any

# RFC 3339, section 5.6; also a blank for the T, an offset without a colon, and the leap second.
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-]\d\d):?(\d\d))", re.ASCII
)  # fmt: skip
_LEAP = "60"
_HEX = re.compile(r"[0-9a-f]{32}")
_HYPHENATED = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Control characters but tab and line ends; what turns the direction of reading (the "Trojan Source" characters,
# CVE-2021-42574); halves of surrogate pairs.
_UNCLEAN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# The same in UTF-8 JSON, as msgspec writes it: what this does not find holds none of them.
_UNCLEAN_JSON = re.compile(
    rb"\\u00|\\b|\\f|\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]"
)  # fmt: skip
# Free additions alone may hold a number of any size.
_HUGE_JSON = re.compile(rb"[0-9]{309}")
_STACK = 30


def _marks() -> str:
    """Return the characters that stand on the one before them, as the inside of a class of a regular expression."""
    found = [code for code in range(0x300, 0x1F000) if unicodedata.combining(chr(code))]
    starts = [code for code in found if not unicodedata.combining(chr(code - 1))]
    ends = [code for code in found if not unicodedata.combining(chr(code + 1))]
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in zip(starts, ends, strict=True))


_STACKED = re.compile(f"([{_marks()}]{{{_STACK}}})[{_marks()}]+")
_LARGEST = 1.7976931348623157e308
REPLACEMENT = "\ufffd"


class NoNumber(str):
    """What stands in JSON where a number should, and is none: NaN, Infinity, or one beyond a double's range."""

    __slots__ = ()


def moment(text: str) -> dt.datetime:
    """Return a time as aware UTC. A leap second is the second after it; finer than a microsecond is cut off.

    Raises ``ValueError`` for what is no RFC 3339 time, or lies outside the years 1 to 9999 in UTC.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        message = "not an RFC 3339 time"
        raise ValueError(message)
    day, minute, second, fraction, hours, minutes = found.groups()
    leaps = second == _LEAP
    offset = "+00:00" if hours is None else f"{hours}:{minutes}"
    read = dt.datetime.fromisoformat(
        f"{day}T{minute}:{'59' if leaps else second}.{(fraction or '0')[:6].ljust(6, '0')}{offset}"
    )
    try:
        return read.astimezone(dt.UTC) + dt.timedelta(seconds=leaps)
    except OverflowError:
        message = "outside the years 1 to 9999"
        raise ValueError(message) from None


def time_text(text: str) -> str:
    """Return the normal form of a time. Raises ``ValueError``, as ``moment`` does."""
    return moment(text).isoformat().removesuffix("+00:00") + "Z"


def uuid_text(text: str) -> str:
    """Return the normal form of a UUID. Raises ``ValueError``."""
    if _HYPHENATED.fullmatch(text):
        return text
    bare = text.lower().removeprefix("urn:uuid:").removeprefix("{").removesuffix("}")
    if not (_HYPHENATED.fullmatch(bare) or _HEX.fullmatch(bare)):
        message = "not a UUID"
        raise ValueError(message)
    return str(uuid.UUID(bare))


def free_text(text: str) -> str:
    """Return the normal form of a text that somebody wrote.

    No letter keeps more than thirty marks (Unicode's stream-safe form, UAX #15): no language has them, and bringing
    thousands into their order takes the square of their number.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > _STACK:
        text = _STACKED.sub(r"\1", text)
    return unicodedata.normalize("NFC", text).strip(" \t\n\u3000\ufeff\u00a0")


def is_perhaps_unclean(encoded: bytes) -> bool:
    """Return whether JSON that msgspec wrote may hold what nobody may write: ``unclean`` and ``no_numbers`` say."""
    huge = b'"extra"' in encoded and _HUGE_JSON.search(encoded) is not None
    return huge or _UNCLEAN_JSON.search(encoded) is not None


def is_unclean(text: str) -> bool:
    """Return whether a text holds a control character, one that turns the direction of reading, or half a pair."""
    return _UNCLEAN.search(text) is not None


def clean(text: str) -> str:
    """Return a text with every character that it may not hold replaced, so that it can be kept and shown."""
    return _UNCLEAN.sub(REPLACEMENT, text)


def unclean(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of every text in a JSON value that is not clean; a key is named by what it lies in."""
    if isinstance(value, str):
        if is_unclean(value):
            yield path
    elif isinstance(value, dict):
        for key, below in value.items():
            step = clean(key)
            if is_unclean(key):
                yield path
            yield from unclean(below, f"{path}.{step}" if path else step)
    elif isinstance(value, list):
        for place, below in enumerate(value):
            yield from unclean(below, f"{path}[{place}]")


def no_numbers(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of everything in a JSON value that stands for a number and is none."""
    if isinstance(value, NoNumber) or (isinstance(value, int) and abs(value) > _LARGEST):
        yield path
    elif isinstance(value, dict):
        for key, below in value.items():
            yield from no_numbers(below, f"{path}.{clean(key)}" if path else clean(key))
    elif isinstance(value, list):
        for place, below in enumerate(value):
            yield from no_numbers(below, f"{path}[{place}]")


def cleaned(value: Any) -> Any:
    """Return a JSON value with every text in it clean, and what is no number as plain text."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(key): cleaned(below) for key, below in value.items()}
    if isinstance(value, list):
        return [cleaned(below) for below in value]
    if isinstance(value, int) and abs(value) > _LARGEST:
        return str(value)
    return value
