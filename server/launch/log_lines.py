"""What a kept program says, line by line, as JSON: lines that are JSON already pass as they are.

Owns the pipe between a program and its keeper. Imports the standard library only; must not know what is said.
"""

import datetime as dt
import json
import os
import pwd
import sys
from dataclasses import dataclass
from typing import Self

BLOCK_BYTES = 65_536
LONGEST_LINE_BYTES = 262_144


def as_json(process: str, line: str) -> str:
    """Return a line of text as one of JSON, with the time and who said it."""
    moment = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
    return json.dumps({"timestamp": moment, "process": process, "event": line}, ensure_ascii=False)


@dataclass
class Lines:
    """The output of one program. ``writable`` is the program's end of the pipe, ``readable`` the keeper's."""

    process: str
    readable: int
    writable: int
    ended: bool = False
    _rest: bytes = b""

    @classmethod
    def of(cls, process: str, user: str | None) -> Self:
        """A pipe for a program that is about to begin, as whose account it may open its output anew."""
        readable, writable = os.pipe()
        os.set_blocking(readable, False)
        if user is not None:
            os.fchown(writable, pwd.getpwnam(user).pw_uid, -1)
        return cls(process, readable, writable)

    def begin(self) -> None:
        """Let go of the program's end, so that its death is seen."""
        os.close(self.writable)

    def pass_on(self) -> None:
        """Write what has come, in whole lines."""
        while not self.ended:
            try:
                block = os.read(self.readable, BLOCK_BYTES)
            except BlockingIOError:
                return
            if not block:
                self._end()
                return
            *lines, self._rest = (self._rest + block).split(b"\n")
            if len(self._rest) > LONGEST_LINE_BYTES:
                lines, self._rest = [*lines, self._rest], b""
            self._write(lines)

    def _end(self) -> None:
        self.ended = True
        os.close(self.readable)
        if self._rest:
            self._write([self._rest])

    def _write(self, lines: list[bytes]) -> None:
        told = [self._told(line) for line in lines if line.strip()]
        if told:
            sys.stdout.write("".join(f"{line}\n" for line in told))
            sys.stdout.flush()

    def _told(self, line: bytes) -> str:
        text = line.decode("utf-8", "replace").rstrip("\r")
        if text.startswith("{"):
            try:
                json.loads(text)
            except ValueError:
                pass
            else:
                return text
        return as_json(self.process, text)
