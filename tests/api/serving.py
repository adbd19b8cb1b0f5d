"""The app under a real gunicorn, with the settings that `up` uses, on a port of loopback."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@contextlib.contextmanager
def served(database_url, redis_url, *, workers=1, threads=2, **environment):
    """Yield the address of a server that is ready; it is ended afterwards."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", "python:server.launch.gunicorn_settings", "server.app:create_app()"],
        env=os.environ
        | {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "PATROL_SECRET_KEY": "k" * 32}
        | {"PATROL_BIND": f"127.0.0.1:{port}", "PATROL_WEB_WORKERS": str(workers), "PATROL_WEB_THREADS": str(threads)}
        | environment,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/healthz") as answer:  # noqa: S310  # our own
                if answer.status == 200:
                    break
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(20)
