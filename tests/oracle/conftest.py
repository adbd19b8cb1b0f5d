"""The same app and phones as ``tests.sync``."""

from tests.sync.conftest import app, phone_of, session, sync_url

__all__ = ["app", "phone_of", "session", "sync_url"]
