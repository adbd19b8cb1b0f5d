"""A filter of system calls: no sockets, no programs, no further processes, no reach into other processes.

Owns the filter of seccomp(2) and the numbers of the calls by processor. Reading and writing files is untouched: that is
Landlock's. A call that is forbidden fails with EPERM.
"""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_KILL: Final = 0x80000000
_LOAD: Final = 0x20
_EQUAL: Final = 0x15
_AT_LEAST: Final = 0x35
_ANY_BIT: Final = 0x45
_RETURN: Final = 0x06
_NR_AT, _ARCH_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_CLONE_THREAD: Final = 0x10000
_FOREIGN_ABI: Final = 0x40000000
_SET_SECCOMP: Final = 22
_FILTER: Final = 2

# clone3 hides its flags behind a pointer: told that there is none, the C library takes clone. io_uring would pass every
# filter; these have one number everywhere.
_CLONE3: Final = 435
_EVERYWHERE: Final = (424, 425, 426, 427, 434, 438)


@dataclass(frozen=True)
class _Processor:
    """Its number for audit, and its calls: those that are forbidden, and those of which the arguments are looked at."""

    audit: int
    forbidden: tuple[int, ...]
    clone: int
    tgkill: int
    prlimit: int


_PROCESSORS: Final = {
    # socket, connect, accept, sendto, sendmsg, bind, listen, socketpair, accept4; fork, vfork, execve, execveat;
    # kill, tkill, rt_sigqueueinfo, rt_tgsigqueueinfo, ptrace, process_vm_*; setpgid, setsid; chroot, pivot_root, mount,
    # umount2, unshare, setns; add_key, request_key, keyctl; bpf, perf_event_open, userfaultfd; name_to_handle_at,
    # open_by_handle_at; shmget, semget, msgget
    "x86_64": _Processor(
        0xC000003E,
        (
            *(41, 42, 43, 44, 46, 49, 50, 53, 288, 57, 58, 59, 322, 62, 200, 129, 297, 101, 310, 311, 109, 112, 161),
            *(155, 165, 166, 272, 308, 248, 249, 250, 321, 298, 323, 303, 304, 29, 64, 68),
        ),
        clone=56,
        tgkill=234,
        prlimit=302,
    ),
    "aarch64": _Processor(
        0xC00000B7,
        (
            *(198, 203, 202, 206, 211, 200, 201, 199, 242, 221, 281, 129, 130, 138, 240, 117, 270, 271, 154, 157, 51),
            *(41, 40, 39, 97, 268, 217, 218, 219, 280, 241, 282, 264, 265, 194, 190, 186),
        ),
        clone=220,
        tgkill=131,
        prlimit=261,
    ),
}

_Instruction = tuple[int, int, int, int]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def restrict(libc: ctypes.CDLL) -> bool:
    """Forbid the calls to this process, for good; False where the processor or the kernel has no such filter.

    It must be single-threaded, and have given up new privileges.
    """
    processor = _PROCESSORS.get(platform.machine())
    if processor is None:
        return False
    code = [struct.pack("=HBBI", *instruction) for instruction in _program(processor, os.getpid())]
    program = _Program(len(code), b"".join(code))
    return bool(libc.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0) == 0)


def _program(processor: _Processor, pid: int) -> Iterable[_Instruction]:
    refused = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    yield (_LOAD, 0, 0, _ARCH_AT)
    yield (_EQUAL, 1, 0, processor.audit)
    yield (_RETURN, 0, 0, _KILL)
    yield (_LOAD, 0, 0, _NR_AT)
    yield (_AT_LEAST, 0, 1, _FOREIGN_ABI)
    yield refused
    for number in (*processor.forbidden, *_EVERYWHERE):
        yield (_EQUAL, 0, 1, number)
        yield refused
    yield (_EQUAL, 0, 1, _CLONE3)
    yield (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)
    yield from _only(processor.clone, (_ANY_BIT, 1, 0, _CLONE_THREAD))
    # abort() is a signal to oneself; limits of others are not ours to set.
    yield from _only(processor.tgkill, (_EQUAL, 1, 0, pid))
    yield from _only(processor.prlimit, (_EQUAL, 1, 0, 0))
    yield (_RETURN, 0, 0, _ALLOW)


def _only(number: int, test: _Instruction) -> Iterable[_Instruction]:
    """Allow a call only where its first argument passes a test."""
    yield (_EQUAL, 0, 4, number)
    yield (_LOAD, 0, 0, _FIRST_ARGUMENT_AT)
    yield test
    yield (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    yield (_RETURN, 0, 0, _ALLOW)
