"""How gunicorn serves the application: `gunicorn -c python:server.launch.gunicorn_settings 'server.app:create_app()'`.

Used by the Procfile and by compose.yaml. Reads PATROL_BIND, PATROL_WEB_WORKERS and PATROL_WEB_THREADS.
"""

import os
from typing import Any

from prometheus_client import multiprocess

from server.launch.garbage import collect_seldom

bind = os.environ.get("PATROL_BIND", "127.0.0.1:8000")
# Without it clients that keep their connection pile up on one worker: measured a swing of 2x.
reuse_port = True
worker_class = "gthread"
workers = int(os.environ.get("PATROL_WEB_WORKERS", "2"))
threads = int(os.environ.get("PATROL_WEB_THREADS", "8"))
timeout = 60
# Less than honcho waits before it kills.
graceful_timeout = 4
keepalive = 30
# It would lie in the home folder, shared by every patrol of this user.
control_socket_disable = True


def post_worker_init(_worker: object) -> None:
    """Leave what the application is made of alone."""
    collect_seldom()


def child_exit(_server: object, worker: Any) -> None:
    """Take the gauges of a worker that ended out of /metrics."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
