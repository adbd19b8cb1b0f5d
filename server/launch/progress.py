"""The lines a person reads while the launcher works.

Owns where progress goes (standard error, so that `--json` answers stay clean on standard output); knows nothing
of what the steps are.
"""

import os
import pwd
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from server.launch.errors import LaunchError

TAIL_LINES = 30


def say(line: str = "") -> None:
    """Print one line at once."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def step(zh: str, en: str) -> None:
    """Announce the step that begins now."""
    say(f"▸ {zh} · {en}")


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log file, empty when there is none."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - 64 * 1024))
            text = stream.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def run_logged(
    argv: Sequence[str],
    log: Path,
    failure: LaunchError,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
) -> None:
    """Run a program with its output in `log`; raise `failure` with the log's tail when it does not end well.

    `user` names the account to run it as.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    group = pwd.getpwnam(user).pw_gid if user else None
    with log.open("wb") as stream:
        try:
            code = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                cwd=cwd,
                env=env or os.environ,
                user=user,
                group=group,
                extra_groups=[] if user else None,
                check=False,
            ).returncode
        except OSError as error:
            stream.write(f"{argv[0]}: {error.strerror}\n".encode())
            code = 127
    if code:
        say(tail(log))
        raise LaunchError(failure.zh, f"{failure.en} (exit code {code}, log: {log})", failure.remedy)
