"""The application's own programs, as the Procfile names them: where each listens, as whom it runs, what it is told.

Two programs serve the web, each with a socket of its own: while one starts anew, nginx asks the other. Owns what `up`
gives to each; knows nothing of the servers below and of nginx before them.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from honcho.environ import parse_procfile

from server.launch import processes, supervise
from server.launch.account import Account, handed_over, owned
from server.launch.installation import Installation
from server.launch.state import CHECKOUT, Home

WEB = "web"
USUAL_WEB_WORKERS = 2
STOP_WAIT_S = 8


def _procfile() -> Mapping[str, str]:
    found: Mapping[str, str] = parse_procfile((CHECKOUT / "Procfile").read_text()).processes
    return found


NAMES = tuple(_procfile())
WEBS = tuple(name for name in NAMES if name.startswith(WEB))


@dataclass(frozen=True)
class Quarters:
    """What belongs to the application on this machine: its account, its code, and the folders that it may write.

    ``sockets`` can be entered by the application and by nginx alone: whoever speaks there is believed.
    """

    account: Account | None
    installation: Installation
    sockets: Path
    files: Path
    metrics: Path

    @property
    def behind(self) -> Sequence[str]:
        """The addresses of the web programs as nginx and gunicorn spell them."""
        return tuple(f"unix:{self.sockets}/{name}.sock" for name in WEBS)


def files_folder(home: Home, servers: Path, account: Account | None) -> Path:
    """Where attachments lie when nothing else is said: in the home, or beside the servers' data."""
    usual = home.path / "files"
    if account is None or servers.is_relative_to(home.path):
        return handed_over(usual, account)
    folder = servers / "files"
    if usual.is_dir() and not folder.exists():
        usual.rename(folder)
    return handed_over(folder, account)


def sockets_folder(place: Path, account: Account | None, front: Account | None) -> Path:
    """The folder of the web programs' sockets, which nginx may enter too."""
    folder = owned(place, account)
    if account and front:
        os.chown(folder, account.uid, front.gid)
    folder.chmod(0o710)
    return folder


def daemons(quarters: Quarters, env: Mapping[str, str]) -> list[processes.Daemon]:
    """The programs to keep running, each as a line of the Procfile says it."""
    installation = quarters.installation
    user = quarters.account.name if quarters.account else None
    # Not resolved: a virtual environment is known by the link that leads to its Python.
    here = os.path.dirname(installation.python)  # noqa: PTH120
    settings = {
        **env,
        **installation.env,
        "PATROL_FRONT": "1",
        "PROMETHEUS_MULTIPROC_DIR": str(quarters.metrics),
        "PATH": f"{here}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONPATH": str(installation.root),
        "PYTHONUNBUFFERED": "1",
    }
    if quarters.account:
        settings["HOME"] = "/nonexistent"
    total = int(env.get("PATROL_WEB_WORKERS") or USUAL_WEB_WORKERS)
    each = max(1, -(-total // len(WEBS)))
    sockets = dict(zip(WEBS, quarters.behind, strict=True))
    found = []
    for name, command in _procfile().items():
        told = [f"PATROL_BIND={sockets[name]}", f"PATROL_WEB_WORKERS={each}"] if name in sockets else []
        argv = ("/usr/bin/env", *told, "/bin/sh", "-c", command)
        # Nobody is above the supervisor and its keeper, where both are killed in one instant.
        watches = (supervise.NAME, "server.launch.revive") if name in sockets else None
        found.append(processes.Daemon(name, argv, user=user, env=settings, stop_wait_s=STOP_WAIT_S, watches=watches))
    return found
