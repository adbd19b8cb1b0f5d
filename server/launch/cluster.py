"""A private PostgreSQL cluster: made once, then started and stopped; never one that the system owns.

It listens on a unix socket and on one loopback port, always asks for a password, and is as durable as PostgreSQL
can be: an operation that a phone was told is applied is on disk. Knows nothing of tables.
"""

import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from server.launch import processes, roles
from server.launch.account import Account, owned, servers_folder, service_account, sockets_folder
from server.launch.errors import LaunchError
from server.launch.ports import kept_or_free
from server.launch.progress import run_logged, step, tail
from server.launch.state import Home

NAME = "postgresql"
ROLE = "patrol"
DATABASE = "gridpatrol"
OLDEST_MAJOR = 15
READY_WITHIN_S = 120
MIB = 1024 * 1024

CONFIGURATION = """\
# Written at each start: changes belong into server/launch/cluster.py.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0777
password_encryption = 'scram-sha-256'
max_connections = 200

# Nothing is acknowledged before it is on disk; but for the tests, whose machine does not lose its power meanwhile.
fsync = {durable}
synchronous_commit = {durable}
full_page_writes = {durable}

# Compiling small staged plans costs more than running them: measured 3.8x.
jit = off
shared_buffers = {shared_mib}MB
effective_cache_size = {cache_mib}MB
work_mem = 16MB
maintenance_work_mem = 128MB
max_wal_size = 4GB
checkpoint_timeout = 15min
# After a kill it must answer within seconds: not every file is opened and synced one by one first.
recovery_init_sync_method = {sync_method}
wal_compression = on
random_page_cost = 1.1
max_locks_per_transaction = 256
dynamic_shared_memory_type = {dynamic_memory}

timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
# Nothing of what somebody entered: no parameters, no statement that failed, no row. Only lines of text can be had
# without the row that an error is about; its keeper makes JSON of them.
log_destination = 'stderr'
log_line_prefix = '%m [%p] '
log_min_duration_statement = 5s
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_min_error_statement = panic
log_error_verbosity = terse
"""

