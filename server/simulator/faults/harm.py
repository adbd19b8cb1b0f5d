"""Harm to the patrol that `up` started here, for `simulate --faults`: kills its processes, backs up, restores.

Owns finding the victims by what their keepers wrote, and refusing to touch servers that this patrol does not keep.
Knows nothing of what is simulated meanwhile.
"""

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from server.launch import backup as backups
from server.launch import cluster, nginx, processes, programs, redis_server, running
from server.launch.errors import LaunchError
from server.launch.state import Home

CHILDREN = " children"
KEEPER = " keeper"
HAVE_CHILDREN = (*programs.WEBS, "jobs", nginx.NAME)
VICTIMS = (
    *running.PROGRAMS,
    *(f"{name}{CHILDREN}" for name in HAVE_CHILDREN),
    *(f"{name}{KEEPER}" for name in (programs.WEB, "jobs", redis_server.NAME, cluster.NAME, nginx.NAME)),
)
BACKUP = "faults.dump"


@dataclass
class PrivateHarm:
    """What may be done to one home's own processes. Made by `of`, which refuses everybody else's."""

    home: Home
    url: str
    database_url: str
    owner_url: str
    _gone: dict[str, set[int]] = field(default_factory=dict)

    @property
    def victims(self) -> tuple[str, ...]:
        """The names that `kill` knows."""
        return VICTIMS

    def kill(self, victim: str) -> None:
        """SIGKILL the process of this name, all its children or its keeper; it must be gone for `is_well`."""
        process = processes.look(self.home, victim.removesuffix(CHILDREN).removesuffix(KEEPER))
        own = process.keeper if victim.endswith(KEEPER) else process.pid
        pids = set(process.children if victim.endswith(CHILDREN) else () if own is None else (own,))
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._gone[victim] = pids

    def is_well(self) -> bool:
        """Whether everything runs anew, with children where it has them, and the web says that it can serve."""
        if not all(self._is_back(name) for name in running.PROGRAMS) or not self._serves():
            return False
        self._gone.clear()
        return True

    def _is_back(self, name: str) -> bool:
        process = processes.look(self.home, name)
        gone: set[int | None] = set().union(
            *(self._gone.get(f"{name}{part}", set()) for part in ("", CHILDREN, KEEPER))
        )
        has_children = name not in HAVE_CHILDREN or bool(set(process.children) - gone)
        return process.state == "running" and not {process.pid, process.keeper} & gone and has_children

    def _serves(self) -> bool:
        try:
            with urlopen(f"{self.url}/readyz", timeout=5) as answer:  # noqa: S310 - our own http address
                return bool(answer.status == 200 and b'"redis":"ok"' in answer.read().replace(b" ", b""))  # noqa: PLR2004 - OK
        except (URLError, OSError):
            return False

    def backup(self) -> None:
        """Write the database to a file of this home, replacing the one before."""
        backups.dump(self.owner_url, self._file)

    def restore(self) -> None:
        """Replace the database by that file."""
        backups.restore(self.owner_url, self._file)

    @property
    def _file(self) -> Path:
        return self.home.path / BACKUP


def of(home: Home, environ: Mapping[str, str] = os.environ) -> PrivateHarm:
    """What may be done to the running patrol of this home. Raises LaunchError where its servers are not its own."""
    state = home.read()
    addresses = state.get("addresses", {})
    for name, own in (("DATABASE_URL", "local_database_url"), ("REDIS_URL", "redis_url")):
        if environ.get(name) and environ[name] != addresses.get(own):
            raise LaunchError(
                f"{name} 指向别处的服务，故障模拟会杀掉进程并恢复旧数据，只在自己的服务上进行。",
                f"{name} names a server of somebody else; --faults kills processes and restores old data.",
                f"unset {name}; ./patrol up --detach",
            )
    if not addresses.get("private") or not all(processes.is_kept(home, name) for name in running.PROGRAMS):
        raise LaunchError(
            "巡格没有在自己的数据库、Redis 和进程上运行。",
            "--faults needs a running patrol with a private database, Redis and processes of its own.",
            "./patrol up --detach",
        )
    local = addresses["local_database_url"]
    return PrivateHarm(home, addresses["url"], local, addresses.get("owner_database_url", local))
