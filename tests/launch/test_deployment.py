"""The Procfile and compose.yaml start the same programs, with what the application must be told."""

import re
from importlib.util import find_spec

import pytest
import yaml

from server.config import Config
from server.launch.state import CHECKOUT

COMPOSE = yaml.safe_load((CHECKOUT / "compose.yaml").read_text())
PROCFILE = dict(line.split(": ", 1) for line in (CHECKOUT / "Procfile").read_text().splitlines())
OURS = {name: service for name, service in COMPOSE["services"].items() if "build" in service}


@pytest.mark.parametrize("name", OURS)
def test_every_service_of_ours_is_told_what_the_configuration_reads(name):
    settings = Config.from_environment(OURS[name]["environment"])
    assert settings.database_url.endswith("@database/gridpatrol")


@pytest.mark.parametrize("name", [*PROCFILE, "migrate"])
def test_every_program_of_the_procfile_is_a_service_too(name):
    assert name in OURS


def test_every_module_that_is_run_exists():
    commands = [*PROCFILE.values(), *(service.get("command", "") for service in OURS.values())]
    named = {module for command in commands for module in re.findall(r"(?:-m |python:)([\w.]+)", command)}
    assert {"server.launch.worker_pool", "server.jobs.sweeper"} <= named
    assert [module for module in named if find_spec(module) is None] == []


def test_every_program_of_the_procfile_is_kept_running():
    assert all("server.launch.respawn" in command for command in PROCFILE.values())


def test_no_setting_of_the_container_weakens_durability():
    assert not re.search("fsync|synchronous_commit|full_page_writes", COMPOSE["services"]["database"]["command"])
