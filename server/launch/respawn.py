"""Keep one program running: `python -m server.launch.respawn --name NAME --home DIR -- PROGRAM ARGUMENTS`.

Starts the program again, after a growing and jittered pause, whenever it ends without having been asked to; on
SIGTERM or SIGINT stops it and ends; passes SIGHUP on. Holds `NAME.lock` and keeps `NAME.json` in DIR/processes, so
that others see what runs. Makes JSON of every line that the program says and that is none yet, and puts logs
aside that have grown too long. Leaves no orphans: what a killed program leaves behind is ended before it is started
anew (a killed postmaster's backends hold its shared memory), and when this process itself is killed the kernel sends
the program its stop signal; the next keeper waits for its end. Where ``--watches`` names another program that should
be kept and is kept by nobody, has it started. Must know nothing of what it runs, and imports the standard library only.
"""

import argparse
import ctypes
import fcntl
import json
import os
import pwd
import random
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from server.launch.descendants import descendants, lives
from server.launch.log_files import go_on_in, put_aside
from server.launch.log_lines import Lines, as_json

PAUSE_FIRST_S = 0.2
# What is to answer within five seconds once its trouble is over cannot rest longer.
PAUSE_MOST_S = 2.0
SETTLED_AFTER_S = 5.0
# What a killed program left can finish nothing: a longer wait is a longer silence.
ORPHANS_MERCY_S = 1.0
LOCK_PATIENCE_S = 1.0
# How long the program of a keeper that was killed is waited for: it holds what the next one needs, as a data folder.
LAST_ONES_END_S = 3.0
WATCH_EVERY_S = 1.0
REVIVED_WITHIN_S = 10.0
LOOK_AT_LOGS_S = 5.0
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Program:
    """What to run and how to stop it."""

    name: str
    argv: tuple[str, ...]
    home: Path
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_wait_s: float = 20.0
    # What it has begun goes on without it: it is there to begin what nobody must end.
    leaves_children: bool = False
    # Where this process's own output goes, with what the program says.
    log: Path | None = None
    # A log that the program writes itself, and opens anew on SIGUSR1.
    writes: Path | None = None
    log_most_bytes: int = 20_000_000
    # Another program of this home, and the command that starts the keeper of whatever should have one.
    watches: str = ""
    revive: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where the lock and the status of every program of this home lie."""
        return self.home / "processes"


@dataclass
class Keeper:
    """One program being kept running; `keep` returns when it was asked to stop."""

    program: Program
    stopping: threading.Event = field(default_factory=threading.Event)
    restarts: int = 0
    _child: subprocess.Popen[bytes] | None = None
    _wakeup: int = -1
    _said: Lines | None = None

    @property
    def pid(self) -> int | None:
        """The program's process id while it lives."""
        return None if self._child is None else self._child.pid

    def keep(self) -> int:
        """Run the program until a stop is asked for; 0 when it was stopped cleanly."""
        self._wakeup = _catch_signals(self)
        if not self.program.leaves_children:
            _be_subreaper()
        self._await_the_last()
        quick_ends = 0
        while True:
            began = time.monotonic()
            self._run_once()
            if not self.program.leaves_children:
                self._end_orphans()
            if self.stopping.is_set():
                break
            quick_ends = 0 if time.monotonic() - began > SETTLED_AFTER_S else quick_ends + 1
            self._report("restarting")
            self._pause(pause_s(quick_ends, random.random()))  # noqa: S311 - jitter, not a secret
            self.restarts += 1
        self._report("stopped")
        return 0

    def _run_once(self) -> None:
        try:
            self._said = Lines.of(self.program.name, self.program.user)
            self._child = _spawn(self.program, self._said.writable)
            self._said.begin()
        except OSError as error:
            _note(f"{self.program.name}: {self.program.argv[0]}: {error.strerror}")
            return
        self._report("running")
        while self.pid is not None and not self.stopping.is_set():
            self._sleep(WATCH_EVERY_S if self.program.watches else LOOK_AT_LOGS_S if self.program.writes else None)
            self._shorten_logs()
            self._look_after()
        if self._child is not None:
            self._stop_program(self._child.pid)

    def _await_the_last(self) -> None:
        """Wait until the program has ended that another keeper began and was killed beside."""
        try:
            pid = json.loads((self.program.folder / f"{self.program.name}.json").read_text())["pid"]
        except (OSError, ValueError, KeyError):
            return
        deadline = time.monotonic() + LAST_ONES_END_S
        while pid and _leads_a_session(pid) and not self.stopping.is_set() and time.monotonic() < deadline:
            self._sleep(0.05)

    def _look_after(self) -> None:
        """Have the program that is watched started where it should be kept and nobody keeps it."""
        name, folder = self.program.watches, self.program.folder
        if not name or not (folder / f"{name}.wanted").exists() or (lock := _locked(folder, name)) is None:
            return
        lock.close()
        _note(f"{name}: nobody keeps it, starting its keeper")
        # What is started there must not become a child of this process, which would end it with its own program.
        _be_subreaper(0)
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(self.program.revive, check=False, stdin=subprocess.DEVNULL, timeout=REVIVED_WITHIN_S)
        _be_subreaper()

    def _shorten_logs(self) -> None:
        program = self.program
        if program.log and put_aside(program.log, program.log_most_bytes):
            go_on_in(program.log)
        if program.writes and put_aside(program.writes, program.log_most_bytes) and self.pid is not None:
            _send(self.pid, signal.SIGUSR1)

    def _stop_program(self, pid: int) -> None:
        self._report("stopping")
        _send(pid, self.program.stop_signal)
        deadline = time.monotonic() + self.program.stop_wait_s
        while self._child is not None and time.monotonic() < deadline:
            self._sleep(deadline - time.monotonic())
        while self._child is not None:
            _note(f"{self.program.name}: not stopped after {self.program.stop_wait_s:.0f} s, killed")
            _send(pid, signal.SIGKILL)
            self._sleep(1)

    def _end_orphans(self) -> None:
        """End what the program left behind: asked once, killed when that did not help."""
        deadline = time.monotonic() + ORPHANS_MERCY_S
        asked: set[int] = set()
        while left := descendants(os.getpid()):
            merciful = time.monotonic() < deadline
            for pid in left:
                if not merciful or pid not in asked:
                    _send(pid, signal.SIGTERM if merciful else signal.SIGKILL)
            asked.update(left)
            self._sleep(0.1)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.stopping.is_set() and time.monotonic() < until:
            self._sleep(until - time.monotonic())

    def _sleep(self, most_s: float | None) -> None:
        """Wait for a signal, at most `most_s`; then bury whoever has died."""
        said = self._said
        heard = [self._wakeup] if said is None or said.ended else [self._wakeup, said.readable]
        ready, _, _ = select.select(heard, [], [], most_s)
        if said is not None and said.readable in ready:
            said.pass_on()
        while select.select([self._wakeup], [], [], 0)[0]:
            os.read(self._wakeup, 4096)
        self._bury()

    def _bury(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if self._child is not None and pid == self._child.pid:
                self._child.returncode = os.waitstatus_to_exitcode(status)
                self._child = None
                if not self.stopping.is_set():
                    _note(f"{self.program.name}: ended with {os.waitstatus_to_exitcode(status)}, starting it again")

    def _report(self, state: str) -> None:
        status = {
            "name": self.program.name,
            "pid": self.pid,
            "state": state,
            "keeper": os.getpid(),
            "restarts": self.restarts,
        }
        path = self.program.folder / f"{self.program.name}.json"
        draft = path.with_suffix(".json.new")
        draft.write_text(json.dumps(status))
        draft.replace(path)


def pause_s(quick_ends: int, jitter: float) -> float:
    """How long to rest before the next start, after so many that ended at once; ``jitter``: 0 to 1."""
    doublings = max(0, min(quick_ends, 30) - 1)
    return min(PAUSE_MOST_S, PAUSE_FIRST_S * 2.0**doublings) * (0.5 + jitter)


def _catch_signals(keeper: Keeper) -> int:
    """Handlers for stop and reload; returns the descriptor that becomes readable at each signal."""
    readable, writable = os.pipe()
    os.set_blocking(readable, False)
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)

    def stop(_number: int, _frame: object) -> None:
        keeper.stopping.set()

    def reload(_number: int, _frame: object) -> None:
        if keeper.pid is not None:
            _send(keeper.pid, signal.SIGHUP)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGHUP, reload)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    return readable


