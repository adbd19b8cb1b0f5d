"""Who is calling, and whether this route is for them. Every route states its callers with ``@access``.

The device half reads the bearer token; the staff half the session cookie. A test walks the routes and
fails on one that states nothing. Which rows a caller sees is the service's part; this is the door.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import g, request

from server.extensions import db
from sync.devices import CallingDevice, authenticate
from sync.errors import TokenMissing

Route = TypeVar("Route", bound=Callable[..., Any])


def access(statement: str) -> Callable[[Route], Route]:
    """State who may call a route and over which area, in words; ``tests/api/test_access.py`` reads it."""

    def mark(route: Route) -> Route:
        route.access = statement  # type: ignore[attr-defined]  # read by the test that walks the routes
        return route

    return mark


def device_required(*, revoked_may: bool = False) -> Callable[[Route], Route]:
    """Let in the device whose token is sent; it is then ``calling_device()``. Strangers buy no parsing."""

    def guard(route: Route) -> Route:
        @wraps(route)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not token.strip():
                raise TokenMissing
            g.device = authenticate(db.session(), token.strip(), revoked_may=revoked_may)
            return route(*args, **kwargs)

        return access("device: its worker's own areas")(guarded)  # type: ignore[return-value]  # same signature

    return guard


def calling_device() -> CallingDevice:
    """Return the device of this request; only inside ``device_required``."""
    device: CallingDevice = g.device
    return device
