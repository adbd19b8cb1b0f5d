"""Stopping what runs of a patrol, in the order in which one thing stands on the other.

Owns the order: first what would bring things back, then the front, so that nobody is let in any more, then the
programs, all at once, and the servers last.
"""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from server.launch import cluster, nginx, processes, programs, redis_server, supervise
from server.launch.state import Home

WAIT_S = 60
WAVES = ((supervise.NAME,), (nginx.NAME,), programs.NAMES, (redis_server.NAME,), (cluster.NAME,))
LONGER_S = {cluster.NAME: 90}


def stop(home: Home, names: Collection[str]) -> bool:
    """Stop those of these that run; False when none did."""
    stopped: list[bool] = []
    for wave in WAVES:
        meant = [name for name in wave if name in names]
        with ThreadPoolExecutor(max(1, len(meant))) as threads:
            stopped += threads.map(lambda name: processes.stop(home, name, LONGER_S.get(name, WAIT_S)), meant)
    return any(stopped)
