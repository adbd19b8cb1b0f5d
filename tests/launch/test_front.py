"""nginx as `up` starts it, before a small program that tells what reaches it. Real sockets throughout."""

import json
import os
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
import requests

from server.config import Config
from server.launch import nginx, processes
from server.launch.account import front_account
from server.launch.nginx_settings import MIB
from server.launch.ports import free_port
from tests.launch.behind import in_front
from tests.launch.waiting import until

PATIENCE_S = 2


@pytest.fixture(scope="module")
def front():
    """The address of a front with two programs behind it, which short patience makes quick to try."""
    settings = {
        "PATROL_HEAD_PATIENCE_S": str(PATIENCE_S),
        "PATROL_BODY_PATIENCE_S": str(PATIENCE_S),
        "PATROL_TOKEN_STREAMS": "3",
    }
    with in_front(settings) as made:
        yield made


@pytest.fixture
def dying(front):
    """Make the program that answers next break off; the others live."""
    yield front.programs
    for program in front.programs:
        program.dies = False


def test_a_stranger_who_took_the_port_meanwhile_is_not_taken_for_the_front(front, home, listen_on):
    port = free_port()
    listen_on(port)
    with home.lock(), pytest.raises(nginx.PortTaken, match=f"Port {port} was taken"):
        nginx.start(home, nginx.Place("127.0.0.1", port, front.behind, front.dist), front_account(), {})
    assert not processes.is_kept(home, nginx.NAME)


HEADS = {
    "in the head": b"POST /v1/sync/push HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nX-",
    "in the body": b"POST /v1/sync/push HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nContent-Length: 99\r\n\r\nbegin",
}


@pytest.mark.parametrize("count", [20, 500])
@pytest.mark.parametrize("where", HEADS)
def test_connections_that_stall_keep_nobody_waiting(front, where, count):
    with ExitStack() as stack:
        stalled = [stack.enter_context(front.connect()) for _ in range(count)]
        for each in stalled:
            each.sendall(HEADS[where])
        for _ in range(20):
            assert front.told("/healthz")["path"] == "/healthz"
        for program in front.programs:
            assert "/v1/sync/push" not in program.seen
        assert is_let_go(stalled[0])


def is_let_go(stalled):
    """Waits until the front ends a connection on which nothing comes."""
    try:
        return stalled.recv(1024) == b""
    except ConnectionResetError:
        return True


def test_a_body_that_comes_a_byte_at_a_time_reaches_nobody_before_it_is_whole(front):
    seen = [len(program.seen) for program in front.programs]
    with front.connect() as slow:
        slow.sendall(b"POST /v1/drip HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na")
        assert front.told()["path"] == "/x"
        assert not any("/v1/drip" in program.seen for program in front.programs)
        slow.sendall(b"bc")
        assert b"200" in slow.recv(4096)
    assert sum(len(program.seen) for program in front.programs) == sum(seen) + 2


def test_an_upload_is_passed_on_as_it_comes(front):
    for program in front.programs:
        program.came = 0
    with front.connect() as phone:
        phone.sendall(b"PATCH /v1/files/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello")
        until(lambda: any(program.came == 5 for program in front.programs))
        phone.sendall(b"world")
        assert b"200" in phone.recv(4096)


