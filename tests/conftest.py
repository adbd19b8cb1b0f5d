"""The real PostgreSQL and Redis that `./patrol test` started, one fresh database and one Redis number a run; Chromium.

Knows nothing of the application.
"""

import os

import pytest
import redis
from hypothesis import settings
from playwright.sync_api import sync_playwright

from server.launch.scratch import scratch_database

# The same examples in every run, so that what is red for one is red for all; `--hypothesis-profile hunt` draws others.
settings.register_profile("same", derandomize=True)
settings.register_profile("hunt", derandomize=False)
settings.load_profile("same")

REDIS_DATABASES = 255
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # WebGL without a graphics card.
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)


def _address(variable):
    address = os.environ.get(variable)
    if not address:
        pytest.exit(f"{variable} is not set: run the tests with ./patrol test [pytest arguments]", returncode=4)
    return address


@pytest.fixture(scope="session")
def cluster_url():
    """A database of the tests' cluster where other databases may be made; not for tables."""
    return _address("PATROL_TEST_DATABASE_URL")


@pytest.fixture(scope="session")
def database_url(cluster_url):
    """An empty database of this run's own (no schema yet), dropped at the end."""
    with scratch_database(cluster_url) as url:
        yield url


@pytest.fixture(scope="session")
def redis_url():
    """A Redis database of this run's own, emptied first."""
    address = _address("PATROL_TEST_REDIS_URL")
    with redis.Redis.from_url(address) as client:
        number = 1 + client.incr("gridpatrol:test-runs") % REDIS_DATABASES
    url = f"{address.rsplit('/', 1)[0]}/{number}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium, one for the run: a second of Playwright's loops in one thread is refused."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def pytest_terminal_summary(terminalreporter):
    """Name the checks before pytest that failed: pytest's own line comes last."""
    failed = os.environ.get("PATROL_FAILED_CHECKS")
    if failed:
        terminalreporter.section("checks that failed before pytest", red=True)
        terminalreporter.write_line(failed)
