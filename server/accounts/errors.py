"""What can be wrong with signing in and with rights, as data. Knows no HTTP and no wording.

Every class is an ``AccountError``; ``server.http.problems`` gives each its status and words.
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


class WorksElsewhere(AccountError):
    """``worker`` does field work outside the caller's charge, too: a code would give more than the caller may."""

    code = "works-elsewhere"


class OfficeElsewhere(AccountError):
    """``worker`` holds an office over areas outside the caller's charge: a code would let others act in their name."""

    code = "office-elsewhere"


class UnknownRole(AccountError):
    """``role`` is none of ``known``."""

    code = "unknown-role"


class UnknownArea(AccountError):
    """No area in force has the code ``area``."""

    code = "unknown-area"


class PasswordTooShort(AccountError):
    """A password shorter than ``least`` characters."""

    code = "password-too-short"


class PasswordBlank(AccountError):
    """A password of nothing that can be seen."""

    code = "password-blank"


class TooManyAppPasswords(AccountError):
    """A person holds ``most`` application passwords already."""

    code = "too-many-app-passwords"


class LoginUnusable(AccountError):
    """``field`` holds ``characters`` that no login may have, or is empty or over ``most`` long; ``taken``: what may."""

    code = "login-unusable"


class LoginTaken(AccountError):
    """Somebody has the login ``login`` already."""

    code = "login-taken"


class NameUnusable(AccountError):
    """A name in ``field`` that is blank, longer than ``most``, or holds characters that cannot be seen."""

    code = "name-unusable"


class RoleNotHeld(AccountError):
    """The person does not hold ``role`` at ``area``, now or later."""

    code = "role-not-held"


class BeyondAuthority(AccountError):
    """What is to be given or taken reaches beyond what the caller holds: ``what``."""

    code = "beyond-authority"


class LastAdministrator(AccountError):
    """Without ``login`` nobody could give rights over the whole city any more."""

    code = "last-administrator"


class CurrentPasswordWrong(AccountError):
    """The present password in ``field`` is not right."""

    code = "current-password-wrong"


class TooManyAttempts(AccountError):
    """Too many wrong attempts; the next is looked at in ``retry_after_s`` seconds."""

    code = "too-many-attempts"
