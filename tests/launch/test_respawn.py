import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from server.launch import processes, respawn
from server.launch.descendants import descendants
from server.simulator.faults.world import FaultPlan
from tests.launch.waiting import until

# A program with a child in its own group, and one that has left the group, as a server's backends do.
WITH_CHILDREN = "sleep 1000 & setsid sleep 1000 & exec sleep 1000"


@pytest.fixture
def start(home):
    started = []

    def begin(*argv, name="program", **options):
        processes.start(home, processes.Daemon(name, argv, **options))
        started.append(name)
        return running(home, name)

    yield begin
    for name in started:
        processes.stop(home, name, wait_s=60)


def running(home, name="program", other_than=None):
    def look():
        process = processes.look(home, name)
        return process.state == "running" and process.pid != other_than and process

    return until(look)


def lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_killed_program_comes_back(home, start):
    first = start("sleep", "1000")
    os.kill(first.pid, signal.SIGKILL)
    second = running(home, other_than=first.pid)
    assert second.keeper == first.keeper
    assert second.restarts == 1


def test_no_pause_is_longer_than_the_silence_that_is_allowed_and_each_is_longer_than_the_one_before():
    longest = [respawn.pause_s(ends, 1.0) for ends in range(1, 200)]
    # The program needs some of it to begin.
    assert max(longest) < FaultPlan.__dataclass_fields__["silence_s"].default - 1
    assert longest == sorted(longest)
    assert longest[0] < longest[1]
    assert respawn.pause_s(1, 0.0) > 0


def test_a_program_that_ends_well_comes_back_too(home, start):
    first = start("sh", "-c", "sleep 0.2; exit 0")
    assert running(home, other_than=first.pid).restarts >= 1


def test_what_a_killed_program_leaves_behind_is_ended_before_it_starts_again(home, start):
    first = start("sh", "-c", WITH_CHILDREN)
    below = until(lambda: len(found := descendants(first.pid)) == 2 and found)
    os.kill(first.pid, signal.SIGKILL)
    second = running(home, other_than=first.pid)
    assert [pid for pid in below if lives(pid)] == []
    assert len(until(lambda: len(found := descendants(second.pid)) == 2 and found)) == 2


def test_stopping_ends_the_program_and_everything_below_it(home, start):
    process = start("sh", "-c", WITH_CHILDREN)
    below = until(lambda: len(found := descendants(process.pid)) == 2 and found)
    assert processes.stop(home, "program", wait_s=60)
    until(lambda: not [pid for pid in (process.pid, *below) if lives(pid)])
    assert processes.look(home, "program").state == "stopped"


def test_a_program_that_ignores_the_stop_signal_is_killed(home, start):
    process = start("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done", stop_wait_s=1)
    until(lambda: "ready" in processes.log_file(home, "program").read_text())
    assert processes.stop(home, "program", wait_s=60)
    assert not lives(process.pid)


def test_the_program_is_asked_to_stop_when_its_keeper_is_killed(home, start):
    asked = home.path / "asked"
    process = start(
        "sh", "-c", f"trap 'touch {asked}; exit' INT; echo ready; while :; do sleep 0.1; done", stop="INT"
    )  # fmt: skip
    until(lambda: "ready" in processes.log_file(home, "program").read_text())
    os.kill(process.keeper, signal.SIGKILL)
    until(lambda: not lives(process.pid))
    assert asked.exists()
    assert not processes.is_kept(home, "program")


def test_the_next_keeper_waits_until_the_program_of_a_killed_one_has_ended(home, start):
    """As a server whose data folder is still held by the one before, which would end at once."""
    held = home.path / "held"
    once = f"test ! -e {held} || exit 1; touch {held}"
    program = f"{once}; trap 'sleep 1; rm {held}; exit' INT; echo ready; while :; do sleep 0.05; done"
    first = start("sh", "-c", program, stop="INT")
    until(lambda: "ready" in processes.log_file(home, "program").read_text())
    os.kill(first.keeper, signal.SIGKILL)
    until(lambda: not processes.is_kept(home, "program"))
    processes.start(home, processes.Daemon("program", ("sh", "-c", program), stop="INT"))
    second = running(home, other_than=first.pid)
    until(lambda: processes.log_file(home, "program").read_text().count("ready") == 2)
    assert processes.look(home, "program") == second
    assert second.restarts == 0


