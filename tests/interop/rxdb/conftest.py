"""Devices that hold their records in RxDB, under node, before a real server and wires that break."""

import contextlib
import datetime as dt
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from geo.editions.ground import Grounds
from server.launch.pages_build import node
from sync.resolution.conflicts import settle_waiting
from tests.files.conftest import app, files_url, phone_of, session, sync_url
from tests.files.serving import Server, Wire

__all__ = ["app", "files_url", "phone_of", "session", "sync_url"]

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def server(sync_url, redis_url, files_url):
    running = Server(sync_url, redis_url, files_url).start()
    yield running
    running.stop()


@pytest.fixture
def wire(server):
    """Lays a wire to the server that breaks at the cuts given."""
    with contextlib.ExitStack() as laid:

        def lay(cuts=()):
            return laid.enter_context(contextlib.closing(Wire(server.port, cuts)))

        yield lay


@pytest.fixture
def settle(session):
    """Does what the merge job does."""
    grounds = Grounds()

    def run():
        while settle_waiting(
            session, dt.datetime.now(dt.UTC), lambda moment: grounds.at(session, 1, moment),
            limit=500, hold_for=dt.timedelta(hours=24), near_m=50.0,
        ).operations:  # fmt: skip
            session.commit()
        session.commit()

    return run


@pytest.fixture(scope="session")
def player():
    """The program that plays the devices: one command a line, one answer a line."""
    tool = node()
    if not (HERE / "node_modules" / "rxdb").is_dir():
        subprocess.run([*tool.npm, "ci", "--no-audit", "--no-fund"], cwd=HERE, env=tool.env, check=True)
    with subprocess.Popen(
        ["node", str(HERE / "run.mjs")], env=tool.env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:

        def play(**command):
            process.stdin.write(json.dumps(command) + "\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            assert "error" not in answer, answer["error"]
            return answer

        yield play
        process.stdin.close()


@dataclass(frozen=True)
class Device:
    """One device of the player. ``phone``: what it is to the server."""

    play: object
    name: str
    phone: object
    collection: str

    def do(self, command, **told):
        return self.play(do=command, device=self.name, **told)

    def put(self, record_id, **fields):
        self.do("put", document={"id": str(record_id), **fields})

    def edit(self, record_id, **fields):
        self.do("edit", id=str(record_id), fields=fields)

    def remove(self, record_id):
        self.do("remove", id=str(record_id))

    def sync(self, **told):
        return self.do("sync", **told)

    def statuses(self):
        return [told["status"] for told in self.do("heard")]

    @property
    def documents(self):
        return self.do("documents")


@pytest.fixture
def device_of(player, server, phone_of):
    """Makes a device of a new worker of the west grid, without records."""

    def make(collection="issues", batch_size=100):
        phone = phone_of("west")
        device = Device(player, phone.device_id, phone, collection)
        device.do("open", url=server.url, token=phone.token, collection=collection, batchSize=batch_size)
        return device

    yield make
    player(do="close")
