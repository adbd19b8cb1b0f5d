"""A private Redis: the queue's bell, kept in memory only, because PostgreSQL is the truth.

Listens on a unix socket and one loopback port, with a password. Whoever has that may use it and not administer it: it
runs as the account of PostgreSQL, so a file that it could be made to write, or a module to load, would lead out of the
application's own account. Knows nothing of queues.
"""

import os
import secrets
import shutil
import time
from dataclasses import dataclass

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from server.launch import processes
from server.launch.account import owned, servers_folder, service_account, sockets_folder
from server.launch.errors import LaunchError
from server.launch.ports import kept_or_free
from server.launch.progress import step, tail
from server.launch.state import Home

NAME = "redis"
READY_WITHIN_S = 20

CONFIGURATION = """\
# Written at each start: changes belong into server/launch/redis_server.py.
bind 127.0.0.1
port {port}
unixsocket {sockets}/redis.sock
unixsocketperm 777
user default on >{password} ~* &* +@all -@admin +client|list
dir {folder}
daemonize no
databases 256
save ""
appendonly no
maxmemory-policy noeviction
"""


@dataclass(frozen=True)
class RedisServer:
    """A running private Redis."""

    port: int
    password: str

    def url(self, database: int = 0) -> str:
        """Its address over loopback TCP."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{database}"


def start(home: Home) -> RedisServer:
    """The private Redis of this home, serving when this returns. The caller holds the home's lock."""
    known = home.remember({}).get("redis", {})
    password = known.get("password") or secrets.token_urlsafe(24)
    if processes.is_kept(home, NAME):
        server = RedisServer(known["port"], password)
    else:
        server = RedisServer(kept_or_free(known.get("port")), password)
        home.remember({"redis": {"port": server.port, "password": password}})
        processes.start(home, _daemon(home, server))
    _wait_until_ready(home, server)
    return server


def stop(home: Home) -> bool:
    """Stop it; False when it was not running."""
    return processes.stop(home, NAME, wait_s=30)


def binary() -> str | None:
    """The Redis on this machine, or Valkey, which speaks the same."""
    return shutil.which("redis-server") or shutil.which("valkey-server")


def _daemon(home: Home, server: RedisServer) -> processes.Daemon:
    step("启动私有 Redis", "starting a private Redis")
    program = binary()
    if program is None:
        raise LaunchError("没有找到 Redis。", "No Redis was found.", "./patrol doctor")
    account = service_account()
    servers = servers_folder(home, account)
    sockets = sockets_folder(servers, home, account)
    folder = owned(servers / "redis", account)
    text = CONFIGURATION.format(port=server.port, sockets=sockets, password=server.password, folder=folder)
    configuration = servers / "redis.conf"
    configuration.unlink(missing_ok=True)
    configuration.touch(mode=0o600)
    configuration.write_text(text)
    if account:
        # It holds the password: the server may read it, nobody else.
        os.chown(configuration, -1, account.gid)
        configuration.chmod(0o640)
    return processes.Daemon(NAME, (program, str(configuration)), user=account.name if account else None)


def _wait_until_ready(home: Home, server: RedisServer) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    # The client's own patience is measured in tens of seconds; ours is to look often.
    with redis.Redis.from_url(server.url(), retry=Retry(NoBackoff(), 0), socket_timeout=2) as client:
        while True:
            try:
                client.ping()
            except (redis.ConnectionError, redis.TimeoutError) as error:
                if time.monotonic() > deadline or not processes.is_kept(home, NAME):
                    log = tail(processes.log_file(home, NAME))
                    stop(home)
                    raise LaunchError("Redis 没有启动。", f"Redis did not start: {error}\n{log}") from error
            else:
                return
            time.sleep(0.03)
