"""The Flask extensions, made once and bound to an app in ``server.app``. Knows no route and no table."""

from flask import Flask, current_app
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_migrate import Migrate
from flask_smorest import Api
from flask_sqlalchemy import SQLAlchemy

from geo.orm import Base
from server.config import Config

# expire_on_commit: an edge renders after the commit, and must not read rows again.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
migrate = Migrate(directory="migrations")
api = Api()
limiter = Limiter(key_func=get_remote_address, swallow_errors=True, in_memory_fallback_enabled=True)


def settings(app: Flask | None = None) -> Config:
    """Return the configuration of the app given, or of the current one."""
    config: Config = (app or current_app).config["PATROL"]
    return config
