"""Clients that others' generators make of the OpenAPI document, against a real server over a city of its own.

The generators are installed as their lock files say, below ``.patrol`` or here, once.
"""

import datetime as dt
import json
import secrets
import subprocess
import sys
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

import pytest

from server.accounts.service import add_person, enrol_worker
from server.launch.pages_build import node
from server.launch.state import CHECKOUT
from tests.cases import city
from tests.files.conftest import app, configured, files_url, phone_of, session, store, sync_url, tender
from tests.files.serving import Server

__all__ = ["app", "configured", "files_url", "phone_of", "session", "store", "sync_url", "tender"]
HERE = Path(__file__).parent


@contextmanager
def installing(name):
    """One process of the tests installs a thing, and the others wait for it."""
    with (CHECKOUT / ".patrol" / f"{name}.lock").open("w") as lock:
        flock(lock, LOCK_EX)
        yield


@pytest.fixture(scope="session")
def server(sync_url, redis_url, files_url):
    running = Server(sync_url, redis_url, files_url).start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def document(app, tmp_path_factory):
    """The document in a file, as a maker of an app downloads it."""
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_text(json.dumps(app.test_client().get("/v1/openapi.json").json, ensure_ascii=False))
    return path


@pytest.fixture(scope="session")
def tool():
    """Runs one of the npm programs of the lock file; returns what ended, with its output."""
    found = node()
    with installing("openapi-tools"):
        if not (HERE / "node_modules" / ".package-lock.json").is_file():
            subprocess.run([*found.npm, "ci", "--no-audit", "--no-fund"], cwd=HERE, env=found.env, check=True)

    def run(name, *arguments, cwd=HERE):
        command = ["node", str(HERE / "node_modules" / ".bin" / name), *map(str, arguments)]
        return subprocess.run(command, cwd=cwd, env=found.env, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def generator():
    """The Python of a virtual environment that holds openapi-python-client and what its clients need."""
    venv, wanted = CHECKOUT / ".patrol" / "openapi-client", HERE / "requirements.txt"
    python, stamp = venv / "bin" / "python", venv / "requirements.txt"
    with installing("openapi-client"):
        if not stamp.is_file() or stamp.read_text() != wanted.read_text():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
            install = ["-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(wanted)]
            subprocess.run([str(python), *install], check=True)
            stamp.write_text(wanted.read_text())
    return python


@pytest.fixture
def orders(server, session):
    """What a driver is told: the server, a worker's enrolment code, and the sign-in of a supervisor of theirs."""
    now, worker, boss = dt.datetime.now(dt.UTC), f"w-{secrets.token_hex(4)}", f"s-{secrets.token_hex(4)}"
    password = secrets.token_urlsafe(12)
    add_person(session, worker, role="grid_worker", place=city.WEST, password=None, now=now)
    add_person(session, boss, role="supervisor", place="360725", password=password, now=now)
    code = enrol_worker(session, worker, now=now, ttl=dt.timedelta(hours=1)).text
    session.commit()
    lon, lat = city.IN_WEST
    return {
        "url": server.url, "code": code, "worker": worker, "login": boss, "password": password, "lon": lon, "lat": lat
    }  # fmt: skip
