"""The lines a person reads while the launcher works.

Owns where progress goes (standard error, so that `--json` answers stay clean on standard output); knows nothing
of what the steps are.
"""

import os
import pwd
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from server.launch.errors import LaunchError

# A traceback of gunicorn has some thirty.
TAIL_LINES = 60


def say(line: str = "") -> None:
    """Print one line at once."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def step(zh: str, en: str) -> None:
    """Announce the step that begins now."""
    say(f"▸ {zh} · {en}")


def tail(log: Path, only: str = "") -> str:
    """The last lines of a log file, those with `only` in them; empty when there is none."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - 64 * 1024))
            text = stream.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    return "\n".join([line for line in text.splitlines() if only in line][-TAIL_LINES:])


def run_logged(
    argv: Sequence[str],
    log: Path,
    failure: LaunchError,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    show: str | None = None,
) -> None:
    """Run a program with its output in `log`; raise `failure` with the log's tail when it does not end well.

    `user` names the account to run it as; lines that match the regular expression `show` are printed as they come.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    group = pwd.getpwnam(user).pw_gid if user else None
    with log.open("wb") as stream:
        try:
            program = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=env or os.environ,
                user=user,
                group=group,
                extra_groups=[] if user else None,
            )
        except OSError as error:
            stream.write(f"{argv[0]}: {error.strerror}\n".encode())
            code = 127
        else:
            code = _copy(program, stream, show)
    if code:
        say(tail(log))
        raise LaunchError(failure.zh, f"{failure.en} (exit code {code}, log: {log})", failure.remedy)


def _copy(program: "subprocess.Popen[bytes]", log: BinaryIO, show: str | None) -> int:
    """Follow the program's output to its end; returns the exit code."""
    with program:
        for line in program.stdout or ():
            log.write(line)
            if show is not None and re.match(show, text := line.decode("utf-8", "replace").rstrip()):
                say(f"  {text}")
    return program.returncode
