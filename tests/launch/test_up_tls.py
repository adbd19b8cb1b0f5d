"""`./patrol up --tls`: a whole patrol by HTTPS of its own, whose certificate is renewed while it runs."""

import datetime as dt
import json
import os
import re
import socket
import ssl
import subprocess
import urllib.error
import urllib.request

import pytest
import requests
from cryptography import x509

from server.launch import authority, processes, running
from server.launch.authority import Reached
from server.launch.state import CHECKOUT
from tests.launch.homes import open_home
from tests.launch.waiting import until

pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module")
def home():
    with open_home() as made:
        yield made


@pytest.fixture(scope="module")
def patrol(home):
    env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}

    def run(*arguments):
        return subprocess.run(
            [CHECKOUT / "patrol", *arguments], env=env | {"PATROL_HOME": str(home.path)}, capture_output=True,
            text=True, check=False,
        )  # fmt: skip

    yield run
    run("down")


@pytest.fixture(scope="module")
def up(patrol):
    answer = patrol("up", "--tls", "--detach", "--empty")
    assert answer.returncode == 0, answer.stderr
    return answer


@pytest.fixture
def url(up, patrol):
    return json.loads(patrol("status", "--json").stdout)["url"]


def believed(home):
    return home.path / "tls" / "authority.pem"


def served(url, home):
    """The certificate that is served now to who trusts the authority."""
    host, port = url.removeprefix("https://").split(":")
    context = ssl.create_default_context(cafile=believed(home))
    line = socket.create_connection((host, int(port)), timeout=20)
    with line, context.wrap_socket(line, server_hostname=host) as spoken:
        return x509.load_der_x509_certificate(spoken.getpeercert(binary_form=True))


def test_who_trusts_the_authority_reaches_the_patrol_and_who_does_not_fails(up, home, url):
    assert url.startswith("https:")
    context = ssl.create_default_context(cafile=believed(home))
    with urllib.request.urlopen(f"{url}/healthz", context=context, timeout=20) as answer:  # noqa: S310  # our own
        assert answer.status == 200
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(f"{url}/healthz", timeout=20)  # noqa: S310  # our own


def test_up_says_where_a_phone_comes_to_trust_it(up, home, url):
    trust = f"{url.replace('https:', 'http:')}/trust"
    assert trust in up.stderr
    fingerprint = x509.load_pem_x509_certificate(believed(home).read_bytes()).fingerprint(authority.SHA256())
    assert fingerprint.hex(":").upper() in up.stderr
    assert "█" in up.stderr
    page = requests.get(trust, timeout=20).content.decode()
    assert fingerprint.hex(":").upper() in page


def test_cookies_go_by_tls_alone(patrol, home, url):
    grid = {"type": "Polygon", "coordinates": [[[114.3, 25.6], [114.4, 25.6], [114.4, 25.7], [114.3, 25.6]]]}
    feature = {"type": "Feature", "properties": {"name": "崇义县", "code": "360725"}, "geometry": grid}
    file = home.path / "county.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    fields = ("--name-field", "name", "--code-field", "code")
    imported = patrol("import-boundaries", str(file), "--kind", "county", *fields)
    assert imported.returncode == 0, imported.stderr
    added = patrol("user", "add", "chief", "--role", "admin", "--area", "360725")
    assert added.returncode == 0, added.stderr
    password = re.search(r"chief\s+(\S+)", added.stdout)[1]
    told = {"login": "chief", "password": password}
    answer = requests.post(f"{url}/v1/session", json=told, verify=believed(home), timeout=20)
    assert answer.status_code == 200, (answer.text, added.stdout)
    assert "; Secure" in answer.headers["Set-Cookie"]


def test_up_again_keeps_a_certificate_that_is_right_and_renews_one_near_its_end_while_it_runs(patrol, home, url):
    before, master = served(url, home), processes.look(home, "nginx").pid
    assert patrol("up", "--detach", "--empty").returncode == 0
    assert served(url, home) == before
    folder = home.path / "tls"
    (folder / "machine.pem").unlink()
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=380)
    authority.ensure(folder, Reached.of_this_machine(), long_ago)
    answer = patrol("up", "--detach", "--empty")
    assert answer.returncode == 0, answer.stderr
    until(lambda: served(url, home) != before)
    lasts = served(url, home).not_valid_after_utc - dt.datetime.now(dt.UTC)
    assert dt.timedelta(days=390) < lasts < dt.timedelta(days=397)
    assert processes.look(home, "nginx").pid == master, "what was under way went on"


def test_a_patrol_that_runs_in_the_clear_is_not_made_another_under_it(patrol, home, url):
    assert patrol("down").returncode == 0
    assert patrol("up", "--detach", "--empty").returncode == 0
    assert running.status(home)["url"].startswith("http:")
    refused = patrol("up", "--tls", "--detach", "--empty")
    assert refused.returncode == 1
    assert "./patrol down" in refused.stderr
