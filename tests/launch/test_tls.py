"""The front with a certificate of its own: what it speaks, what it says of that, and who may read the key."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
import requests

from server.launch import nginx, processes
from server.launch.account import front_account
from tests.launch.behind import in_front

NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"


@pytest.fixture(scope="module")
def certificate():
    """A certificate that the address has given itself, with a key that its owner alone may read."""
    folder = Path(tempfile.mkdtemp())
    made = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=localhost", "-addext", NAMES, "-out", made[0], "-keyout", made[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    yield made
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def front(certificate):
    with in_front({"PATROL_TLS_CERT": str(certificate[0]), "PATROL_TLS_KEY": str(certificate[1])}) as made:
        made.url = made.url.replace("http:", "https:")
        yield made


@pytest.mark.parametrize("path", ["/v1/x", "/map", "/assets/a-1.js", "/assets/none.js", "/map?lang=en"])
def test_every_answer_says_that_this_address_speaks_tls_alone(front, certificate, path):
    answer = requests.get(front.url + path, headers={"Accept-Encoding": "identity"}, verify=certificate[0], timeout=20)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert answer.status_code == (404 if "none" in path else 200)


def test_the_application_hears_that_it_was_tls(front, certificate):
    told = requests.get(f"{front.url}/v1/x", verify=certificate[0], timeout=20).json()
    assert told["headers"]["X-Forwarded-Proto"] == "https"


def test_who_speaks_in_the_clear_is_told_so_and_reaches_nobody(front):
    before = [len(program.seen) for program in front.programs]
    answer = requests.get(front.url.replace("https:", "http:") + "/v1/x", timeout=20)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert [len(program.seen) for program in front.programs] == before


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_versions_of_tls_are_not_spoken(front, version):
    argv = ["openssl", "s_client", "-connect", f"127.0.0.1:{front.port}", version, "-cipher", "ALL:@SECLEVEL=0"]
    assert subprocess.run(argv, input=b"", capture_output=True, check=False).returncode != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="as somebody else it runs as ourselves")
def test_the_key_is_read_by_the_master_and_requests_by_an_account_without_rights(front, certificate):
    process = processes.look(front.home, nginx.NAME)
    assert certificate[1].stat().st_mode & 0o077 == 0
    assert {Path(f"/proc/{pid}").stat().st_uid for pid in process.children} == {front_account().uid}
