"""Uploads through kill -9 of the web processes, vanished phones and real jobs: nothing acknowledged is ever lost."""

import hashlib
import random
import socket
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import requests
from sqlalchemy import text

from server.files.receiving import BLOCK_BYTES
from tests.files.conftest import OFFSET, Uploading, metadata
from tests.files.pictures import picture, sized
from tests.files.serving import Server, Wire
from tests.jobs.conftest import eventually, programs_over

pytestmark = pytest.mark.long

MEBIBYTE = 1024 * 1024
LARGE = sized(5 * MEBIBYTE)


@pytest.fixture
def phone(phone_of):
    return phone_of("west")


@pytest.fixture
def server(sync_url, redis_url, files_url):
    running = Server(sync_url, redis_url, files_url)
    yield running.start()
    running.kill()


@pytest.fixture
def begin(phone):
    """Begins an upload of LARGE: its address beneath the server's, and the headers of its phone."""

    def begin(server):
        headers = phone.headers | {"Tus-Resumable": "1.0.0"}
        said = metadata(record=uuid.uuid4(), collection="visits", sha256=hashlib.sha256(LARGE).hexdigest())
        answer = requests.post(
            f"{server.url}/v1/files",
            headers=headers | {"Upload-Length": str(len(LARGE)), "Upload-Metadata": said},
            timeout=30,
        )
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"], headers

    return begin


@pytest.fixture
def begun(server, begin):
    return begin(server)


def offset(server, begun):
    where, headers = begun
    answer = requests.head(server.url + where, headers=headers, timeout=30)
    assert answer.status_code == 200
    return int(answer.headers["Upload-Offset"])


def send(url, begun, content, at):
    where, headers = begun
    return requests.patch(
        url + where, data=content, headers=headers | {"Upload-Offset": str(at), "Content-Type": OFFSET}, timeout=60
    )


def half_a_request(server, begun, content, at, *, sent):
    """Send a PATCH and only ``sent`` bytes of its body; return the open socket."""
    where, headers = begun
    lines = [f"PATCH {where} HTTP/1.1", "Host: x", f"Content-Length: {len(content) - at}", f"Content-Type: {OFFSET}"]
    lines += [f"{name}: {value}" for name, value in (headers | {"Upload-Offset": at}).items()]
    opened = socket.create_connection(("127.0.0.1", server.port))
    opened.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + content[at : at + sent])
    return opened


def received(session, begun):
    session.rollback()
    return session.scalar(
        text("SELECT received FROM upload WHERE id = :id"), {"id": begun[0].rpartition("/")[2]}
    )  # fmt: skip


def test_an_upload_goes_on_after_kill_9_of_the_web_in_the_middle_of_it(server, begun, session, store):
    chance, kills = random.Random(7), 0
    while (at := received(session, begun)) < 4 * MEBIBYTE:
        with half_a_request(server, begun, LARGE, at, sent=MEBIBYTE + chance.randrange(2 * MEBIBYTE)):
            acknowledged = eventually(lambda before=at: (now := received(session, begun)) > before and now, "a part")
            server.kill()
        server.start()
        kills += 1
        assert offset(server, begun) >= acknowledged, "what was acknowledged is there"
    assert kills >= 2
    at = received(session, begun)
    assert send(server.url, begun, LARGE[at:], at).status_code == 204
    assert store.get(f"originals/{begun[0].rpartition('/')[2]}") == LARGE


def test_what_came_before_the_connection_broke_is_kept(server, begun, session, store):
    broken = pytest.raises(requests.ConnectionError)
    with closing(Wire(server.port, [("up", 2 * MEBIBYTE + 300_000)])) as wire, broken:
        send(wire.url, begun, LARGE, 0)
    at = eventually(lambda: (now := received(session, begun)) > 2 * MEBIBYTE + 200_000 and now, "the rest of it")
    assert at < 2 * MEBIBYTE + 300_000
    assert send(server.url, begun, LARGE[at:], at).status_code == 204
    assert store.get(f"originals/{begun[0].rpartition('/')[2]}") == LARGE


def test_a_phone_that_vanished_in_a_request_does_not_keep_its_upload_from_going_on(server, begun, session):
    with half_a_request(server, begun, LARGE, 0, sent=MEBIBYTE + 1):
        at = eventually(lambda: received(session, begun), "the first part")
        assert send(server.url, begun, LARGE[at:], at).status_code == 204


def test_one_process_receives_only_so_many_uploads_and_answers_others_meanwhile(server, begun, session, phone):
    slots = 4 * int(server.environment["PATROL_WEB_WORKERS"])
    opened = [half_a_request(server, begun, LARGE, 0, sent=10) for _ in range(slots + 4)]
    try:
        pulled = requests.get(f"{server.url}/v1/sync/pull", headers=phone.headers, timeout=30)
        assert pulled.status_code == 200
        refused = eventually(lambda: _refused(opened), "one that is too many")
        assert b" 503 " in refused
    finally:
        for each in opened:
            each.close()


def _refused(opened):
    for each in opened:
        each.settimeout(0.05)
        try:
            if first := each.recv(4096):
                return first
        except TimeoutError:
            continue
    return None


def test_real_jobs_make_previews_and_bind_what_came_early(app, sync_url, redis_url, files_url, phone, tmp_path):
    visit = phone.visit()
    photo = Uploading(phone).upload(picture(), record=visit["id"]).rpartition("/")[2]
    phone.push(visit)
    with programs_over(sync_url, redis_url, tmp_path) as running:
        running.environment["PATROL_FILES_URL"] = files_url
        running.worker()
        running.sweeper()
        told = eventually(lambda: _ready(phone, photo), f"the preview ({(tmp_path / 'log').read_text()})")
        assert told["record"] == visit["id"]


def _ready(phone, photo):
    phone.pull()
    told = phone.records("attachments").get(photo)
    return told and told["grid"] and told["data"]["preview"] == "ready" and told["data"]


def test_a_phone_that_says_nothing_more_is_given_up_and_what_it_sent_is_kept(
    sync_url, redis_url, files_url, phone, begin, session
):
    server = Server(sync_url, redis_url, files_url, PATROL_UPLOAD_PATIENCE_S="0.3").start()
    try:
        begun = begin(server)
        with half_a_request(server, begun, LARGE, 0, sent=300_000) as silent:
            silent.settimeout(60)
            assert b" 400 " in silent.recv(4096)
        assert offset(server, begun) > 300_000 - BLOCK_BYTES, "all but the block it broke off in"
    finally:
        server.kill()


def test_of_many_requests_for_one_upload_at_once_one_wins(server, begun, session, store):
    gate = threading.Barrier(6)

    def race(_):
        gate.wait()
        return send(server.url, begun, LARGE, 0).status_code

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(race, range(6)))
    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 409, 423, 503}
    assert store.get(f"originals/{begun[0].rpartition('/')[2]}") == LARGE
    assert session.scalar(text("SELECT count(*) FROM attachment")) == 1
