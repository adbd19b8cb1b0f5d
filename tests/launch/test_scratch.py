import subprocess
import sys

import psycopg
import pytest

from server.launch.scratch import beside, scratch_database


def names(url):
    with psycopg.connect(url) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


def name_of(url):
    return url.rpartition("/")[2]


def test_a_scratch_database_is_there_and_then_gone(cluster_url):
    with scratch_database(cluster_url) as url:
        assert name_of(url) in names(cluster_url)
        psycopg.connect(url).close()
    assert name_of(url) not in names(cluster_url)


def test_it_is_dropped_though_somebody_is_still_connected(cluster_url):
    with scratch_database(cluster_url) as url:
        connection = psycopg.connect(url)
    assert name_of(url) not in names(cluster_url)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    connection.close()


def test_what_a_dead_run_left_is_dropped_and_what_a_living_one_uses_is_not(cluster_url):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = f"test_{dead.pid}_abcdef"
    with psycopg.connect(cluster_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {left}")
    with scratch_database(cluster_url) as used, scratch_database(cluster_url) as other:
        found = names(cluster_url)
        assert left not in found
        assert {name_of(used), name_of(other)} <= found


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:p@h:1/a", "postgresql://u:p@h:1/b"),
        ("postgresql://u:p@/a?host=/run/x&port=1", "postgresql://u:p@/b?host=/run/x&port=1"),
    ],
)
def test_the_neighbour_of_an_address_keeps_its_options(url, expected):
    assert beside(url, "b") == expected
