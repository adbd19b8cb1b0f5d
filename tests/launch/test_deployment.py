"""The Procfile and compose.yaml start the same programs, with what the application must be told."""

import re
from importlib.util import find_spec

import pytest
import yaml

from server.config import Config
from server.launch import roles
from server.launch.state import CHECKOUT

COMPOSE = yaml.safe_load((CHECKOUT / "compose.yaml").read_text())
PROCFILE = dict(line.split(": ", 1) for line in (CHECKOUT / "Procfile").read_text().splitlines())
OURS = {name: service for name, service in COMPOSE["services"].items() if "build" in service}


@pytest.mark.parametrize("name", OURS)
def test_every_service_of_ours_is_told_what_the_configuration_reads(name):
    settings = Config.from_environment(_filled(OURS[name]["environment"]))
    assert settings.database_url.endswith("@database/gridpatrol")
    assert settings.webhook_ports == {443}


def _filled(environment):
    """The environment as Compose fills it in where nothing is set."""
    return {key: re.sub(r"\$\{\w+(?::[-?]([^}]*))?\}", r"\1", value) for key, value in environment.items()}


@pytest.mark.parametrize("name", [*PROCFILE, "migrate", "front"])
def test_every_program_of_the_procfile_is_a_service_too(name):
    # A second program for the web is a second container of the first there.
    assert name.rstrip("2") in OURS


def test_every_module_that_is_run_exists():
    commands = [*PROCFILE.values(), *(service.get("command", "") for service in OURS.values())]
    named = {module for command in commands for module in re.findall(r"(?:-m |python:)([\w.]+)", command)}
    assert {"server.launch.worker_pool", "server.jobs.sweeper"} <= named
    assert [module for module in named if find_spec(module) is None] == []


def test_in_containers_nothing_that_goes_on_running_knows_owner_or_superuser():
    known = {name: " ".join(map(str, service["environment"].values())) for name, service in OURS.items()}
    assert [name for name, told in known.items() if "//patrol:" in told] == ["roles"]
    assert [name for name, told in known.items() if f"//{roles.OWNER}:" in told] == ["roles", "migrate"]
    assert all(f"//{roles.APPLICATION}:" in told for name, told in known.items() if name != "migrate")
    assert OURS["migrate"]["depends_on"] == {"roles": {"condition": "service_completed_successfully"}}


def test_nginx_believes_the_acme_client_alone_and_it_leads_to_nginx():
    acme, front = COMPOSE["services"]["acme"], COMPOSE["services"]["front"]
    trusted = _filled(front["environment"])["PATROL_TRUSTED_PROXIES"]
    assert trusted == acme["networks"]["entrance"]["ipv4_address"]
    assert set(acme["networks"]) & set(front["networks"]) == {"entrance"}
    port = _filled(front["environment"])["PATROL_LISTEN"].rpartition(":")[2]
    assert acme["command"].endswith(f"--to front:{port}")
    assert acme["profiles"] == ["acme"], "nobody gets it who did not ask for it"


def test_no_setting_of_the_container_weakens_durability():
    assert not re.search("fsync|synchronous_commit|full_page_writes", COMPOSE["services"]["database"]["command"])


@pytest.mark.parametrize(
    ("url", "said", "secure"),
    [
        ("https://city.example", None, True),
        ("HTTPS://city.example", "", True),
        ("http://city.example", None, False),
        ("http://city.example", "1", True),
        ("https://city.example", "0", False),
    ],
)
def test_cookies_go_by_tls_alone_where_people_use_it(url, said, secure):
    environ = {"DATABASE_URL": "postgresql://x/y", "REDIS_URL": "redis://x", "PATROL_SECRET_KEY": "k"}
    told = {"PATROL_SECURE_COOKIES": said} if said is not None else {}
    assert Config.from_environment(environ | told | {"PATROL_PUBLIC_URL": url}).secure_cookies is secure
