"""The project's own client, in tabs that crash, against the real server; and as a package that others install."""

import json
import os
import secrets
import shlex
import shutil
import subprocess

import pytest

from server.launch.pages_build import node
from server.launch.state import CHECKOUT
from tests.cases.city import IN_EAST, IN_WEST
from tests.interop.client.control import AREAS

ONLY = "CLIENT_TESTS"  # arguments of vitest, as: -t "restore"
WEB = CHECKOUT / "server" / "web"


@pytest.fixture(scope="session")
def tool():
    """Node with what the pages' lock file says."""
    found = node()
    if not (WEB / "node_modules" / "dexie").is_dir():
        subprocess.run([*found.npm, "ci", "--no-audit", "--no-fund"], cwd=WEB, env=found.env, check=True)
    return found


def test_the_client_agrees_with_the_server_wherever_tabs_crash(tool, server, control):
    told = {
        "run": secrets.token_hex(4), "url": server.url, "control": control.url,
        "west": IN_WEST, "east": IN_EAST, "grids": AREAS,
    }  # fmt: skip
    done = subprocess.run(
        ["npx", "vitest", "run", "--config", "src/sync/tests/vitest.config.ts", *shlex.split(os.environ.get(ONLY, ""))],
        cwd=WEB, env=tool.env | {"PATROL_CLIENT_TEST": json.dumps(told)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0


def test_the_package_can_be_installed_by_others(tool, tmp_path):
    package = tmp_path / "node_modules" / "@gridpatrol" / "sync"
    subprocess.run(
        ["npx", "tsc", "-p", "src/sync/tsconfig.json", "--outDir", str(package / "dist")],
        cwd=WEB, env=tool.env, check=True,
    )  # fmt: skip
    shutil.copy(WEB / "src" / "sync" / "package.json", package)
    wanted = json.loads((package / "package.json").read_text())["dependencies"]
    for name in wanted:
        (tmp_path / "node_modules" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "node_modules" / name).symlink_to(WEB / "node_modules" / name)
    (tmp_path / "app.mjs").write_text("""
        import { SyncClient, Unreachable } from "@gridpatrol/sync";
        console.log(typeof SyncClient, new Unreachable("x") instanceof Error);
    """)
    done = subprocess.run(
        ["node", "app.mjs"], cwd=tmp_path, env=tool.env, check=True, capture_output=True, text=True
    )  # fmt: skip
    assert done.stdout.split() == ["function", "true"]
    assert (package / "dist" / "index.d.ts").is_file()
    assert {name: json.loads((WEB / "package.json").read_text())["dependencies"][name] for name in wanted} == wanted
