"""What bounds guessing at each door: passwords, enrolment codes, application passwords and device tokens.

A password is guessed at one account from one place, at one account from many places, or at many accounts from one
place; each has its bound, and only what was wrong counts. The place is an address (for IPv6 its /64) or a browser that
signed in to the account before, known by a signed cookie: such a browser is counted by itself, so that nobody else,
behind whatever address, can keep its owner out. Logins that nobody has are counted alike. Waits grow with the longer
windows of a rate and end by themselves; no account is ever locked.

The address is that of the request as the trusted front gave it, never a header that the caller wrote.
"""

import hashlib
import ipaddress
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flask import Response, current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer

from server.accounts.errors import CurrentPasswordWrong, SignInRefused, TooManyAttempts
from server.accounts.logins import looked_up
from server.cases.errors import CallbackRefused
from server.database.extensions import settings
from server.http.throttle import Throttle
from sync.errors import CodeExpired, CodeUnknown, CodeUsed, TokenUnknown

KNOWN_COOKIE = "patrol_known"
_KNOWN_FOR_S = 365 * 24 * 3600
_MOST_KNOWN = 8


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser by its cookie: a name of its own, and digests of the logins that signed in with it, the newest last."""

    name: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    logins: tuple[str, ...] = ()


@contextmanager
def password_attempt(login: str) -> Iterator[None]:
    """Check a password inside. Raises ``TooManyAttempts`` before it is looked at, where there were too many."""
    rates, account, address = settings(), _account(login), _prefix()
    browser = _browser()
    is_known = account in browser.logins
    place = f"browser {browser.name}" if is_known else f"address {address}"
    if not is_known:
        _require(_throttle().wait_s(rates.sign_in_rate, "sign-ins of", address))
        _require(_throttle().wait_s(rates.account_guess_rate, "sign-ins to", account))
    # Counted before it is known to be wrong: of many at once, no more are looked at than may be.
    _require(_throttle().count(rates.guess_rate, account, place))
    try:
        yield
    except (SignInRefused, CurrentPasswordWrong):
        if not is_known:
            _throttle().count(rates.sign_in_rate, "sign-ins of", address)
            _throttle().count(rates.account_guess_rate, "sign-ins to", account)
        raise
    _throttle().forget(rates.guess_rate, account, place)


@contextmanager
def code_attempt() -> Iterator[None]:
    """Redeem an enrolment code inside. Raises ``TooManyAttempts`` where wrong ones came from the address."""
    rate, address = settings().sign_in_rate, _prefix()
    _require(_throttle().wait_s(rate, "codes of", address))
    try:
        yield
    except (CodeUnknown, CodeUsed, CodeExpired):
        _throttle().count(rate, "codes of", address)
        raise


@contextmanager
def secret_attempt() -> Iterator[None]:
    """Look a random secret up inside. A wrong one is answered by ``TooManyAttempts`` where there were too many.

    Nobody guesses 192 bits, and thousands of phones may share an address: who shows a right one is let in whatever
    others there do. The bound tells programs that ask and ask with a secret that is gone to wait.
    """
    try:
        yield
    except (SignInRefused, TokenUnknown, CallbackRefused):
        _require(_throttle().count(settings().secret_rate, "secrets of", _prefix()))
        raise


def remember_browser(response: Response, login: str) -> None:
    """Have a browser that signed in to an account known to it from now on."""
    browser, account = _browser(), _account(login)
    logins = (*(each for each in browser.logins if each != account), account)[-_MOST_KNOWN:]
    response.set_cookie(
        KNOWN_COOKIE,
        _signer().dumps([browser.name, logins]),
        max_age=_KNOWN_FOR_S,
        httponly=True,
        secure=settings().secure_cookies,
        samesite="Lax",
        path="/v1/session",
    )


def _browser() -> Browser:
    try:
        name, logins = _signer().loads(request.cookies.get(KNOWN_COOKIE, ""), max_age=_KNOWN_FOR_S)
    except BadData:
        return Browser()
    return Browser(name, tuple(logins))


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings().secret_key, salt="known-browser")


def _account(login: str) -> str:
    """Return what an account is counted under, whether there is one or not, however its login was typed."""
    typed = looked_up(login).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(typed, digest_size=9, key=settings().secret_key.encode()[:64]).hexdigest()


def _prefix() -> str:
    """Return the address of the caller; of IPv6 the part that a customer is given whole."""
    told = request.remote_addr or ""
    try:
        address = ipaddress.ip_address(told.partition("%")[0])
    except ValueError:
        return told
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _require(wait_s: int) -> None:
    if wait_s:
        raise TooManyAttempts(retry_after_s=wait_s)


def _throttle() -> Throttle:
    throttle: Throttle = current_app.extensions.setdefault("throttle", Throttle(settings().redis_url))
    return throttle
