"""Processor time and memory by who spent it, from /proc: what is left to compare when others share the machine."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import make_url

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1_000_000


Belongs = Callable[[Path], bool]


def _processes(belongs: Belongs) -> Iterator[Path]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if belongs(folder):
                    yield folder
            except OSError:
                continue


def _stat(folder: Path) -> list[str]:
    """Return the fields from the third on: state, parent, ..."""
    return (folder / "stat").read_text().rpartition(")")[2].split()


def spent(belongs: Belongs) -> float:
    """Return the seconds of processor time of all living processes that belong."""
    total = 0
    for folder in _processes(belongs):
        try:
            fields = _stat(folder)
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total * TICK_S


def resident_mb(belongs: Belongs) -> float:
    """Return the resident memory of all processes that belong; what they share counts for each."""
    total = 0
    for folder in _processes(belongs):
        try:
            total += int((folder / "statm").read_text().split()[1])
        except OSError:
            continue
    return round(total * PAGE_MB, 1)


def of_family(parent: int) -> Belongs:
    """One process and those that it has forked; not those of somebody else's command of the same name."""
    return lambda folder: folder.name == str(parent) or int(_stat(folder)[1]) == parent


def of_database(url: str) -> Belongs:
    """The backends of one database."""
    name = make_url(url).database

    def belongs(folder: Path) -> bool:
        command = (folder / "cmdline").read_bytes().decode(errors="replace")
        return command.startswith("postgres:") and f" {name} " in command

    return belongs
