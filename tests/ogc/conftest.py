"""The same app and city as ``tests.sync``, and somebody of the staff who asks it for features."""

import pytest

from tests.api.staff import Desk
from tests.sync.conftest import app, phone_of, session, sync_url

__all__ = ["app", "phone_of", "session", "sync_url"]


@pytest.fixture
def gis(app, session):
    return Desk.of(app, session, "gis", "360725")
