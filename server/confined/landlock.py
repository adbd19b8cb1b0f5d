"""Landlock: a process that sees no files but those below some folders.

Owns the calls of landlock(7), which have no library in Python. The kernel's own numbers; anything newer than the kernel
knows is left away.
"""

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_CREATE: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_VERSION: Final = 1
_BENEATH: Final = 1

_WRITE_FILE: Final = 1 << 1
_READ_FILE: Final = 1 << 2
_READ_DIR: Final = 1 << 3
_TRUNCATE: Final = 1 << 14
# What each version of the kernel's interface is able to forbid: all of these are.
_FILES_BY_VERSION: Final = ((1, (1 << 13) - 1), (2, 1 << 13), (3, _TRUNCATE), (5, 1 << 15))
_NET: Final = 0b11
_NET_SINCE: Final = 4
_SCOPES: Final = 0b11
_SCOPES_SINCE: Final = 6

Opened = tuple[list[tuple[int, bool]], int]
"""Descriptors of what may be read, with whether each is a folder, and that of the folder that may be written."""


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def opened(readable: Sequence[Path], writable: Path) -> Opened:
    """Open what shall stay in reach, while it still is."""
    found = [path for path in readable if path.exists()]
    path_only = getattr(os, "O_PATH", 0) | os.O_CLOEXEC
    return [(os.open(path, path_only), path.is_dir()) for path in found], os.open(writable, path_only)


def restrict(libc: ctypes.CDLL, readable: Sequence[tuple[int, bool]], writable: int) -> bool:
    """Take all other files from this process, for good; False where the kernel has no Landlock.

    The descriptors are closed. It must be single-threaded, and have given up new privileges.
    """
    try:
        version = libc.syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION)
        if version < 1:
            return False
        every = sum(rights for since, rights in _FILES_BY_VERSION if version >= since)
        asked = _Ruleset(every, _NET if version >= _NET_SINCE else 0, _SCOPES if version >= _SCOPES_SINCE else 0)
        size = 8 if version < _NET_SINCE else 16 if version < _SCOPES_SINCE else 24
        rules = libc.syscall(_CREATE, ctypes.byref(asked), ctypes.c_size_t(size), 0)
        if rules < 0:
            return False
        for parent, is_folder in readable:
            _allow(libc, rules, parent, _READ_FILE | (_READ_DIR if is_folder else 0))
        _allow(libc, rules, writable, every & ~1)
        held = bool(libc.syscall(_RESTRICT_SELF, rules, 0) == 0)
        os.close(rules)
        return held
    finally:
        for descriptor in (writable, *(parent for parent, _ in readable)):
            os.close(descriptor)


def _allow(libc: ctypes.CDLL, rules: int, parent: int, allowed: int) -> None:
    rule = _Beneath(allowed, parent)
    if libc.syscall(_ADD_RULE, rules, _BENEATH, ctypes.byref(rule), 0) != 0:
        raise OSError(ctypes.get_errno(), "landlock_add_rule")
