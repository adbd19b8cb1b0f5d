"""The accounts that everything runs as where the launcher is root, and folders that they can enter.

Nothing that goes on running is root: the servers run as the account of the database's data, the application as one of
its own, which reaches no data but through PostgreSQL, and nginx as one that sees neither the data nor the
application's secrets. Owns the choice of the accounts and of the folders; knows nothing of the programs.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from server.launch.errors import LaunchError
from server.launch.state import Home

PREFERRED = "postgres"
OWN = "gridpatrol-db"
APPLICATION = "gridpatrol"
FRONT = "www-data"
# Linux allows 107 bytes, macOS 103, and PostgreSQL adds its lock's suffix to the name.
SOCKET_PATH_MOST_BYTES = 98


@dataclass(frozen=True)
class Account:
    """An unprivileged account of this machine."""

    name: str
    uid: int
    gid: int


def service_account() -> Account | None:
    """The account for PostgreSQL and Redis, made when missing; None when we are not root and run them as ourselves."""
    if os.geteuid() != 0:
        return None
    return _find(PREFERRED) or _made(OWN)


def application_account() -> Account | None:
    """The account for web, jobs and sweeper, made when missing; None when we are not root."""
    return _made(APPLICATION) if os.geteuid() == 0 else None


def front_account() -> Account | None:
    """The account for nginx: the distribution's for web servers, else one of its own; None when we are not root."""
    return (_find(FRONT) or _made("gridpatrol-web")) if os.geteuid() == 0 else None


def _made(name: str) -> Account:
    """The account, made when missing."""
    if found := _find(name):
        return found
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    command += ["--shell", "/bin/false", name]
    made = shutil.which("useradd") and subprocess.run(command, check=False).returncode == 0
    found = _find(name)
    if not made or found is None:
        raise LaunchError(
            f"无法创建运行服务的账户 {name}。",
            f"The account {name} that is to run the programs could not be made.",
            " ".join(command),
        )
    return found


def servers_folder(home: Home, account: Account | None) -> Path:
    """Where the servers' folders go: in the home, or in /var/lib when the account may not pass to the home.

    The folder itself stays ours, with the configuration in it: a server cannot change how it is started.
    """
    if account is None or enterable(home.path, account):
        return owned(home.path / "servers", None)
    folder = owned(Path("/var/lib") / _own_name(home), None)
    # Tells a later reader whose this is, and `doctor` that it is left over when the home is gone.
    (folder / "home").write_text(f"{home.path}\n")
    return folder


def sockets_folder(servers: Path, home: Home, account: Account | None) -> Path:
    """Where the sockets go: beside the data, or in a shorter place when the path is longer than a socket's may be."""
    beside = servers / "run"
    if len(os.fsencode(beside)) + len("/.s.PGSQL.65535") <= SOCKET_PATH_MOST_BYTES:
        return owned(beside, account)
    if account is not None:
        return owned(Path("/run" if Path("/run").is_dir() else "/var/run") / _own_name(home), account)
    short = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / _own_name(home)
    return owned(short, None)


def web_sockets_folder(servers: Path, home: Home) -> Path:
    """Where the web programs' sockets go: beside the servers' folders, or in a shorter place; not made yet."""
    beside = servers / "web"
    if len(os.fsencode(beside)) + len("/web2.sock") <= SOCKET_PATH_MOST_BYTES:
        return beside
    short = Path("/run") if os.geteuid() == 0 and Path("/run").is_dir() else Path(tempfile.gettempdir())
    return short / f"{_own_name(home)}-web"


def enterable(folder: Path, account: Account) -> bool:
    """Whether the account may pass through every folder down to this one."""
    probe = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$1"', "sh", str(folder)],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
        check=False,
    )
    return probe.returncode == 0


def owned(folder: Path, account: Account | None) -> Path:
    """The folder, made and given to the account; refuses one that somebody else has put there."""
    folder.mkdir(parents=True, exist_ok=True)
    expected = (os.geteuid(), account.uid) if account else (os.geteuid(),)
    if folder.is_symlink() or folder.stat().st_uid not in expected:
        raise LaunchError(f"{folder} 属于别的用户。", f"{folder} belongs to somebody else.", f"rm -r {folder}")
    if account:
        os.chown(folder, account.uid, account.gid)
    folder.chmod(0o755)
    return folder


def handed_over(folder: Path, account: Account | None) -> Path:
    """The folder, made, with all that lies in it given to the account; nobody else looks into it."""
    folder.mkdir(parents=True, exist_ok=True)
    if account:
        for place, folders, names in os.walk(folder):
            for each in (place, *(os.path.join(place, name) for name in (*folders, *names))):  # noqa: PTH118 - of a walk
                os.chown(each, account.uid, account.gid, follow_symlinks=False)
        folder.chmod(0o700)
    return folder


def _own_name(home: Home) -> str:
    # The instance number is made anew with a new home: a fresh clone never finds the data of a deleted one.
    return f"gridpatrol-{home.read()['instance']}"


def _find(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
