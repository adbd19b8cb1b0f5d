"""`./patrol audit`: whether faults are publicly known of the packages that the lock files name.

Owns the asking and an honest answer: pip-audit in a virtual environment that is thrown away, and npm, each against its
registry's advisories. What could not be asked is told and is never taken for sound. It needs the network, so it is no
part of the tests.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.launch.pages_build import MADE, node
from server.launch.progress import say, step
from server.launch.state import CHECKOUT

PIP_AUDIT = "pip-audit==2.10.1"
FAULTS, NOT_ASKED = 1, 2
PATIENCE_S = 300
_TOLD_LINES = 3


@dataclass(frozen=True, slots=True)
class Fault:
    """A publicly known fault of one locked package. ``mended_in``: the versions without it, empty where none is."""

    package: str
    version: str
    name: str
    mended_in: Sequence[str] = ()

    def __str__(self) -> str:
        mended = ", ".join(self.mended_in) or "-"
        return f"{self.package} {self.version}  {self.name}  修复于 mended in {mended}"


@dataclass(frozen=True, slots=True)
class Audited:
    """What is known of one lock file. ``not_asked``: why nothing could be learnt of some or all of it."""

    lock: Path
    faults: Sequence[Fault] = ()
    not_asked: Sequence[str] = ()


def audit() -> int:
    """Ask for every lock file; return 0 where nothing is known, 1 with faults, 2 where it could not be asked."""
    found = [_of_python(CHECKOUT / "requirements.lock"), *(_of_npm(lock) for lock in npm_locks(CHECKOUT))]
    for each in found:
        where = each.lock.relative_to(CHECKOUT)
        for fault in each.faults:
            say(f"✗ {where}  {fault}")
        if each.not_asked:
            told = "; ".join(each.not_asked[:_TOLD_LINES])
            say(f"? {where}  {len(each.not_asked)} 项无法查询 · could not be asked: {told}")
        elif not each.faults:
            say(f"✓ {where}  没有已知漏洞 · no known faults")
    return verdict(found)


def verdict(found: Iterable[Audited]) -> int:
    """Return the exit code: a fault that is known weighs more than what is not."""
    listed = list(found)
    if any(each.faults for each in listed):
        return FAULTS
    return NOT_ASKED if any(each.not_asked for each in listed) else 0


def npm_locks(top: Path) -> list[Path]:
    """Return the lock files of npm in the checkout: those of the pages and of the tests' foreign clients."""
    found = (path for folder in ("server/web", "tests/interop") for path in (top / folder).rglob("package-lock.json"))
    return sorted(path for path in found if MADE.isdisjoint(path.parts))


def read_pip_audit(lock: Path, printed: str) -> Audited:
    """Read pip-audit's JSON. A package that it skipped was not asked about, whatever its exit code says."""
    try:
        dependencies: list[dict[str, Any]] = json.loads(printed)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Audited(lock, not_asked=["pip-audit gave no answer"])
    faults = [
        Fault(each["name"], each["version"], fault["id"], tuple(fault.get("fix_versions", ())))
        for each in dependencies
        for fault in each.get("vulns", ())
    ]
    return Audited(lock, faults, [each["skip_reason"] for each in dependencies if "skip_reason" in each])


def read_npm_audit(lock: Path, printed: str) -> Audited:
    """Read the JSON of ``npm audit``: faults by package, or why the registry did not tell."""
    try:
        told: dict[str, Any] = json.loads(printed)
    except ValueError:
        return Audited(lock, not_asked=["npm audit gave no answer"])
    if "vulnerabilities" not in told:
        return Audited(lock, not_asked=[str(told.get("message") or told.get("error") or "npm audit gave no answer")])
    return Audited(lock, [_of_advisory(name, each) for name, each in sorted(told["vulnerabilities"].items())])


def _of_advisory(name: str, told: Mapping[str, Any]) -> Fault:
    titles = [via["title"] if isinstance(via, dict) else f"via {via}" for via in told.get("via", ())]
    fix = told.get("fixAvailable")
    mended = [f"{fix['name']} {fix['version']}"] if isinstance(fix, dict) else []
    return Fault(name, str(told.get("range", "")), f"{told.get('severity', '')}: {'; '.join(titles)}", mended)


def _of_python(lock: Path) -> Audited:
    step("查询 Python 包", f"asking about {lock.name}")
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder, "bin", "python")
        made = (
            [sys.executable, "-m", "venv", folder],
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PIP_AUDIT],
        )
        for command in made:
            done = _run(command)
            if done is None or done.returncode:
                return Audited(lock, not_asked=[_last_line(done) or "pip-audit cannot be installed"])
        asked = [str(python), "-m", "pip_audit", "-r", str(lock), "--disable-pip", "-f", "json"]
        done = _run([*asked, "--progress-spinner", "off"])
    return read_pip_audit(lock, done.stdout if done else "")


def _of_npm(lock: Path) -> Audited:
    step("查询 npm 包", f"asking about {lock.relative_to(CHECKOUT)}")
    tool = node()
    done = _run([*tool.npm, "audit", "--package-lock-only", "--json"], cwd=lock.parent, env=tool.env)
    return read_npm_audit(lock, done.stdout if done else "")


def _run(
    command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str] | None":
    try:
        return subprocess.run(
            command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


def _last_line(done: "subprocess.CompletedProcess[str] | None") -> str:
    return "" if done is None else next(iter(done.stderr.strip().splitlines()[-1:]), "")
