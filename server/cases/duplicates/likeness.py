"""How alike two short texts are: Chinese first, where a word is two characters and nobody puts spaces. Pure.

Owns the measure. Must not know cases, distances or the database. Trigrams of letters, as PostgreSQL has them, find next
to nothing in texts of ten characters; pairs of neighbouring characters are the words themselves, most of the time.
"""

import unicodedata
from collections import Counter
from functools import lru_cache
from typing import Final

from rapidfuzz import fuzz

SAME_MATTER: Final = 0.45
"""From here on two texts of one kind and place are taken for the same matter; calibrated in the tests."""

# What reporters put before and after what they mean. Two texts are not alike for being polite.
_SAYS_NOTHING: Final = (
    *("你好", "您好", "请尽快处理", "请及时处理", "请处理", "尽快处理", "麻烦", "希望", "谢谢"),
    *("我要反映", "反映", "有人", "这里", "那里", "现在", "今天", "昨天", "已经", "发现", "附近"),
    *("please", "thanks"),
)


# What a report is about stands at its beginning. Fitting one text of thousands of characters into another takes
# minutes, and holds up every other thread of the process meanwhile.
_READ_AT_MOST: Final = 1000
_COMPARED_AT_MOST: Final = 300


# In a crowded place each text is held against hundreds of others.
@lru_cache(maxsize=2048)
def normalised(words: str) -> str:
    """Return a text by what it says: one form and width of each character, no case, no punctuation, no politeness."""
    plain = unicodedata.normalize("NFKC", words[:_READ_AT_MOST]).casefold()
    kept = "".join(each for each in plain if unicodedata.category(each)[0] in "LN")
    short = kept
    for nothing in _SAYS_NOTHING:
        short = short.replace(nothing, "")
    return (short or kept)[:_COMPARED_AT_MOST]


def likeness(one: str, other: str) -> float | None:
    """Return how alike two texts are, from 0 to 1; None where one of them says nothing.

    The mean of two measures: what part of the pairs of characters they share (Dice), weighed up where a short text is
    wholly within a long one; and how well the shorter fits into the longer in its order (``partial_ratio``).
    """
    first, second = normalised(one), normalised(other)
    if not first or not second:
        return None
    if first == second:
        return 1.0
    pairs = _shared(_pairs(first), _pairs(second))
    order = fuzz.partial_ratio(first, second) / 100
    # Of two or three characters any text holds some: a fit of so little is no fit.
    told = min(len(first), len(second))
    return 0.6 * pairs + 0.4 * order * min(1.0, told / 4)


@lru_cache(maxsize=2048)
def _pairs(words: str) -> Counter[str]:
    return Counter(words[at : at + 2] for at in range(len(words) - 1)) or Counter([words])


def _shared(one: Counter[str], other: Counter[str]) -> float:
    """Return the mean of Dice's coefficient and of the part of the smaller that is in the larger."""
    both, smaller = (one & other).total(), min(one.total(), other.total())
    return (2 * both / (one.total() + other.total()) + both / smaller) / 2