def test_the_address_of_a_caller_is_set_and_not_added_to(front):
    told = front.told(headers={"X-Forwarded-Host": "evil", "Forwarded": "for=1.2.3.4", "X-Forwarded-Prefix": "/evil"})
    assert told["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert told["headers"]["X-Forwarded-Proto"] == "http"
    assert not {"X-Forwarded-Host", "Forwarded", "X-Forwarded-Prefix"} & told["headers"].keys()


def test_a_trusted_proxy_tells_the_address_and_scheme_and_what_it_was_told_itself_is_dropped(front):
    headers = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9", "X-Forwarded-Proto": "https"}
    told = front.told(headers=headers)["headers"]
    assert (told["X-Forwarded-For"], told["X-Forwarded-Proto"]) == ("203.0.113.9", "https")


def problem(answer, status, kind):
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    told = answer.json()
    assert (told["status"], told["type"]) == (status, f"/problems/{kind}")
    return told


@pytest.mark.parametrize(
    ("language", "title"), [("en", "The request is too large"), ("zh-CN,en;q=0.5", "请求过大"), ("", "请求过大")]
)
def test_what_is_too_large_is_told_as_a_problem_in_the_callers_language(front, language, title):
    head = {"Content-Length": str(10**9), "Accept-Language": language}
    with closing(HTTPConnection("127.0.0.1", front.port, timeout=20)) as caller:
        caller.putrequest("POST", "/v1/sync/push")
        for name, value in head.items():
            caller.putheader(name, value)
        caller.endheaders()
        answer = caller.getresponse()
        told = json.loads(answer.read())
    assert (answer.status, answer.headers["Content-Type"]) == (413, "application/problem+json")
    assert (told["type"], told["title"]) == ("/problems/too-large", title)


def test_addresses_and_headers_that_are_too_long_are_told_as_problems(front):
    problem(requests.get(f"{front.url}/{'a' * 9000}", timeout=20), 414, "address-too-long")
    problem(requests.get(front.url, headers={"X-Long": "a" * 9000}, timeout=20), 431, "headers-too-large")


@pytest.mark.parametrize(
    "head",
    [
        b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity, chunked\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        b"GET /x HTTP/3.0\r\nHost: x\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_no_request_of_a_kind_that_is_spoken_here_is_told_as_a_problem_and_reaches_nobody(front, head):
    seen = [len(program.seen) for program in front.programs]
    with front.connect() as caller:
        caller.sendall(head)
        answer = caller.recv(4096)
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert b"application/problem+json" in answer
    assert [len(program.seen) for program in front.programs] == seen


@pytest.mark.parametrize(
    ("path", "most", "is_taken"),
    [
        (path, limit // MIB + more, not more)
        for path, limit in (
            ("/v1/sync/push", Config.max_body_bytes),
            ("/v1/files/1", Config.file_limit_bytes),
            ("/v1/boundaries/imports", Config.import_limit_bytes),
        )
        for more in (0, 1)
    ],
)
def test_each_place_takes_bodies_of_its_own_size(front, path, most, is_taken):
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {most * 1024 * 1024}\r\nExpect: 100-continue\r\n\r\n"
    with front.connect() as caller:
        caller.sendall(head.encode())
        assert (b"100 Continue" in caller.recv(4096)) == is_taken


def test_while_one_program_is_gone_the_other_answers(front, dying):
    dying[0].dies = True
    assert {front.told()["by"] for _ in range(10)} == {"two"}
    batches = [requests.post(f"{front.url}/v1/sync/push", data=b"batch", timeout=20) for _ in range(10)]
    assert {answer.json()["by"] for answer in batches} == {"two"}


def test_what_may_have_been_done_is_not_asked_for_again(front, dying):
    for program in dying:
        program.dies = True
        program.seen.clear()
    answer = requests.post(f"{front.url}/v1/session", data=b"sign in", timeout=20, headers={"Accept-Language": "en"})
    problem(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert sum(program.seen.count("/v1/session") for program in dying) == 1


def listening(front, path, token):
    """A connection on which a stream was asked for, and the first that came on it."""
    connection = front.connect()
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n".encode())
    came = b""
    while b"hello" not in came and b"type" not in came:
        came += connection.recv(4096)
    return connection, came


@pytest.mark.parametrize("path", ["/v1/map/events", "/v1/sync/events", "/v1/work/events"])
def test_events_come_at_once_and_one_token_has_so_many_streams_and_no_more(front, path):
    opened = [listening(front, path, f"Bearer of {path}") for _ in range(4)]
    try:
        assert [b"event: hello" in came for _, came in opened] == [True, True, True, False]
        refused = opened[-1][1]
        assert refused.startswith(b"HTTP/1.1 429")
        assert b"/problems/too-many-requests" in refused
        assert b"Retry-After: 30" in refused
        opened.append(listening(front, path, "Bearer of another"))
        assert b"event: hello" in opened[-1][1]
        # Its other requests go on.
        assert front.told(headers={"Authorization": f"Bearer of {path}"})["path"] == "/x"
    finally:
        for connection, _ in opened:
            connection.close()


def test_pages_and_their_programs_are_read_from_disk(front):
    page = requests.get(f"{front.url}/map", timeout=20)
    assert (page.text, page.headers["Cache-Control"]) == ("<p>map</p>", "no-cache")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    with requests.get(
        f"{front.url}/assets/a-1.js", headers={"Accept-Encoding": "gzip"}, stream=True, timeout=20
    ) as raw:
        assert (raw.headers["Content-Encoding"], raw.raw.read(decode_content=False)) == ("gzip", b"\x1f\x8b packed")
        assert "immutable" in raw.headers["Cache-Control"]
    problem(requests.get(f"{front.url}/assets/none.js", timeout=20), 404, "not-found")
    # What was not built is the application's to say.
    assert front.told("/grids")["path"] == "/grids"


def test_nothing_of_a_request_but_its_way_is_logged(front):
    front.told("/v1/secret?code=SECRET", headers={"Authorization": "Bearer SECRET", "Cookie": "patrol_session=SECRET"})
    log = nginx.access_log(front.home, front_account())
    line = until(lambda: next((each for each in log.read_text().splitlines() if "/v1/secret" in each), None))
    assert "SECRET" not in line
    assert json.loads(line)["status"] == 200


def test_what_goes_wrong_is_logged_without_the_arguments_of_the_request(front, dying):
    for program in dying:
        program.dies = True
    requests.post(f"{front.url}/v1/broken?code=SECRET", timeout=20)
    requests.get(f"{front.url}/%00?code=SECRET", timeout=20)
    log = nginx.access_log(front.home, front_account())
    line = until(lambda: next((each for each in log.read_text().splitlines() if "/v1/broken" in each), None))
    told = json.loads(line)
    assert (told["status"], told["behind_status"]) == (503, "502")
    said = processes.log_file(front.home, nginx.NAME)
    for path in (log, said):
        assert "SECRET" not in path.read_text()


def test_an_overlong_access_log_is_put_aside_while_it_is_written(front):
    log = nginx.access_log(front.home, front_account())
    front.told("/v1/before")
    until(lambda: "/v1/before" in log.read_text())
    with log.open("a") as filling:
        filling.truncate(processes.LOG_MOST_BYTES + 1)
    until(lambda: log.with_name("access.log.1").exists() and log.exists())
    front.told("/v1/after")
    until(lambda: "/v1/after" in log.read_text())
    assert "/v1/before" not in log.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="as somebody else it runs as ourselves")
def test_it_runs_as_an_account_without_rights(front):
    process = processes.look(front.home, nginx.NAME)
    owners = {Path(f"/proc/{pid}").stat().st_uid for pid in (process.pid, *process.children)}
    assert owners == {front_account().uid}
    assert 0 not in owners