def _spawn(program: Program, output: int) -> subprocess.Popen[bytes]:
    keeper = os.getpid()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def tie_to_keeper() -> None:
        # After the change of user, which would clear it.
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, int(program.stop_signal), 0, 0, 0)
            if os.getppid() != keeper:
                os._exit(1)

    account = pwd.getpwnam(program.user) if program.user else None
    return subprocess.Popen(
        program.argv,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=tie_to_keeper,  # noqa: PLW1509 - this process has one thread
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=os.getgrouplist(account.pw_name, account.pw_gid) if account else None,
        # An account without rights may not stand in the folder of whoever started this.
        cwd="/" if account else None,
    )


def _be_subreaper(yes: int = 1) -> None:
    """Have the kernel make orphans below this process its children (Linux), so that they are found and ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, yes, 0, 0, 0)


def _leads_a_session(pid: int) -> bool:
    """Return whether a process lives that leads a session, as every kept program does; ids are used again."""
    try:
        return os.getsid(pid) == pid and lives(pid)
    except ProcessLookupError:
        return False


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _note(line: str) -> None:
    sys.stderr.write(as_json("respawn", line) + "\n")
    sys.stderr.flush()


def _hold(program: Program) -> IO[str] | None:
    """The lock that says this program is kept; None when another keeper has it."""
    program.folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + LOCK_PATIENCE_S
    # Whoever asks whether the program is kept holds the lock for an instant.
    while (lock := _locked(program.folder, program.name)) is None and time.monotonic() <= deadline:
        time.sleep(0.02)
    return lock


def _locked(folder: Path, name: str) -> IO[str] | None:
    """The lock of a program; None where somebody has it."""
    lock = (folder / f"{name}.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _read_arguments(arguments: list[str]) -> Program:
    parser = argparse.ArgumentParser(prog="respawn", description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--home", required=True, type=Path)
    parser.add_argument("--user", help="account to run the program as")
    parser.add_argument("--stop", default="TERM", help="signal that asks the program to stop")
    parser.add_argument("--stop-wait", default=20.0, type=float, metavar="SECONDS")
    parser.add_argument("--leave-children", action="store_true", help="end nothing that the program has begun")
    parser.add_argument("--log", type=Path, help="the file that this output goes to")
    parser.add_argument("--log-most", default=Program.log_most_bytes, type=int, metavar="BYTES")
    parser.add_argument("--writes", type=Path, help="a log that the program writes itself, and opens anew on USR1")
    parser.add_argument("--watches", default="", metavar="NAME", help="another program of DIR, to be kept by somebody")
    parser.add_argument("--revive", default="", metavar="MODULE", help="module that, run with DIR, starts its keeper")
    parser.add_argument("program", nargs="+")
    given = parser.parse_args(arguments)
    return Program(
        name=given.name,
        argv=tuple(given.program),
        home=given.home.resolve(),
        user=given.user,
        stop_signal=signal.Signals[f"SIG{given.stop}"],
        stop_wait_s=given.stop_wait,
        leaves_children=given.leave_children,
        log=given.log,
        writes=given.writes,
        log_most_bytes=given.log_most,
        watches=given.watches,
        revive=(sys.executable, "-m", given.revive, str(given.home)),
    )


def main() -> int:
    """Keep the program of the command line; 3 when it is already kept by another."""
    program = _read_arguments(sys.argv[1:])
    lock = _hold(program)
    if lock is None:
        _note(f"{program.name}: already kept running by another process")
        return 3
    with lock:
        return Keeper(program).keep()


if __name__ == "__main__":
    sys.exit(main())
