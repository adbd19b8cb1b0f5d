"""How the pages are served: their policy, how long each may be kept, and what is not served."""

import dataclasses
from urllib.parse import urljoin, urlsplit

import pytest

from server.app import create_app
from server.config import Config
from server.pages import routes


@pytest.fixture
def client(tmp_path, monkeypatch):
    """The app over pages that stand in for the built ones; no database is asked."""
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    for name in ("index", "map", "signin", "docs", "support", "review", "people", "account", "missing", "patrol"):
        (dist / f"{name}.html").write_text(f"<title>{name}</title>", encoding="utf-8")
    (dist / "assets" / "map-abc123.js").write_text("export {};" * 100, encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    monkeypatch.setattr(routes, "DIST", dist)
    config = Config(database_url="postgresql+psycopg://nowhere/none", redis_url="memory://", secret_key="k" * 32)
    return create_app(dataclasses.replace(config, testing=True)).test_client()


@pytest.mark.long
@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/", "index"),
        ("/enrol", "patrol"),
        ("/patrol", "patrol"),
        *((f"/{name}", name) for name in ("map", "signin", "docs", "support", "review", "people", "account")),
    ],
)
def test_a_page_is_asked_for_anew_each_time(client, path, title):
    answer = client.get(path)
    assert answer.text == f"<title>{title}</title>"
    assert answer.headers["Cache-Control"] == "no-cache"
    again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_pages_load_from_their_own_host_alone(client):
    headers = client.get("/map").headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == policy["worker-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_an_asset_may_be_kept_for_ever_and_comes_compressed(client):
    answer = client.get("/assets/map-abc123.js", headers={"Accept-Encoding": "gzip"})
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.content_type.startswith("text/javascript")
    assert "Content-Encoding" not in client.get("/assets/map-abc123.js").headers


@pytest.mark.long
@pytest.mark.parametrize(
    "path", ["/assets/../secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt", "/assets//etc/passwd", "/assets/none.js"]
)
def test_nothing_beside_the_assets_is_served(client, path):
    answer = client.get(path)
    assert answer.status_code in (308, 404)
    assert "secret" not in answer.text


def test_pages_that_were_not_built_say_what_to_do(client, tmp_path, monkeypatch):
    monkeypatch.setattr(routes, "DIST", tmp_path / "nowhere")
    answer = client.get("/map")
    assert answer.status_code == 503
    assert answer.content_type == "application/problem+json"


@pytest.mark.long
@pytest.mark.parametrize(
    "path",
    [
        "//evil.example", "//evil.example/map", "///evil.example", "/map//evil.example", "//evil.example/%2e%2e",
        "/%09/evil.example", "/%0a/evil.example", "/%5cevil.example", "/%2f%2fevil.example", "/map/", "//map",
        "//v1//sync/pull",
    ],
)  # fmt: skip
def test_no_address_leads_to_another_host(client, path):
    answer = client.open(path, base_url="https://patrol.example/", headers={"X-Forwarded-Host": "evil.example"})
    led = urljoin("https://patrol.example" + path, answer.headers.get("Location", "/"))
    assert urlsplit(led).hostname == "patrol.example"


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.long
@pytest.mark.parametrize("path", ["/gone", "/map/more", "/v1/none", "/nowhere/at/all?x=1", "/%E5%9C%B0%E5%9B%BE"])
def test_an_address_that_is_none_gives_a_person_a_page_and_a_program_a_problem(client, path):
    person = client.get(path, headers=BROWSER)
    assert (person.status_code, person.text) == (404, "<title>missing</title>")
    assert person.content_type.startswith("text/html")
    assert "default-src 'none'" in person.headers["Content-Security-Policy"]
    assert person.headers["Cache-Control"] == "no-store"
    for accept in ("application/json", "*/*", "application/problem+json", ""):
        program = client.get(path, headers={"Accept": accept})
        assert (program.status_code, program.content_type) == (404, "application/problem+json")


def test_only_what_is_asked_for_is_answered_with_a_page(client):
    assert client.post("/gone", headers=BROWSER).content_type == "application/problem+json"
    assert client.get("/assets/none.js", headers=BROWSER).content_type == "application/problem+json"
    assert client.get("/gone", headers=BROWSER | {"If-None-Match": "*"}).status_code == 404


def test_without_built_pages_an_unknown_address_is_still_told(client, tmp_path, monkeypatch):
    monkeypatch.setattr(routes, "DIST", tmp_path / "nowhere")
    answer = client.get("/gone", headers=BROWSER)
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
