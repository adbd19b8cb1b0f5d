"""Logins: the one form in which a login is stored and looked up. Pure; must not know the database.

Two spellings that a person takes for the same (case, width, composed or not, blanks around) have one normal form, and
only normal forms are stored: ``person.login`` is unique, and a constraint refuses what is none. A new login is of one
script, so that none looks like another of other letters; those that are there go on.
"""

import re
import unicodedata

from server.accounts.errors import LoginUnusable

LONGEST_LOGIN = 60
PUNCTUATION = "._-@+"
_TAKEN = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd"})
# Letters and marks that are drawn as nothing (Default_Ignorable_Code_Point among the categories taken).
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


# Scripts that are written together in one word, beside Latin letters.
_WRITTEN_TOGETHER = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "IDEOGRAPHIC"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)
# Small letters that are drawn as Latin ones, of the scripts that have many.
_DRAWN_AS_LATIN = frozenset("асеһіјӏорѕухԁԛԝүԍвкмнтгьαοορυνικτχγωηϳոսօցհզգքյլ")
_NOT_LATIN_ENOUGH = frozenset("ıĸŉ")
_LAST_OF_EUROPE = "ſ"


def normal_form(login: str) -> str:
    """Return the normal form of a login. Raises ``LoginUnusable`` for one that nobody may have.

    Letters and digits of any script and ``._-@+`` are taken: what cannot be seen or typed again is not.
    """
    folded = looked_up(login)
    unusable = sorted({char for char in folded if not _is_taken(char)})
    if unusable or not 0 < len(folded) <= LONGEST_LOGIN or not folded[0].isalnum():
        raise LoginUnusable(
            field="login",
            characters=[f"U+{ord(char):04X}" for char in unusable],
            most=LONGEST_LOGIN,
            taken=f"letters, digits and {PUNCTUATION}, beginning with a letter or digit",
        )
    return folded


def looked_up(login: str) -> str:
    """Return what a login that somebody typed is looked up by; for a usable one this is its normal form."""
    folded = _composed(_composed(login).strip().casefold())
    # Case folding turns small Cherokee letters into capitals, which the database holds for unfolded.
    return _composed(folded.lower())


def require_unlike_others(login: str) -> None:
    """Raise ``LoginUnusable`` where a new login (normal form) may be read as one of other letters.

    That is: of several scripts that are not written together, all of letters that are drawn as Latin ones, or with
    phonetic letters.
    """
    letters = [char for char in login if char.isalpha() or (char.isdecimal() and not char.isascii())]
    scripts = {_script(char) for char in letters} - {""}
    odd = {char for char in letters if _script(char) == "LATIN" and not _is_common_latin(char)}
    if len(scripts) > 1 and not any(scripts <= together for together in _WRITTEN_TOGETHER):
        odd |= {char for char in letters if not char.isascii()}
    if letters and _DRAWN_AS_LATIN.issuperset(letters):
        odd |= set(letters)
    if odd:
        raise LoginUnusable(
            field="login", reason="look-alike", characters=[f"U+{ord(char):04X}" for char in sorted(odd)]
        )


def _script(char: str) -> str:
    """The script of a letter or digit, as its name begins; "" for marks, which go with any."""
    name = unicodedata.name(char, "").removeprefix("EXTENDED ").removeprefix("MODIFIER LETTER ")
    first = name.partition(" ")[0]
    return "" if first == "COMBINING" else first.removesuffix("-INDIC")


def _is_common_latin(char: str) -> bool:
    """Whether a Latin letter is one of the European alphabets, or one of theirs with marks."""
    base = unicodedata.normalize("NFD", char)[0]
    return (base.isascii() or base <= _LAST_OF_EUROPE) and base not in _NOT_LATIN_ENOUGH


def _is_taken(char: str) -> bool:
    return char in PUNCTUATION or (unicodedata.category(char) in _TAKEN and not _UNSEEN.match(char))


def _composed(text: str) -> str:
    return unicodedata.normalize("NFKC", text)
