"""A whole patrol, started, hurt and stopped by the commands that people use. Real processes; nothing played."""

import json
import os
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import redis
import requests

from server.launch import processes, running, supervise
from server.launch.account import application_account, front_account, service_account
from server.launch.descendants import descendants
from server.launch.ports import free_port
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


def lives(pid):
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return told[told.rindex(")") + 2] not in "ZX"


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


@pytest.mark.parametrize("name", running.PROGRAMS)
def test_a_killed_keeper_comes_back_with_its_program(name, patrol_home, status):
    url, before = status()["url"], processes.look(patrol_home, name)
    os.kill(before.keeper, signal.SIGKILL)
    until(lambda: processes.look(patrol_home, name).keeper not in (None, before.keeper))
    until(lambda: {process["state"] for process in status()["processes"]} == {"running"} and ready(url))
    others = {process["name"]: process["pid"] for process in status()["processes"] if process["name"] != name}
    assert all(pid is not None for pid in others.values())


def test_supervisor_and_its_keeper_killed_in_one_instant_come_back_and_outlive_whoever_saw_it(patrol_home, status):
    url, before = status()["url"], processes.look(patrol_home, supervise.NAME)
    for pid in (before.keeper, before.pid):
        os.kill(pid, signal.SIGKILL)
    old = (None, before.pid, before.keeper)
    until(lambda: processes.look(patrol_home, supervise.NAME).pid not in old)
    after = processes.look(patrol_home, supervise.NAME)
    for name in ("web", "web2"):
        web = processes.look(patrol_home, name)
        assert after.keeper not in descendants(web.keeper)
        os.kill(web.keeper, signal.SIGKILL)
        until(lambda name=name, old=web.keeper: processes.look(patrol_home, name).keeper not in (None, old))
    assert processes.look(patrol_home, supervise.NAME) == after
    until(lambda: {process["state"] for process in status()["processes"]} == {"running"} and ready(url))


def test_killed_children_of_the_programs_come_back(patrol_home, status):
    url = status()["url"]
    for name in ("web", "web2", "jobs", "nginx"):
        before = processes.look(patrol_home, name)
        children = until(lambda name=name: processes.look(patrol_home, name).children)
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        # The pool forks anew, or ends and is started anew.
        until(lambda name=name, old=children: set(processes.look(patrol_home, name).children) - set(old))
        assert before.keeper == processes.look(patrol_home, name).keeper
    until(lambda: ready(url))


def test_web_that_is_killed_is_silent_for_nobody(patrol_home, status):
    url, before = status()["url"], processes.look(patrol_home, "web")
    os.kill(before.pid, signal.SIGKILL)
    while processes.look(patrol_home, "web").pid in (None, before.pid):
        assert requests.get(f"{url}/healthz", timeout=60).status_code == 200
    until(lambda: ready(url))


@pytest.mark.skipif(os.geteuid() != 0, reason="as somebody else all run as ourselves")
def test_nothing_that_goes_on_running_is_root_but_the_keepers(patrol_home, status):
    told = status()["processes"]
    owners = {
        process["name"]: {Path(f"/proc/{pid}").stat().st_uid for pid in (process["pid"], *process["children"])}
        for process in told
        if process["name"] != running.SUPERVISOR
    }
    assert not [name for name, uids in owners.items() if 0 in uids]
    database, application, front = (account().uid for account in (service_account, application_account, front_account))
    assert {owners[name].pop() for name in ("web", "web2", "jobs", "sweeper")} == {application}
    assert (owners["postgresql"], owners["nginx"]) == ({database}, {front})
    assert len({database, application, front}) == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="as somebody else all run as ourselves")
def test_only_nginx_and_the_application_may_speak_to_the_web_programs(patrol_home, status):
    sockets = next(Path(patrol_home.path, "servers").glob("web"))
    assert status()["running"]
    assert sockets.stat().st_mode & 0o777 == 0o710
    assert (sockets.stat().st_uid, sockets.stat().st_gid) == (application_account().uid, front_account().gid)


def test_a_taken_port_is_found_before_anything_is_started(listen_on):
    port = free_port()
    listen_on(port)
    with open_home() as home:
        answer = subprocess.run(
            [CHECKOUT / "patrol", "up", "--detach", "--empty", "--port", str(port)],
            env=os.environ | {"PATROL_HOME": str(home.path)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert answer.returncode == 1
        assert f"Port {port} is taken" in answer.stderr
        assert not (home.path / "servers").exists()


def test_two_that_are_started_at_once_answer_at_addresses_of_their_own():
    with ExitStack() as stack:
        homes = [stack.enter_context(open_home()) for _ in range(2)]
        own = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
        envs = [own | {"PATROL_HOME": str(home.path)} for home in homes]
        started = [
            subprocess.Popen(
                [CHECKOUT / "patrol", "up", "--detach", "--empty"], env=env, stderr=subprocess.PIPE, text=True
            )
            for env in envs
        ]
        for each, env in zip(started, envs, strict=True):
            _, said = each.communicate()
            stack.callback(subprocess.run, [CHECKOUT / "patrol", "down"], env=env, capture_output=True, check=False)
            assert each.returncode == 0, said
        urls = {home.read()["addresses"]["url"] for home in homes}
        assert len(urls) == len(homes)
        assert all(ready(url) for url in urls)


def test_down_stops_everything_and_up_starts_it_at_the_same_address(patrol, status):
    before = status()
    pids = [pid for process in before["processes"] for pid in (process["pid"], *process["children"])]
    assert patrol("down").returncode == 0
    # A keeper lets go of its lock just before it ends, and is buried by whoever comes to it.
    until(lambda: not [pid for pid in pids if lives(pid)])
    assert patrol("up", "--detach", "--empty").returncode == 0
    assert (status()["url"], status()["database_url"]) == (before["url"], before["database_url"])


def test_a_patrol_that_does_not_get_ready_fails_with_the_tail_of_its_log(patrol, status):
    assert status()["running"]
    patrol("down")
    answer = patrol("up", "--detach", "--empty", PATROL_POOL_SIZE="not a number")
    assert answer.returncode == 1
    assert "not a number" in answer.stderr
    assert {process["state"] for process in status()["processes"]} == {"stopped"}
