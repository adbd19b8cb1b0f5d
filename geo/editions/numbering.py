"""How new areas are numbered: the next code, and the next name, beside areas that are numbered alike.

Owns that a part of the second grid of a community is called as its people would call it: by the next number of that
community, in the figures that its names are written in. Must not know drafts. Pure.
"""

import re
from collections.abc import Collection, Iterator
from typing import Final

DIGITS: Final = 3
"""Digits of a grid within its community."""
GRID: Final = "网格"
_NUMBERED: Final = re.compile(r"(.*第)([0-9]{1,4}|[一二三四五六七八九十]{1,3})([^0-9第]{1,20})", re.DOTALL)
_FIGURES: Final = "一二三四五六七八九"


def next_codes(like: str, known: Collection[str], parent: str | None) -> Iterator[str]:
    """Yield codes that no area has: the numbers after the highest of those that begin alike and are as long.

    First those that begin as their parent's does, where `like` does; then by the last three digits. Ends where no
    number is left. A code that does not end in digits is given three of its own.
    """
    stems = [like[:-DIGITS]] if like[-DIGITS:].isdecimal() else []
    if parent and like.startswith(parent) and like[len(parent) :].isdecimal() and len(parent) > len(like) - DIGITS:
        stems.insert(0, parent)
    given: set[str] = set()
    for stem in stems or [f"{like}-"]:
        width = len(like) - len(stem) if stems else DIGITS
        for code in _after(stem, width, like if stems else f"{stem}{0:0{width}d}", {*known, *given}):
            given.add(code)
            yield code


def _after(stem: str, width: int, like: str, known: Collection[str]) -> Iterator[str]:
    alike = [each[len(stem) :] for each in [*known, like] if each.startswith(stem) and len(each) == len(stem) + width]
    highest = max((int(tail) for tail in alike if tail.isdecimal()), default=0)
    for number in range(highest + 1, 10**width):
        yield f"{stem}{number:0{width}d}"


def next_names(like: str, known: Collection[str]) -> Iterator[str]:
    """Yield names after the highest number among those that are numbered as `like` is ("...第3网格", "...第三网格").

    A name without a number is followed by "-2", "-3" and so on, passing over those that are there.
    """
    parts = _NUMBERED.fullmatch(like)
    if parts is None:
        taken = set(known)
        yield from (name for number in range(2, 10_000) if (name := f"{like}-{number}") not in taken)
        return
    before, figure, behind = parts.groups()
    alike = [found for each in [*known, like] if (found := _NUMBERED.fullmatch(each))]
    highest = max(_number(each[2]) for each in alike if (each[1], each[3]) == (before, behind))
    in_figures = figure.isascii()
    for number in range(highest + 1, 10_000):
        yield f"{before}{number if in_figures else chinese(number)}{behind}"


def chinese(number: int) -> str:
    """Return a number from 1 to 99 as Chinese writes it; a greater one in digits."""
    if not 0 < number < 100:  # noqa: PLR2004 - what two figures around a ten can say
        return str(number)
    tens, ones = divmod(number, 10)
    ten = "" if tens == 0 else "十" if tens == 1 else f"{_FIGURES[tens - 1]}十"
    return ten + (_FIGURES[ones - 1] if ones else "")


def _number(figure: str) -> int:
    if figure.isascii():
        return int(figure)
    tens, is_ten, ones = figure.rpartition("十")
    if not is_ten:
        return _FIGURES.find(figure) + 1
    return 10 * (_FIGURES.find(tens) + 1 if tens else 1) + (_FIGURES.find(ones) + 1 if ones else 0)
