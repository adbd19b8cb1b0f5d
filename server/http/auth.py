"""Who is calling, and whether this route is for them. Every route states its callers with ``@access``.

The device half reads the bearer token; the staff half the session cookie. A test walks the routes and
fails on one that states nothing. Which rows a caller sees is the service's part; this is the door.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, request
from sqlalchemy.orm import Session
from werkzeug.http import parse_cookie

# For its effect: whoever declares who may call a route has its JSON read by the one reader.
import server.http.sent_texts  # noqa: F401
from server import clock
from server.accounts import passwords
from server.accounts.charge import Charge, read_charge
from server.accounts.errors import CsrfTokenWrong, RoleMissing, SignInRequired
from server.accounts.signin import TOUCH_AFTER, Staff, csrf_matches, touch
from server.accounts.signin import authenticate as authenticate_staff
from server.database.extensions import db, settings
from server.database.transaction import call_again, reading, transaction
from server.http.attempts import secret_attempt
from server.http.caller_cache import CallerCache, DeviceCache
from server.http.origins import is_same_site
from sync.access.devices import CallingDevice, authenticate
from sync.errors import TokenMissing

Route = TypeVar("Route", bound=Callable[..., Any])


FOUND_DEVICE = "gridpatrol.device"
"""Where a request holds the device of its token, if it was looked up before it was routed. No header is called so."""


def access(statement: str, *schemes: str) -> Callable[[Route], Route]:
    """State who may call a route and over which area, in words; ``tests/api/test_access.py`` reads it.

    ``schemes``: what a caller may show, as the OpenAPI document names it; none where anybody may call.
    """

    def mark(route: Route) -> Route:
        route.access = statement  # type: ignore[attr-defined]  # read by the test that walks the routes
        route.security = [{each: []} for each in schemes]  # type: ignore[attr-defined]  # read by the document
        return route

    return mark


def device_required(*, revoked_may: bool = False, remembered: bool = False) -> Callable[[Route], Route]:
    """Let in the device whose token is sent; it is then ``calling_device()``. Strangers buy no parsing.

    ``remembered``: a token that was right a minute ago will do; the route itself reads the device again, locked.
    """

    def guard(route: Route) -> Route:
        @wraps(route)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            g.device = _device_of(_bearer(), revoked_may=revoked_may, remembered=remembered)
            return call_again(route, *args, **kwargs)

        return access("device: its worker's own areas", "device")(guarded)  # type: ignore[return-value]  # same signature

    return guard


def bearer_of(authorization: str) -> str:
    """Return the token of an Authorization header, nothing where it holds none."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _bearer() -> str:
    token = bearer_of(request.headers.get("Authorization", ""))
    if not token:
        raise TokenMissing
    return token


def _device_of(token: str, *, revoked_may: bool, remembered: bool) -> CallingDevice:
    def ask(token: str) -> CallingDevice:
        with secret_attempt(), reading() as reader:
            return authenticate(reader, token, revoked_may=revoked_may)

    found: CallingDevice | None = request.environ.get(FOUND_DEVICE)
    if found is not None:
        return found
    return _device_cache().device(token, ask) if remembered else ask(token)


def _device_cache() -> DeviceCache:
    cache: DeviceCache = current_app.extensions.setdefault("device_cache", DeviceCache())
    return cache


def forget_device() -> None:
    """Have the calling device looked up anew next time: it turned out to be revoked."""
    _device_cache().forget(_bearer())


def calling_device() -> CallingDevice:
    """Return the device of this request; only inside ``device_required``."""
    device: CallingDevice = g.device
    return device


def device_or_staff(statement: str) -> Callable[[Route], Route]:
    """Let in who sends a token as a device, and everybody else as staff of any role; ``statement``: over what.

    Inside, ``called_by_device()`` tells which of the two it is.
    """

    def guard(route: Route) -> Route:
        by_device, by_staff = device_required()(route), staff_required()(route)

        @wraps(route)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            return (by_device if "Authorization" in request.headers else by_staff)(*args, **kwargs)

        return access(f"device: {statement}; staff (any role): {statement}", "device", "staff")(guarded)  # type: ignore[return-value]  # same signature

    return guard


def called_by_device() -> bool:
    """Return whether a device calls, where staff may too; only inside ``device_or_staff``."""
    return "device" in g


SESSION_COOKIE = "patrol_session"
CSRF_HEADER = "X-CSRF-Token"
_STAFF_KEPT_S = 30.0
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def staff_required(
    *roles: str,
    over: str = "what is in their charge",
    by_password: bool = False,
    remembered: bool | Callable[..., bool] = False,
) -> Callable[[Route], Route]:
    """Let in staff who are signed in and hold one of ``roles`` (any role, where none is named).

    Where roles are named, the charge inside is what is held in one of them: a person who is dispatcher of a community
    and auditor of the county does not dispatch for the county.
    An unsafe method needs the CSRF token of the session too. ``by_password``: an application password (HTTP Basic)
    will do as well. Inside, ``calling_staff()`` says who it is and ``calling_charge()`` what they are in charge of.
    ``remembered``: who was let in half a minute ago will do, and nobody's charge is read; for what is read only, and
    the same for all. Where that depends on what is asked, a function of the route's arguments tells it.
    """
    if roles and remembered:
        raise ValueError("whoever is only remembered has no charge to look a role up in")

    def guard(route: Route) -> Route:
        @wraps(route)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            may_remember = remembered(*args, **kwargs) if callable(remembered) else remembered
            _let_in(roles, by_basic=by_password and _shows_password(), may_remember=may_remember)
            return call_again(route, *args, **kwargs)

        who = ", ".join(sorted(roles)) if roles else "any role"
        shown = ("staff", "program") if by_password else ("staff",)
        return access(f"staff ({who}): {over}", *shown)(guarded)  # type: ignore[return-value]  # same signature

    return guard


