"""Processor time and memory by who spent it, from /proc: what is left to compare when others share the machine."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import make_url

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1_000_000


def _processes(belongs: Callable[[str], bool]) -> Iterator[Path]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if belongs(command):
                yield folder


def spent(belongs: Callable[[str], bool]) -> float:
    """Return the seconds of processor time of all living processes that belong."""
    total = 0
    for folder in _processes(belongs):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total * TICK_S


def resident_mb(belongs: Callable[[str], bool]) -> float:
    """Return the resident memory of all processes that belong; what they share counts for each."""
    total = 0
    for folder in _processes(belongs):
        try:
            total += int((folder / "statm").read_text().split()[1])
        except OSError:
            continue
    return round(total * PAGE_MB, 1)


def of_family(parent: int) -> Callable[[str], bool]:
    """Those that one has forked: they share its command line."""
    command = Path(f"/proc/{parent}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return lambda other: other == command


def of_database(url: str) -> Callable[[str], bool]:
    """The backends of one database."""
    name = make_url(url).database
    return lambda command: command.startswith("postgres:") and f" {name} " in command
