"""The real PostgreSQL and Redis that `./patrol test` started, one fresh database and one Redis number a run; Chromium.

Knows nothing of the application.
"""

import os

import pytest
import redis
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from playwright.sync_api import sync_playwright

from server.accounts import signin
from server.launch import packages
from server.launch.scratch import scratch_database

# The same examples in every run, so that what is red for one is red for all; `--hypothesis-profile hunt` draws others.
settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("hunt", derandomize=False, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("same")

# Passwords of made-up people need not be dear to guess; the application's own parameters are its library's.
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
REDIS_DATABASES = 255
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


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signin, "_hasher", _CHEAP)
        patch.setattr(signin, "_NOBODY", _CHEAP.hash("nobody"))
        yield


@pytest.fixture(scope="session")
def cluster_url():
    """A database of the tests' cluster where other databases may be made; not for tables."""
    return _address("PATROL_TEST_DATABASE_URL")


@pytest.fixture(scope="session")
def database_url(cluster_url):
    """An empty database of this run's own (no schema yet), dropped at the end."""
    with scratch_database(cluster_url) as url:
        yield url


def own_redis_url():
    """Return the address of an empty Redis database that nobody else uses."""
    address = _address("PATROL_TEST_REDIS_URL")
    with redis.Redis.from_url(address) as client:
        number = 1 + client.incr("gridpatrol:test-runs") % REDIS_DATABASES
    url = f"{address.rsplit('/', 1)[0]}/{number}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture(scope="session")
def redis_url():
    """A Redis database of this process of the run, emptied first."""
    return own_redis_url()


def chromium_options(*arguments):
    """How every Chromium of the tests is started: which one, and with what arguments."""
    return {"executable_path": packages.browser(), "args": [*ARGUMENTS, *arguments]}


@pytest.fixture(scope="session")
def chromium():
    """Chromium, one for the run: a second of Playwright's loops in one thread is refused."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium_options())
        yield browser
        browser.close()


LONGEST_FIRST = ("chaos", "browser", "interop", "bench", "oracle", "demo", "launch")


# What starts programs or browsers of its own; a quick run does not even look into these rooms.
PROGRAMS = {*LONGEST_FIRST, "concurrency", "confined", "jobs"}
PROGRAM_FIXTURES = {"server", "processes", "served", "site", "running_city", "fuzzed"}


def pytest_addoption(parser):
    parser.addoption("--quick", action="store_true", help="no programs, browsers or generated examples, nothing long")


def pytest_ignore_collect(collection_path, config):
    return True if config.getoption("--quick") and _room(collection_path, config) in PROGRAMS else None


def pytest_collection_modifyitems(config, items):
    """Begin with what takes longest, so that no worker is left with it when the others have ended."""
    rank = {name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: rank.get(_room(item.path, config), len(rank)))
    if config.getoption("--quick"):
        left_out = [item for item in items if _is_long(item)]
        items[:] = [item for item in items if not _is_long(item)]
        config.hook.pytest_deselected(items=left_out)


def _room(path, config):
    folder = config.rootpath / "tests"
    return next(iter(path.relative_to(folder).parts), None) if path.is_relative_to(folder) else None


def _is_long(item):
    return (
        item.get_closest_marker("long") is not None
        or not PROGRAM_FIXTURES.isdisjoint(item.fixturenames)
        or getattr(item.obj, "is_hypothesis_test", False)
    )
