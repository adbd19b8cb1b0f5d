"""A whole patrol, started, hurt and stopped by the commands that people use. Real processes; nothing played."""

import json
import os
import signal
import subprocess

import psycopg
import pytest
import redis
import requests

from server.launch import processes, running
from server.launch.state import CHECKOUT
from tests.launch.homes import open_home
from tests.launch.waiting import until

pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module")
def patrol_home():
    with open_home() as home:
        yield home


@pytest.fixture(scope="module")
def patrol(patrol_home):
    """Runs `./patrol` with a home of its own; whatever it started is stopped at the end."""
    env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}

    def run(*arguments, **changes):
        return subprocess.run(
            [CHECKOUT / "patrol", *arguments],
            env=env | {"PATROL_HOME": str(patrol_home.path)} | changes,
            capture_output=True,
            text=True,
            check=False,
        )

    yield run
    run("down")


@pytest.fixture(scope="module")
def up(patrol):
    answer = patrol("up", "--detach", "--empty")
    assert answer.returncode == 0, answer.stderr
    return answer


@pytest.fixture
def status(up, patrol):
    return lambda: json.loads(patrol("status", "--json").stdout)


def ready(url):
    try:
        return requests.get(f"{url}/readyz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def running_now(status):
    """What runs, without the children that come and go by themselves, as PostgreSQL's backends."""
    processes_now = [(process["name"], process["pid"], process["restarts"]) for process in status()["processes"]]
    return status()["url"], status()["database_url"], status()["redis_url"], processes_now


def test_up_returns_when_it_is_ready_and_says_where(up, status):
    assert ready(status()["url"])
    assert status()["url"] in up.stderr


def test_the_addresses_of_status_are_open_to_other_programs(status):
    told = status()
    with psycopg.connect(told["database_url"]) as connection:
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
    with redis.Redis.from_url(told["redis_url"]) as client:
        assert client.ping()


def test_up_a_second_time_is_harmless(patrol, status):
    before = running_now(status)
    assert patrol("up", "--detach", "--empty").returncode == 0
    assert running_now(status) == before


def test_another_port_for_a_running_patrol_is_refused(patrol, status):
    answer = patrol("up", "--detach", "--empty", "--port", "1")
    assert answer.returncode == 1
    assert status()["url"] in answer.stderr


def test_another_database_for_a_running_patrol_is_refused(patrol, status):
    before = running_now(status)
    answer = patrol("up", "--detach", "--empty", DATABASE_URL="postgresql://them@db.example/city")
    assert answer.returncode == 1
    assert "DATABASE_URL" in answer.stderr
    assert running_now(status) == before


def test_doctor_finds_a_running_patrol_well(up, patrol):
    answer = patrol("doctor")
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize("name", running.PROGRAMS)
def test_a_killed_program_comes_back_and_the_patrol_is_ready_again(name, patrol_home, status):
    url, before = status()["url"], processes.look(patrol_home, name)
    os.kill(before.pid, signal.SIGKILL)
    until(lambda: processes.look(patrol_home, name).pid not in (None, before.pid))
    until(lambda: {process["state"] for process in status()["processes"]} == {"running"} and ready(url))


def test_killed_children_of_the_programs_come_back(patrol_home, status):
    url = status()["url"]
    for name in ("web", "jobs"):
        before = processes.look(patrol_home, name)
        children = until(lambda name=name: processes.look(patrol_home, name).children)
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        # The pool forks anew, or ends and is started anew.
        until(lambda name=name, old=children: set(processes.look(patrol_home, name).children) - set(old))
        assert before.keeper == processes.look(patrol_home, name).keeper
    until(lambda: ready(url))


def test_down_stops_everything_and_up_starts_it_at_the_same_address(patrol, status):
    before = status()
    pids = [pid for process in before["processes"] for pid in (process["pid"], *process["children"])]
    assert patrol("down").returncode == 0
    assert [pid for pid in pids if os.path.exists(f"/proc/{pid}")] == []  # noqa: PTH110 - a look
    assert patrol("up", "--detach", "--empty").returncode == 0
    assert (status()["url"], status()["database_url"]) == (before["url"], before["database_url"])


def test_a_patrol_that_does_not_get_ready_fails_with_the_tail_of_its_log(patrol, status):
    assert status()["running"]
    patrol("down")
    answer = patrol("up", "--detach", "--empty", PATROL_POOL_SIZE="not a number")
    assert answer.returncode == 1
    assert "not a number" in answer.stderr
    assert not status()["running"]
