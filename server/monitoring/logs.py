"""The form of our programs' log lines: JSON, and nothing in them of what somebody entered.

An error of PostgreSQL tells, after what is wrong, the row that it is wrong with; a log is read by others than that row.
Knows no event.
"""

import re
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, Final, TextIO, cast

import structlog

# What psycopg adds to the first line of an error: the row, the line of the statement, and what was bound to it.
_OF_ROWS: Final = re.compile(r"(?:^|\\n|\n)(?:DETAIL|CONTEXT|LINE \d+|\[parameters|\[SQL):?.*?(?=\n|\\n|$)", re.DOTALL)


def without_rows(_logger: object, _name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take out of every text of a log line what PostgreSQL tells of the row that an error is about."""
    for key, value in line.items():
        if isinstance(value, str):
            line[key] = _OF_ROWS.sub("", value)
    return line


_PROCESSORS: Final[list[Any]] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    without_rows,
    structlog.processors.JSONRenderer(ensure_ascii=False),
]


class _Unbroken:
    """Where lines go: to who keeps this program, as long as somebody does.

    A keeper that was killed takes the other end along; whoever is answered meanwhile must not fail for a log line.
    """

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            sys.stdout.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stdout.flush()


def configure() -> None:
    """Have this process log so."""
    factory = structlog.PrintLoggerFactory(cast("TextIO", _Unbroken()))
    structlog.configure(processors=_PROCESSORS, logger_factory=factory)
