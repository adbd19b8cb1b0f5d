"""What a confined child does: load the function, give up everything, call it, send what it returns.

Run as a script, with the number of the descriptor to send on; the request comes on stdin. Must not know what it runs.
What is imported here is there before anything is given up; what the function reads comes after.
"""

import importlib
import os
import sys
import traceback
from typing import Any, Final

_LENGTH_BYTES: Final = 4
_MOST_DETAIL: Final = 4000


def main(sending: int) -> None:
    """Do what stdin asks for, once."""
    import msgspec  # noqa: PLC0415  # the checkout is on the path only now

    from server.confined.kernel import confine  # noqa: PLC0415

    encoder = msgspec.msgpack.Encoder()

    def send(kind: str, content: Any) -> None:
        frame = encoder.encode([kind, content])
        data = memoryview(len(frame).to_bytes(_LENGTH_BYTES) + frame)
        while data:
            data = data[os.write(sending, data) :]

    def told(step: str, count: int) -> None:
        send("told", [step, count])

    request = msgspec.msgpack.decode(sys.stdin.buffer.read())
    try:
        module, _, name = request["function"].partition(":")
        function = getattr(importlib.import_module(module), name)
        send("layers", confine(**request["limits"]))
        send("done", function(told, **request["arguments"]))
    except MemoryError:
        send("failed", "MemoryError")
    except Exception:  # noqa: BLE001  # the edge of this process
        send("failed", traceback.format_exc()[-_MOST_DETAIL:])


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))  # noqa: PTH100, PTH120
    main(int(sys.argv[1]))
    # What libraries do at their end is of no use to anybody any more.
    os._exit(0)
