"""The two private servers together, or the ones that DATABASE_URL and REDIS_URL name.

Owns who starts and stops them, also when several runs of the tests share them.
"""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock

from server.launch import cluster, redis_server
from server.launch.progress import step
from server.launch.state import Home


@dataclass(frozen=True)
class Addresses:
    """Where PostgreSQL and Redis are. `local_database_url` is the shortest way for processes on this machine.

    Both are the application's; `owner_database_url` is that of the role which may change the schema.
    """

    database_url: str
    local_database_url: str
    owner_database_url: str
    redis_url: str


def start(home: Home) -> Addresses:
    """Start what is missing of the home's own servers, but for those that the environment names.

    The caller holds the home's lock.
    """
    given_database, given_redis = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    step("PostgreSQL", given_database.rpartition("@")[2] if given_database else "private cluster")
    if given_database:
        database_url = local_database_url = _modern(given_database)
        owner_database_url = _modern(os.environ.get("DATABASE_OWNER_URL") or given_database)
    else:
        roles = cluster.prepare(home, cluster.start(home))
        database_url, local_database_url = roles.application.url(), roles.application.socket_url()
        owner_database_url = roles.owner.socket_url()
    step("Redis", given_redis.rpartition("@")[2] if given_redis else "private server")
    redis_url = given_redis or redis_server.start(home).url()
    return Addresses(database_url, local_database_url, owner_database_url, redis_url)


def stop(home: Home) -> bool:
    """Stop the home's own servers; False when none was running."""
    return any([redis_server.stop(home), cluster.stop(home)])


@contextmanager
def for_tests(home: Home, *, keep: bool, durable: bool = False) -> Iterator[dict[str, str]]:
    """The tests' own servers; yields the environment that the tests read. What is measured wants them durable.

    Runs at the same time share them; the last one stops them, unless one of them was asked to keep them.
    """
    home.make()
    kept = home.path / "keep"
    with (home.path / "users.lock").open("a") as users:
        with home.lock():
            flock(users, LOCK_SH)
            started_cluster = cluster.start(home, durable=durable)
            started_redis = redis_server.start(home)
            if keep:
                kept.touch()
        try:
            yield {
                "PATROL_TEST_DATABASE_URL": started_cluster.url(),
                "PATROL_TEST_REDIS_URL": started_redis.url(),
            }
        finally:
            with home.lock(), suppress(BlockingIOError):
                flock(users, LOCK_EX | LOCK_NB)
                if not kept.exists():
                    stop(home)


def stop_kept(home: Home) -> bool:
    """Stop the tests' servers though somebody kept them."""
    with home.lock():
        (home.path / "keep").unlink(missing_ok=True)
        return stop(home)


def _modern(url: str) -> str:
    """The scheme as SQLAlchemy wants it; older tools still hand out `postgres://`."""
    return url.replace("postgres://", "postgresql://", 1)


def main() -> int:
    """Start the tests' servers, keep them, and print their addresses as a shell's exports."""
    with for_tests(Home.of_tests(), keep=True) as addresses:
        sys.stdout.writelines(f"export {name}={shlex.quote(address)}\n" for name, address in addresses.items())
    return 0


if __name__ == "__main__":
    sys.exit(main())
