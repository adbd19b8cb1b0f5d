"""What can be wrong with signing in and with rights, as data. Knows no HTTP and no wording.

Every class is an ``AccountError``; ``server.problems`` gives each its status and words.
"""

from typing import ClassVar


class AccountError(Exception):
    """Base of the accounts service's errors. ``data`` is what a caller may be told beside the words."""

    code: ClassVar[str] = "account-error"

    def __init__(self, **data: object) -> None:
        super().__init__(self.code)
        self.data: dict[str, object] = data


class SignInRefused(AccountError):
    """Login and password do not go together. Never says which of the two is wrong."""

    code = "sign-in-refused"


class SignInRequired(AccountError):
    """There is no session, or it ended."""

    code = "sign-in-required"


class CsrfTokenWrong(AccountError):
    """An unsafe request of a browser came without the token of its session, or from another site."""

    code = "csrf-token-wrong"


class RoleMissing(AccountError):
    """The person has none of ``roles``."""

    code = "role-missing"


class OutsideCharge(AccountError):
    """``what`` is not in the person's charge. Told as if it did not exist."""

    code = "outside-charge"


class UnknownRole(AccountError):
    """``role`` is none of ``known``."""

    code = "unknown-role"


class UnknownArea(AccountError):
    """No area in force has the code ``area``."""

    code = "unknown-area"


class PasswordTooShort(AccountError):
    """A password shorter than ``least`` characters."""

    code = "password-too-short"


class TooManyAppPasswords(AccountError):
    """A person holds ``most`` application passwords already."""

    code = "too-many-app-passwords"
