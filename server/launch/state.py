"""Where a patrol keeps its things on this machine, and what it remembers between two commands.

Owns the folder layout below `.patrol/` and `state.json` (which holds passwords: mode 0600). Knows nothing of how
the programs are started.
"""

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Any, Self

from server.launch.progress import say

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Home:
    """One set of private servers and what belongs to it: `.patrol`, or `.patrol/test` for the tests."""

    path: Path

    @classmethod
    def of_patrol(cls) -> Self:
        """The home of `up`; PATROL_HOME names another folder."""
        return cls(Path(os.environ.get("PATROL_HOME") or CHECKOUT / ".patrol").resolve())

    @classmethod
    def of_tests(cls) -> Self:
        """The home of `test`, beside a running patrol."""
        return cls(cls.of_patrol().path / "test")

    @classmethod
    def of_benches(cls) -> Self:
        """The home of `bench`, whose servers write to disk as those of a patrol do."""
        return cls(cls.of_patrol().path / "bench")

    @property
    def logs(self) -> Path:
        """One log file a program."""
        return self.path / "logs"

    @property
    def demo_users(self) -> Path:
        """Sign-ins of the sample city, written by its loader: [{"login", "password", "role", "area"}]."""
        return self.path / "demo-users.json"

    def make(self) -> None:
        """Create the folders. The unprivileged account passes through, and reads nothing that is secret."""
        for folder in (self.path, self.logs, self.path / "processes"):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o755)

    def read(self) -> dict[str, Any]:
        """What was remembered; empty before the first start."""
        try:
            state: dict[str, Any] = json.loads((self.path / "state.json").read_text())
        except FileNotFoundError:
            return {}
        return state

    def remember(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Merge `changes` into the state and write it whole; the caller holds `lock`."""
        state = {"instance": secrets.token_hex(4), "secret_key": secrets.token_hex(32)} | self.read() | dict(changes)
        draft = self.path / "state.json.new"
        with open(draft, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
            json.dump(state, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(self.path / "state.json")
        return state

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One command at a time changes this home; a second one waits and says so."""
        self.make()
        with (self.path / "lock").open("a") as stream:
            try:
                flock(stream, LOCK_EX | LOCK_NB)
            except BlockingIOError:
                say("… 另一个 patrol 命令正在运行，等待中 · another patrol command is at work, waiting")
                flock(stream, LOCK_EX)
            yield
