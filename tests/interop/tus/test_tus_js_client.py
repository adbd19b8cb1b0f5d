"""tus-js-client, the client that our own app uses, under node, over wires that break."""

import hashlib
import json
import random
import subprocess
import uuid
from pathlib import Path

import pytest

from server.launch.pages_build import node
from tests.files.pictures import picture
from tests.interop.tus.test_tuspy import arrived

HERE = Path(__file__).parent
PICTURE = picture("PNG", size=(400, 300), compress_level=0)


@pytest.fixture(scope="session")
def tool():
    """Node with the client installed as its lock file says."""
    found = node()
    if not (HERE / "node_modules" / "tus-js-client").is_dir():
        subprocess.run([*found.npm, "ci", "--no-audit", "--no-fund"], cwd=HERE, env=found.env, check=True)
    return found


@pytest.fixture
def upload(tool, phone_of, tmp_path):
    phone = phone_of("west")

    def run(url, content, **orders):
        path = tmp_path / "picture"
        path.write_bytes(content)
        told = {
            "record": str(uuid.uuid4()), "collection": "visits", "filetype": "image/png", "id": str(uuid.uuid4()),
            "sha256": hashlib.sha256(content).hexdigest(),
        } | orders.pop("metadata", {})  # fmt: skip
        given = {"endpoint": f"{url}/v1/files", "token": phone.token, "file": str(path), "metadata": told} | orders
        done = subprocess.run(
            ["node", str(HERE / "upload.mjs"), json.dumps(given)],
            env=tool.env, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return json.loads(done.stdout)

    return run


@pytest.mark.parametrize("with_creation", [False, True], ids=["creation", "creation with upload"])
@pytest.mark.parametrize("chunk_size", [None, 70_000])
def test_tus_js_client_uploads(server, upload, session, store, with_creation, chunk_size):
    told = upload(server.url, PICTURE, withCreation=with_creation, chunkSize=chunk_size)
    assert "url" in told, told
    assert arrived(session, store, told["url"].rpartition("/")[2], PICTURE)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("with_creation", [False, True], ids=["creation", "creation with upload"])
def test_what_arrives_is_what_was_sent_wherever_the_wire_breaks(wire, upload, session, store, seed, with_creation):
    chance = random.Random(seed)
    cuts = [
        ("up", chance.randrange(len(PICTURE))) if chance.random() < 0.7 else ("down", chance.randrange(300))
        for _ in range(6)
    ]
    laid = wire(cuts)
    told = upload(laid.url, PICTURE, withCreation=with_creation)
    assert "url" in told, told
    assert laid.broken > 0
    assert told["retries"] > 0
    assert arrived(session, store, told["url"].rpartition("/")[2], PICTURE)


def test_answers_that_are_cut_in_head_or_body_are_asked_for_again(wire, upload):
    cuts = [("down", length) for length in range(100, 351, 25)]
    laid = wire(cuts)
    told = upload(laid.url, PICTURE, withCreation=True, metadata={"sha256": "0" * 64})
    assert (told["status"], laid.broken) == (460, len(cuts))


def test_tus_js_client_is_told_of_a_wrong_sum_and_of_a_file_that_is_refused(server, upload):
    wrong = upload(server.url, PICTURE, metadata={"sha256": "0" * 64})
    assert (wrong["status"], json.loads(wrong["body"])["of"]) == (460, "file")
    refused = upload(server.url, b"GIF89a" + b"\x00" * 100)
    assert (refused["status"], json.loads(refused["body"])["reason"]) == (422, "type-unknown")
