"""A day with each kind of kill and a restore, on a patrol of its own: every invariant holds all the same."""

import json

import pytest

from server.simulator.faults.running import _accusation, run
from server.simulator.faults.world import Broken

pytestmark = pytest.mark.chaos


def test_every_invariant_holds_through_each_kind_of_kill_and_a_restore(world_of, harm):
    world = world_of(seed=11, devices=6, round_s=60.0, gap_s=0.3, pause_s=1.5)
    report = run(world, harm)
    assert report["holds"], json.dumps(report, ensure_ascii=False, default=str)
    assert set(report["kills"]) == set(harm.victims)
    assert {"backups", "restores", "reassignments", "redraws", "quiet_points"} <= report["done"].keys()
    assert report["done"]["restores"] == 1
    # What else phones meet is drawn by lot as they go: how much of it depends on how fast the machine is.
    assert "resyncs" in report["happened"]
    assert report["happened"].keys() & {"sent_again", "lost_answers", "replayed", "shuffled", "out_of_order"}
    assert json.dumps(report)


def test_who_is_accused_is_told_with_what_happened_to_the_record_and_how_to_see_it_again(quiet, world):
    made = next(made for made in quiet.phones[0].made.values() if made.status == "applied")
    record = (made.collection, made.record_id)
    told = _accusation(world, Broken("record", "is not what it should be", record))
    assert (told["holds"], told["invariant"], told["record"]) == (False, "record", list(record))
    assert told["again"] == "./patrol simulate --faults --minutes 0 --seed 5 --devices 4"
    assert made.op_id in [op["op_id"] for op in told["history"]]
    assert json.dumps(told, default=str)