def _let_in(roles: Sequence[str], *, by_basic: bool, may_remember: bool) -> None:
    now = clock.now()
    if may_remember and (known := _staff_remembered(now, by_basic=by_basic)):
        g.staff = known
        return
    g.staff, seen = _staff_of_program(now) if by_basic else _staff_of_session(now)
    if not may_remember:
        charge = read_charge(db.session(), g.staff.person_id, now=now)
        g.charge = charge.in_roles(roles) if roles else charge
    if roles and not g.charge.held:
        raise RoleMissing(roles=sorted(roles))
    if now - g.staff.seen_at > TOUCH_AFTER:
        with transaction() as tx:
            seen(tx.session)
    if may_remember:
        _staff_cache().note(_shown(by_basic=by_basic), g.staff)


Seen = Callable[[Session], object]


def _staff_remembered(now: dt.datetime, *, by_basic: bool) -> Staff | None:
    known = _staff_cache().known(_shown(by_basic=by_basic))
    return known if known is not None and known.expires_at > now else None


def is_remembered(app: Flask, environ: dict[str, Any], *, by_password: bool) -> bool:
    """Return whether a caller was let in lately to what is the same for all staff, from a request not yet routed.

    ``by_password``: whether an application password will do where this one asks.
    """
    cache: CallerCache[Staff] | None = app.extensions.get("staff_cache")
    if cache is None:
        return False
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    if by_password and authorization[:6].lower() == "basic ":
        known = cache.known(_shown_basic(authorization))
    else:
        token = parse_cookie(environ).get(SESSION_COOKIE)
        known = cache.known(_shown_session(token)) if token else None
    return known is not None and known.expires_at > clock.now()


def _shows_password() -> bool:
    return request.authorization is not None and request.authorization.type == "basic"


def _shown(*, by_basic: bool) -> str:
    """Return what the caller showed at the door, as one text that no other caller can show."""
    return _shown_basic(request.headers["Authorization"]) if by_basic else _shown_session(session_token())


def _shown_basic(authorization: str) -> str:
    return f"basic {authorization}"


def _shown_session(token: str) -> str:
    return f"session {token}"


def _staff_cache() -> CallerCache[Staff]:
    cache: CallerCache[Staff] = current_app.extensions.setdefault("staff_cache", CallerCache(_STAFF_KEPT_S))
    return cache


def _staff_of_session(now: dt.datetime) -> tuple[Staff, Seen]:
    """Return who holds the session of the cookie, and how to note that it was used."""
    token = session_token()
    staff = authenticate_staff(db.session(), token, now=now)
    if request.method not in _SAFE_METHODS:
        require_same_site()
        if not csrf_matches(token, request.headers.get(CSRF_HEADER, "")):
            raise CsrfTokenWrong
    return staff, lambda session: touch(session, token, now=now)


def _staff_of_program(now: dt.datetime) -> tuple[Staff, Seen]:
    """Return whose application password was sent. A browser that keeps one must not be used by another site."""
    if request.method not in _SAFE_METHODS:
        require_same_site()
    basic = request.authorization
    login, secret = (str(basic.username or ""), str(basic.password or "")) if basic else ("", "")
    with secret_attempt():
        staff = passwords.authenticate(db.session(), login, secret)
    return staff, lambda session: passwords.note_use(session, secret, now=now)


def calling_staff() -> Staff:
    """Return who is signed in; only inside ``staff_required``."""
    staff: Staff = g.staff
    return staff


def calling_charge() -> Charge:
    """Return what the caller is in charge of; only inside ``staff_required``."""
    charge: Charge = g.charge
    return charge


def session_token() -> str:
    """Return the token in the session cookie. Raises ``SignInRequired`` when there is none."""
    token = request.cookies.get(SESSION_COOKIE, "")
    if not token:
        raise SignInRequired
    return token


def require_same_site() -> None:
    """Refuse an unsafe request that a browser says another site's page made; programs say nothing of either."""
    if not is_same_site():
        raise CsrfTokenWrong


def set_session_cookie(response: Response, token: str, expires_at: dt.datetime) -> None:
    """Put the token where scripts cannot read it and other sites do not send it."""
    response.set_cookie(
        SESSION_COOKIE,
        token,
        expires=expires_at,
        httponly=True,
        secure=settings().secure_cookies,
        samesite="Lax",
        path="/",
    )


def clear_session_cookie(response: Response) -> None:
    """Take the token back out of the browser."""
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="Lax", secure=settings().secure_cookies)
