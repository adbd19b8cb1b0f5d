"""The simulation against the real programs: that all agree after a day, and that it says so when they do not."""

import json
import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.simulator import agreement
from server.simulator.simulate import SimulationPlan, is_loopback, run, simulate
from tests.cases.city import rows


@pytest.fixture(scope="module")
def day():
    """Holds the report of one day for the tests of this module."""
    return {}


@pytest.fixture
def report(day, running_city, engine):
    if not day:
        day["report"] = run(SimulationPlan(devices=10, ops=32, seed=7, url=running_city), engine, lambda _line: None)
    return day["report"]


def asked(engine, report):
    with Session(engine) as session:
        return list(agreement.of_database(session, report.phones))


def a_taken(report, collection="issues", action="patch", status="applied"):
    return next(
        made
        for phone in report.phones
        for made in phone.made.values()
        if (made.collection, made.action, made.status) == (collection, action, status)
    )


def test_after_a_day_of_lost_answers_and_conflicts_server_and_devices_agree(report):
    assert report.disagreements == []
    told = report.as_json()
    assert told["operations"] == 320
    assert sum(told["statuses"].values()) == 320
    assert {"lost_answers", "sent_again", "sent_twice_at_once", "out_of_order", "first_pending"} <= told[
        "happened"
    ].keys()
    assert told["statuses"]["merged"] > 0
    assert told["statuses"]["quarantined"] == sum(
        made.refusable or made.reason in agreement.OVERTAKEN for phone in report.phones for made in phone.made.values()
    )


def test_an_operation_missing_from_the_log_is_noticed(report, engine):
    made = a_taken(report)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE operation SET op_id = :new WHERE op_id = :op"), {"new": uuid.uuid4(), "op": made.op_id}
        )
    try:
        assert any(made.op_id in each and "0 times" in each for each in asked(engine, report))
    finally:
        with engine.begin() as connection:
            connection.execute(
                text("UPDATE operation SET op_id = :op WHERE record_id = :record AND seq = :seq AND action = 'patch'"),
                {"op": made.op_id, "record": made.record_id, "seq": made.seq},
            )
    assert asked(engine, report) == []


def test_a_record_that_is_not_what_its_operations_make_is_noticed(report, engine):
    made = a_taken(report, action="put")
    before = rows(Session(engine), "SELECT doc FROM issue WHERE id = :id", id=made.record_id)[0]["doc"]
    set_doc = text("UPDATE issue SET doc = CAST(:doc AS jsonb) WHERE id = :id")
    with engine.begin() as connection:
        connection.execute(set_doc, {"doc": json.dumps(before | {"description": "改过"}), "id": made.record_id})
    try:
        assert any(made.record_id in each and "its operations make" in each for each in asked(engine, report))
    finally:
        with engine.begin() as connection:
            connection.execute(set_doc, {"doc": json.dumps(before), "id": made.record_id})


def test_a_record_that_a_phone_lost_or_kept_too_long_is_noticed(report):
    phone = next(phone for phone in report.phones if any(name == "issues" for name, _ in phone.held))
    key = next(key for key in phone.held if key[0] == "issues")
    change = phone.held.pop(key)
    assert not agreement.matches_digest(phone)
    assert any(key[1] in each for each in agreement.of_phone(phone))
    phone.held[key] = change | {"rev": change["rev"] + 1}
    assert not agreement.matches_digest(phone)
    phone.held[key] = change
    assert agreement.matches_digest(phone)


def test_a_record_from_outside_the_scope_is_noticed(report):
    phone = min(report.phones, key=lambda phone: len(phone.scope))
    foreign = next(
        (key, change)
        for other in report.phones
        for key, change in other.held.items()
        if key[0] == "households" and change["grid"]["code"] not in phone.scope
    )
    phone.held[foreign[0]] = foreign[1]
    assert any("not in its scope" in each for each in agreement.of_phone(phone))
    del phone.held[foreign[0]]


def test_the_same_seed_enters_the_same_things_under_other_ids(report, running_city, engine):
    again = run(SimulationPlan(devices=2, ops=32, seed=7, url=running_city), engine, lambda _line: None)
    assert again.disagreements == []
    first = next(iter(report.phones[0].made.values()))
    second = next(iter(again.phones[0].made.values()))
    assert (first.collection, first.action) == (second.collection, second.action)
    assert first.op_id != second.op_id


def test_the_command_prints_the_agreement_and_returns_0(in_city, running_city, capsys):
    assert simulate(devices=3, ops=8, seed=3, url=running_city) == 0
    assert "server and devices agree" in capsys.readouterr().out
    assert simulate(devices=2, ops=4, seed=4, url=running_city, as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["agree"], told["devices"], told["operations"]) == (True, 2, 8)


@pytest.mark.parametrize("url", ["http://192.0.2.7:8000", "https://patrol.example.org", "http://127.0.0.1.example.org"])
def test_a_server_elsewhere_is_not_loaded(url, capsys):
    assert simulate(devices=1, ops=1, url=url) == 2
    assert "on this machine" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:8000"])
def test_this_machine_goes_by_several_names(url):
    assert is_loopback(url)
