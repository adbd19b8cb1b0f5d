"""Programs that go on when the command that started them ends.

Each runs under `server.launch.respawn`, which brings it back when it dies. Owns starting, stopping and asking;
knows nothing of what the programs are.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from server.launch.descendants import descendants
from server.launch.errors import LaunchError
from server.launch.log_files import opened, put_aside
from server.launch.progress import tail
from server.launch.state import CHECKOUT, Home

LOG_MOST_BYTES = 20_000_000


@dataclass(frozen=True)
class Daemon:
    """A program to keep running in the background, and how to stop it."""

    name: str
    argv: tuple[str, ...]
    user: str | None = None
    stop: Literal["TERM", "INT", "QUIT"] = "TERM"
    stop_wait_s: int = 20
    leaves_children: bool = False
    # A log that it writes itself, and opens anew when it is told by USR1.
    writes: str = ""
    # Another program; where nobody keeps it, the module is run with the home's folder, to start its keeper.
    watches: tuple[str, str] | None = None
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Process:
    """What is known of one kept program; `pid` is its own, `keeper` that of the respawn above it."""

    name: str
    state: str
    pid: int | None
    keeper: int | None
    restarts: int = 0

    @property
    def children(self) -> tuple[int, ...]:
        """Processes below it, as gunicorn's workers."""
        return descendants(self.pid) if self.pid else ()


def start(home: Home, daemon: Daemon) -> None:
    """Start the program unless it is kept already; does not wait until it serves."""
    if is_kept(home, daemon.name):
        return
    _want(home, daemon)
    keeper = subprocess.Popen(
        [sys.executable, *respawn_argv(home, daemon)],
        cwd=CHECKOUT,
        env={**os.environ, **daemon.env},
        stdin=subprocess.DEVNULL,
        stdout=(log := open_log(home, daemon.name)),
        stderr=log,
        start_new_session=True,
    )
    os.close(log)
    while not is_kept(home, daemon.name):
        if keeper.poll() is not None:
            raise LaunchError(
                f"{daemon.name} 没有启动。", f"{daemon.name} did not start.\n{tail(log_file(home, daemon.name))}"
            )
        time.sleep(0.01)
    # It outlives us on purpose; without this Python warns of a child that nobody waited for.
    keeper.returncode = 0


def respawn_argv(home: Home, daemon: Daemon) -> tuple[str, ...]:
    """The arguments of Python that keep the program."""
    account = ("--user", daemon.user) if daemon.user else ()
    options: tuple[str, ...] = ("--name", daemon.name, "--home", str(home.path), "--stop", daemon.stop)
    options += ("--leave-children",) if daemon.leaves_children else ()
    options += ("--log", str(log_file(home, daemon.name)), "--log-most", str(LOG_MOST_BYTES))
    options += ("--writes", daemon.writes) if daemon.writes else ()
    options += ("--watches", daemon.watches[0], "--revive", daemon.watches[1]) if daemon.watches else ()
    return (
        *("-m", "server.launch.respawn", *options, *account, "--stop-wait", str(daemon.stop_wait_s)),
        *("--", *daemon.argv),
    )


def stop(home: Home, name: str, wait_s: float) -> bool:
    """Ask the program to stop and wait until its keeper is gone; False when it was not running."""
    _wanted_file(home, name).unlink(missing_ok=True)
    while (process := look(home, name)).keeper is None:
        if process.state == "stopped":
            return False
        time.sleep(0.01)
    os.kill(process.keeper, signal.SIGTERM)
    deadline = time.monotonic() + wait_s
    while is_kept(home, name):
        if time.monotonic() > deadline:
            raise LaunchError(f"{name} 没有停止。", f"{name} did not stop.", f"kill -9 {process.keeper}")
        time.sleep(0.02)
    return True


def wanted(home: Home) -> list[Daemon]:
    """The programs that were started and not stopped since, without their environment: it holds secrets."""
    found = []
    for file in sorted((home.path / "processes").glob("*.wanted")):
        try:
            told = json.loads(file.read_text())
        except FileNotFoundError:
            continue
        pairs = {name: tuple(told[name]) for name in ("argv", "watches") if told.get(name)}
        found.append(Daemon(**told | pairs))
    return found


def _want(home: Home, daemon: Daemon) -> None:
    fields = ("name", "argv", "user", "stop", "stop_wait_s", "leaves_children", "writes", "watches")
    told = {field: getattr(daemon, field) for field in fields}
    file = _wanted_file(home, daemon.name)
    draft = file.with_suffix(".wanted.new")
    draft.write_text(json.dumps(told))
    draft.replace(file)


def _wanted_file(home: Home, name: str) -> Path:
    return home.path / "processes" / f"{name}.wanted"


def look(home: Home, name: str) -> Process:
    """What is known of the program now."""
    try:
        told = json.loads((home.path / "processes" / f"{name}.json").read_text())
    except FileNotFoundError:
        told = {}
    if not is_kept(home, name):
        return Process(name, "stopped", None, None)
    if "keeper" not in told or not is_alive(told["keeper"]):
        # A keeper that just took the lock has not reported yet: this is what the one before it left.
        return Process(name, "starting", None, None)
    return Process(name, told["state"], told["pid"], told["keeper"], told["restarts"])


def is_alive(pid: int) -> bool:
    """Whether there is such a process, whoever it belongs to."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_kept(home: Home, name: str) -> bool:
    """Whether a keeper holds the program's lock: true across reused process ids and restarts of the machine."""
    try:
        with (home.path / "processes" / f"{name}.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def log_file(home: Home, name: str) -> Path:
    """Where the program's output goes."""
    return home.logs / f"{name}.log"


def open_log(home: Home, name: str) -> int:
    """A descriptor to append to the program's log; an overlong one is put aside first."""
    path = log_file(home, name)
    put_aside(path, LOG_MOST_BYTES)
    return opened(path)
