"""Clients generated from the document enrol, push, pull, sign in, list and act, checked by their own types."""

import json
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DRIVERS = {"hey-api": "drive_hey_api.ts", "openapi-typescript": "drive_openapi_typescript.ts"}


@pytest.fixture(scope="session")
def python_client(generator, document, tmp_path_factory):
    """A folder with the client that openapi-python-client makes."""
    folder = tmp_path_factory.mktemp("python")
    made = subprocess.run(
        [str(generator), "-m", "openapi_python_client", "generate", "--path", str(document), "--meta", "none",
         "--output-path", str(folder / "patrol_client")],
        capture_output=True, text=True, check=False,
        env={"PATH": f"{generator.parent}:/usr/bin:/bin"},
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    return folder, made.stdout + made.stderr


@pytest.fixture(scope="session")
def typescript_clients(tool, document, tmp_path_factory):
    """A folder with both clients for TypeScript, the drivers beside them, checked and bundled."""
    folder = tmp_path_factory.mktemp("typescript")
    (folder / "node_modules").symlink_to(HERE / "node_modules")
    for name in (*DRIVERS.values(), "day.ts", "tsconfig.json"):
        (folder / name).write_text((HERE / name).read_text())
    done = [
        tool("openapi-ts", "-i", document, "-o", folder / "hey", "-c", "@hey-api/client-fetch", cwd=folder),
        tool("openapi-typescript", document, "-o", folder / "types.ts"),
        tool("tsc", "--noEmit", "-p", folder),
    ]
    done += [
        tool(
            "esbuild", folder / each, "--bundle", "--platform=node", "--format=esm",
            f"--outfile={folder / each.replace('.ts', '.mjs')}",
        )
        for each in DRIVERS.values()
    ]  # fmt: skip
    assert [each.stdout + each.stderr for each in done if each.returncode] == []
    return folder


def judge(told, session, orders):
    """Hold what a driver tells against what each step must come to."""
    assert told["worker"] == orders["worker"]
    assert told["pushed"] == ["applied", "applied", "applied"]
    assert told["severity"] == "urgent"
    assert told["pulled"] >= 2
    assert told["digests"] > 0
    assert told["signed_in"] == orders["login"]
    assert told["listed"] == ["井盖缺失 · generated"]
    assert len(told["code"]) == 10
    assert told["refused"] == 403
    assert told["signed_out"] == 401


def test_the_python_generator_leaves_out_only_what_is_no_json(python_client):
    _, said = python_client
    left_out = {line.split()[3] for line in said.splitlines() if line.startswith("WARNING parsing")}
    assert {path.split("/")[2] for path in left_out} == {"sync", "tiles", "files", "catalogue"}
    assert {path for path in left_out if "catalogue" in path} == {"/v1/catalogue/xlsx"}
    assert "/v1/sync/push" not in left_out
    assert "ERROR" not in said


def test_a_client_by_openapi_python_client_does_a_days_work(generator, python_client, orders, session):
    folder, _ = python_client
    done = subprocess.run(
        [str(generator), str(HERE / "drive_python.py"), json.dumps(orders)],
        capture_output=True, text=True, check=False, env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    judge(json.loads(done.stdout), session, orders)


@pytest.mark.parametrize("name", DRIVERS)
def test_a_client_for_typescript_does_a_days_work(typescript_clients, tool, orders, session, name):
    script = typescript_clients / DRIVERS[name].replace(".ts", ".mjs")
    done = subprocess.run(["node", str(script), json.dumps(orders)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    judge(json.loads(done.stdout), session, orders)
