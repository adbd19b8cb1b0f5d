"""Running a function in a confined child, from the side of the one who asks.

Owns the child's folder, its frames, its end by the clock, and what its death meant. Believes nothing that the child
sends beyond its form. What the child gives up is ``server.confined.child``'s.
"""

import math
import os
import resource
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from server.confined.errors import ConfinedError, Crashed, OutOfMemory, OutOfTime, TooMuchOutput
from server.confined.kernel import CONFINED_ID

_CHILD: Final = Path(__file__).with_name("child.py")
_BLOCK_BYTES: Final = 1 << 20
_LENGTH_BYTES: Final = 4
_NEARLY_ALL: Final = 0.8
# The libraries that we call start a thread for each processor; a child has no use for them, and they cost memory.
_ENVIRONMENT: Final = {
    "LANG": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "HOME": ".",
    "TMPDIR": ".",
}
_KILLED_BY_MEMORY: Final = frozenset({signal.SIGABRT, signal.SIGSEGV, signal.SIGKILL, signal.SIGBUS})

Told = Callable[[str, int], object]
"""Takes how far the function is."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use; memory is what it takes beyond what it begins with.

    ``quiet_s``: how long it may say nothing of how far it is, where that is less than the wall. On a busy machine the
    wall says little of what a child did; who goes on is let go on, up to ``cpu_s``.
    """

    wall_s: float = 60.0
    quiet_s: float = math.inf
    cpu_s: int = 60
    memory_bytes: int = 1 << 30
    disk_bytes: int = 1 << 30
    output_bytes: int = 64 << 20
    open_files: int = 64


@dataclass(frozen=True, slots=True)
class Task:
    """A function to run in a child, as "module:name", its limits, and what its libraries find in the environment."""

    function: str
    limits: Limits = field(default_factory=Limits)
    environment: Mapping[str, str] = field(default_factory=dict)


class _Frame(msgspec.Struct, array_like=True):
    """What the child sends: "layers", "told", "done" or "failed", and its content."""

    kind: str
    content: Any = None


def run(
    task: Task,
    arguments: Mapping[str, Any],
    files: Mapping[str, Path | bytes] | None = None,
    *,
    told: Told = lambda _step, _count: None,
) -> Any:
    """Run a task in a child and return its result.

    ``files``: what it finds in its folder, by name; they are copied. Raises OutOfTime, OutOfMemory, TooMuchOutput and
    Crashed; what ``told`` raises ends the child too.
    """
    with _folder(files or {}) as folder:
        child = _Child(task, folder)
        try:
            child.ask(arguments)
            return child.result(told)
        finally:
            child.end()


@contextmanager
def _folder(files: Mapping[str, Path | bytes]) -> Iterator[Path]:
    """A folder that only the child's account enters, with the files in it."""
    with tempfile.TemporaryDirectory(prefix="confined-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for file, content in files.items():
            target = folder / Path(file).name
            if isinstance(content, bytes):
                target.write_bytes(content)
            else:
                shutil.copyfile(content, target)
        if os.geteuid() == 0:
            for path in (*folder.iterdir(), folder):
                os.chown(path, CONFINED_ID, CONFINED_ID)
        yield folder


class _Child:
    """A child process, from its start to its end."""

    def __init__(self, task: Task, folder: Path) -> None:
        self.task = task
        self.deadline = time.monotonic() + task.limits.wall_s
        self.heard_at = time.monotonic()
        self.inherited = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self.reading, writing = os.pipe()
        try:
            self.process = subprocess.Popen(  # noqa: S603  # our own interpreter, our own file
                [sys.executable, "-I", str(_CHILD), str(writing)],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                cwd=folder, env={**_ENVIRONMENT, **task.environment}, pass_fds=(writing,), start_new_session=True,
            )  # fmt: skip
        except BaseException:
            os.close(self.reading)
            raise
        finally:
            os.close(writing)

    def ask(self, arguments: Mapping[str, Any]) -> None:
        """Send what shall be done; a child that died before is told by its missing result."""
        request = {"function": self.task.function, "arguments": arguments, "limits": asdict(self.task.limits)}
        stdin = self.process.stdin
        with suppress(BrokenPipeError):
            if stdin is not None:
                with stdin:
                    stdin.write(msgspec.msgpack.encode(request))

    def result(self, told: Told) -> Any:
        """Read frames until the result. Raises as ``run``."""
        for frame in self._frames():
            if frame.kind == "told":
                told(*_progress(frame.content))
            elif frame.kind == "done":
                return frame.content
            elif frame.kind == "failed":
                raise self._failure(str(frame.content))
        raise self._death()

    def end(self) -> None:
        """Kill what is left of the child, and all that it began."""
        os.close(self.reading)
        if self.process.returncode is None:
            self._kill()
            self.process.wait()

    def _frames(self) -> Iterator[_Frame]:
        buffer, taken = bytearray(), 0
        decoder = msgspec.msgpack.Decoder(_Frame)
        while block := self._read():
            buffer += block
            taken += len(block)
            if taken > self.task.limits.output_bytes:
                raise TooMuchOutput(self.task.function)
            while len(buffer) >= _LENGTH_BYTES:
                stop = _LENGTH_BYTES + int.from_bytes(buffer[:_LENGTH_BYTES])
                if len(buffer) < stop:
                    break
                try:
                    frame = decoder.decode(memoryview(buffer)[_LENGTH_BYTES:stop].tobytes())
                except msgspec.DecodeError as error:
                    raise Crashed(self.task.function, "no frame") from error
                del buffer[:stop]
                yield frame

    def _read(self) -> bytes:
        """The next bytes; none at the end. Raises OutOfTime."""
        until = min(self.deadline, self.heard_at + self.task.limits.quiet_s)
        with selectors.DefaultSelector() as selector:
            selector.register(self.reading, selectors.EVENT_READ)
            if not selector.select(max(until - time.monotonic(), 0.0)):
                raise OutOfTime(self.task.function, "by the clock" if until == self.deadline else "without a word")
        self.heard_at = time.monotonic()
        return os.read(self.reading, _BLOCK_BYTES)

    def _failure(self, detail: str) -> ConfinedError:
        return OutOfMemory(self.task.function) if detail == "MemoryError" else Crashed(self.task.function, detail)

    def _death(self) -> ConfinedError:
        """What the end of a child without a result meant."""
        self._kill()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = code = os.waitstatus_to_exitcode(status)
        limits, function = self.task.limits, self.task.function
        if -code == signal.SIGXCPU or usage.ru_utime + usage.ru_stime >= limits.cpu_s:
            return OutOfTime(function, "of the processor")
        peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        # A child begins with the peak of whoever started it. Where that hides its own, an abort still tells of memory;
        # a fault of access does not, and a kill may be anybody's.
        signs = _KILLED_BY_MEMORY if usage.ru_maxrss > self.inherited else {signal.SIGABRT}
        if -code in signs and peak >= _NEARLY_ALL * limits.memory_bytes:
            return OutOfMemory(function)
        return Crashed(function, f"signal {-code}" if code < 0 else f"exit {code}")

    def _kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)


def _progress(content: object) -> tuple[str, int]:
    try:
        return msgspec.convert(content, tuple[str, int])
    except msgspec.ValidationError:
        return "", 0
