"""Reading what strangers made, in a child process that can do no harm.

A function of ours is run in a fresh child: as an account without rights, without network, with no file but those handed
over, within limits of time, memory, disk and output, and its result comes back as plain data. Owns the child and its
limits; must not know what is read in it, Flask, Redis or the database.

    READ = Task("geo.pictures:preview", Limits(wall_s=20, memory_bytes=256 << 20))
    result = run(READ, {"edge": 400}, {"picture": path_or_bytes})

The function is called as ``preview(told, edge=400)`` in a folder of its own that holds ``picture`` and goes with the
child; it returns what msgpack can hold (numbers, texts, bytes, lists, mappings). ``told(step, count)`` says how far it
is. Its module must import without Flask and Redis, and quickly: the import is most of what a call costs.
"""

from server.confined.errors import ConfinedError, Crashed, OutOfMemory, OutOfTime, TooMuchOutput
from server.confined.running import Limits, Task, Told, run

__all__ = ["ConfinedError", "Crashed", "Limits", "OutOfMemory", "OutOfTime", "Task", "Told", "TooMuchOutput", "run"]
