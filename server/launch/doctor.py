"""`./patrol doctor`: look at each thing a patrol needs, and name the remedy for what is missing.

Changes nothing.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

from server.launch import packages, pages_build, processes, running
from server.launch.state import CHECKOUT, Home

OLDEST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 2_000_000_000


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `remedy` is what to do when it is not well. Without what is not `needed` a patrol runs."""

    name: str
    well: bool
    detail: str
    remedy: str = ""
    needed: bool = True

    def __str__(self) -> str:
        """A line with a mark, and one with the remedy."""
        mark = "✓" if self.well else "✗" if self.needed else "–"
        return f"{mark} {self.name}: {self.detail}" + ("" if self.well else f"\n    → {self.remedy}")


def report(home: Home) -> int:
    """Print every finding; 0 when nothing that is needed is missing."""
    findings = list(examine(home))
    sys.stdout.writelines(f"{finding}\n" for finding in findings)
    return 0 if all(finding.well for finding in findings if finding.needed) else 1


def examine(home: Home) -> Iterator[Finding]:
    """Look at everything, from the ground up."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", sys.version_info >= OLDEST_PYTHON, f"{version} ({sys.executable})", "apt/brew: python3.11")
    for requirement in packages.SERVERS + packages.FRONT:
        yield _installed(requirement, needed=True)
    for requirement in packages.BROWSER:
        yield _installed(requirement, needed=False)
    yield Finding("Node", well=True, detail=pages_build.node().version)
    free = shutil.disk_usage(home.path if home.path.exists() else CHECKOUT).free
    yield Finding("磁盘 disk", free > LEAST_FREE_BYTES, f"{free // 10**6} MB", "至少 2 GB · free at least 2 GB")
    yield _writable(home)
    yield from _running(home)
    yield from _left_over()


def _installed(requirement: packages.Requirement, *, needed: bool) -> Finding:
    place = requirement.found()
    purpose = "" if needed else "（仅测试用 for ./patrol test only）"
    detail = place or f"没有 missing{purpose}"
    return Finding(requirement.name, place is not None, detail, packages.remedy(requirement), needed)


def _writable(home: Home) -> Finding:
    place = home.path if home.path.exists() else home.path.parent
    return Finding(str(home.path), os.access(place, os.W_OK), "可写 writable", f"sudo chown -R $(id -u) {place}")


def _running(home: Home) -> Iterator[Finding]:
    up = processes.is_kept(home, running.SUPERVISOR)
    told = "运行中 running" if up else "未运行 not running"
    yield Finding("巡格 patrol", up, told, "./patrol up --detach", needed=False)
    addresses = home.read().get("addresses")
    if not up or not addresses:
        return
    for process in (processes.look(home, name) for name in running.PROGRAMS):
        if process.state != "stopped":
            detail = f"{process.state}, {process.restarts} restarts"
            log = processes.log_file(home, process.name)
            yield Finding(process.name, process.state == "running", detail, f"tail -50 {log}")
    yield _reached("PostGIS", lambda: _postgis_version(addresses["database_url"]))
    yield _reached("Redis PING", lambda: _redis_version(addresses["redis_url"]))


def _reached(name: str, ask: Callable[[], str]) -> Finding:
    try:
        return Finding(name, well=True, detail=ask())
    except (psycopg.Error, redis.RedisError) as error:
        told = str(error).strip().splitlines()[0]
        return Finding(name, well=False, detail=told, remedy="./patrol down && ./patrol up --detach")


def _postgis_version(url: str) -> str:
    with psycopg.connect(url, connect_timeout=5) as connection:
        row = connection.execute("SELECT postgis_full_version()").fetchone()
    return str(row[0]) if row else ""


def _redis_version(url: str) -> str:
    with redis.Redis.from_url(url, socket_timeout=5) as client:
        information: dict[str, str] = client.info("server")
    return information["redis_version"]


def _left_over() -> Iterator[Finding]:
    """Data put outside a home that has since been deleted."""
    for note in Path("/var/lib").glob("gridpatrol-*/home"):
        home = note.read_text().strip()
        if not Path(home).exists():
            detail = f"{home} 已不存在 · is gone"
            yield Finding(str(note.parent), well=False, detail=detail, remedy=f"sudo rm -r {note.parent}")
