"""Programs of ours as processes of the tests, forked from one that has imported them: that saves two seconds each.

What is forked is a fresh process but for its imports: it has an environment, arguments, output and a session of its
own. How programs start from nothing is what `tests/launch` is about.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import time
from pathlib import Path

from server.jobs.queues import JOBS

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["gunicorn.app.wsgiapp", "server.app", "server.tables", "server.launch.worker_pool", "server.jobs.sweeper",
     *(job.rpartition(".")[0] for job in JOBS.values())]
)  # fmt: skip
GUNICORN = ("gunicorn", "-c", "python:server.launch.gunicorn_settings", "server.app:create_app()")


class Program:
    """A running `python -m`; waits and ends as a ``subprocess.Popen`` does."""

    def __init__(self, argv, environment, *, log=None, own_session=False):
        self._process = _CONTEXT.Process(target=_become, args=(tuple(argv), dict(environment), log, own_session))
        self._process.start()
        self.pid = self._process.pid
        # As of Popen: who kills the group in the next moment must find it.
        while own_session and self._process.exitcode is None and os.getpgid(self.pid) != self.pid:
            time.sleep(0.002)

    @property
    def returncode(self):
        return self._process.exitcode

    def poll(self):
        return self._process.exitcode

    def wait(self, timeout=None):
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout)
        return self._process.exitcode

    def terminate(self):
        self._process.terminate()

    def kill(self):
        self._process.kill()


def _become(argv, environment, log, own_session):
    if own_session:
        os.setsid()
    if log is not None:
        with Path(log).open("ab") as out:
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = argv[1:]
    runpy.run_module(argv[0], run_name="__main__", alter_sys=True)
