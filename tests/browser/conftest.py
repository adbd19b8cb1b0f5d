"""Real pages in a real Chromium, served by gunicorn over the sample city; what went wrong in a page fails its test."""

import atexit
import contextlib
import functools
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from server.config import sqlalchemy_url
from server.launch.scratch import scratch_copy, scratch_database
from server.pages.routes import DIST
from tests.api.serving import served
from tests.browser import sample
from tests.cases import city

WIDE, NARROW = (1440, 900), (390, 844)
PATIENCE_MS = 30_000
_KEPT = contextlib.ExitStack()
atexit.register(_KEPT.close)
# What a page comes to show is awaited as long as what can be clicked: a busy machine is slow, not wrong.
expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(DIST.parents[2] / "tests" / "browser"):
            item.add_marker(pytest.mark.browser)


@dataclass
class Watched:
    """One page, and what it must not do: speak to another host, fail, or be refused by its own policy."""

    page: object
    site: str
    trouble: list = field(default_factory=list)

    def watch(self):
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("request", self._requested)
        self.page.on("pageerror", lambda error: self.trouble.append(f"failed: {error}"))
        self.page.on("console", self._said)

    def _requested(self, request):
        if not request.url.startswith((self.site, "data:", "blob:")):
            self.trouble.append(f"other host: {request.url}")

    def _said(self, message):
        # What the network did is the network's doing: tests take it away and end sessions.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.trouble.append(f"said: {message.text}")

    def sign_in(self, login=sample.SUPERVISOR, then="/map"):
        self.page.goto(f"{self.site}/signin?next={then}")
        self.page.get_by_label("登录名").fill(login)
        self.page.get_by_label("密码", exact=True).fill(sample.PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"{self.site}{then}*")

    def map_ready(self):
        self.page.wait_for_selector(".map-canvas[data-ready=true]")
        self.page.wait_for_selector(".row")


def shown(page):
    """How many issues the list says that it shows."""
    return int(re.search(r"\d+", page.locator(".count").inner_text()).group())


@contextlib.contextmanager
def founded(cluster_url, issues, copies=0):
    """Yield the address of a database with the sample city: a copy of one that is founded once for this process."""
    with scratch_copy(cluster_url, _model(cluster_url, issues, copies)) as url:
        yield url


@functools.cache
def _model(cluster_url, issues, copies):
    """The address of a database that others are copies of, until the end of this process."""
    url = _KEPT.enter_context(scratch_database(cluster_url))
    engine = city.migrate(url)
    with Session(engine) as session:
        sample.found(session, issues=issues)
        if copies:
            sample.multiply(session, copies)
            session.commit()
    engine.dispose()
    return url


@pytest.fixture(scope="session")
def sample_url(cluster_url):
    with founded(cluster_url, 80) as url:
        yield url


@pytest.fixture(scope="session")
def site(sample_url, redis_url):
    if not (DIST / "map.html").exists():
        pytest.fail("the pages are not built: run ./patrol test once without arguments")
    with served(sample_url, redis_url, threads=8, PATROL_SIGN_IN_RATE="1000 per minute") as url:
        yield url


@pytest.fixture
def session(sample_url):
    engine = create_engine(sqlalchemy_url(sample_url))
    with Session(engine) as opened:
        yield opened
    engine.dispose()


@pytest.fixture
def visit(chromium, site):
    """Opens a browser window; at the end nothing may have gone wrong in it."""
    opened = []

    def open_window(size=WIDE, at=site, **more):
        context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, locale="zh-CN", **more)
        watched = Watched(context.new_page(), at)
        watched.watch()
        opened.append((context, watched))
        return watched

    yield open_window
    for context, _ in opened:
        context.close()
    assert [trouble for _, watched in opened for trouble in watched.trouble] == []


@pytest.fixture
def looked_at():
    """Keeps a picture of a page where PATROL_PICTURES names a folder: for people to look at."""
    folder = os.environ.get("PATROL_PICTURES")

    def keep(page, name):
        if folder:
            page.wait_for_timeout(400)
            page.screenshot(path=Path(folder) / f"{name}.png")

    return keep


@pytest.fixture
def wide(visit):
    """The map as a supervisor sees it at a desk."""
    watched = visit(WIDE)
    watched.sign_in()
    watched.map_ready()
    return watched


@pytest.fixture
def narrow(visit):
    """The map as a supervisor sees it on a phone."""
    watched = visit(NARROW, has_touch=True)
    watched.sign_in()
    watched.map_ready()
    return watched
