"""System packages: what this machine must have, whether it has it, and how each platform gets it.

Installs with apt (as root or by sudo) or brew; where neither can, names the exact command. Never configures,
starts or stops what the system's packages bring along, and has Debian start none of it either: a web server of the
system would take the port of every machine that a patrol is tried on.
"""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from server.launch import cluster, nginx, redis_server
from server.launch.errors import LaunchError
from server.launch.progress import run_logged, step
from server.launch.state import Home

BREW_POSTGRESQL = "postgresql@17"
PGDG = "sudo apt-get install -y postgresql-common && sudo /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y"
# Debian's packages ask this file whether they may start what they bring: while the installation runs, they may not.
# What is new here and would begin with the machine is not let: the patrol starts its own.
QUIETLY = """
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\\nexit 101\\n' > "$policy" && chmod 755 "$policy"
fi
apt-get install "$@" || exit
case " $* " in *" nginx-light "*)
    if command -v systemctl > /dev/null; then systemctl disable nginx.service || true; fi ;;
esac
"""
ELSEWHERE = "DATABASE_URL=postgresql://… REDIS_URL=redis://… ./patrol up，或 / or: docker compose up"
SHELL = "chromium-headless-shell"


@dataclass(frozen=True)
class Requirement:
    """Something the machine must have. `found` returns where it is, or None."""

    name: str
    found: Callable[[], str | None]
    apt: Callable[[], Sequence[str]]
    brew: Sequence[str] = ()


def _postgresql() -> str | None:
    folder = cluster.binaries()
    return str(folder) if folder else None


def browser() -> str | None:
    """The Chromium that browser tests drive: the shell without windows of its own, which takes a third of the work."""
    bundled = Path("/Applications/Chromium.app/Contents/MacOS/Chromium")
    names = (SHELL, "chromium", "chromium-browser", "google-chrome")
    on_path = next(filter(None, map(shutil.which, names)), None)
    return on_path or (str(bundled) if bundled.exists() else None)


def _best_browser() -> str | None:
    """The browser, unless apt offers a better one."""
    found = browser()
    return None if found and Path(found).name != SHELL and _is_offered(SHELL) else found


def _is_offered(package: str) -> bool:
    if not shutil.which("apt-cache"):
        return False
    return bool(subprocess.run(["apt-cache", "show", package], capture_output=True, check=False).stdout)


def _apt_browser() -> Sequence[str]:
    return (SHELL if _is_offered(SHELL) else "chromium",)


def _chinese_font() -> str | None:
    usual = next(Path("/usr/share/fonts/opentype/noto").glob("NotoSansCJK*"), None)
    if usual:
        return str(usual)
    if not shutil.which("fc-list"):
        return "macOS" if Path("/System/Library/Fonts").is_dir() else None
    listing = subprocess.run(["fc-list", ":lang=zh-cn", "family"], capture_output=True, text=True, check=False).stdout
    return listing.splitlines()[0] if listing else None


def _apt_postgresql() -> Sequence[str]:
    """The distribution's own PostgreSQL with PostGIS; refuses one that is too old."""
    listing = subprocess.run(["apt-cache", "depends", "postgresql"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"Depends: postgresql-(\d+)", listing)
    if not found or int(found[1]) < cluster.OLDEST_MAJOR:
        offered = found[1] if found else "?"
        raise LaunchError(
            f"本系统的 PostgreSQL 是 {offered}，需要 {cluster.OLDEST_MAJOR} 或更新版本。",
            f"This system offers PostgreSQL {offered}; {cluster.OLDEST_MAJOR} or newer is needed.",
            f"{PGDG} && ./patrol up\n  → {ELSEWHERE}",
        )
    return (f"postgresql-{found[1]}", f"postgresql-{found[1]}-postgis-3")


SERVERS = (
    Requirement("PostgreSQL + PostGIS", _postgresql, _apt_postgresql, (BREW_POSTGRESQL, "postgis")),
    Requirement("Redis", redis_server.binary, lambda: ("redis-server",), ("redis",)),
)
FRONT = (Requirement("nginx", nginx.binary, lambda: ("nginx-light",), ("nginx",)),)
BROWSER = (
    Requirement("Chromium", _best_browser, _apt_browser, ("--cask", "chromium")),
    Requirement("中文字体 Chinese font", _chinese_font, lambda: ("fonts-noto-cjk",)),
)

# The distribution's GDAL is older than the one in pyogrio: programs of its age must be served too.
GIS = (Requirement("GDAL", lambda: shutil.which("ogrinfo"), lambda: ("gdal-bin",), ("gdal",)),)


def ensure(requirements: Sequence[Requirement]) -> None:
    """Install what is missing; raises LaunchError with the exact remedy when it cannot."""
    missing = [requirement for requirement in requirements if not requirement.found()]
    if not missing:
        return
    names = ", ".join(requirement.name for requirement in missing)
    step("安装系统软件", f"installing {names}")
    if shutil.which("apt-get"):
        with _one_at_a_time():
            _install_with_apt([requirement for requirement in missing if not requirement.found()])
    elif shutil.which("brew"):
        _install_with_brew(missing)
    else:
        raise _cannot(names, "with your package tool: PostgreSQL >= 15 with PostGIS >= 3.3, Redis >= 7, nginx")
    still = ", ".join(requirement.name for requirement in missing if not requirement.found())
    if still:
        raise _cannot(still, "./patrol doctor")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Wait until no other launcher of this machine installs: apt itself waits for its database, not for its lists."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        lock = os.open(Path(tempfile.gettempdir()) / "gridpatrol-packages.lock", flags, 0o666)
    except OSError:
        yield  # somebody else's file: apt will say what is in the way
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def remedy(requirement: Requirement) -> str:
    """The command that installs it here, for a person to type."""
    if shutil.which("apt-get"):
        try:
            return f"sudo apt-get install -y {' '.join(requirement.apt())}"
        except LaunchError as error:
            return error.remedy
    return f"brew install {' '.join(requirement.brew)}" if requirement.brew else ELSEWHERE


def _install_with_apt(missing: Sequence[Requirement]) -> None:
    if not missing:
        return
    log = Home.of_patrol().logs / "packages.log"
    names = ", ".join(requirement.name for requirement in missing)
    rights = [] if os.geteuid() == 0 else ["sudo"]
    if rights and not shutil.which("sudo"):
        raise _cannot(names, "; ".join(remedy(requirement) for requirement in missing))
    options = ["-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]
    failure = _cannot(names, "; ".join(remedy(requirement) for requirement in missing))
    run_logged([*rights, "apt-get", "update"], log, failure)
    packages = [package for requirement in missing for package in requirement.apt()]
    step("apt-get install", " ".join(packages))
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", QUIETLY, "sh"]
    command = [*rights, *quiet, *options, *packages]
    run_logged(command, log, failure, show=f"Setting up ({'|'.join(packages)}) ")


def _install_with_brew(missing: Sequence[Requirement]) -> None:
    log = Home.of_patrol().logs / "packages.log"
    for requirement in missing:
        command = ["brew", "install", *requirement.brew]
        step("brew install", " ".join(requirement.brew))
        run_logged(command, log, _cannot(requirement.name, " ".join(command)))


def _cannot(names: str, command: str) -> LaunchError:
    return LaunchError(
        f"无法自动安装：{names}。",
        f"Could not be installed automatically: {names}.",
        f"{command}\n  → {ELSEWHERE}",
    )