ACCESS = """\
local all all scram-sha-256
host  all all 127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True)
class Cluster:
    """A running private cluster. `sockets` is a folder, `port` also names the socket in it."""

    data: Path
    sockets: Path
    port: int
    password: str
    role: str = ROLE

    def url(self, database: str = DATABASE) -> str:
        """Its address over loopback TCP, which every client understands."""
        return f"postgresql://{self.role}:{self.password}@127.0.0.1:{self.port}/{database}"

    def socket_url(self, database: str = DATABASE) -> str:
        """Its address over the unix socket, the shorter way for our own processes."""
        return f"postgresql://{self.role}:{self.password}@/{database}?host={quote(str(self.sockets))}&port={self.port}"


@dataclass(frozen=True)
class Roles:
    """The same cluster as its owner and as the application know it."""

    owner: Cluster
    application: Cluster


def start(home: Home, *, durable: bool = True) -> Cluster:
    """The private cluster of this home, made when missing, serving when this returns. The caller holds the lock.

    Without `durable` what was committed outlives the death of every process, but not that of the machine.
    """
    account = service_account()
    state = home.remember({})
    servers = servers_folder(home, account)
    sockets = sockets_folder(servers, home, account)
    data = owned(servers / "postgresql", account) / "data"
    known = state.get("cluster", {})
    password = known.get("password") or secrets.token_urlsafe(24)
    if processes.is_kept(home, NAME):
        cluster = Cluster(data, sockets, known["port"], password)
    else:
        cluster = Cluster(data, sockets, kept_or_free(known.get("port")), password)
        home.remember({"cluster": {"port": cluster.port, "password": password, "data": str(data)}})
        if not (data / "PG_VERSION").exists():
            _create(home, cluster, account)
        _configure(cluster, servers, durable=durable)
        processes.start(home, _daemon(cluster, servers, account))
    _wait_until_ready(home, cluster)
    return cluster


def prepare(home: Home, cluster: Cluster) -> Roles:
    """Make the roles, and hand the database over to them; what a superuser owned before is theirs then, too."""
    known = home.read().get("roles", {})
    passwords = {role: known.get(role) or secrets.token_urlsafe(24) for role in (roles.OWNER, roles.APPLICATION)}
    home.remember({"roles": passwords})
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        roles.set_up(connection, passwords[roles.OWNER], passwords[roles.APPLICATION])
    owner, application = (
        replace(cluster, role=role, password=passwords[role]) for role in (roles.OWNER, roles.APPLICATION)
    )
    return Roles(owner, application)


def stop(home: Home) -> bool:
    """Stop it, transactions rolled back and everything written; False when it was not running."""
    return processes.stop(home, NAME, wait_s=90)


def binaries(major: int | None = None) -> Path | None:
    """The folder of the newest PostgreSQL >= 15 on this machine that has PostGIS, or of exactly `major`."""
    found: dict[int, Path] = {}
    for folder in _candidates():
        if (folder / "initdb").exists() and (number := _major(folder)) and _has_postgis(folder, number):
            found.setdefault(number, folder)
    usable = [number for number in found if number >= OLDEST_MAJOR and major in (None, number)]
    return found[max(usable)] if usable else None


def _candidates() -> list[Path]:
    folders = [
        *Path("/usr/lib/postgresql").glob("*/bin"),
        *Path("/opt/homebrew/opt").glob("postgresql@*/bin"),
        *Path("/usr/local/opt").glob("postgresql@*/bin"),
        *Path("/usr").glob("pgsql-*/bin"),
    ]
    on_path = shutil.which("postgres")
    return [*folders, Path(on_path).resolve().parent] if on_path else folders


def _major(folder: Path) -> int | None:
    numbers = re.findall(r"\d+", str(folder))
    return int(numbers[-1]) if numbers else None


def _has_postgis(folder: Path, major: int) -> bool:
    share = folder.parent / "share"
    places = (
        Path(f"/usr/share/postgresql/{major}/extension"),
        share / "extension",
        share / "postgresql" / "extension",
        share / f"postgresql@{major}" / "extension",
        folder.parents[2] / "share" / f"postgresql@{major}" / "extension",
    )
    return any((place / "postgis.control").exists() for place in places)


def _create(home: Home, cluster: Cluster, account: Account | None) -> None:
    step("创建私有 PostgreSQL 数据库", "making a private PostgreSQL cluster")
    programs = _programs(None)
    draft = cluster.data.with_suffix(".new")
    shutil.rmtree(draft, ignore_errors=True)
    with tempfile.NamedTemporaryFile("w", dir=cluster.sockets) as secret:
        secret.write(cluster.password)
        secret.flush()
        if account:
            os.fchown(secret.fileno(), account.uid, account.gid)
        locale = "C.UTF-8" if sys.platform == "linux" else "C"
        options = ("-U", ROLE, "-A", "scram-sha-256", "--pwfile", secret.name, "-E", "UTF8", "--locale", locale)
        run_logged(
            (str(programs / "initdb"), "-D", str(draft), "--data-checksums", *options),
            home.logs / "initdb.log",
            LaunchError("无法创建数据库。", "initdb failed.", "./patrol doctor"),
            cwd=Path("/"),
            user=account.name if account else None,
        )
    draft.rename(cluster.data)


def _configure(cluster: Cluster, servers: Path, *, durable: bool) -> None:
    memory_mib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MIB
    shared = Path("/dev/shm")  # noqa: S108 - looked at, nothing is written
    # Containers give it 64 MB, bare change-roots give it to root alone.
    usable = shared.is_dir() and shared.stat().st_mode & stat.S_IWOTH
    roomy = usable and shutil.disk_usage(shared).total > 256 * MIB
    settings = CONFIGURATION.format(
        port=cluster.port,
        sockets=cluster.sockets,
        shared_mib=max(128, min(memory_mib // 8, 2048)),
        cache_mib=max(256, memory_mib // 2),
        dynamic_memory="posix" if roomy else "mmap",
        sync_method="syncfs" if sys.platform == "linux" else "fsync",
        durable="on" if durable else "off",
    )
    for name, text in (("postgresql.conf", settings), ("pg_hba.conf", ACCESS)):
        (servers / name).write_text(text)
        (servers / name).chmod(0o644)


def _daemon(cluster: Cluster, servers: Path, account: Account | None) -> processes.Daemon:
    programs = _programs(int((cluster.data / "PG_VERSION").read_text()))
    files = ("-c", f"config_file={servers}/postgresql.conf", "-c", f"hba_file={servers}/pg_hba.conf")
    return processes.Daemon(
        NAME,
        (str(programs / "postgres"), "-D", str(cluster.data), *files),
        user=account.name if account else None,
        # "Fast": clients are sent away and everything is written.
        stop="INT",
        stop_wait_s=60,
    )


def _programs(major: int | None) -> Path:
    programs = binaries(major)
    if programs is None:
        wanted = f"{major}" if major else f">= {OLDEST_MAJOR}"
        raise LaunchError(
            f"没有找到带 PostGIS 的 PostgreSQL {wanted}。",
            f"No PostgreSQL {wanted} with PostGIS was found.",
            "./patrol doctor",
        )
    return programs


def _wait_until_ready(home: Home, cluster: Cluster) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    restarts = processes.look(home, NAME).restarts
    while True:
        try:
            with psycopg.connect(cluster.url("postgres"), autocommit=True, connect_timeout=5) as connection:
                known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
                if known is None:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
                return
        except psycopg.OperationalError as error:
            hopeless = "authentication failed" in str(error) or processes.look(home, NAME).restarts > restarts + 3
            if hopeless or time.monotonic() > deadline or not processes.is_kept(home, NAME):
                log = tail(processes.log_file(home, NAME))
                stop(home)
                raise LaunchError("PostgreSQL 没有启动。", f"PostgreSQL did not start: {error}\n{log}") from error
        time.sleep(0.03)
