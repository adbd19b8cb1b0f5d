"""Whom the simulation with faults may hurt: the processes of its own home, and nobody else's."""

import pytest
from click.testing import CliRunner

from server.cli import patrol
from server.launch.errors import LaunchError
from server.launch.state import Home
from server.simulator.faults import harm as harms


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path / "home")
    made.make()
    return made


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_servers_of_somebody_else_are_refused_by_name(home, name):
    with home.lock():
        home.remember({"addresses": {"private": True, "local_database_url": "postgresql:///own", "redis_url": "own"}})
    with pytest.raises(LaunchError, match=name):
        harms.of(home, {name: "elsewhere://db.example/city"})


def test_without_a_running_patrol_of_this_home_nothing_is_hurt(home):
    with pytest.raises(LaunchError, match="needs a running patrol"):
        harms.of(home, {})


@pytest.mark.parametrize("option", [["--url", "http://127.0.0.1:1"], ["--code", "ABC"], ["--elsewhere"]])
def test_options_that_name_another_server_are_refused(option):
    answer = CliRunner().invoke(patrol, ["simulate", "--faults", *option])
    assert answer.exit_code == 2
    assert option[0].strip("-") in answer.output
