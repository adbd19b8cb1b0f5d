"""How gunicorn serves the application: `gunicorn -c python:server.launch.gunicorn_settings 'server.app:create_app()'`.

Used by the Procfile and by compose.yaml. Reads PATROL_BIND, PATROL_WEB_WORKERS and PATROL_WEB_THREADS. It stands behind
nginx, which alone may speak to it: heads and bodies come whole and quickly.
"""

import os
import resource
from typing import Any

from prometheus_client import multiprocess

from server.launch.garbage import collect_seldom

FILES_MOST = 65_536

bind = os.environ.get("PATROL_BIND", "127.0.0.1:8000")
# Without it clients that keep their connection pile up on one worker: measured a swing of 2x. Over sockets of files
# nginx shares the work out, by how much each program has at the moment.
reuse_port = not bind.startswith("unix:")
# A worker that was killed is back in an instant, forked from what has everything imported.
preload_app = True
worker_class = "gthread"
workers = int(os.environ.get("PATROL_WEB_WORKERS", "2"))
threads = int(os.environ.get("PATROL_WEB_THREADS", "8"))
timeout = 60
# Wider than what nginx lets through (4 buffers of 8 KiB): a head that is too large is told by nginx, as a problem.
limit_request_line = 8190
limit_request_fields = 32_768
limit_request_field_size = 16_384
# Less than honcho waits before it kills.
graceful_timeout = 4
keepalive = 30
# It would lie in the home folder, shared by every patrol of this user.
control_socket_disable = True


def when_ready(_server: object) -> None:
    """Let as many connections be open as the system allows, and leave what the application is made of alone."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = FILES_MOST if hard == resource.RLIM_INFINITY else min(hard, FILES_MOST)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    collect_seldom()


def child_exit(_server: object, worker: Any) -> None:
    """Take the gauges of a worker that ended out of /metrics."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
