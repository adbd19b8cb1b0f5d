"""Arrays of PostgreSQL as literals, built some twenty times faster than a driver escapes element by element.

A batch sends some 1,600 elements in its set-based statements; as lists they cost half of its time. Each function
returns text for ``CAST(:values AS type[])``. None becomes NULL. Knows no table.
"""

import datetime as dt
import uuid
from collections.abc import Sequence

# Stands between texts while all are escaped at once; JSON never holds it bare, and what does is escaped one by one.
_SEPARATOR = "\x1f"


def texts(values: Sequence[str | None]) -> str:
    """Return a ``text[]``, or an array of whatever is written as text."""
    if not values:
        return "{}"
    if None not in values:
        joined = _SEPARATOR.join(values)  # type: ignore[arg-type]  # there is no None in it
        if joined.count(_SEPARATOR) == len(values) - 1:
            return '{"' + _escaped(joined).replace(_SEPARATOR, '","') + '"}'
    return "{" + ",".join("NULL" if value is None else f'"{_escaped(value)}"' for value in values) + "}"


def numbers(values: Sequence[float | None]) -> str:
    """Return an array of whole numbers or floats (finite ones)."""
    # One repr of the whole list: a loop over its elements takes ten times as long.
    return "{" + repr(list(values))[1:-1].replace("None", "NULL") + "}"


def uuids(values: Sequence[uuid.UUID | None]) -> str:
    """Return a ``uuid[]``."""
    return "{" + ",".join("NULL" if value is None else value.hex for value in values) + "}"


def times(values: Sequence[dt.datetime | None]) -> str:
    """Return a ``timestamptz[]`` of aware times."""
    return "{" + ",".join("NULL" if value is None else f'"{value.isoformat()}"' for value in values) + "}"


def blobs(values: Sequence[bytes | None]) -> str:
    """Return a ``bytea[]``."""
    return "{" + ",".join("NULL" if value is None else f'"\\\\x{value.hex()}"' for value in values) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
