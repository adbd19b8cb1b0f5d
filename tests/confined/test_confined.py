"""A confined child gives its result, and nothing that it is made to do reaches anything else."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from server.confined import Crashed, Limits, OutOfMemory, OutOfTime, Task, TooMuchOutput, run
from tests.confined.children import argv

_SMALL = Limits(wall_s=30, cpu_s=10, memory_bytes=256 << 20, disk_bytes=4 << 20, output_bytes=1 << 20)


def _task(name, **more):
    limits = {field: getattr(_SMALL, field) for field in Limits.__slots__} | more
    return Task(f"tests.confined.deeds:{name}", Limits(**limits))


@pytest.fixture
def sibling():
    """A process of ours that a child might harm."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def _below():
    return {each.pid for each in psutil.Process().children(recursive=True)}


def test_result_files_arguments_and_progress_pass(tmp_path):
    (tmp_path / "kept").write_bytes(b"\0\1")
    heard = []
    found = run(
        _task("answer"), {"name": "格", "size": 2**53}, {"given": b"bytes", "copied": tmp_path / "kept"},
        told=lambda step, count: heard.append((step, count)),
    )  # fmt: skip
    assert found == {"name": "格", "size": 2**53, "found": {"given": b"bytes", "copied": b"\0\1"}}
    assert heard == [("counted", 0), ("counted", 1), ("counted", 2)]


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels have fewer layers")
def test_no_deed_of_a_child_reaches_anything(tmp_path, sibling):
    tmp_path.chmod(0o777)
    for folder in tmp_path.parents[:3]:
        folder.chmod(0o755)
    secret = tmp_path / "secret"
    secret.write_text("of another")
    secret.chmod(0o666)
    came = run(_task("try_each"), {"secret": str(secret), "parent": os.getpid(), "sibling": sibling.pid})
    assert {name: each for name, each in came.items() if each.startswith("succeeded")} == {}
    assert sibling.poll() is None
    assert not (tmp_path / "written").exists()


def test_what_libraries_need_still_works():
    text, late, uid, version = run(_task("still_able"), {})
    assert (text, late, version) == ("格", "encodings", "4")
    assert uid == os.getuid() != 0 or uid not in {0, os.getuid()}


@pytest.mark.parametrize(
    ("deed", "limits", "error"),
    [
        ("spin", {"cpu_s": 1}, OutOfTime),
        ("sleep", {"wall_s": 1.0}, OutOfTime),
        ("sleep", {"quiet_s": 1.5}, OutOfTime),
        ("chatter", {}, TooMuchOutput),
        ("hoard", {}, OutOfMemory),
        ("hoard_in_c", {}, OutOfMemory),
        ("fill_disk", {}, Crashed),
        ("fail", {}, Crashed),
        ("crash", {}, Crashed),
        ("leave", {}, Crashed),
        ("pickle_bomb", {}, Crashed),
        ("no_such_deed", {}, Crashed),
    ],
)
def test_a_child_that_goes_too_far_is_ended_and_named(deed, limits, error):
    before = _below()
    with pytest.raises(error):
        run(_task(deed, **limits), {})
    assert _below() == before


def test_who_tells_how_far_they_are_is_let_go_on_up_to_the_wall():
    assert run(_task("go_on", quiet_s=10.0), {"steps": 12}) == 12
    with pytest.raises(OutOfTime):
        run(_task("go_on", quiet_s=10.0, wall_s=2.0), {"steps": 400})


@pytest.mark.parametrize(("deed", "error"), [("crash", Crashed), ("die", Crashed), ("hoard_in_c", OutOfMemory)])
def test_the_memory_of_who_asks_is_not_taken_for_the_childs(deed, error):
    large = bytearray(b"1" * (1 << 30))
    with pytest.raises(error):
        run(_task(deed), {})
    assert len(large) == 1 << 30


def test_a_result_over_the_limit_is_not_taken():
    assert len(run(_task("shout"), {"size": 1000})) == 1000
    with pytest.raises(TooMuchOutput):
        run(_task("shout"), {"size": 2 << 20})


def test_the_folder_goes_with_the_child(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)
    run(_task("still_able"), {})
    with pytest.raises(Crashed):
        run(_task("leave"), {}, {"left": b"x"})
    assert list(tmp_path.iterdir()) == []


def test_one_who_stops_listening_ends_the_child():
    def told(step, count):
        raise KeyboardInterrupt

    before = _below()
    with pytest.raises(KeyboardInterrupt):
        run(_task("chatter"), {}, told=told)
    assert _below() == before


@pytest.mark.skipif(sys.platform != "linux", reason="by a signal that Linux has")
def test_a_child_does_not_outlive_its_parent():
    asking = (
        "from tests.confined.test_confined import _task; from server.confined import run; "
        "print('begun', flush=True); run(_task('sleep'), {})"
    )
    parent = subprocess.Popen([sys.executable, "-c", asking], stdout=subprocess.PIPE)
    with parent.stdout:
        parent.stdout.readline()
        children = []
        while not children or not any("child.py" in " ".join(argv(each)) for each in children):
            children = psutil.Process(parent.pid).children(recursive=True)
            time.sleep(0.02)
        while not any(each.uids().real != os.getuid() or os.getuid() != 0 for each in children):
            time.sleep(0.02)
        time.sleep(0.2)
        parent.kill()
        parent.wait()
    psutil.wait_procs(children, timeout=30)
    assert [each for each in children if each.is_running() and each.status() != "zombie"] == []


_LAYERS = {
    "files": "from server.confined import landlock; landlock.restrict(libc, *landlock.opened([], Path()))",
    "calls": "from server.confined import calls; calls.restrict(libc)",
    "account": "from server.confined import kernel; kernel._leave_root(); kernel._keep_capabilities(libc, 0)",
}


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels have fewer layers")
@pytest.mark.parametrize(
    ("layer", "deed"),
    [
        ("files", "open({secret!r}).read()"),
        ("files", "open({secret!r}, 'a')"),
        ("files", "os.listdir('/')"),
        ("calls", "socket.socket()"),
        ("calls", "os.fork()"),
        ("calls", "os.execv('/bin/true', ['true'])"),
        ("calls", "os.kill(os.getppid(), 0)"),
        ("calls", "os.setsid()"),
        ("account", "open({secret!r}).read()"),
        ("account", "os.setuid(0)"),
    ],
)
def test_each_layer_holds_by_itself(layer, deed, tmp_path):
    """So that a kernel or container that lacks one has the others."""
    if layer == "account" and os.getuid() != 0:
        pytest.skip("nothing to give up")
    secret = tmp_path / "secret"
    secret.write_text("of root")
    secret.chmod(0o600)
    script = "\n".join((
        "import ctypes, os, socket; from pathlib import Path; libc = ctypes.CDLL(None, use_errno=True)",
        "libc.prctl(38, 1, 0, 0, 0)",
        _LAYERS[layer].replace("; ", "\n"),
        f"try:\n    {deed.format(secret=str(secret))}\nexcept PermissionError:\n    os._exit(7)",
    ))  # fmt: skip
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert done.returncode == 7, done.stderr