def test_every_line_of_a_program_is_json_and_its_own_json_is_left_as_it_is(home, start):
    said = """echo '{"event": "own", "n": 1}'; echo plain; echo {broken; printf half; sleep 0.1; echo ' line' >&2"""
    start("sh", "-c", f"{said}; exec sleep 1000")
    log = processes.log_file(home, "program")
    until(lambda: "half line" in log.read_text())
    told = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"event": "own", "n": 1} in told
    assert {"plain", "{broken", "half line"} <= {line["event"] for line in told}
    assert all(line.get("process") == "program" for line in told if line["event"] != "own")


def test_a_reload_is_passed_on(home, start):
    process = start("sh", "-c", "trap 'echo reloaded' HUP; echo ready; while :; do sleep 0.1; done")
    log = processes.log_file(home, "program")
    until(lambda: "ready" in log.read_text())
    os.kill(process.keeper, signal.SIGHUP)
    until(lambda: "reloaded" in log.read_text())
    assert processes.look(home, "program").pid == process.pid


def test_what_an_earlier_keeper_left_is_not_told_of_the_next_one(home):
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    folder = home.path / "processes"
    folder.mkdir(exist_ok=True)
    left = {"name": "program", "pid": gone.pid, "state": "running", "keeper": gone.pid, "restarts": 7}
    (folder / "program.json").write_text(json.dumps(left))
    assert processes.look(home, "program").state == "stopped"
    # The next keeper has the lock, and has not reported yet.
    with (folder / "program.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert processes.look(home, "program") == processes.Process("program", "starting", None, None)


def test_a_second_keeper_of_the_same_program_gives_way(home, start):
    process = start("sleep", "1000")
    argv = processes.respawn_argv(home, processes.Daemon("program", ("sleep", "1000")))
    second = subprocess.run([sys.executable, *argv], capture_output=True, text=True, check=False)
    assert second.returncode == 3
    assert "already kept" in second.stderr
    assert processes.look(home, "program") == process


def test_starting_twice_is_harmless(home, start):
    assert start("sleep", "1000") == start("sleep", "1000")


def test_a_program_that_cannot_be_started_is_tried_again_and_can_be_stopped(home, start, tmp_path):
    program = tmp_path / "later"
    processes.start(home, processes.Daemon("program", (str(program),)))
    until(lambda: "No such file" in processes.log_file(home, "program").read_text())
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o755)
    running(home)
    assert processes.stop(home, "program", wait_s=60)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a program as somebody else")
def test_a_program_runs_as_the_account_named_without_roots_groups(home):
    argv = processes.respawn_argv(home, processes.Daemon("program", ("sleep", "1000"), user="nobody"))
    keeper = subprocess.Popen([sys.executable, *argv], extra_groups=[0, 4])
    lines = Path(f"/proc/{running(home).pid}/status").read_text().splitlines()
    keeper.terminate()
    keeper.wait()
    status = dict(line.split(":", 1) for line in lines)
    assert "0" not in status["Uid"].split()
    assert {"0", "4"} & set(status["Groups"].split()) == set()


def test_an_overlong_log_is_put_aside(home, monkeypatch):
    monkeypatch.setattr(processes, "LOG_MOST_BYTES", 10)
    path = processes.log_file(home, "program")
    path.write_text("more than ten bytes")
    os.close(processes.open_log(home, "program"))
    assert path.read_text() == ""
    assert path.with_suffix(".log.1").read_text() == "more than ten bytes"


def test_a_log_that_grows_too_long_while_it_is_written_is_put_aside(home, start, monkeypatch):
    monkeypatch.setattr(processes, "LOG_MOST_BYTES", 2000)
    log = processes.log_file(home, "program")
    process = start("sh", "-c", "n=0; while :; do n=$((n + 1)); echo line $n; sleep 0.005; done")
    aside = log.with_name("program.log.1")
    until(aside.exists)
    first, second = (
        until(lambda path=path: [json.loads(line)["event"] for line in path.read_text().splitlines()])
        for path in (aside, log)
    )
    numbers = [int(event.split()[1]) for event in first + second if event.startswith("line ")]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert processes.look(home, "program").pid == process.pid


def test_a_program_is_told_when_the_log_that_it_writes_itself_was_put_aside(home, start, monkeypatch):
    monkeypatch.setattr(processes, "LOG_MOST_BYTES", 2000)
    own = home.path / "own.log"
    start("sh", "-c", "trap 'echo opened anew' USR1; echo ready; while :; do sleep 0.05; done", writes=str(own))
    until(lambda: "ready" in processes.log_file(home, "program").read_text())
    own.write_text("a" * 2001)
    until(lambda: "opened anew" in processes.log_file(home, "program").read_text())
    assert (own.exists(), own.with_name("own.log.1").read_text()) == (False, "a" * 2001)
