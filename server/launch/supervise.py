"""Keep the keepers: `python -m server.launch.supervise DIR`, run by `up` under a keeper of its own.

A keeper that is killed takes its program with it, and nobody below would bring either back. This looks four times a
second whether every program that was started and not stopped is still kept, and starts a new keeper where one is gone;
when its own keeper is killed, it starts that one anew before it ends. Must know nothing of what the programs are.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from server.launch import processes
from server.launch.errors import LaunchError
from server.launch.state import Home

NAME = "patrol"
LOOK_EVERY_S = 0.25


def daemon(home: Home, env: dict[str, str]) -> processes.Daemon:
    """This program as one to be kept; ``env`` is what it hands on to whatever it starts."""
    argv = (sys.executable, "-m", "server.launch.supervise", str(home.path))
    return processes.Daemon(NAME, argv, leaves_children=True, env=env)


def bring_back(home: Home) -> list[str]:
    """Start a keeper for each program that should be kept and is not; returns their names."""
    gone = [wanted for wanted in processes.wanted(home) if not processes.is_kept(home, wanted.name)]
    for each in gone:
        try:
            processes.start(home, each)
        except LaunchError as error:
            sys.stderr.write(f"{error.en}\n")
    return [each.name for each in gone]


def _bury() -> None:
    """Take leave of keepers that were started here and have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            continue
    except ChildProcessError:
        return


def main(folder: str) -> int:
    """Look until asked to stop; where it is the death of the keeper that asks, be kept anew first."""
    home, keeper, stop = Home(Path(folder)), os.getppid(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(LOOK_EVERY_S):
        _bury()
        for name in bring_back(home):
            sys.stderr.write(f"the keeper of {name} was gone: started anew\n")
    if os.getppid() != keeper:
        bring_back(home)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
