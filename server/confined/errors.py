"""Errors of a confined child: how it ended without a result.

All derive from ``ConfinedError``: ``OutOfTime``, ``OutOfMemory``, ``TooMuchOutput``, ``Crashed``. They say what the
child did, not what it was reading; who asked for it makes them an error of theirs.
"""


class ConfinedError(Exception):
    """Base of all errors here. ``function``: what was run."""

    code = "confined-error"

    def __init__(self, function: str, detail: str = "") -> None:
        super().__init__(f"{function}: {self.code} {detail}".rstrip())
        self.function = function
        self.detail = detail

    @property
    def data(self) -> dict[str, object]:
        """What a person may be told: neither paths nor contents."""
        return {}


class OutOfTime(ConfinedError):
    """It used more time, by the clock or of the processor, than it had."""

    code = "out-of-time"


class OutOfMemory(ConfinedError):
    """It wanted more memory than it had."""

    code = "out-of-memory"


class TooMuchOutput(ConfinedError):
    """It sent more bytes than its caller takes."""

    code = "too-much-output"


class Crashed(ConfinedError):
    """It ended without a result. ``detail``: the signal, or the end of a traceback; for the log alone."""

    code = "crashed"
