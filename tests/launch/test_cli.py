import inspect
import json
import subprocess
import sys
from importlib import import_module

import pytest
from click.testing import CliRunner

from server import cli
from server.commands import user
from server.launch.state import CHECKOUT

VERBS = (
    *("up", "down", "status", "test", "bench", "doctor", "audit", "demo", "backup", "restore"),
    *("enrol", "user", "webhook", "catalogue", "calendar", "import-boundaries", "export-boundaries", "simulate"),
    "import-outbox",
)


@pytest.fixture
def patrol(home, monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATROL_HOME", str(home.path))

    def run(*arguments):
        return subprocess.run([CHECKOUT / "patrol", *arguments], capture_output=True, text=True, check=False)

    return run


def test_help_lists_every_verb(patrol):
    answer = patrol("--help")
    assert answer.returncode == 0
    listed = [line.split()[0] for line in answer.stdout.partition("Commands:")[2].splitlines() if line.strip()]
    assert set(listed) == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(patrol, verb):
    answer = patrol(verb, "--help")
    assert answer.returncode == 0
    assert "Usage: ./patrol" in answer.stdout


def test_the_commands_load_no_web_framework_and_no_database():
    question = "import sys, server.cli; print(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run(
        [sys.executable, "-c", f"import json; {question}"], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    heavy = {"flask", "sqlalchemy", "psycopg", "rq", "redis", "shapely", "numpy"}
    assert heavy & set(json.loads(answer.stdout)) == set()


def test_status_before_the_first_start_says_so_in_json(patrol):
    answer = patrol("status", "--json")
    assert answer.returncode == 0
    told = json.loads(answer.stdout)
    assert told["running"] is False
    assert (told["url"], told["database_url"], told["redis_url"], told["users"]) == (None, None, None, [])
    assert {process["name"]: process["state"] for process in told["processes"]}["postgresql"] == "stopped"


def test_status_for_people_exits_with_3_when_nothing_runs(patrol):
    assert patrol("status").returncode == 3


def test_status_tells_the_demo_sign_ins(patrol, home):
    users = [{"login": "w1", "password": "p", "role": "grid_worker", "area": "360725"}]
    home.demo_users.write_text(json.dumps(users))
    assert json.loads(patrol("status", "--json").stdout)["users"] == users


def test_down_of_nothing_is_harmless(patrol):
    assert patrol("down").returncode == 0


@pytest.mark.parametrize(
    "command", [("enrol", "--worker", "w1"), ("user", "add", "x", "--role", "gis", "--area", "360725"), ("demo",)]
)
def test_a_command_on_a_patrol_that_was_never_started_names_the_remedy(patrol, command):
    answer = patrol(*command)
    assert answer.returncode == 1
    assert "./patrol up --detach" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_an_unknown_file_is_refused_by_name(patrol):
    answer = patrol("import-boundaries", "no-such.geojson", "--kind", "grid")
    assert answer.returncode == 2
    assert "no-such.geojson" in answer.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("demo",),
        ("enrol", "--worker", "w1", "--json"),
        ("user", "add", "x", "--role", "gis", "--area", "360725", "--name", "王"),
        ("user", "role", "x", "--role", "gis", "--area", "360725"),
        ("user", "end-role", "x", "--role", "gis", "--area", "360725"),
        ("user", "password", "x", "--devices"),
        ("user", "block", "x", "--reason", "left"),
        ("user", "unblock", "x"),
        ("user", "sign-out", "x", "--devices"),
        ("user", "list", "--area", "360725", "--role", "gis", "--search", "x", "--json"),
        ("user", "show", "x", "--json"),
        ("catalogue", "import", __file__),
        ("import-boundaries", __file__, "--kind", "grid", "--parent", "1", "--crs", "EPSG:4490", "--dry-run"),
        ("import-outbox", __file__),
        ("simulate", "--devices", "2", "--ops", "3", "--seed", "4"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_every_verb_leads_to_a_function_that_takes_its_options(command, monkeypatch):
    called = []

    def note(module, function, **options):
        called.append(inspect.signature(getattr(import_module(module), function)).bind(**options))

    monkeypatch.setattr(cli, "on_running_patrol", note)
    monkeypatch.setattr(user, "on_running_patrol", note)
    answer = CliRunner().invoke(cli.patrol, command)
    assert (answer.exit_code, len(called)) == (0, 1), answer.output
