"""What `./patrol test` and `./patrol bench` do before they hand over: servers, pages, checks.

Owns the list of checks and the honest exit code; knows nothing of what the tests are about.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

from server.launch import packages, pages_build, services
from server.launch.errors import LaunchError
from server.launch.progress import say, step
from server.launch.scratch import scratch_database
from server.launch.state import CHECKOUT, Home

MODULE = (sys.executable, "-m")
# import-linter has no __main__, and the scripts of a virtual environment do not survive its being moved.
LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"
# The plugin of schemathesis takes a second of each worker, and the tests that draw with it are not quick.
QUICK = ("--quick", "-p", "no:schemathesis")
QUICK_CHECKS = {
    "ruff check": (*MODULE, "ruff", "check", "."),
    "ruff format": (*MODULE, "ruff", "format", "--check", "."),
    "import-linter": (sys.executable, "-c", LINT_IMPORTS, "--no-logo"),
}


def run_tests(arguments: Sequence[str], *, keep: bool, quick: bool = False) -> int:
    """Check everything and run pytest; with arguments, pytest alone. Returns the exit code of the worst.

    ``quick``: the checks that take seconds, and the tests without programs, browsers, built pages, generated examples
    and whatever is marked long; nothing is installed for those.
    """
    packages.ensure(packages.SERVERS if quick else packages.SERVERS + packages.FRONT + packages.BROWSER + packages.GIS)
    failed = [] if quick or _pages_are_built() else ["pages build"]
    chosen = (*(arguments or _whole(1 if quick else 2)), *(QUICK if quick else ()))
    with services.for_tests(Home.of_tests(), keep=keep) as addresses, ThreadPoolExecutor(1) as beside:
        if arguments:
            checks = None
        elif quick:
            checks = beside.submit(_failing, QUICK_CHECKS)
        else:
            checks = beside.submit(run_checks, addresses["PATROL_TEST_DATABASE_URL"])
        step("pytest", " ".join(chosen))
        # Kept byte code spares each worker, and each program that a test starts, from compiling everything anew.
        env = {**os.environ, **addresses, "PYTHONDONTWRITEBYTECODE": ""}
        code = subprocess.run([*MODULE, "pytest", *chosen], cwd=CHECKOUT, env=env, check=False).returncode
        failed += checks.result() if checks else []
    if failed and not arguments:
        say(f"✗ 未通过的检查 · checks that failed: {', '.join(failed)}")
    return code or int(bool(failed) and not arguments)


def _whole(each: int) -> tuple[str, ...]:
    """How pytest runs everything: files side by side, ``each`` for each processor: more than one where many wait."""
    workers = os.environ.get("PATROL_TEST_WORKERS") or str(each * (os.cpu_count() or 1))
    # In the order that tests/conftest.py gives: the longest files begin first.
    return ("-n", workers, "--dist", "loadfile", "--no-loadscope-reorder", "-q")


def _pages_are_built() -> bool:
    """Built or told why not: whoever works on the server meanwhile can still run the other tests."""
    try:
        pages_build.build()
    except LaunchError as error:
        say(f"✗ {error}")
        return False
    return True


def run_checks(cluster_url: str) -> list[str]:
    """Run every check that is not a test, each to its end; returns the names of those that failed."""
    failed = _failing({**QUICK_CHECKS, "mypy": (*MODULE, "mypy")})
    with scratch_database(cluster_url) as url:
        argv = (*MODULE, "server.launch.migrate", "--check")
        if not _passes("migrations", argv, {**os.environ, "DATABASE_URL": url}):
            failed.append("migrations")
    if not pages_build.check():
        failed.append("pages")
    return failed


def _failing(checks: Mapping[str, Sequence[str]]) -> list[str]:
    return [name for name, argv in checks.items() if not _passes(name, argv, dict(os.environ))]


def _passes(name: str, argv: Sequence[str], env: dict[str, str]) -> bool:
    """Run one check; what it prints is shown in one piece, and only where it failed, since tests run beside it."""
    done = subprocess.run(
        argv, cwd=CHECKOUT, env=env, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        say(f"{done.stdout}✗ {name}")
    else:
        say(f"✓ {name}")
    return done.returncode == 0


def with_test_services(module: str, **options: Any) -> int:
    """Call `main` of a module of the tests, as the benchmarks, with the tests' servers in the environment."""
    packages.ensure(packages.SERVERS)
    pages_build.build()
    with services.for_tests(Home.of_benches(), keep=False, durable=True) as addresses:
        os.environ.update(addresses)
        code: int = import_module(module).main(**options)
    return code
