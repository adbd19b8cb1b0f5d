"""The shell script and the bootstrap, on a checkout whose lock file names no package."""

import os
import shutil
import subprocess
import sys

import pytest

from server.launch.state import CHECKOUT

SHOW = "import sys; print(sys.prefix, sys.argv[1:])"


@pytest.fixture
def checkout(tmp_path):
    root = tmp_path / "a checkout"
    (root / "server" / "launch").mkdir(parents=True)
    shutil.copy(CHECKOUT / "patrol", root / "patrol")
    shutil.copy(CHECKOUT / "server" / "launch" / "bootstrap.py", root / "server" / "launch" / "bootstrap.py")
    (root / "server" / "__init__.py").touch()
    (root / "server" / "cli.py").write_text(SHOW)
    (root / "requirements.lock").write_text("# none\n")
    return root


def environment(**changes):
    return {"PATH": os.defpath, "HOME": "/nonexistent", "PATROL_PYTHON": sys.executable} | changes


def run(checkout, *arguments, **options):
    defaults = {"capture_output": True, "text": True, "env": environment()}
    return subprocess.run([checkout / "patrol", *arguments], check=False, **defaults | options)


def test_the_first_run_makes_the_environment_and_hands_over(checkout):
    answer = run(checkout, "--answer", "a b")
    assert answer.returncode == 0
    assert answer.stdout.strip() == f"{checkout}/.patrol/venv ['--answer', 'a b']"
    assert "making the Python virtual environment" in answer.stderr


def test_the_second_run_makes_nothing(checkout):
    run(checkout)
    again = run(checkout)
    assert (again.returncode, again.stderr) == (0, "")


def test_a_changed_lock_file_brings_the_environment_up_to_date(checkout):
    run(checkout)
    (checkout / "requirements.lock").write_text("# still none\n")
    again = run(checkout)
    assert again.returncode == 0
    assert "installing 0 Python packages" in again.stderr
    assert "making" not in again.stderr
    assert run(checkout).stderr == ""


def test_two_first_runs_at_once_both_work(checkout):
    both = [
        subprocess.Popen([checkout / "patrol"], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    told = [process.communicate()[1].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("making the Python virtual environment" in text for text in told) == 1


def test_an_environment_that_was_cut_off_is_made_anew(checkout):
    (checkout / ".patrol" / "venv" / "bin").mkdir(parents=True)
    (checkout / ".patrol" / "venv" / "bin" / "python").write_text("")
    assert run(checkout).returncode == 0


def test_a_package_that_is_not_to_be_had_fails_with_the_reason_and_is_tried_again(checkout):
    (checkout / "requirements.lock").write_text(f"gridpatrol==0 --hash=sha256:{'0' * 64}\n")
    answer = run(checkout, env=environment(PIP_NO_INDEX="1"))
    assert answer.returncode == 1
    assert "gridpatrol" in answer.stderr
    assert "could not be installed" in answer.stderr
    (checkout / "requirements.lock").write_text("# none\n")
    assert run(checkout).returncode == 0


def test_after_a_failed_change_even_the_lock_file_of_before_is_installed_again(checkout):
    run(checkout)
    before = (checkout / "requirements.lock").read_text()
    (checkout / "requirements.lock").write_text(f"gridpatrol==0 --hash=sha256:{'0' * 64}\n")
    assert run(checkout, env=environment(PIP_NO_INDEX="1")).returncode == 1
    (checkout / "requirements.lock").write_text(before)
    assert "installing" in run(checkout).stderr


def test_without_any_python_it_says_what_to_install(checkout, tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "dirname", "cmp", "id"):
        (tools / name).symlink_to(shutil.which(name))
    answer = run(checkout, env={"PATH": str(tools)})
    assert answer.returncode == 1
    assert "Python 3.11" in answer.stderr
    assert "apt-get install python3 python3-venv" in answer.stderr


def test_it_works_from_any_folder_and_does_not_import_from_there(checkout, tmp_path):
    (tmp_path / "server.py").write_text("raise SystemExit('imported from the wrong folder')")
    assert run(checkout, cwd=tmp_path).returncode == 0
