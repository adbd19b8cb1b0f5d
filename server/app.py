"""Builds the Flask app: configuration, extensions, problems, edges. Knows every edge and no domain rule."""

import datetime as dt
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from flask import Flask
from flask.json.provider import DefaultJSONProvider
from werkzeug.middleware.proxy_fix import ProxyFix

from server.api.described import describe
from server.api.document import EveryOperation
from server.api.health import count, count_requests
from server.api.pull_door import PullDoor
from server.config import Config
from server.database.extensions import NoCookieSession, api, bind_limiter, db, migrate
from server.database.pool import engine_options
from server.http.caching import keep_nothing
from server.http.origins import let_origins_in
from server.http.paths import RowNumber
from server.http.problems import init_problems
from server.http.sent_texts import look_at_addresses
from server.monitoring import logs
from server.ogc import blueprint as ogc
from server.pages import blueprint as pages
from server.tiles.middleware import TileDoor

# Each module holds a flask-smorest blueprint named ``blueprint``.
EDGES: Sequence[str] = (
    "server.api.health",
    "server.api.devices",
    "server.api.sync",
    "server.api.doors",
    "server.api.scope",
    "server.api.events",
    "server.api.review",
    "server.api.support",
    "server.api.session",
    "server.api.passwords",
    "server.api.people",
    "server.api.enrolments",
    "server.api.issues",
    "server.api.map",
    "server.api.work",
    "server.api.tiles",
    "server.api.boundaries",
    "server.api.drafts",
    "server.api.editions",
    "server.api.cases",
    "server.api.callbacks",
    "server.api.desk",
    "server.api.rulebook",
    "server.api.bodies",
    "server.api.calendars",
    "server.api.catalogue",
    "server.api.terms",
    "server.api.duplicates",
    "server.api.deliveries",
    "server.files.tus",
    "server.files.content",
    "server.files.by_staff",
    "server.files.imports",
    "server.files.outboxes",
)


def create_app(config: Config | None = None) -> Flask:
    """Return an app for the configuration given, or for the environment's."""
    settings = config or Config.from_environment()
    app = Flask("gridpatrol", static_folder=None)
    app.json = Rfc3339(app)
    app.config.update(
        PATROL=settings,
        SECRET_KEY=settings.secret_key,
        TESTING=settings.testing,
        MAX_CONTENT_LENGTH=settings.max_body_bytes,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings),
        API_TITLE="GridPatrol 巡格",
        API_VERSION="v1",
        OPENAPI_VERSION="3.0.3",
        OPENAPI_URL_PREFIX="/v1",
        OPENAPI_JSON_PATH="openapi.json",
        RATELIMIT_STORAGE_URI=settings.redis_url,
    )
    app.url_map.converters["int"] = RowNumber
    db.init_app(app)
    migrate.init_app(app, db)
    bind_limiter(app)
    app.session_interface = NoCookieSession()
    api.init_app(app, spec_kwargs={"extra_plugins": [EveryOperation(app)]})
    describe(api)
    for name in EDGES:
        api.register_blueprint(import_module(name).blueprint)
    app.register_blueprint(ogc)
    app.register_blueprint(pages)
    init_problems(app)
    look_at_addresses(app)
    count_requests(app)
    keep_nothing(app)
    let_origins_in(app)
    _put_doors(app, settings)
    logs.configure()
    return app


def _put_doors(app: Flask, settings: Config) -> None:
    """Put what answers before Flask around an app, as Flask says middleware is put on."""
    app.wsgi_app = TileDoor(app, count)  # type: ignore[method-assign]
    app.wsgi_app = PullDoor(app, count)  # type: ignore[method-assign]
    if settings.behind_front:
        # It sets both, whatever a caller sent.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]


class Rfc3339(DefaultJSONProvider):
    """JSON as the protocol has it: times by RFC 3339, where Flask's own writes those of HTTP; text as it is."""

    ensure_ascii = False

    @staticmethod
    def default(value: Any) -> Any:
        """Return what JSON has no form for in one that it has."""
        return value.isoformat() if isinstance(value, dt.datetime) else DefaultJSONProvider.default(value)
