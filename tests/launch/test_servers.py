import os
import secrets
import shutil
import signal
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from server.launch import account, cluster, processes, redis_server, services
from server.launch.account import enterable, service_account
from server.launch.errors import LaunchError
from server.launch.state import Home
from tests.launch.waiting import until

ONCE = Retry(NoBackoff(), 0)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="as somebody else the servers run as ourselves")


def ask(url, question):
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(question).fetchone()[0]


def test_the_cluster_is_as_durable_as_postgresql_can_be(running_home):
    url = cluster.start(running_home).url()
    durable = {name: ask(url, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")}
    assert set(durable.values()) == {"on"}
    assert ask(url, "SHOW data_checksums") == "on"


def test_the_cluster_has_the_settings_of_the_design(running_home):
    url = cluster.start(running_home).url()
    assert ask(url, "SHOW jit") == "off"
    assert ask(url, "SHOW timezone") == "UTC"
    assert ask(url, "SHOW max_connections") == "200"
    assert ask(url, "SHOW server_encoding") == "UTF8"


def test_the_cluster_answers_on_loopback_and_on_its_socket(running_home):
    started = cluster.start(running_home)
    assert ask(started.url(), "SELECT host(inet_server_addr())") == "127.0.0.1"
    assert ask(started.socket_url(), "SELECT inet_server_addr()") is None
    assert ask(started.url(), "SHOW listen_addresses") == "127.0.0.1"


def test_the_role_may_make_the_extensions_that_the_migrations_need(running_home):
    url = cluster.start(running_home).url()
    for extension in ("postgis", "btree_gist"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE EXTENSION {extension}")
    assert ask(url, "SELECT ST_AsText(ST_MakePoint(1, 2))") == "POINT(1 2)"


def test_nobody_enters_without_the_password(running_home):
    started = cluster.start(running_home)
    for url in (started.url(), started.socket_url()):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url.replace(started.password, "guess"))
    with (
        redis.Redis(port=redis_server.start(running_home).port, retry=ONCE) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


@pytest.mark.parametrize(
    "command",
    [
        "CONFIG SET dir /tmp",
        "CONFIG GET *",
        "MODULE LOAD /tmp/x.so",
        "SAVE",
        "BGREWRITEAOF",
        "REPLICAOF 127.0.0.1 1",
        "SHUTDOWN NOSAVE",
        "ACL SETUSER default +@all",
        "DEBUG JMAP",
        "MONITOR",
    ],
)
def test_the_password_of_redis_lets_use_it_and_not_administer_it(running_home, command):
    server = redis_server.start(running_home)
    with redis.Redis.from_url(server.url(), retry=ONCE) as client:
        # Redis itself leaves out modules and looks inside, as it comes.
        with pytest.raises(redis.ResponseError, match=r"permissions|not allowed"):
            client.execute_command(*command.split())
        # What queues and their readers need.
        client.client_list()
        client.info("server")
        assert client.set("a", "b")


def test_starting_again_finds_the_same_cluster_with_its_data(home):
    first = cluster.start(home)
    with psycopg.connect(first.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert cluster.start(home) == first
    assert cluster.stop(home)
    assert not cluster.stop(home)
    second = cluster.start(home)
    assert second.password == first.password
    assert ask(second.url(), "SELECT answer FROM kept") == 42


def test_a_killed_postmaster_comes_back_with_every_commit(home):
    url = cluster.start(home).url()
    # A backend at work when its postmaster dies holds the shared memory that the next one needs.
    busy = psycopg.connect(url, autocommit=True)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (answer int)")
        connection.execute("INSERT INTO kept VALUES (42)")
        before = processes.look(home, cluster.NAME)
        os.kill(before.pid, signal.SIGKILL)
    until(lambda: processes.look(home, cluster.NAME).restarts > before.restarts)
    cluster.start(home)
    assert ask(url, "SELECT answer FROM kept") == 42
    busy.close()


def test_a_killed_redis_comes_back_at_the_same_address(home):
    url = redis_server.start(home).url()
    before = processes.look(home, redis_server.NAME)
    os.kill(before.pid, signal.SIGKILL)
    until(lambda: processes.look(home, redis_server.NAME).restarts > before.restarts)
    assert redis_server.start(home).url() == url
    with redis.Redis.from_url(url) as client:
        assert client.ping()


def test_a_port_that_somebody_else_took_meanwhile_is_given_up(home, listen_on):
    before = redis_server.start(home)
    redis_server.stop(home)
    listen_on(before.port)
    after = redis_server.start(home)
    assert after.port != before.port
    assert after.password == before.password


def test_an_initdb_that_was_cut_off_is_done_again(home):
    servers = home.path / "servers" / "postgresql"
    (servers / "data.new" / "base").mkdir(parents=True)
    assert ask(cluster.start(home).url(), "SELECT 1") == 1


def test_a_postgresql_that_cannot_start_is_told_with_its_log_and_left_stopped(home, monkeypatch):
    monkeypatch.setattr(cluster, "READY_WITHIN_S", 1)
    started = cluster.start(home)
    cluster.stop(home)
    shutil.rmtree(started.data / "global")
    with pytest.raises(LaunchError, match="did not start") as caught:
        cluster.start(home)
    assert "global" in str(caught.value)
    assert not processes.is_kept(home, cluster.NAME)


@as_root
def test_as_root_the_servers_run_as_an_account_without_rights(running_home):
    for name in (cluster.NAME, redis_server.NAME):
        owner = Path(f"/proc/{processes.look(running_home, name).pid}").stat().st_uid
        assert owner == service_account().uid != 0


@as_root
def test_a_home_that_the_account_may_not_enter_keeps_its_data_in_var_lib(make_home, tmp_path):
    tmp_path.chmod(0o700)
    home = make_home(tmp_path / "home")
    assert not enterable(home.path, service_account())
    url = cluster.start(home).url()
    assert ask(url, "SHOW data_directory").startswith(f"/var/lib/gridpatrol-{home.read()['instance']}/")
    assert redis_server.start(home).port


def test_a_path_too_long_for_a_socket_puts_the_sockets_elsewhere(home, make_home):
    deep = make_home(home.path / ("a" * 60) / ("b" * 60))
    for folder in (deep.path.parent, deep.path):
        folder.chmod(0o755)
    started = cluster.start(deep)
    assert not started.sockets.is_relative_to(deep.path)
    assert started.data.is_relative_to(deep.path)
    assert ask(started.socket_url(), "SELECT 1") == 1


def test_a_fresh_home_at_the_place_of_a_deleted_one_is_another_instance(home):
    first = home.remember({})["instance"]
    shutil.rmtree(home.path)
    home.make()
    assert home.remember({})["instance"] != first


def test_a_folder_that_somebody_else_put_there_is_refused(tmp_path):
    target = tmp_path / "theirs"
    target.mkdir()
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(LaunchError, match="belongs to somebody else"):
        account.owned(tmp_path / "link", None)


def test_addresses_in_the_environment_are_used_and_no_server_is_started(home, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://them:secret@db.example/city")
    monkeypatch.setenv("REDIS_URL", "redis://redis.example/3")
    addresses = services.start(home)
    assert addresses.database_url == "postgresql://them:secret@db.example/city"
    assert addresses.redis_url == "redis://redis.example/3"
    assert not (home.path / "servers").exists()


def test_runs_of_the_tests_share_their_servers_and_the_last_one_stops_them(home):
    with services.for_tests(home, keep=False) as first:
        with services.for_tests(home, keep=False) as second:
            assert first == second
        assert ask(first["PATROL_TEST_DATABASE_URL"], "SELECT 1") == 1
    assert not processes.is_kept(home, cluster.NAME)


def test_kept_servers_outlive_the_run_that_kept_them(home):
    with services.for_tests(home, keep=True):
        pass
    with services.for_tests(home, keep=False):
        pass
    assert processes.is_kept(home, cluster.NAME)
    assert services.stop_kept(home)
    assert not processes.is_kept(home, redis_server.NAME)


def test_the_state_holds_passwords_and_is_read_by_its_owner_only(home):
    home.remember({"secret": secrets.token_hex()})
    assert (home.path / "state.json").stat().st_mode & 0o777 == 0o600
    assert Home(home.path).read()["secret"] == home.read()["secret"]
