"""Start the keeper of whatever should be kept and is not: `python -m server.launch.revive DIR`, once.

Run by a keeper that found the supervisor gone together with the supervisor's own keeper. What it starts gets its
environment, which is that of a web program, as the supervisor's is.
"""

import sys
from pathlib import Path

from server.launch import supervise
from server.launch.state import Home

if __name__ == "__main__":
    supervise.bring_back(Home(Path(sys.argv[1])))
