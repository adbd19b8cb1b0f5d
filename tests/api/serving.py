"""The app under a real gunicorn, with the settings that `up` uses, on a port of loopback."""

import contextlib
import os
import socket
import time
import urllib.request

from tests.programs import GUNICORN, Program


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


READY_WITHIN_S = 120


def _await_ready(process, url):
    """Return when the server says that it is ready; raise TimeoutError or ChildProcessError where it never does."""
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise ChildProcessError(f"the server ended with {process.returncode}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:  # noqa: S310  # our own
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise TimeoutError(f"no server at {url} within {READY_WITHIN_S} s")


@contextlib.contextmanager
def served(database_url, redis_url, *, workers=1, threads=2, **environment):
    """Yield the address of a server that is ready; it is ended afterwards."""
    port = free_port()
    process = Program(
        GUNICORN,
        os.environ
        | {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "PATROL_SECRET_KEY": "k" * 32}
        | {"PATROL_BIND": f"127.0.0.1:{port}", "PATROL_WEB_WORKERS": str(workers), "PATROL_WEB_THREADS": str(threads)}
        | environment,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _await_ready(process, url)
        yield url
    finally:
        process.terminate()
        process.wait(60)
