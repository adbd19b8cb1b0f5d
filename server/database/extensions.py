"""The Flask extensions, made once and bound to an app in ``server.app``. Knows no route and no table."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import structlog
from flask import Flask, Request, Response, after_this_request, current_app
from flask.sessions import NullSession, SessionInterface, SessionMixin
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_migrate import Migrate
from flask_smorest import Api
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from sqlalchemy.exc import DBAPIError

from geo.orm import Base
from server.config import Config

log = structlog.get_logger()


class EdgeSession(Session):
    """The session of an edge, which can always be closed."""

    def close(self) -> None:
        """Close it; with its connection where the database has gone since, which nobody who has their answer minds."""
        try:
            super().close()
        except DBAPIError as error:
            log.warning("the database went while a session ended", error=str(error.orig))
            self.invalidate()


# expire_on_commit: an edge renders after the commit, and must not read rows again.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False, "class_": EdgeSession})
migrate = Migrate(directory="migrations")
api = Api()
limiter = Limiter(key_func=get_remote_address, swallow_errors=True, in_memory_fallback_enabled=True)


Route = TypeVar("Route", bound=Callable[..., Any])
_DEDUCT = "limits_deducted"


def bind_limiter(app: Flask) -> None:
    """Bind the limiter so that ``limited`` routes alone pay for it: its hooks cost a kept tile a quarter of its time.

    No limit is for all routes, so there is nothing to look up before a request; what a limited one deducts afterwards
    is asked by ``limited``, and what is held for a request goes with it.
    """
    limiter.init_app(app)
    app.before_request_funcs[None].pop()
    app.teardown_request_funcs[None].pop()
    app.extensions[_DEDUCT] = app.after_request_funcs[None].pop()


def limited(rate: Callable[[], str], **options: Any) -> Callable[[Route], Route]:
    """Let a route be asked no oftener than ``rate`` says; ``options`` are those of ``Limiter.limit``."""

    def guard(route: Route) -> Route:
        counted: Callable[..., Any] = limiter.limit(rate, **options)(route)

        @wraps(route)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            after_this_request(current_app.extensions[_DEDUCT])
            return counted(*args, **kwargs)

        return guarded  # type: ignore[return-value]  # same signature

    return guard


class NoCookieSession(SessionInterface):
    """Flask's own session, which nothing of ours uses: its cookie is not looked for, nor a signer made each time."""

    def open_session(self, _app: Flask, _request: Request) -> SessionMixin:
        """Return a session that nothing can be put into."""
        return NullSession()

    def save_session(self, _app: Flask, _session: SessionMixin, _response: Response) -> None:
        """Save nothing."""


def settings(app: Flask | None = None) -> Config:
    """Return the configuration of the app given, or of the current one."""
    config: Config = (app or current_app).config["PATROL"]
    return config
