"""Keeping logs short while they are written: what has grown too long is put aside as NAME.1.

Owns the putting aside. Imports the standard library only; must not know what is logged.
"""

import os
from pathlib import Path


def put_aside(path: Path, most_bytes: int) -> bool:
    """Rename a log that is longer than that; False when it is not, or is not there."""
    try:
        size = path.lstat().st_size
    except FileNotFoundError:
        return False
    if size <= most_bytes:
        return False
    path.replace(path.with_name(f"{path.name}.1"))
    return True


def opened(path: Path) -> int:
    """Return a descriptor that appends to a log, which is made where it is missing, for its owner alone."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def go_on_in(path: Path) -> None:
    """Let this process's own output and complaints go to that log."""
    log = opened(path)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
