"""Make the virtual environment: `python3 bootstrap.py CHECKOUT`.

Run by the `patrol` script with the machine's own Python before any package exists, so it imports the standard
library only, and nothing of this project. Owns `.patrol/venv`, which afterwards holds a copy of the lock file it was
made from; safe against two runs at once and against one that was cut off.
"""

import fcntl
import filecmp
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TextIO

SHOW_EVERY = 10


def main(checkout: Path) -> int:
    """Bring the environment up to date with requirements.lock; 0 when it is."""
    home = checkout / ".patrol"
    home.mkdir(exist_ok=True)
    with (home / "venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted, venv = checkout / "requirements.lock", home / "venv"
        if _is_current(wanted, venv):
            return 0
        if not _works(venv):
            _say("▸ 创建 Python 虚拟环境 · making the Python virtual environment")
            shutil.rmtree(venv, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        return _install(wanted, venv, home / "logs" / "pip.log")


def _install(wanted: Path, venv: Path, log: Path) -> int:
    stamp = venv / "requirements.lock"
    stamp.unlink(missing_ok=True)
    total = len(re.findall(r"^[\w.\-\[\]]+==", wanted.read_text(), re.MULTILINE))
    _say(f"▸ 安装 {total} 个 Python 包 · installing {total} Python packages")
    command = [str(venv / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["--no-input", "--progress-bar", "off", "--require-hashes", "-r", str(wanted)]
    log.parent.mkdir(exist_ok=True)
    with log.open("w") as record:
        pip = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        tail = _show(pip, record, total)
    if pip.returncode:
        _say("".join(tail))
        _say("安装 Python 包失败：请检查网络后重试。")
        _say(f"Python packages could not be installed: check the network and try again. Log: {log}")
        return 1
    draft = stamp.with_suffix(".new")
    shutil.copyfile(wanted, draft)
    draft.replace(stamp)
    return 0


def _show(pip: "subprocess.Popen[str]", record: TextIO, total: int) -> list[str]:
    """Follow pip, a line of progress for every tenth package; returns its last lines."""
    seen = 0
    tail: list[str] = []
    for line in pip.stdout or ():
        record.write(line)
        tail = [*tail[-20:], line]
        if line.startswith(("Collecting", "Processing", "Requirement already satisfied")):
            seen += 1
            if seen % SHOW_EVERY == 0:
                _say(f"  {min(seen, total)}/{total}")
    pip.wait()
    return tail


def _is_current(wanted: Path, venv: Path) -> bool:
    stamp = venv / "requirements.lock"
    return _works(venv) and stamp.exists() and filecmp.cmp(wanted, stamp, shallow=False)


def _works(venv: Path) -> bool:
    python = venv / "bin" / "python"
    return os.access(python, os.X_OK) and _succeeds([str(python), "-m", "pip", "--version"])


def _succeeds(command: list[str]) -> bool:
    quiet = subprocess.DEVNULL
    return subprocess.run(command, stdout=quiet, stderr=quiet, check=False).returncode == 0


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
