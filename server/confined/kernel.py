"""What a process gives up, by the means of its kernel.

Owns the layers: "network" (an empty namespace), "account" (one without rights), "files" (Landlock), "calls" (a filter
of system calls), and the limits of resources. Each holds by itself, and a platform or container that lacks one has the
others; which were in force is returned. Must not know what the process does afterwards.

Sources: landlock(7), seccomp(2), capabilities(7), unshare(2); the numbers of calls are those of asm/unistd_64.h and
asm-generic/unistd.h.
"""

import contextlib
import ctypes
import os
import platform
import resource
import signal
import sys
import sysconfig
from pathlib import Path
from typing import Final

from server.confined import calls, landlock

CONFINED_ID: Final = 65_432
"""User and group of confined children when we are root: in no list of accounts, and no file is theirs but their own."""

_NEWNET: Final = 0x40000000
_NEWIPC: Final = 0x08000000
_KEEP_CAPABILITIES: Final = 8
_SET_DEATH_SIGNAL: Final = 1
_NO_NEW_PRIVILEGES: Final = 38
_CAPABILITIES_VERSION: Final = 0x20080522
_READ_SEARCH: Final = 1 << 2
_OF_THE_SYSTEM: Final = (
    *("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib", "/usr/share/zoneinfo", "/etc/ld.so.cache"),
    *("/dev/null", "/dev/urandom"),
)


def confine(
    *, wall_s: float, quiet_s: float, cpu_s: int, memory_bytes: int, disk_bytes: int, output_bytes: int, open_files: int
) -> list[str]:
    """Give up everything but the working folder, for good; return the layers that are in force."""
    del wall_s, quiet_s, output_bytes  # are the parent's to watch
    if platform.system() == "Linux":
        return _confine_on_linux(ctypes.CDLL(None, use_errno=True), (cpu_s, memory_bytes, disk_bytes, open_files))
    _limit(cpu_s, memory_bytes, disk_bytes, open_files)
    return _leave_root()


def _confine_on_linux(libc: ctypes.CDLL, limits: tuple[int, int, int, int]) -> list[str]:
    is_alone = os.geteuid() == 0 and libc.unshare(_NEWNET | _NEWIPC) == 0
    folders = landlock.opened(_readable(), Path())
    _limit(*limits)
    libc.prctl(_KEEP_CAPABILITIES, 1, 0, 0, 0)
    layers = [*(["network"] if is_alone else []), *_leave_root()]
    readable = _is_readable(Path(sysconfig.get_path("stdlib"), "os.py")) and _is_readable(Path(__file__))
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if landlock.restrict(libc, *folders):
        layers.append("files")
    # An interpreter in root's own folder can still be read from, where Landlock leaves nothing else to be read.
    _keep_capabilities(libc, 0 if readable or "files" not in layers else _READ_SEARCH)
    libc.prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    return [*layers, *(["calls"] if calls.restrict(libc) else [])]


def _leave_root() -> list[str]:
    if os.geteuid() != 0:
        return []
    os.setgroups([])
    os.setgid(CONFINED_ID)
    os.setuid(CONFINED_ID)
    return ["account"]


def _limit(cpu_s: int, memory_bytes: int, disk_bytes: int, open_files: int) -> None:
    # The first of the two tells its name by the signal, SIGXCPU; the second is as good as the memory killer's.
    _set(resource.RLIMIT_CPU, cpu_s, cpu_s + 1)
    _set(resource.RLIMIT_FSIZE, disk_bytes)
    _set(resource.RLIMIT_NOFILE, open_files)
    _set(resource.RLIMIT_CORE, 0)
    with contextlib.suppress(FileNotFoundError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        _set(resource.RLIMIT_AS, pages * resource.getpagesize() + memory_bytes)


def _set(limit: int, most: int, at_last: int | None = None) -> None:
    _, hard = resource.getrlimit(limit)
    soft, last = (each if hard == resource.RLIM_INFINITY else min(each, hard) for each in (most, at_last or most))
    resource.setrlimit(limit, (soft, last))


def _readable() -> list[Path]:
    """What libraries load late: modules, codecs, tables of projections, zones of time. Nothing of it is secret."""
    of_python = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    checkout = Path(__file__).parents[2]
    of_us = (checkout / room for room in ("geo", "server", "sync"))
    return [*map(Path, sorted(of_python)), Path(sys.base_prefix, "lib"), *of_us, *map(Path, _OF_THE_SYSTEM)]


def _is_readable(path: Path) -> bool:
    try:
        path.open("rb").close()
    except OSError:
        return False
    return True


def _keep_capabilities(libc: ctypes.CDLL, kept: int) -> None:
    """Give up all capabilities but these, which are below 32."""
    head = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)
    if libc.capset(head, sets) != 0 and os.geteuid() == 0:
        raise OSError(ctypes.get_errno(), "capset")
