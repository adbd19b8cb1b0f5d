"""What a stranger's file might make a program do: each is run in a confined child, and must not succeed."""

import ctypes
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import uuid_utils


def answer(told, **arguments):
    for number in range(3):
        told("counted", number)
    return {**arguments, "found": {path.name: path.read_bytes() for path in Path().iterdir()}}


def try_each(told, secret, parent, sibling):
    """Each deed with what came of it: the name of the error, or what was got."""
    del told
    libc = ctypes.CDLL(None, use_errno=True)
    return {
        "read": _came_of(lambda: Path(secret).read_text()),
        "list": _came_of(lambda: os.listdir("/")),  # noqa: PTH208
        "proc": _came_of(lambda: Path(f"/proc/{parent}/environ").read_bytes()),
        "write": _came_of(lambda: Path(secret).with_name("written").write_text("x")),
        "link": _came_of(lambda: (Path("link").symlink_to(secret), Path("link").read_text())),
        "inet": _came_of(lambda: socket.create_connection(("127.0.0.1", 9), 1)),
        "udp": _came_of(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9))),
        "unix": _came_of(lambda: socket.socket(socket.AF_UNIX).connect("\0abstract")),
        "program": _came_of(lambda: subprocess.run(["/bin/true"], check=True)),
        "fork": _came_of(os.fork),
        "kill": _came_of(lambda: os.kill(sibling, 9)),
        "thread_kill": _came_of(lambda: _called(libc, "tgkill", sibling)),
        "session": _came_of(os.setsid),
        "root": _came_of(lambda: os.setuid(0)),
        "memory_of_parent": _came_of(lambda: Path(f"/proc/{parent}/mem").open("rb")),
        "ring": _came_of(lambda: _called(libc, "io_uring")),
    }


def _called(libc, name, sibling=0):
    numbers = {"x86_64": {"tgkill": 234, "io_uring": 425}, "aarch64": {"tgkill": 131, "io_uring": 425}}
    number = numbers[os.uname().machine][name]
    if libc.syscall(number, sibling, sibling, 9) != 0:
        raise OSError(ctypes.get_errno(), name)


def _came_of(deed):
    try:
        return f"succeeded: {deed()!r}"
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}"


def still_able(told):
    """What a library must still be able to do."""
    del told
    thread = threading.Thread(target=time.sleep, args=(0,))
    thread.start()
    thread.join()
    Path("work").mkdir()
    Path("work/a").write_text("格")
    Path("work/a").rename("work/b")
    late = __import__("encodings.gb18030")
    return [Path("work/b").read_text(), str(late.__name__), os.getuid(), str(uuid_utils.uuid4())[14]]


def spin(told):
    del told
    while True:
        pass


def sleep(told, **_named):
    del told
    time.sleep(3600)


def go_on(told, steps):
    """Long work that tells how far it is."""
    for number in range(steps):
        time.sleep(0.25)
        told("counted", number)
    return steps


def chatter(told):
    while True:
        told("counted", 1)


def hoard(told):
    del told
    held = []
    while True:
        held.append(bytearray(16 << 20))


def hoard_in_c(told):
    """As a library does that ends the process where it gets no memory."""
    del told
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    while True:
        got = libc.malloc(ctypes.c_size_t(16 << 20))
        if not got:
            os.abort()
        ctypes.memset(got, 1, 16 << 20)


def shout(told, size):
    del told
    return b"x" * size


def fill_disk(told):
    del told
    with Path("full").open("wb") as file:
        while True:
            file.write(b"x" * (1 << 20))


def fail(told, **_named):
    del told
    raise ValueError("of what was read")


def crash(told, **_named):
    del told
    ctypes.string_at(0)


def die(told):
    """End as by somebody's kill."""
    del told
    os.kill(os.getpid(), signal.SIGKILL)


def leave(told):
    del told
    os._exit(3)


def pickle_bomb(told):
    """No frame: what a child sends is believed in its form alone."""
    del told
    for descriptor in range(3, 20):
        try:
            os.write(descriptor, b"\x00\x00\x00\x05hello")
        except OSError:
            continue
    os._exit(0)
