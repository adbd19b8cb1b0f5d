"""The real PostgreSQL and Redis that `./patrol test` started, one fresh database and one Redis number a run.

Knows nothing of the application.
"""

import os

import pytest
import redis

from server.launch.scratch import scratch_database

REDIS_DATABASES = 255


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


def pytest_terminal_summary(terminalreporter):
    """Name the checks before pytest that failed: pytest's own line comes last."""
    failed = os.environ.get("PATROL_FAILED_CHECKS")
    if failed:
        terminalreporter.section("checks that failed before pytest", red=True)
        terminalreporter.write_line(failed)
