"""The private nginx in front of the application: configured at each start, then kept running like the servers.

Owns where it listens and as whom it runs. What it does with a request is said in `nginx_settings`; knows nothing of
what answers behind it.
"""

import os
import shutil
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from server.launch import processes
from server.launch.account import Account, handed_over, owned, servers_folder
from server.launch.errors import LaunchError
from server.launch.progress import run_logged, step, tail
from server.launch.state import Home

NAME = "nginx"
READY_WITHIN_S = 20
PRIVILEGED_BELOW = 1024
FAILED = LaunchError("nginx 的配置有误。", "nginx refuses its configuration.", "./patrol doctor")


class PortTaken(LaunchError):
    """Somebody else listens where nginx was to: whoever asks there would be answered by a stranger."""


@dataclass(frozen=True)
class Place:
    """Where it listens, the application's sockets behind it, and where the built pages lie."""

    host: str
    port: int
    behind: Sequence[str]
    dist: Path


def binary() -> str | None:
    """The nginx on this machine; Debian keeps it where a person's PATH does not look."""
    usual = [
        Path(folder) / "nginx" for folder in ("/usr/sbin", "/opt/homebrew/bin", "/usr/local/sbin", "/usr/local/bin")
    ]
    return shutil.which("nginx") or next((str(path) for path in usual if os.access(path, os.X_OK)), None)


def start(home: Home, place: Place, account: Account | None, environ: Mapping[str, str] = os.environ) -> None:
    """Start it, listening when this returns. The caller holds the home's lock.

    Raises ``PortTaken`` where somebody else has begun to listen there since the port was found free.
    """
    if not processes.is_kept(home, NAME):
        step("启动 nginx", "starting nginx")
        processes.start(home, _daemon(home, place, account, environ))
    _wait_until_it_listens(home, place)


def stop(home: Home) -> bool:
    """Stop it, with three seconds for what is under way; False when it was not running."""
    return processes.stop(home, NAME, wait_s=30)


def read_anew(home: Home) -> None:
    """Have the running one read its configuration and certificate anew; what is under way goes on."""
    pid = processes.look(home, NAME).pid
    if pid is not None:
        os.kill(pid, signal.SIGHUP)


def access_log(home: Home, account: Account | None) -> Path:
    """Where a line for each request goes."""
    return servers_folder(home, account) / NAME / "access.log"


def _daemon(home: Home, place: Place, account: Account | None, environ: Mapping[str, str]) -> processes.Daemon:
    from server.launch.nginx_settings import Front, configuration, wishes

    program = binary()
    if program is None:
        raise LaunchError("没有找到 nginx。", "No nginx was found.", "./patrol doctor")
    servers = servers_folder(home, account)
    # What a master that was root left there, as with a certificate, one that is not must be able to write.
    folder = handed_over(owned(servers / NAME, account), account)
    said = wishes(environ)
    # Its master is root only where somebody else could not open the port, or not read the key.
    is_root = account is not None and (place.port < PRIVILEGED_BELOW or bool(said["certificate"]))
    host = f"[{place.host}]" if ":" in place.host else place.host
    front = Front(
        listen=f"{host}:{place.port}",
        behind=place.behind,
        folder=folder,
        dist=place.dist,
        user=account.name if account and is_root else None,
        **said,  # type: ignore[arg-type]  # the names and types of Front
    )
    file = servers / "nginx.conf"
    file.write_text(configuration(front))
    file.chmod(0o644)
    argv = (program, "-e", "stderr", "-p", str(folder), "-c", str(file), "-g", "daemon off;")
    user = account.name if account and not is_root else None
    run_logged((*argv, "-t"), home.logs / "nginx-check.log", FAILED, cwd=Path("/"), user=user)
    return processes.Daemon(NAME, argv, user=user, stop="QUIT", stop_wait_s=6, writes=str(access_log(home, account)))


def _wait_until_it_listens(home: Home, place: Place) -> None:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(place.host, place.host)  # noqa: S104  # compared
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            socket.create_connection((host, place.port), timeout=2).close()
        except OSError as error:
            if time.monotonic() > deadline or not processes.is_kept(home, NAME):
                log = tail(processes.log_file(home, NAME))
                stop(home)
                raise LaunchError("nginx 没有启动。", f"nginx did not start: {error}\n{log}") from error
        else:
            if _is_ours(home, place.port):
                return
            if processes.look(home, NAME).pid is not None:
                stop(home)
                raise PortTaken(
                    f"端口 {place.port} 刚被占用。",
                    f"Port {place.port} was taken meanwhile.",
                    "./patrol up --port ANOTHER",
                )
        time.sleep(0.03)


def _is_ours(home: Home, port: int) -> bool:
    """Whether it is the nginx of this home that listens: of two that start at once, both see the port answer."""
    pid = processes.look(home, NAME).pid
    try:
        connections = psutil.Process(pid).net_connections("tcp") if pid else []
    except psutil.NoSuchProcess:
        return False
    return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in connections)
