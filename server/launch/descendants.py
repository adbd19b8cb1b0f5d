"""The processes that live and those below a process, read from /proc (Linux) or ps (elsewhere).

Owns nothing but the reading; must not send signals.
"""

import subprocess
from collections import defaultdict
from pathlib import Path

PROC = Path("/proc")


def descendants(pid: int) -> tuple[int, ...]:
    """Ids of all living processes below `pid`, parents before children; zombies are left out."""
    children = defaultdict(list)
    for child, parent in _parents().items():
        children[parent].append(child)
    found: list[int] = []
    level = [pid]
    while level:
        level = [child for parent in level for child in children[parent]]
        found.extend(level)
    return tuple(found)


def lives(pid: int) -> bool:
    """Return whether there is such a process, and it is no zombie."""
    return pid in _parents()


def _parents() -> dict[int, int]:
    if (PROC / "self" / "stat").exists():
        return _parents_from_proc()
    listing = subprocess.run(["ps", "-axo", "pid=,ppid=,stat="], capture_output=True, text=True, check=False).stdout
    rows = (line.split() for line in listing.splitlines())
    return {int(pid): int(parent) for pid, parent, state in rows if not state.startswith("Z")}


def _parents_from_proc() -> dict[int, int]:
    parents = {}
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue
        # The command name, in brackets, may itself hold brackets and spaces: what follows the last one is regular.
        state, parent = stat[stat.rindex(")") + 2 :].split(" ", 2)[:2]
        if state not in "ZX":
            parents[int(entry.name)] = int(parent)
    return parents
