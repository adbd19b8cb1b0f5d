"""The form of what is told of one sort of error."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """How one sort of error is told: status, titles, and what to do about it."""

    status: int
    zh: str
    en: str
    do_zh: str = ""
    do_en: str = ""
