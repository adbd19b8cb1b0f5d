"""What is known of the patrol that `up` started: addresses, processes, environment.

Owns reading the state for other commands; starts and stops nothing.
"""

import json
import os
from collections.abc import Mapping, MutableMapping
from typing import Any

from server.launch import cluster, nginx, processes, programs, redis_server, supervise
from server.launch.errors import LaunchError
from server.launch.state import Home

SUPERVISOR = supervise.NAME
SERVERS = (cluster.NAME, redis_server.NAME)
PROGRAMS = (*SERVERS, SUPERVISOR, *programs.NAMES, nginx.NAME)


def environment(home: Home) -> dict[str, str]:
    """What the application's programs read; what the caller's own environment says goes first.

    Raises LaunchError when neither says it, as before the first `up`.
    """
    state = home.read()
    addresses: Mapping[str, str] = state.get("addresses", {})
    remembered = {
        "DATABASE_URL": addresses.get("local_database_url"),
        "REDIS_URL": addresses.get("redis_url"),
        "PATROL_SECRET_KEY": state.get("secret_key"),
        "PATROL_PUBLIC_URL": addresses.get("url"),
        "PATROL_FILES_URL": addresses.get("files_url"),
    }
    known = {name: os.environ.get(name) or value for name, value in remembered.items()}
    complete = {name: value for name, value in known.items() if value}
    # A home from before attachments had an address of their own has them beside everything else.
    if complete.keys() | {"PATROL_FILES_URL"} != known.keys():
        raise LaunchError("巡格尚未启动。", "No patrol was started here yet.", "./patrol up --detach")
    return complete | {"PATROL_HOME": str(home.path)}


def owner_url(home: Home) -> str:
    """The address of the database as its owner, who may change the schema, back it up and restore it."""
    given = os.environ.get("DATABASE_OWNER_URL") or os.environ.get("DATABASE_URL")
    return given or home.read().get("addresses", {}).get("owner_database_url") or environment(home)["DATABASE_URL"]


def connect(home: Home, environ: MutableMapping[str, str] = os.environ) -> None:
    """Put the environment in place for a command that works on the running patrol's database."""
    known = environment(home)
    private = not environ.get("DATABASE_URL") and home.read()["addresses"]["private"]
    if private and not processes.is_kept(home, cluster.NAME):
        raise LaunchError("巡格没有在运行。", "The patrol is not running.", "./patrol up --detach")
    environ.update(known)


def demo_users(home: Home) -> list[dict[str, str]]:
    """Sign-ins of the sample city; none without one."""
    try:
        users: list[dict[str, str]] = json.loads(home.demo_users.read_text())
    except FileNotFoundError:
        return []
    return users


def status(home: Home) -> dict[str, Any]:
    """All that `./patrol status --json` says. An address is null before the first `up`."""
    addresses = home.read().get("addresses", {})
    # Servers that the environment named are not ours to report on.
    ours = [name for name in PROGRAMS if addresses.get("private", True) or name not in SERVERS]
    found = [processes.look(home, name) for name in ours]
    return {
        "running": processes.is_kept(home, SUPERVISOR),
        **{key: addresses.get(key) for key in ("url", "database_url", "redis_url")},
        "users": demo_users(home),
        "processes": [
            {
                "name": process.name,
                "pid": process.pid,
                "state": process.state,
                "restarts": process.restarts,
                "children": process.children,
            }
            for process in found
        ],
    }
