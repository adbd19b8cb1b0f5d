"""Figures are as Prometheus wants them: its own checker finds nothing; where it is not installed, ours looks alike."""

import collections
import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.cases import city

RESERVED = ("_total", "_count", "_sum", "_bucket", "_info", "_created")
# Not base units, in which figures are told: seconds, bytes, ratios.
SCALED = re.compile(r"(milli|micro|nano|kilo|mega|giga)|_(ms|us|minutes|hours|days|kb|mb|percent)(_|$)")


@pytest.fixture
def figures(app, session):
    city.report(session)
    session.commit()
    client = app.test_client()
    client.get("/v1/categories")
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return answer.text


def faults(text):
    """Return what `promtool check metrics` would say of names, kinds, units and words."""
    for family in text_string_to_metric_families(text):
        if not family.documentation:
            yield f"{family.name}: no help"
        if family.type in ("unknown", "untyped"):
            yield f"{family.name}: no type"
        if family.type == "gauge" and family.name.endswith(RESERVED):
            yield f"{family.name}: a gauge with the ending of a counter"
        if SCALED.search(family.name):
            yield f"{family.name}: no base unit"
        if not re.fullmatch(r"[a-z][a-z0-9_]*", family.name):
            yield f"{family.name}: not in lower case and underscores"
        for sample in family.samples:
            if family.type == "counter" and not sample.name.endswith(("_total", "_created")):
                yield f"{sample.name}: a counter without _total"
    named = re.findall(r"^# (?:TYPE|HELP) (\S+)", text, re.MULTILINE)
    yield from (f"{name}: told twice" for name, number in collections.Counter(named).items() if number > 2)
    series = [line.rpartition(" ")[0] for line in text.splitlines() if line and not line.startswith("#")]
    yield from (f"{each}: twice" for each, number in collections.Counter(series).items() if number > 1)


def test_every_figure_has_help_type_unit_and_a_name_of_its_own(figures):
    assert list(faults(figures)) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# TYPE a gauge\na 1\n", "no help"),
        ("# HELP a x\na 1\n", "no type"),
        ("# HELP a_total x\n# TYPE a_total gauge\na_total 1\n", "ending of a counter"),
        ("# HELP a_ms x\n# TYPE a_ms gauge\na_ms 1\n", "no base unit"),
        ("# HELP a x\n# TYPE a gauge\na 1\na 2\n", "twice"),
    ],
)
def test_the_check_does_look(text, said):
    assert any(said in fault for fault in faults(text))


def test_what_waits_is_a_figure_by_its_sort(figures):
    (waiting,) = (each for each in text_string_to_metric_families(figures) if each.name == "patrol_waiting")
    assert {sample.labels["what"]: sample.value for sample in waiting.samples}["awaiting_routing"] == 1


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool comes with Debian's prometheus, 19 MB")
def test_promtool_finds_nothing(figures):
    done = subprocess.run(["promtool", "check", "metrics"], input=figures, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.fixture
def asked(app):
    """The status of /metrics, for whoever asks and however the city is known."""
    before = app.config["PATROL"]

    def ask(address="127.0.0.1", shown=None, **settings):
        app.config["PATROL"] = replace(before, **settings)
        headers = {"Authorization": shown} if shown else {}
        return app.test_client().get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": address}).status_code

    yield ask
    app.config["PATROL"] = before


@pytest.mark.parametrize("own", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"])
def test_figures_of_a_city_of_this_machine_alone_are_open_to_this_machine_alone(asked, own):
    assert [asked(address, public_url=own) for address in ("127.0.0.1", "::1", "203.0.113.9", "")] == [
        *(200, 200, 403, 403)
    ]


def test_behind_a_proxy_on_this_machine_nobody_is_taken_for_this_machine(asked):
    assert asked("127.0.0.1", public_url="https://city.example") == 403
    assert asked("127.0.0.1", public_url="https://127.0.0.1.example") == 403


@pytest.mark.parametrize(
    ("token", "shown", "status"),
    [
        ("of-prometheus", "Bearer of-prometheus", 200),
        ("of-prometheus", "bearer of-prometheus", 200),
        ("of-prometheus", "Bearer another", 403),
        ("of-prometheus", "Basic of-prometheus", 403),
        ("of-prometheus", None, 403),
        ("", "Bearer ", 403),
        ("", "Bearer", 403),
    ],
)
def test_whoever_shows_the_token_reads_the_figures_from_anywhere(asked, token, shown, status):
    assert asked("203.0.113.9", shown, public_url="https://city.example", metrics_token=token) == status
