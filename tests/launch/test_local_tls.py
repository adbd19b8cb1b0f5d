"""HTTPS by a certificate of this machine's own: who trusts the authority is served, and who does not is not."""

import hashlib
import http.client
import re
import ssl
from contextlib import closing
from urllib.parse import urlsplit

import pytest
import requests

from server.launch import local_tls
from server.launch.account import front_account
from tests.launch.behind import in_front
from tests.launch.homes import open_home

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
def tls():
    with open_home() as home:
        yield local_tls.ensure(home, front_account(), "https://127.0.0.1:8000")


@pytest.fixture(scope="module")
def front(tls):
    with in_front(tls.env) as made:
        yield made


def over_tls(front, cafile):
    context = ssl.create_default_context(cafile=cafile)
    connection = http.client.HTTPSConnection("127.0.0.1", front.port, context=context, timeout=20)
    with closing(connection):
        connection.request("GET", "/healthz")
        return connection.getresponse().status


def in_the_clear(front, path, **options):
    return requests.get(f"{front.url}{path}", allow_redirects=False, timeout=20, **options)


def test_who_trusts_the_authority_is_served_and_who_does_not_is_not(front, tls):
    assert over_tls(front, tls.made.leaf.with_name("authority.pem")) == 200
    with pytest.raises(ssl.SSLCertVerificationError):
        over_tls(front, None)


@pytest.mark.parametrize("path", ["/map", "/enrol?lang=en", "/%E5%B4%87?a=b"])
def test_a_browser_in_the_clear_is_sent_to_the_same_page_by_https(front, path):
    answer = in_the_clear(front, path, headers=BROWSER)
    assert (answer.status_code, answer.headers["Location"]) == (307, f"https://127.0.0.1:{front.port}{path}")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/v1/sync/pull", {"Authorization": "Bearer secret"}),
        ("POST", "/v1/sync/push", BROWSER),
        ("POST", "/trust/other", {}),
        ("GET", "/.clear/trust", {}),
        ("GET", "/assets/a-1.js", {}),
    ],
)
def test_a_program_in_the_clear_is_told_so_and_reaches_nobody(front, method, path, headers):
    before = [len(program.seen) for program in front.programs]
    answer = requests.request(method, front.url + path, headers=headers, allow_redirects=False, timeout=20)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert [len(program.seen) for program in front.programs] == before


def test_nobody_is_sent_to_a_place_that_is_none(front):
    for host in ("", "a/b"):
        with front.connect() as line:
            line.sendall(f"GET /map HTTP/1.0\r\nHost: {host}\r\nAccept: text/html\r\n\r\n".encode())
            assert line.recv(4096).split()[1] == b"400", host


def test_the_certificate_is_there_in_the_clear_and_by_tls_as_phones_take_it(front, tls):
    for url, options in (
        (front.url, {}),
        (front.url.replace("http:", "https:"), {"verify": tls.made.leaf.with_name("authority.pem")}),
    ):
        answer = requests.get(f"{url}/trust/gridpatrol-ca.crt", timeout=20, **options)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/x-x509-ca-cert")
        assert hashlib.sha256(answer.content).hexdigest().upper() == tls.made.fingerprint.replace(":", "")


def test_the_page_tells_the_fingerprint_the_steps_and_the_way_on_in_both_languages(front, tls):
    answer = in_the_clear(front, "/trust", headers=BROWSER)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    page = answer.content.decode()
    for words in (
        tls.made.fingerprint,
        "/trust/gridpatrol-ca.crt",
        "安卓",
        "苹果",
        "Android",
        "iPhone",
        "https://127.0.0.1:8000",
    ):
        assert words in page
    assert page.count("<svg") == 1
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!/trust/|https://127\.0\.0\.1)', page)


def test_no_answer_keeps_a_browser_from_the_clear_where_a_new_authority_is_told(front, tls):
    answer = requests.get(
        f"https://127.0.0.1:{front.port}/map", verify=tls.made.leaf.with_name("authority.pem"), timeout=20
    )
    assert answer.status_code == 200
    assert "Strict-Transport-Security" not in answer.headers


def test_the_page_in_the_clear_is_where_the_code_leads(tls):
    assert urlsplit(tls.trust_url)[:3] == ("http", "127.0.0.1:8000", "/trust")
