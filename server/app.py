"""Builds the Flask app: configuration, extensions, problems, edges. Knows every edge and no domain rule."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import structlog
from flask import Flask

from server.api.described import describe
from server.api.health import count, count_requests
from server.config import Config
from server.extensions import NoCookieSession, api, bind_limiter, db, migrate
from server.ogc import blueprint as ogc
from server.pages import blueprint as pages
from server.paths import RowNumber
from server.problems import init_problems
from server.tile_door import TileDoor

# Each module holds a flask-smorest blueprint named ``blueprint``.
EDGES: Sequence[str] = (
    "server.api.health",
    "server.api.devices",
    "server.api.sync",
    "server.api.events",
    "server.api.review",
    "server.api.support",
    "server.api.session",
    "server.api.passwords",
    "server.api.enrolments",
    "server.api.issues",
    "server.api.map",
    "server.api.tiles",
    "server.api.boundaries",
    "server.api.drafts",
    "server.api.editions",
    "server.api.desk",
    "server.api.rulebook",
    "server.api.deliveries",
    "server.files.tus",
    "server.files.content",
    "server.files.imports",
)


def create_app(config: Config | None = None) -> Flask:
    """Return an app for the configuration given, or for the environment's."""
    settings = config or Config.from_environment()
    app = Flask("gridpatrol", static_folder=None)
    app.config.update(
        PATROL=settings,
        SECRET_KEY=settings.secret_key,
        TESTING=settings.testing,
        MAX_CONTENT_LENGTH=settings.max_body_bytes,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=settings.engine_options,
        API_TITLE="GridPatrol 巡格",
        API_VERSION="v1",
        OPENAPI_VERSION="3.0.3",
        OPENAPI_URL_PREFIX="/v1",
        OPENAPI_JSON_PATH="openapi.json",
        RATELIMIT_STORAGE_URI=settings.redis_url,
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # the default provider has it
    app.url_map.converters["int"] = RowNumber
    db.init_app(app)
    migrate.init_app(app, db)
    bind_limiter(app)
    app.session_interface = NoCookieSession()
    api.init_app(app)
    describe(api)
    for name in EDGES:
        api.register_blueprint(import_module(name).blueprint)
    app.register_blueprint(ogc)
    app.register_blueprint(pages)
    init_problems(app)
    count_requests(app)
    app.wsgi_app = TileDoor(app, count)  # type: ignore[method-assign]  # as Flask says middleware is put on
    structlog.configure(processors=_LOG)
    return app


_LOG: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    structlog.processors.JSONRenderer(ensure_ascii=False),
]
