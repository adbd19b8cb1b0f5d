"""The numbers that people call cases by: read as they are said or typed, and told apart from mistakes. Pure.

Two digits of the year, six or more that count on, and a check digit by ISO 7064 MOD 11,10. PostgreSQL gives them out
(``case_number``); here they are read. Spaces and dashes between the digits are no part of them.
"""

import unicodedata

SHORTEST, LONGEST = 9, 16


def read_number(said: str) -> str | None:
    """Return the number that was meant; None where it is none, by its length, its letters or its check digit."""
    digits = "".join(each for each in unicodedata.normalize("NFKC", said) if each not in " -\t·.")
    if not (digits.isascii() and digits.isdigit() and SHORTEST <= len(digits) <= LONGEST):
        return None
    return digits if check_digit(digits[:-1]) == digits[-1] else None


def check_digit(digits: str) -> str:
    """Return the digit that makes a number of these right."""
    product = 10
    for each in digits:
        product = ((product + int(each)) % 10 or 10) * 2 % 11
    return str((11 - product) % 10)
